"""From a figure down to the calls it counts (guarantee 3). Pure.

What is counted is remembered one by one for today and the days before; a figure's calls are found by the
same conditions under which it was counted, so that as many come out as the figure says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from board.figures import TOTAL
from board.model import Leg, Outcome, Place, Wait
from board.periods import day_start, minute_start, window_start
from board.state import BoardState
from core.clock import SECOND, Instant
from core.errors import NotFound
from core.facts import Side


@dataclass(frozen=True, slots=True)
class Counted:
    """A call, and the instant that put it into the day the figure is about."""

    call: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Behind:
    """The calls behind a figure, in the order of `at`. `whole` False: some of the day's are forgotten."""

    figure: str
    queue: str
    calls: tuple[Counted, ...]
    whole: bool


def calls_behind(state: BoardState, figure: str, queue: str, now: Instant) -> Behind:
    """The calls that `figure` of `queue` (TOTAL: all) counts on the day of `now`.

    A mean, a rate or a service level opens into everything under its fraction bar. `NotFound` for a figure
    that counts no calls.
    """
    day = day_start(now, state.zone)
    found = sorted(_found(state, figure, queue, now, day), key=lambda each: (each.at, each.call))
    return Behind(figure, queue, tuple(found), state.journal_from < day)


def openable() -> frozenset[str]:
    """The names of all figures that can be opened."""
    return frozenset({*_WAITS, *_LEGS, *_MARKS, *_PLACES, "in_progress"})


def _found(state: BoardState, figure: str, queue: str, now: Instant, day: Instant) -> Iterator[Counted]:
    if figure in _WAITS:
        yield from _of_waits(state, _WAITS[figure], queue, now, day)
    elif figure in _LEGS:
        date_of, counts = _LEGS[figure]
        for leg in state.legs.values():
            if (
                leg.queue
                and queue in (TOTAL, leg.queue)
                and counts(leg)
                and _same_day(state, date_of(leg), day)
            ):
                yield Counted(leg.call, date_of(leg))
    elif figure in _MARKS:
        for mark in state.marks:
            named = mark.figure == _MARKS[figure] and queue in (TOTAL, mark.queue)
            if named and _same_day(state, mark.at, day):
                yield Counted(mark.call, mark.at)
    elif figure in _PLACES or figure == "in_progress":
        for call in state.calls.values():
            if figure == "in_progress" or call.place is _PLACES[figure]:
                yield Counted(call.call, call.arrived_at)
    else:
        raise NotFound(f"{figure[:40]!r} counts no calls; figures that do: {', '.join(sorted(openable()))}")


def _of_waits(
    state: BoardState, rule: _WaitRule, queue: str, now: Instant, day: Instant
) -> Iterable[Counted]:
    waits: Iterable[Wait] = state.waiting.values() if rule is _waiting else state.waits
    any_day = rule in (_waiting, _recent, _recent_decided, _recent_in_sl)
    for wait in waits:
        dated = any_day or _same_day(state, wait.joined_at, day)
        if dated and queue in (TOTAL, wait.queue) and rule(wait, now):
            yield Counted(wait.call, wait.joined_at)


def _same_day(state: BoardState, at: Instant, day: Instant) -> bool:
    return at >= day and day_start(at, state.zone) == day


_WaitRule = Callable[[Wait, Instant], bool]


def _waiting(wait: Wait, _now: Instant) -> bool:
    return wait.outcome is Outcome.OPEN


def _ended(outcome: Outcome, over_s: float = -1, upto_s: float = float("inf")) -> _WaitRule:
    return lambda wait, _now: wait.outcome is outcome and over_s * SECOND < wait.waited <= upto_s * SECOND


def _decided(limit_s: int) -> _WaitRule:
    return lambda wait, now: wait.outcome is not Outcome.OPEN or now - wait.joined_at > limit_s * SECOND


def _answered_in_sl(wait: Wait, _now: Instant) -> bool:
    return wait.outcome is Outcome.ANSWERED and wait.waited <= wait.answer_within


def _decided_in_sl(wait: Wait, now: Instant) -> bool:
    return wait.outcome is not Outcome.OPEN or now - wait.joined_at > wait.answer_within


def _recent(wait: Wait, now: Instant) -> bool:
    return minute_start(wait.joined_at) >= window_start(now)


def _recent_decided(wait: Wait, now: Instant) -> bool:
    return _recent(wait, now) and _decided(10)(wait, now)


def _recent_in_sl(wait: Wait, now: Instant) -> bool:
    return _recent(wait, now) and _decided_in_sl(wait, now)


_WAITS: dict[str, _WaitRule] = {
    "waiting": _waiting,
    "longest_wait_ms": _waiting,
    "offered": lambda _wait, _now: True,
    "answered": _ended(Outcome.ANSWERED),
    "answered_10": _ended(Outcome.ANSWERED, upto_s=10),
    "answered_20": _ended(Outcome.ANSWERED, upto_s=20),
    "answered_in_sl": _answered_in_sl,
    "answer_mean_ms": _ended(Outcome.ANSWERED),
    "answer_max_ms": _ended(Outcome.ANSWERED),
    "abandoned": _ended(Outcome.ABANDONED),
    "abandoned_5": _ended(Outcome.ABANDONED, upto_s=5),
    "abandoned_10": _ended(Outcome.ABANDONED, over_s=5, upto_s=10),
    "abandoned_later": _ended(Outcome.ABANDONED, over_s=10),
    "timed_out": _ended(Outcome.TIMED_OUT),
    "nobody_on_duty": _ended(Outcome.NOBODY_ON_DUTY),
    "callback": _ended(Outcome.CALLBACK),
    "node_lost": _ended(Outcome.NODE_LOST),
    "ended_by_us": _ended(Outcome.ENDED_BY_US),
    "sl10": _decided(10),
    "sl20": _decided(20),
    "sl": _decided_in_sl,
    "connection_rate": lambda wait, _now: wait.outcome is not Outcome.OPEN,
    "offered_recent": _recent,
    "sl10_recent": _recent_decided,
    "sl_recent": _recent_in_sl,
}
_LegRule = tuple[Callable[[Leg], Instant], Callable[[Leg], bool]]
_TALKS: _LegRule = (lambda leg: leg.answered_at, lambda leg: leg.ended_at > 0)
_WRAPUPS: _LegRule = (lambda leg: leg.answered_at, lambda leg: leg.wrapped_at > 0)
_SCORED: _LegRule = (lambda leg: leg.survey_at, lambda leg: leg.satisfaction > 0)
_LEGS: dict[str, _LegRule] = {
    "talks": _TALKS,
    "talk_mean_ms": _TALKS,
    "hold_mean_ms": _TALKS,
    "consult_mean_ms": _TALKS,
    "handling_mean_ms": _TALKS,
    "agent_first": (lambda leg: leg.answered_at, lambda leg: leg.released_by is Side.AGENT),
    "wrapups": _WRAPUPS,
    "wrapup_mean_ms": _WRAPUPS,
    "surveys_asked": (lambda leg: leg.survey_at, lambda leg: leg.survey_at > 0),
    "surveys_answered": _SCORED,
    "satisfaction_mean": _SCORED,
    "solved_rate": (lambda leg: leg.survey_at, lambda leg: leg.solved > 0),
}
_MARKS = {
    "turned_away": "turned_away",
    "callback_unserved": "callback_unserved",
    "called_back": "called_back",
    "called_back_mean_ms": "called_back",
    "offers": "offers",
    "offers_unanswered": "offers_unanswered",
    "ring_mean_ms": "rings",
    "arrived": "arrived",
    "ended_in_menu": "ended_in_menu",
}
_PLACES = {
    "in_menu": Place.MENU,
    "talking": Place.TALKING,
    "outside": Place.OUTSIDE,
    "in_survey": Place.SURVEY,
}
