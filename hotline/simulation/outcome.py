"""What came of a performance, counted from the facts of its ledger. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from core import facts as f
from core.clock import SECOND
from core.facts import Numbered

F = TypeVar("F", bound=f.Fact)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What `hotline demo --json` prints. `board_p99_ms`: age of the board's news, 99 of 100 are younger."""

    calls_offered: int
    calls_answered: int
    calls_abandoned: int
    answered_within_10s: int
    surveys_asked: int
    surveys_answered: int
    summaries: int
    tickets: int
    ledger_mismatches: int
    board_p99_ms: float

    def line(self) -> str:
        """One JSON object."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__})

    def sentence(self) -> str:
        """The same for people."""
        mismatches = {0: "no mismatch", 1: "1 mismatch"}
        return (
            f"{self.calls_offered} offered, {self.calls_answered} answered "
            f"({self.answered_within_10s} within 10 s), {self.calls_abandoned} abandoned, "
            f"{self.surveys_answered} of {self.surveys_asked} surveys, {self.summaries} summaries, "
            f"{self.tickets} tickets, "
            f"{mismatches.get(self.ledger_mismatches, f'{self.ledger_mismatches} mismatches')}"
        )


def facts_of(heard: Sequence[Numbered], kind: type[F]) -> list[F]:
    """All facts of one kind, in their order."""
    return [numbered.fact for numbered in heard if isinstance(numbered.fact, kind)]


def figures_of(heard: Sequence[Numbered], *, mismatches: int, board_p99_ms: float) -> Figures:
    """The figures of all facts of a performance."""
    answers = facts_of(heard, f.AgentAnswered)
    return Figures(
        calls_offered=sum(not joined.again for joined in facts_of(heard, f.CallerQueued)),
        calls_answered=len(answers),
        calls_abandoned=sum(
            left.reason is f.LeaveReason.ABANDONED for left in facts_of(heard, f.CallerLeftQueue)
        ),
        answered_within_10s=sum(answer.waited <= 10 * SECOND for answer in answers),
        surveys_asked=len(facts_of(heard, f.SurveyStarted)),
        surveys_answered=len({answer.leg for answer in facts_of(heard, f.SurveyAnswered)}),
        summaries=len(facts_of(heard, f.SummarySaved)),
        tickets=len(facts_of(heard, f.TicketOpened)),
        ledger_mismatches=mismatches,
        board_p99_ms=board_p99_ms,
    )
