"""Customers at a steady rate, and what became of every one of them.

Each presses one key in the menu, talks for three seconds, presses one key in the survey (both as SIP INFO,
no sound of theirs) and hangs up. Whether an answer reached the survey is read from Asterisk's own record
(CEL), which is written with and without the service: a call that was answered too late, or not at all, has
none, whatever SIPp thinks of it.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

from bench.site import TALK_MS, Site
from hotline.simulation.scripts import Customer, Key, Pause, customer
from hotline.simulation.sipp import Counts, Load, SippProblem

SLACK_MS = 1_500
"""How much later than at once a call may be answered and still be rated: one second try of app_queue."""
_BEFORE_KEY_MS, _AFTER_KEY_MS = 250, 300
_SETTLE_S = 2.0
_AFTER_THE_LAST_S = 30.0
STEPS = (
    Pause(_BEFORE_KEY_MS),
    Key("5"),
    Pause(TALK_MS + SLACK_MS),
    Key("5"),
    Pause(_AFTER_KEY_MS),
)
CALL_S = (_BEFORE_KEY_MS + TALK_MS + SLACK_MS + _AFTER_KEY_MS) / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """`rate`: new calls per second; `seconds`: how long they begin."""

    rate: float
    seconds: float

    @property
    def calls(self) -> int:
        """How many there are."""
        return round(self.rate * self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`took_s`: from the first call's beginning to the last one's end: too long if SIPp fell behind."""

    load: Traffic
    customers: Counts
    rated: int
    took_s: float

    @property
    def failed(self) -> int:
        """Calls that SIPp saw fail, that were never made, or that have no answer to the survey."""
        return max(self.customers.failed, self.load.calls - self.rated)

    @property
    def share_failed(self) -> float:
        """Of all calls, 0 to 1."""
        return self.failed / self.load.calls

    @property
    def kept_pace(self) -> bool:
        """Whether the calls came at the rate asked for, within 3 %."""
        return self.took_s - CALL_S <= self.load.seconds * 1.03 + 0.5


class Rated:
    """Counts the calls that were rated since it was made."""

    def __init__(self, site: Site) -> None:
        self._file = site.spec.directory / "log" / "cel-custom" / "facts.jsonl"
        self._from = _size(self._file)

    def count(self) -> int:
        """Different calls with an answer."""
        if not self._file.exists():
            return 0
        calls = set()
        with self._file.open("rb") as file:
            file.seek(self._from)
            for line in file:
                if b"SurveyAnswered" in line:
                    calls.add(json.loads(line)["uniqueid"])
        return len(calls)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


async def play(site: Site, load: Traffic) -> Outcome:
    """Make the calls, wait for their end, count."""
    rated = Rated(site)
    loop = asyncio.get_running_loop()
    began = loop.time()
    customers = await _calls(site, load)
    took = loop.time() - began
    # CEL is written behind the calls.
    await asyncio.sleep(_SETTLE_S)
    return Outcome(load=load, customers=customers, rated=rated.count(), took_s=took)


async def _calls(site: Site, load: Traffic) -> Counts:
    """SIPp's own count once all calls are over; a SIPp that does not end has failed what it still holds."""
    script = customer(Customer("customer", steps=STEPS, hang_up=True))
    # Enough may run at once that a slow answer never holds back the next call.
    sipp = site.customers(script, Load(calls=load.calls, rate=load.rate, at_once=load.calls))
    await sipp.start()
    try:
        return await sipp.done(load.seconds + CALL_S + _AFTER_THE_LAST_S)
    except SippProblem:
        counts = sipp.counts()
        missing = load.calls - counts.succeeded
        return Counts(created=counts.created, succeeded=counts.succeeded, failed=missing)
    finally:
        await sipp.stop(deadline=0.2)


async def quiet(site: Site, deadline: float = 30) -> None:
    """Returns when no channel is left; whatever still hangs after `deadline` is hung up."""
    loop = asyncio.get_running_loop()
    until = loop.time() + deadline
    while not (await site.asterisk.cli("core show channels count")).startswith("0 active channels"):
        if loop.time() > until:
            await site.asterisk.cli("channel request hangup all")
            until = loop.time() + deadline
        await asyncio.sleep(0.5)
