"""However the facts are cut, late or swapped, intervals have the digits of one run, and the board's. Pure."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TypeVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from board.fold import fold
from board.model import AgentCounts, Counts
from board.periods import QUARTER
from board.state import BoardState
from board.tally import KINDS, Held, Tally
from core.clock import Instant
from core.facts import KINDS as ALL_KINDS
from core.facts import (
    AgentState,
    CallbackPlaceEnded,
    CallbackRequested,
    CallEnded,
    CallerLeftQueue,
    CallerQueued,
    LeaveReason,
    NobodyOnDuty,
    Numbered,
    PlaceOutcome,
)
from tests.unit.board.plans import Caller, plans, tell
from tests.unit.board.story import MIDNIGHT, NOON, QUEUE, Story, s

V = TypeVar("V")
Sums = tuple[dict[tuple[Instant, str], Counts], dict[tuple[Instant, str], AgentCounts]]


def counted(told: list[Numbered], cuts: list[int], linger: int) -> tuple[Sums, Held]:
    """The sums of one tally after another; what is open goes from each to the next as it is stored."""
    queues: defaultdict[tuple[Instant, str], Counts] = defaultdict(Counts)
    agents: defaultdict[tuple[Instant, str], AgentCounts] = defaultdict(AgentCounts)
    held = Held()
    for first, last in pairwise([0, *sorted(cuts), len(told)]):
        tally = Tally(msgspec.json.decode(msgspec.json.encode(held), type=Held), linger=linger)
        for numbered in told[first:last]:
            tally.count(numbered)
        of_queues, of_agents = sums_of(tally)
        for key, counts in of_queues.items():
            queues[key].add(counts)
        for key, agent_counts in of_agents.items():
            agents[key].add(agent_counts)
        held = tally.held()
    return (without_zeros(queues, Counts()), without_zeros(agents, AgentCounts())), held


def without_zeros(sums: dict[tuple[Instant, str], V], nothing: V) -> dict[tuple[Instant, str], V]:
    return {key: counts for key, counts in sums.items() if counts != nothing}


def sums_of(state: BoardState) -> Sums:
    """What a board, or a tally, has counted by quarter-hour."""
    queues = {(at, name): counts for at, by in state.quarters.items() for name, counts in by.items()}
    agents = {(at, name): counts for at, by in state.agent_quarters.items() for name, counts in by.items()}
    return without_zeros(queues, Counts()), without_zeros(agents, AgentCounts())


def disturbed(told: list[Numbered], data: st.DataObject) -> list[Numbered]:
    """Some facts come later than they happened, as after a node that was not heard for a while."""
    facts = [numbered.fact for numbered in told]
    for _ in range(data.draw(st.integers(0, 4))):
        late = facts.pop(data.draw(st.integers(0, len(facts) - 1)))
        facts.insert(data.draw(st.integers(0, len(facts))), late)
    return [Numbered(seq, fact) for seq, fact in enumerate(facts, 1)]


@settings(max_examples=150, deadline=None)
@given(plan=plans, data=st.data(), linger=st.sampled_from([0, 3, 2_000]))
def test_any_cuts_and_late_facts_give_the_digits_of_one_run(
    plan: list[Caller], data: st.DataObject, linger: int
) -> None:
    told = disturbed(tell(plan).told(), data)
    cuts = data.draw(st.lists(st.integers(0, len(told)), max_size=6))
    assert counted(told, cuts, linger) == counted(told, [], linger)


@settings(max_examples=100, deadline=None)
@given(plan=plans, data=st.data())
def test_quarter_hours_have_the_digits_of_the_board(plan: list[Caller], data: st.DataObject) -> None:
    told = tell(plan).told(MIDNIGHT + s(data.draw(st.integers(-3000, 3000))))
    sums, held = counted(told, [], 2_000)
    state = fold(told)
    assert sums == sums_of(state)
    assert {each.call for each in held.waits} == set(state.waiting)


@settings(max_examples=60, deadline=None)
@given(plan=plans)
def test_when_all_is_over_nothing_is_held_but_what_agents_do(plan: list[Caller]) -> None:
    _, held = counted(tell(plan).told(), [], 0)
    assert held.waits == held.turned == ()
    assert len(held.legs) <= 1  # the very last fact may have ended a call
    assert {each.state for each in held.agents} <= {AgentState.READY}


def test_a_wait_over_a_border_counts_where_it_began_and_a_talk_where_it_was_answered() -> None:
    story = Story(NOON)
    story.state("1001", 0, AgentState.READY)
    story.joins("a", 895)  # 12:14:55
    story.answers("a", "1001", 895, 9, 900, wrap=20, ring=2)  # answered 12:15:04, apart 12:30:04
    (queues, agents), _ = counted(story.told(), [3, 5], 2_000)
    first, second, third = NOON, NOON + QUARTER, NOON + 2 * QUARTER
    assert set(queues) == {(first, QUEUE), (second, QUEUE)}
    assert (queues[first, QUEUE].offered, queues[first, QUEUE].answered_10) == (1, 1)
    assert (queues[second, QUEUE].talks, queues[second, QUEUE].wrapups) == (1, 1)
    assert (queues[second, QUEUE].talk_us, queues[second, QUEUE].wrapup_us) == (s(900), s(20))
    assert (agents[second, "1001"].rings, agents[second, "1001"].talk_us) == (1, s(900))
    assert agents[first, "1001"].times == {AgentState.READY: s(900)}
    assert agents[second, "1001"].times == {AgentState.READY: s(4), AgentState.TALKING: s(896)}
    assert agents[third, "1001"].times == {AgentState.TALKING: s(4), AgentState.WRAP_UP: s(20)}


def test_a_caller_who_is_moved_counts_once_in_the_queue_they_were_last_put_into() -> None:
    story = Story(NOON)
    joined = story.joins("a", 890)
    story.add(CallerQueued(at=joined + s(12), call="a", queue="loss-cmn", joined_at=joined, again=True))
    wait = {"queue": "loss-cmn", "reason": LeaveReason.ABANDONED, "waited": s(15)}
    story.add(CallerLeftQueue(at=joined + s(15), call="a", **wait))
    for cut in range(5):
        (queues, _), _ = counted(story.told(), [cut], 2_000)
        assert queues == {(NOON, "loss-cmn"): Counts(offered=1, abandoned_later=1)}


def test_who_was_called_back_in_turn_counts_in_the_quarter_hour_in_which_it_happened() -> None:
    story = Story(NOON)
    kept = {"call": "a", "queue": QUEUE, "joined_at": NOON, "waited": s(1_000)}
    story.add(CallbackPlaceEnded(at=NOON + s(1_000), outcome=PlaceOutcome.REACHED, **kept))
    for n, outcome in enumerate((PlaceOutcome.EXPIRED, PlaceOutcome.OUTSIDE_HOURS), 1_001):
        story.add(CallbackPlaceEnded(at=NOON + s(n), outcome=outcome, **kept))
    (queues, _), _ = counted(story.told(), [1], 2_000)
    assert queues == {(NOON + QUARTER, QUEUE): Counts(called_back=1, called_back_us=s(1_000))}


def test_whom_nobody_served_and_who_asks_to_be_called_back_was_not_turned_away() -> None:
    story = Story(NOON)
    heard = {"call": "a", "queue": QUEUE}
    story.add(NobodyOnDuty(at=NOON + s(899), **heard))
    asks = CallbackRequested(at=NOON + s(901), joined_at=NOON, number="13812345678", **heard)
    story.add(asks)
    story.add(CallbackRequested(at=NOON + s(902), joined_at=NOON, number="13812345678", **heard))
    for cut in range(4):
        (queues, _), held = counted(story.told(), [cut], 2_000)
        assert queues == {(NOON, QUEUE): Counts(callback_unserved=1)}
        assert held.turned == ()


def test_who_came_into_the_queue_after_all_counts_by_that_wait() -> None:
    story = Story(NOON)
    story.add(NobodyOnDuty(at=NOON, call="a", queue=QUEUE))
    joined = story.joins("a", 30)
    story.leaves("a", 30, 60, LeaveReason.CALLBACK)
    story.add(CallbackRequested(at=NOON + s(90), call="a", queue=QUEUE, joined_at=joined, number="138"))
    (queues, _), _ = counted(story.told(), [2], 2_000)
    assert queues == {(NOON, QUEUE): Counts(turned_away=1, offered=1, callback=1)}


@pytest.mark.parametrize("linger", [0, 1])
def test_a_leg_is_remembered_until_its_agent_has_wrapped_up(linger: int) -> None:
    story = Story(NOON)
    story.state("1001", 0, AgentState.READY)
    story.joins("a", 1)
    story.answers("a", "1001", 1, 2, 30, wrap=60)
    for other in range(20):
        story.joins(f"b{other}", 40 + other)
        story.leaves(f"b{other}", 40 + other, 2, LeaveReason.ABANDONED)
    told = story.told()
    ended = next(each.seq for each in told if isinstance(each.fact, CallEnded) and each.fact.call == "a")
    (queues, _), held = counted(told, [ended, ended + 5], linger)
    assert queues[NOON, QUEUE].wrapup_us == s(60)
    assert held.agents[0].state is AgentState.READY


def test_the_kinds_that_count_are_kinds_there_are() -> None:
    assert set(ALL_KINDS) >= KINDS


def test_a_number_counts_once() -> None:
    story = Story(NOON)
    story.joins("a", 0)
    story.leaves("a", 0, 3, LeaveReason.ABANDONED)
    told = story.told()
    assert counted([*told, *told], [len(told)], 2_000) == counted(told, [], 2_000)
