"""Whether a customer may be called now, and once more. Pure: time, lists and what was before come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from core.calendar import WorkingCalendar
from core.clock import Instant, instant_on, local_day, moment
from core.dialling import is_allowed, plain
from core.errors import BadInput, Conflict
from core.facts import OutgoingOutcome


class About(StrEnum):
    """The record on whose account a customer is called."""

    CALLBACK = "callback"
    TICKET = "ticket"
    SUMMARY = "summary"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingRules:
    """`allow`: patterns of numbers (`core.dialling`). `first`, `last`: "08:30", in the bank's zone.
    `working_days`: on those alone. `tries`: for one record, until somebody was reached. `greeting`: with
    `{agent}` for the staff number (CALL-05)."""

    allow: Sequence[str]
    first: str
    last: str
    working_days: bool
    tries: int
    greeting: str

    def require_allowed(self, number: str) -> None:
        """`Conflict` if the number is not on the list."""
        if not is_allowed(number, self.allow):
            raise Conflict(
                "this number may not be dialled: it is abroad, a paid service, or has a wrong length"
            )

    def to_dial(self, written: str) -> str | None:
        """The number as it is dialled; None if it is none, or not on the list (any more)."""
        try:
            number = plain(written)
        except BadInput:
            return None
        return number if is_allowed(number, self.allow) else None

    def require_hours(self, now: Instant, calendar: WorkingCalendar) -> None:
        """`Conflict` outside the hours in which customers are called."""
        here = moment(now)
        if not self.first <= here.strftime("%H:%M") < self.last:
            raise Conflict(f"customers are called between {self.first} and {self.last}: wait until then")
        if self.working_days and not calendar.works(here.date()):
            raise Conflict("customers are called on working days only: wait for the next one")

    def within_hours(self, at: Instant, calendar: WorkingCalendar) -> Instant:
        """`at` itself, or the next instant at which customers are called again."""
        day = local_day(at)
        while (self.working_days and not calendar.works(day)) or at >= instant_on(day, _minute(self.last)):
            day += timedelta(days=1)
        return max(at, instant_on(day, _minute(self.first)))

    def tries_left(self, outcomes: Sequence[OutgoingOutcome | None]) -> int:
        """How often the customer may still be dialled, after these attempts in their order."""
        return max(0, self.tries - tries_used(outcomes))


def _minute(time: str) -> int:
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)


_NOBODY_DIALLED = frozenset(
    {OutgoingOutcome.NOT_ALLOWED, OutgoingOutcome.AGENT_AWAY, OutgoingOutcome.NOT_DIALLED}
)


def tries_used(outcomes: Sequence[OutgoingOutcome | None]) -> int:
    """Times that the customer was, or may have been, dialled since somebody was last reached."""
    used = 0
    for outcome in outcomes:
        if outcome is OutgoingOutcome.REACHED:
            used = 0
        elif outcome not in _NOBODY_DIALLED:
            used += 1
    return used


def may_have_been_dialled(outcomes: Sequence[OutgoingOutcome | None]) -> bool:
    """Whether the customer was, for all that is known, dialled by one of these attempts that is over."""
    return any(outcome is not None and outcome not in _NOBODY_DIALLED for outcome in outcomes)
