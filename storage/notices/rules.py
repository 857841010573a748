"""What is done with a notice whose turn has come. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from core.calendar import WorkingCalendar
from core.clock import Duration, Instant, instant_on, local_day, local_minute
from storage.notices.model import ChannelName, Preferences, Quiet, Sending, Why

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Send:
    """Hand it to the channel now."""

    address: str


@dataclass(frozen=True, slots=True)
class Later:
    """Its person is not to be disturbed before then."""

    at: Instant


@dataclass(frozen=True, slots=True)
class Drop:
    """It is not sent. `why` TOO_OLD is a failure, everything else a suppression."""

    why: Why


def judge(
    sending: Sending,
    wishes: Preferences,
    *,
    calendar: WorkingCalendar,
    now: Instant,
    keep: Duration,
    channel_on: bool,
    undeliverable: bool = False,
) -> Send | Later | Drop:
    """`keep`: how long after its making a notice is still worth sending. `channel_on`: it is set up.
    `undeliverable`: mail to its address came back for good.
    """
    if not channel_on:
        return Drop(Why.CHANNEL_OFF)
    way = wishes.ways.get(sending.channel)
    if way is None:
        return Drop(Why.NO_ADDRESS)
    if not way.on:
        return Drop(Why.SWITCHED_OFF)
    if undeliverable:
        return Drop(Why.UNDELIVERABLE)
    # Held back, it grows no older: what was made on the eve of a long holiday is sent after it.
    loud_since = sending.created_at
    if not sending.notice.urgent:
        loud_since = loud_from(sending.created_at, wishes.quiet, calendar)
        if (at := loud_from(now, wishes.quiet, calendar)) > now:
            return Later(at)
    return Drop(Why.TOO_OLD) if now - loud_since > keep else Send(way.address)


def loud_from(at: Instant, quiet: Quiet, calendar: WorkingCalendar) -> Instant:
    """`at` itself if the person may be disturbed then, else the end of the quiet that holds it."""
    while True:
        day, minute = local_day(at, calendar.zone), local_minute(at, calendar.zone)
        if quiet.working_days_only and not calendar.works(day):
            at = instant_on(day + _DAY, 0, calendar.zone)
        elif quiet.since <= minute < quiet.until:
            at = instant_on(day, quiet.until, calendar.zone)
        elif quiet.until < quiet.since and not quiet.until <= minute < quiet.since:
            ends = day if minute < quiet.until else day + _DAY
            at = instant_on(ends, quiet.until, calendar.zone)
        else:
            return at


def provider_id(person: str, channel: ChannelName, key: str) -> str:
    """The number a notice has with whoever carries it: the same at every attempt, in every process."""
    return hashlib.sha256(f"{person}\n{channel}\n{key}".encode()).hexdigest()[:32]


def id_for_another(provider_id: str, now: Instant) -> str:
    """The number under which something goes out once more that its carrier has taken and settled: under the
    old one it would be dropped as a double, and an old report would settle it.
    """
    return hashlib.sha256(f"{provider_id}\n{now}".encode()).hexdigest()[:32]
