"""The fold gives the same digits however it is run, and agrees with a plain recount. Pure, generated."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from board.drill import calls_behind
from board.fold import fold
from board.reading import figures
from board.state import BoardState
from core.errors import NotFound
from core.facts import (
    CallerLeftQueue,
    LeaveReason,
    Numbered,
)
from tests.unit.board.plans import GONE, Caller, plans, tell
from tests.unit.board.story import MIDNIGHT, Story, s


def all_digits(state: BoardState) -> object:
    """Every figure of both days, and every counter of every quarter-hour."""
    return (
        figures(state, MIDNIGHT - 1),
        figures(state, MIDNIGHT + s(7200)),
        state.quarters,
        state.agent_quarters,
        state.quarter_totals,
        state.last,
    )


@pytest.mark.rule("CALL-02")
@settings(max_examples=120, deadline=None)
@given(plan=plans)
def test_every_queue_agrees_with_a_plain_recount(plan: list[Caller]) -> None:
    state = fold(tell(plan).told())
    for now, in_day in (
        (MIDNIGHT - 1, lambda at: at < 0),
        (MIDNIGHT + s(7200), lambda at: at >= 0),
    ):
        board = figures(state, now)
        for seen in board.queues:
            mine = [c for c in plan if c.queue == seen.queue and c.fate is not None and in_day(c.joins)]
            answered = [c.wait for c in mine if c.fate is LeaveReason.ANSWERED]
            gone = [c.wait for c in mine if c.fate is LeaveReason.ABANDONED]
            assert (seen.offered, seen.waiting) == (len(mine), 0)
            assert seen.answered == len(answered)
            assert seen.abandoned_5 == sum(wait <= 5 for wait in gone)
            assert seen.abandoned_10 == sum(5 < wait <= 10 for wait in gone)
            assert seen.abandoned_later == sum(wait > 10 for wait in gone)
            for reason in GONE[1:]:
                assert getattr(seen, reason.value) == sum(c.fate is reason for c in mine)
            if mine:
                assert seen.sl10 == round(sum(wait <= 10 for wait in answered) / len(mine), 4)
                assert seen.sl20 == round(sum(wait <= 20 for wait in answered) / len(mine), 4)
                kept = sum(c.fate is LeaveReason.ANSWERED and c.wait <= c.promise for c in mine)
                assert seen.sl == round(kept / len(mine), 4)
            if answered:
                assert seen.answer_max_ms == round(max(answered) * 1000)
                total_ms = sum(round(wait * 1000) for wait in answered)
                assert seen.answer_mean_ms == (2 * total_ms + len(answered)) // (2 * len(answered))
            unserved = [c for c in plan if c.fate is None and c.queue == seen.queue and in_day(c.joins)]
            assert seen.callback_unserved == sum(c.asks for c in unserved)
            assert seen.turned_away == sum(not c.asks for c in unserved)
            talked = [
                c
                for c in plan
                if c.fate is LeaveReason.ANSWERED and c.queue == seen.queue and in_day(c.joins + c.wait)
            ]
            assert seen.talks == len(talked)
            asked = [
                c
                for c in plan
                if c.fate is LeaveReason.ANSWERED
                and c.queue == seen.queue
                and c.survey is not None
                and in_day(c.joins + c.wait + c.talk)
            ]
            assert seen.surveys_asked == len(asked)


@settings(max_examples=60, deadline=None)
@given(plan=plans, data=st.data())
def test_any_split_and_any_overlap_gives_the_digits_of_one_run(
    plan: list[Caller], data: st.DataObject
) -> None:
    told = tell(plan).told()
    whole = all_digits(fold(told))
    cut = data.draw(st.integers(0, len(told)))
    back = data.draw(st.integers(0, cut))
    state = fold(told[:cut])
    figures(state, MIDNIGHT)  # looking changes nothing
    assert all_digits(fold(told[back:], state)) == whole


@settings(max_examples=60, deadline=None)
@given(plan=plans, upto=st.integers(-3000, 3000))
def test_every_offered_caller_is_waiting_or_has_exactly_one_outcome(plan: list[Caller], upto: int) -> None:
    now = MIDNIGHT + s(upto)
    board = figures(fold(tell(plan).told(now)), now)
    for seen in (board.total, *board.queues):
        ended = (
            seen.answered
            + seen.abandoned
            + seen.timed_out
            + seen.nobody_on_duty
            + seen.callback
            + seen.node_lost
            + seen.ended_by_us
        )
        joined_today = [
            waiting
            for name, waits in board.waiting.items()
            if seen.queue in ("", name)
            for waiting in waits
            if (waiting.since >= "2026-03-02T16:00:00") == (now >= MIDNIGHT)
        ]
        assert seen.offered == ended + len(joined_today)
    for name in ("offered", "answered", "abandoned", "talks", "surveys_asked", "waiting"):
        assert getattr(board.total, name) == sum(getattr(each, name) for each in board.queues)


COUNTED = [
    "offered",
    "answered",
    "answered_10",
    "answered_20",
    "answered_in_sl",
    "abandoned",
    "abandoned_5",
    "abandoned_10",
    "abandoned_later",
    "timed_out",
    "nobody_on_duty",
    "callback",
    "node_lost",
    "ended_by_us",
    "turned_away",
    "callback_unserved",
    "offered_recent",
    "talks",
    "agent_first",
    "wrapups",
    "offers",
    "offers_unanswered",
    "surveys_asked",
    "surveys_answered",
    "waiting",
]


@settings(max_examples=60, deadline=None)
@given(plan=plans, upto=st.integers(-3000, 3000))
def test_a_figure_opens_into_as_many_calls_as_it_counts(plan: list[Caller], upto: int) -> None:
    now = MIDNIGHT + s(upto)
    state = fold(tell(plan).told(now))
    board = figures(state, now)
    for seen in (board.total, *board.queues):
        for figure in COUNTED:
            behind = calls_behind(state, figure, seen.queue, now)
            assert len(behind.calls) == getattr(seen, figure), figure
            assert behind.whole
        if seen.sl10 is not None:
            decided = calls_behind(state, "sl10", seen.queue, now).calls
            assert seen.sl10 == round(seen.answered_10 / len(decided), 4)
        if seen.sl is not None:
            decided = calls_behind(state, "sl", seen.queue, now).calls
            assert seen.sl == round(seen.answered_in_sl / len(decided), 4)
        if seen.sl_recent is not None:
            behind = calls_behind(state, "sl_recent", seen.queue, now)
            recent = {(each.call, each.at) for each in behind.calls}
            kept = sum(
                (w.call, w.joined_at) in recent and w.outcome == "answered" and w.waited <= w.answer_within
                for w in state.waits
            )
            assert seen.sl_recent == round(kept / len(recent), 4)
        if seen.sl10_recent is not None:
            within = {
                (each.call, each.at) for each in calls_behind(state, "sl10_recent", seen.queue, now).calls
            }
            in_time = sum(
                (w.call, w.joined_at) in within and 0 <= w.waited <= s(10) and w.outcome == "answered"
                for w in state.waits
            )
            assert seen.sl10_recent == round(in_time / len(within), 4)
    for figure in ("arrived", "ended_in_menu", "in_progress", "in_menu", "talking", "outside", "in_survey"):
        assert len(calls_behind(state, figure, "", now).calls) == getattr(board.calls, figure), figure


def test_a_figure_that_counts_no_calls_says_which_do() -> None:
    with pytest.raises(NotFound, match=r"'occupancy' counts no calls; .*sl10"):
        calls_behind(BoardState(), "occupancy", "", MIDNIGHT)


def test_the_order_of_answer_and_leaving_does_not_matter() -> None:
    story = Story(MIDNIGHT)
    story.joins("a", 0)
    story.answers("a", "1001", 0, 4, 30)
    told = [each.fact for each in story.told()]
    at = next(n for n, fact in enumerate(told) if isinstance(fact, CallerLeftQueue))
    told[at - 1], told[at] = told[at], told[at - 1]
    swapped = fold(Numbered(seq, fact) for seq, fact in enumerate(told, 1))
    assert figures(swapped, MIDNIGHT + s(60)) == figures(fold(story.told()), MIDNIGHT + s(60))
