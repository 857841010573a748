"""Reports as they go over the wire: what may be asked for, what comes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from board.figures import GapFigures
from board.reports import AgentReport, Asked, QueueReport, Step, periods
from core.clock import Instant, instant
from web.route import In, Out
from web.scope import Reach

RIGHT = "reports.read"
_YEARS = range(2000, 2100)


class By(StrEnum):
    """What the rows of a report are about."""

    QUEUE = "queue"
    AGENT = "agent"


def _of_our_time(at: date) -> date:
    if at.year not in _YEARS:
        raise ValueError(f"has to lie between the years {_YEARS.start} and {_YEARS.stop}")
    return at


Border = Annotated[date | AwareDatetime, AfterValidator(_of_our_time)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}$")]


class IntervalsQuery(In):
    """Which intervals, of what. A date is its midnight in the bank's zone."""

    by: By = By.QUEUE
    since: Border = Field(alias="from", description="a date, or an instant at which an interval begins")
    to: Border = Field(description="the end: the first instant that is not in the report, likewise")
    step: Step = Field(default=Step.QUARTER, description="minutes, or day")
    name: list[Name] = Field(default=[], max_length=100, description="only these queues or agents")

    def asked(self, zone: ZoneInfo) -> Asked:
        """The same in the report's terms; `BadInput` if it cannot be."""
        since, until = _instant(self.since, zone), _instant(self.to, zone)
        return Asked(periods(since, until, self.step, zone), frozenset(self.name))

    def within(self, reach: Reach, asked: Asked) -> Asked:
        """`asked`, of the agents within `reach` alone; queues are nobody's own.

        Whoever asks has to refuse where all the names given have gone: none stands for everybody.
        """
        if self.by is By.QUEUE or reach.staff is None:
            return asked
        return replace(asked, names=asked.names & reach.staff if asked.names else reach.staff)


class SheetQuery(IntervalsQuery):
    """The same, as a sheet."""

    language: Literal["zh", "en"] = "zh"


class IntervalsOut(Out):
    """Figures over time. `queues` or `agents`, whichever was asked for.

    `counted`: number of a fact of the ledger up to which all are in it. `gaps`: where facts may be missing.
    """

    by: By
    step: Step
    since: datetime
    until: datetime
    zone: str
    counted: int
    gaps: list[GapFigures]
    queues: QueueReport | None = None
    agents: AgentReport | None = None


def _instant(border: date, zone: ZoneInfo) -> Instant:
    at = border if isinstance(border, datetime) else datetime.combine(border, time(), zone)
    return instant(at)
