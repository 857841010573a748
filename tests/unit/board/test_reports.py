"""Reports say of a day what the board says of it, and cut time where the bank's clock does. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from board.figures import TOTAL, AgentFigures, AgentInterval, QueueFigures, QueueInterval
from board.fold import fold
from board.formulas import AGENT_INTERVAL_FORMULAS
from board.model import AgentCounts, Counts
from board.periods import QUARTER, day_start
from board.reading import figures
from board.reports import AgentReport, Asked, QueueReport, Step, agent_report, periods, queue_report, start_of
from board.tally import Tally
from core.clock import BANK_ZONE, Instant, instant, moment
from core.errors import BadInput
from core.facts import AgentState, LeaveReason, Numbered
from tests.unit.board.plans import Caller, plans, tell
from tests.unit.board.story import HOUR, MIDNIGHT, NOON, QUEUE, Story, s

SHARED = [
    each.name for each in fields(QueueInterval) if each.name not in {"start", "end", "queue", "waiting"}
]
DAY = 24 * HOUR


def tallied(told: list[Numbered]) -> Tally:
    tally = Tally()
    for numbered in told:
        tally.count(numbered)
    return tally


def queues(tally: Tally, asked: Asked) -> Iterator[tuple[Instant, str, Counts]]:
    """What the database would add up."""
    for at, by_queue in tally.quarters.items():
        for queue, counts in by_queue.items():
            if asked.covers(at, queue):
                yield asked.start_of(at), queue, counts


def agents(tally: Tally, asked: Asked) -> Iterator[tuple[Instant, str, AgentCounts]]:
    for at, by_agent in tally.agent_quarters.items():
        for agent, counts in by_agent.items():
            if asked.covers(at, agent):
                yield asked.start_of(at), agent, counts


def both(story: Story, asked: Asked, now: Instant) -> tuple[QueueReport, AgentReport]:
    tally = tallied(story.told(now))
    return (
        queue_report(asked, queues(tally, asked), tally.held(), now),
        agent_report(asked, agents(tally, asked), tally.held(), now),
    )


def asked_for(day: Instant, step: Step, *names: str) -> Asked:
    return Asked(periods(day, day + DAY, step, BANK_ZONE), frozenset(names))


@pytest.mark.rule("CALL-02")
@settings(max_examples=80, deadline=None)
@given(plan=plans, upto=st.integers(-3000, 3000), step=st.sampled_from(list(Step)))
def test_a_day_has_the_digits_of_the_board(plan: list[Caller], upto: int, step: Step) -> None:
    story, now = tell(plan), MIDNIGHT + s(upto)
    of_queues, of_agents = both(story, asked_for(day_start(now), step), now)
    board = figures(fold(story.told(now)), now)
    whole = {row.queue: row for row in of_queues.whole}
    for seen in (board.total, *board.queues):
        row = whole.get(seen.queue)
        if row is None:  # on the board since yesterday, and nothing today
            assert (seen.offered, seen.talks, seen.offers, seen.surveys_asked) == (0, 0, 0, 0)
            continue
        assert {name: getattr(row, name) for name in SHARED} == {name: getattr(seen, name) for name in SHARED}
    by_agent = {row.agent: row for row in of_agents.whole}
    for agent in board.agents:
        row_of_agent = by_agent.get(agent.agent)
        if row_of_agent is not None:
            assert (row_of_agent.answered, row_of_agent.occupancy) == (agent.answered, agent.occupancy)
    counted = ("offered", "answered_10", "abandoned", "talks", "wrapups", "surveys_asked")
    counted += ("turned_away", "callback_unserved")
    for name in counted:
        assert sum(getattr(row, name) for row in of_queues.rows) == getattr(whole[TOTAL], name)
        assert sum(getattr(row, name) for row in of_queues.total) == getattr(whole[TOTAL], name)


def test_figures_mean_on_a_report_what_they_mean_on_the_board() -> None:
    of_board = {each.name for each in fields(QueueFigures)}
    assert {each.name for each in fields(QueueInterval)} - of_board == {"start", "end"}
    assert {"answered", "occupancy", "agent"} <= {each.name for each in fields(AgentFigures)}


def test_a_call_is_found_in_the_intervals_of_its_joining_and_its_answer() -> None:
    story = Story(NOON)
    story.state("1001", 0, AgentState.READY)
    story.joins("a", 1795)  # 12:29:55
    story.answers("a", "1001", 1795, 7, 60, wrap=8)  # answered at 12:30:02
    story.joins("b", 1798)
    story.leaves("b", 1798, 4, LeaveReason.ABANDONED)
    of_queues, of_agents = both(story, asked_for(day_start(NOON), Step.HALF), NOON + 2 * HOUR)
    first, second = of_queues.rows
    assert (first.start, second.start, second.end) == (
        "2026-03-02T04:00:00.000000Z",
        "2026-03-02T04:30:00.000000Z",
        "2026-03-02T05:00:00.000000Z",
    )
    assert (first.offered, first.answered_10, first.abandoned_5, first.sl10, first.talks) == (2, 1, 1, 0.5, 0)
    assert (second.offered, second.sl10, second.talks, second.handling_mean_ms) == (0, None, 1, 68_000)
    assert [row.answered for row in of_agents.rows] == [0, 1, 0, 0]
    assert [row.ready_ms for row in of_agents.rows] == [
        1_800_000,
        1_732_000,
        1_800_000,
        1_800_000,
    ]
    assert len(of_queues.total) == 29  # the intervals that have begun by 14:00


def test_what_goes_on_is_added_where_it_belongs() -> None:
    story = Story(NOON)
    story.state("1001", 0, AgentState.READY)
    story.state("1002", 30, AgentState.NOT_READY, reason="meal")
    story.joins("a", 890)
    story.joins("b", 897)
    now = NOON + s(905)
    of_queues, of_agents = both(story, asked_for(day_start(NOON), Step.QUARTER), now)
    (row,) = of_queues.rows
    assert (row.offered, row.waiting, row.sl10) == (2, 2, 0.0)  # a past 10 s, b still within
    assert [(row.agent, row.ready_ms, row.not_ready_ms) for row in of_agents.rows] == [
        ("1001", 900_000, 0),
        ("1002", 0, 870_000),
        ("1001", 5_000, 0),
        ("1002", 0, 5_000),
    ]
    assert of_agents.whole[0].logged_in_ms == 905_000 + 875_000
    assert of_agents.whole[0].occupancy == 0.0


def test_only_those_who_were_named_are_in_a_report() -> None:
    story = Story(NOON)
    for call, name in (("a", QUEUE), ("b", "loss-cmn")):
        story.joins(call, 0, name)
        story.leaves(call, 0, 3, LeaveReason.ABANDONED, name)
    story.joins("c", 1, "loss-cmn")
    of_queues, _ = both(story, asked_for(day_start(NOON), Step.DAY, "loss-cmn"), NOON + s(60))
    assert [(row.queue, row.offered, row.waiting) for row in of_queues.whole] == [
        (TOTAL, 2, 1),
        ("loss-cmn", 2, 1),
    ]


def test_a_caller_who_was_moved_leaves_no_row_behind() -> None:
    report = queue_report(
        asked_for(day_start(NOON), Step.DAY),
        [(day_start(NOON), QUEUE, Counts()), (day_start(NOON), "loss-cmn", Counts(offered=1))],
        Tally().held(),
        NOON,
    )
    assert [row.queue for row in report.rows] == ["loss-cmn"]


@pytest.mark.parametrize(
    ("since", "until", "step", "problem"),
    [
        (NOON, NOON, Step.HOUR, r"query\.to: is not after"),
        (NOON, NOON + s(60), Step.QUARTER, r"query\.to: has to be a multiple of 15 minutes"),
        (NOON + QUARTER, NOON + HOUR, Step.HALF, r"query\.from: has to be a multiple of 30 minutes"),
        (NOON, NOON + DAY, Step.DAY, r"query\.from: has to be a midnight in Asia/Shanghai"),
        (MIDNIGHT, MIDNIGHT + 40 * DAY, Step.QUARTER, r"query\.to: is more than 3000 intervals"),
    ],
)
def test_a_report_begins_and_ends_where_intervals_do(
    since: Instant, until: Instant, step: Step, problem: str
) -> None:
    with pytest.raises(BadInput, match=problem):
        periods(since, until, step, BANK_ZONE)


def test_days_are_as_long_as_the_zone_makes_them() -> None:
    zone = ZoneInfo("Europe/Berlin")
    first = instant(datetime(2026, 3, 28, tzinfo=zone))
    until = instant(datetime(2026, 3, 31, tzinfo=zone))
    days = periods(first, until, Step.DAY, zone)
    assert [moment(day, zone).hour for day in days] == [0, 0, 0, 0]
    assert [(end - start) // HOUR for start, end in pairwise(days)] == [24, 23, 24]
    assert len(periods(first, until, Step.HOUR, zone)) == 71 + 1
    assert all(start_of(at, Step.HOUR, zone) == at for at in periods(first, until, Step.HOUR, zone))


def test_every_figure_of_an_agents_interval_is_published() -> None:
    figures_of_agents = {each.name for each in fields(AgentInterval)} - {"start", "end", "agent"}
    assert {each.figure for each in AGENT_INTERVAL_FORMULAS} == figures_of_agents
