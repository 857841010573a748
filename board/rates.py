"""What follows from counters: rates, means and fractions. One spelling for the board and for reports. Pure.

Both functions return values by the names of `docs/formulas.md`, for the dataclasses of `board.figures`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from board.model import Counts, LegCounts
from core.clock import MILLISECOND, SECOND, Duration, Instant
from core.facts import AgentState

BUSY = frozenset({AgentState.TALKING, AgentState.CONSULTING, AgentState.WRAP_UP})
IDLE = frozenset({AgentState.READY, AgentState.RESERVED, AgentState.RINGING})
"""Occupancy is busy time over busy and idle time."""


@dataclass(slots=True)
class Undecided:
    """Offered callers of one period who still wait: all, and those who may still be answered in time."""

    waiting: int = 0
    within_10: int = 0
    within_20: int = 0
    within_sl: int = 0

    def add(self, joined_at: Instant, now: Instant, answer_within: Duration) -> None:
        """One more who waits, since `joined_at`, in a queue of this service level."""
        self.waiting += 1
        self.within_sl += now - joined_at <= answer_within
        self.within_10 += now - joined_at <= 10 * SECOND
        self.within_20 += now - joined_at <= 20 * SECOND


def of_waits(c: Counts, undecided: Undecided) -> dict[str, Any]:
    """The figures about those who waited for an agent."""
    return {
        "offered": c.offered,
        "answered": c.answered,
        "answered_10": c.answered_10,
        "answered_20": c.answered_20,
        "answered_in_sl": c.answered_in_sl,
        "abandoned": c.abandoned_5 + c.abandoned_10 + c.abandoned_later,
        "abandoned_5": c.abandoned_5,
        "abandoned_10": c.abandoned_10,
        "abandoned_later": c.abandoned_later,
        "timed_out": c.timed_out,
        "nobody_on_duty": c.nobody_on_duty,
        "callback": c.callback,
        "node_lost": c.node_lost,
        "ended_by_us": c.ended_by_us,
        "turned_away": c.turned_away,
        "callback_unserved": c.callback_unserved,
        "called_back": c.called_back,
        "called_back_mean_ms": mean_ms(c.called_back_us, c.called_back),
        "sl10": ratio(c.answered_10, c.offered - undecided.within_10),
        "sl20": ratio(c.answered_20, c.offered - undecided.within_20),
        "sl": ratio(c.answered_in_sl, c.offered - undecided.within_sl),
        "connection_rate": ratio(c.answered, c.offered - undecided.waiting),
        "answer_mean_ms": mean_ms(c.answer_us, c.answered),
        "answer_max_ms": c.answer_max_us // MILLISECOND if c.answered else None,
    }


def of_legs(c: LegCounts) -> dict[str, Any]:
    """The figures about what agents did with their calls."""
    talk, hold = mean_ms(c.talk_us, c.talks), mean_ms(c.hold_us, c.talks)
    consult, wrapup = mean_ms(c.consult_us, c.talks), mean_ms(c.wrapup_us, c.wrapups)
    handling = None if talk is None else talk + (hold or 0) + (consult or 0) + (wrapup or 0)
    return {
        "offers": c.offers,
        "offers_unanswered": c.offers_unanswered,
        "ring_mean_ms": mean_ms(c.ring_us, c.rings),
        "talks": c.talks,
        "agent_first": c.agent_first,
        "wrapups": c.wrapups,
        "talk_mean_ms": talk,
        "hold_mean_ms": hold,
        "consult_mean_ms": consult,
        "wrapup_mean_ms": wrapup,
        "handling_mean_ms": handling,
        "surveys_asked": c.surveys_asked,
        "surveys_answered": c.surveys_answered,
        "satisfaction_mean": round(c.satisfaction_sum / c.surveys_answered, 2)
        if c.surveys_answered
        else None,
        "solved_rate": ratio(c.solved_yes, c.solved_answers),
    }


def ratio(part: int, whole: int) -> float | None:
    """`part` of `whole`, to four digits; None of nothing."""
    return round(part / whole, 4) if whole > 0 else None


def mean_ms(total: Duration, count: int) -> int | None:
    """The mean of `count` durations that sum to `total` µs, in ms, half up; None of nothing."""
    return (total + 500 * count) // (1_000 * count) if count else None


def whole_ms(duration: Duration) -> int:
    """A duration in whole milliseconds, half up."""
    return (duration + 500) // MILLISECOND
