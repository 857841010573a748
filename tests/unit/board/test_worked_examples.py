"""Each formula of docs/formulas.md, worked by hand on a small story. Pure."""

from __future__ import annotations

from typing import Any

import pytest

from board.figures import BoardFigures, QueueFigures
from board.fold import fold
from board.reading import figures
from board.roster import AgentEntry, QueueEntry, Roster
from core.facts import (
    AgentAnswered,
    AgentState,
    CallArrived,
    CallbackPlaceEnded,
    CallerLeftQueue,
    CallerQueued,
    ConsultEnded,
    ConsultOutcome,
    ConsultStarted,
    DeviceContactChanged,
    EndReason,
    GapDeclared,
    HelpEnded,
    HelpRaised,
    HoldEnded,
    HoldStarted,
    LeaveReason,
    NobodyOnDuty,
    NodeConnected,
    NodeLost,
    Numbered,
    OutgoingOutcome,
    OutsideDialled,
    OutsideEnded,
    Phase,
    PlaceOutcome,
    Side,
    SurveyStarted,
    TalkEnded,
    decode,
)
from tests.unit.board.story import HOUR, MIDNIGHT, NOON, QUEUE, Story, s

ROSTER = Roster(
    queues={QUEUE: QueueEntry(queue=QUEUE), "loss-cmn": QueueEntry(queue="loss-cmn")},
    agents={
        "1001": AgentEntry(agent="1001", name="林一", queues=frozenset({QUEUE})),
        "1002": AgentEntry(agent="1002", name="陈二", queues=frozenset({QUEUE, "loss-cmn"})),
    },
    short_pauses=frozenset({"tea"}),
)


def read(story: Story, after: float) -> BoardFigures:
    """The board `after` seconds, knowing what had happened by then."""
    now = story.start + s(after)
    return figures(fold(story.told(now)), now, ROSTER)


def queue(board: BoardFigures, name: str = QUEUE) -> QueueFigures:
    return next(each for each in board.queues if each.queue == name)


@pytest.mark.rule("CALL-02")
def test_service_level_counts_every_joining_and_abandons_stay_in() -> None:
    story = Story()
    for call, wait in (("a", 1), ("b", 10), ("c", 10.000001), ("d", 20), ("e", 21)):
        story.joins(call, 0)
        story.answers(call, "1001", 0, wait, 30)
    for call, wait in (("f", 5), ("g", 7), ("h", 10), ("i", 11)):
        story.joins(call, 0)
        story.leaves(call, 0, wait, LeaveReason.ABANDONED)
    story.joins("j", 0)
    story.leaves("j", 0, 60, LeaveReason.TIMED_OUT)
    seen = queue(read(story, 100))

    assert (seen.offered, seen.answered, seen.answered_10, seen.answered_20) == (10, 5, 2, 4)
    assert (seen.abandoned_5, seen.abandoned_10, seen.abandoned_later, seen.abandoned) == (1, 2, 1, 4)
    assert seen.timed_out == 1
    assert seen.sl10 == 0.2
    assert seen.sl20 == 0.4
    assert seen.connection_rate == 0.5
    assert seen.answer_mean_ms == 12_400  # (1 + 10 + 10.000001 + 20 + 21) / 5
    assert seen.answer_max_ms == 21_000


def test_one_who_waits_is_offered_but_counts_in_a_service_level_only_once_its_limit_has_passed() -> None:
    story = Story()
    story.joins("a", 0)
    story.answers("a", "1001", 0, 2, 300)
    story.joins("b", 5)

    early = queue(read(story, 15))
    assert (early.offered, early.waiting, early.longest_wait_ms) == (2, 1, 10_000)
    assert (early.sl10, early.sl20, early.connection_rate) == (1.0, 1.0, 1.0)

    late = queue(read(story, 15.1))
    assert (late.sl10, late.sl20) == (0.5, 1.0)


def test_a_caller_is_measured_by_what_the_queue_promised_when_they_came_into_it() -> None:
    story = Story()
    for call, at, promised in (("a", 0, 30), ("b", 60, 30), ("c", 120, 20)):  # changed before the third
        story.joins(call, at, answer_within=s(promised))
    story.answers("a", "1001", 0, 25, 10)
    story.answers("b", "1001", 60, 31, 10)
    story.answers("c", "1001", 120, 25, 10)
    seen = queue(read(story, 300))
    assert (seen.offered, seen.answered_in_sl, seen.answered_20, seen.answered_10) == (3, 1, 0, 0)
    assert (seen.sl, seen.sl20, seen.sl10) == (0.3333, 0.0, 0.0)

    story.joins("d", 400, "loss-cmn", answer_within=s(5))
    story.answers("d", "1001", 400, 5, 10, queue="loss-cmn")
    total = read(story, 500).total
    assert (total.answered_in_sl, total.sl) == (2, 0.5), "of all queues each by its own"


def test_one_who_waits_counts_in_the_queues_own_level_once_that_has_passed() -> None:
    story = Story()
    story.joins("a", 0, answer_within=s(30))
    assert (queue(read(story, 29)).sl, queue(read(story, 29)).sl10) == (None, 0.0)
    assert (queue(read(story, 30.1)).sl, queue(read(story, 30.1)).sl_recent) == (0.0, 0.0)


def test_put_back_a_caller_keeps_the_promise_moved_he_has_the_other_queues() -> None:
    story = Story()
    joined = story.joins("a", 0, answer_within=s(30))
    round_two: dict[str, Any] = {"call": "a", "joined_at": joined, "again": True}
    story.add(CallerQueued(at=joined + s(10), queue=QUEUE, answer_within=s(5), **round_two))
    assert queue(read(story, 20)).sl is None
    story.add(CallerQueued(at=joined + s(22), queue="loss-cmn", answer_within=s(15), **round_two))
    assert queue(read(story, 23), "loss-cmn").sl == 0.0


def test_a_joining_written_down_before_its_promise_was_is_measured_by_ten_seconds() -> None:
    body = b'{"at":0,"node":"","call":"a","queue":"card-cmn","joined_at":0}'
    old = decode("CallerQueued", body)
    assert isinstance(old, CallerQueued)
    assert old.answer_within == s(10)


def test_exits_have_their_own_names_and_are_never_abandons() -> None:
    story = Story()
    exits = (LeaveReason.TIMED_OUT, LeaveReason.NOBODY_ON_DUTY, LeaveReason.NODE_LOST)
    for number, reason in enumerate(exits):
        story.joins(f"c{number}", 0)
        story.leaves(f"c{number}", 0, 3, reason)
    story.joins("ours", 0)
    story.ends("ours", 4, EndReason.SYSTEM, Phase.WAITING)
    story.add(NobodyOnDuty(at=NOON, call="away", queue=QUEUE))
    seen = queue(read(story, 10))

    assert (seen.timed_out, seen.nobody_on_duty, seen.node_lost, seen.ended_by_us) == (1, 1, 1, 1)
    assert (seen.abandoned, seen.offered, seen.turned_away) == (0, 4, 1)


def test_who_is_to_be_called_back_is_neither_answered_nor_abandoned_and_no_service_in_time() -> None:
    story = Story()
    story.joins("a", 0)
    story.leaves("a", 0, 8, LeaveReason.CALLBACK)
    story.joins("b", 0)
    story.answers("b", "1001", 0, 9, 10)
    seen = queue(read(story, 30))
    assert (seen.offered, seen.callback, seen.answered, seen.abandoned) == (2, 1, 1, 0)
    assert (seen.sl10, seen.connection_rate) == (0.5, 0.5)


def test_who_was_called_back_in_turn_counts_under_a_name_of_its_own_when_it_happens() -> None:
    story = Story()
    joined = story.joins("a", 0)
    story.leaves("a", 0, 8, LeaveReason.CALLBACK)
    for n, (at, outcome) in enumerate(((90, PlaceOutcome.REACHED), (95, PlaceOutcome.NOT_REACHED))):
        story.add(
            CallbackPlaceEnded(
                at=joined + s(at),
                call="ab"[n],
                queue=QUEUE,
                joined_at=joined,
                outcome=outcome,
                waited=s(at),
            )
        )
    seen = queue(read(story, 120))
    assert (seen.called_back, seen.called_back_mean_ms) == (1, 90_000)
    assert (seen.callback, seen.answered, seen.answer_mean_ms) == (1, 0, None)


def test_a_requeued_caller_waits_on_and_is_offered_once() -> None:
    story = Story()
    joined = story.joins("a", 0)
    story.add(
        CallerLeftQueue(at=joined + s(6), call="a", queue=QUEUE, reason=LeaveReason.REQUEUED, waited=s(6))
    )
    assert queue(read(story, 6.5)).waiting == 1
    story.add(CallerQueued(at=joined + s(7), call="a", queue=QUEUE, joined_at=joined, again=True, priority=5))
    story.answers("a", "1001", 0, 9, 10)
    seen = queue(read(story, 30))
    assert (seen.offered, seen.answered, seen.answered_10, seen.answer_mean_ms) == (1, 1, 1, 9_000)


def test_a_re_entry_whose_stamp_was_rounded_is_still_the_same_wait() -> None:
    story = Story()
    joined = story.joins("a", 0.0004)
    story.add(CallerQueued(at=joined + s(7), call="a", queue=QUEUE, joined_at=NOON, again=True))
    seen = queue(read(story, 8))
    assert (seen.offered, seen.waiting, seen.ended_by_us) == (1, 1, 0)


def test_a_second_wait_of_the_same_call_is_offered_anew() -> None:
    story = Story()
    story.joins("a", 0)
    story.add(CallerQueued(at=NOON + s(7), call="a", queue="loss-cmn", joined_at=NOON + s(7)))
    board = read(story, 8)
    assert (queue(board).ended_by_us, queue(board).waiting) == (1, 0)
    assert (queue(board, "loss-cmn").offered, queue(board, "loss-cmn").waiting) == (1, 1)


def test_a_caller_moved_to_another_queue_counts_once_and_there() -> None:
    story = Story()
    joined = story.joins("a", 0)
    story.add(CallerQueued(at=joined + s(6), call="a", queue="loss-cmn", joined_at=joined, again=True))
    story.add(
        CallerLeftQueue(
            at=joined + s(8), call="a", queue="loss-cmn", reason=LeaveReason.ABANDONED, waited=s(8)
        )
    )
    board = read(story, 10)
    assert queue(board).offered == 0
    assert (queue(board, "loss-cmn").offered, queue(board, "loss-cmn").abandoned_10) == (1, 1)
    assert board.total.offered == 1


def test_handling_time_is_the_sum_of_its_parts() -> None:
    story = Story()
    story.joins("a", 0)
    story.answers("a", "1001", 0, 2, 60, wrap=10, ring=1)
    story.joins("b", 100)
    story.answers("b", "1001", 100, 4, 120, wrap=30, ring=3, by=Side.AGENT)
    seen = queue(read(story, 400))
    assert (seen.talks, seen.agent_first, seen.wrapups) == (2, 1, 2)
    assert (seen.talk_mean_ms, seen.hold_mean_ms, seen.wrapup_mean_ms) == (90_000, 0, 20_000)
    assert seen.handling_mean_ms == 110_000
    assert (seen.offers, seen.ring_mean_ms) == (2, 2_000)


def test_occupancy_is_busy_time_over_staffed_time_and_pauses_are_neither() -> None:
    story = Story()
    story.state("1001", 0, AgentState.READY)
    story.joins("a", 8)
    story.answers("a", "1001", 8, 2, 20, wrap=10)  # talks 10-30, wraps up 30-40, ready from 40
    story.state("1001", 60, AgentState.NOT_READY, reason="meal")
    story.state("1002", 0, AgentState.READY)
    board = read(story, 100)
    # 1001: busy 30 s of 60; 1002: 0 of 100
    assert next(each for each in board.agents if each.agent == "1001").occupancy == 0.5
    assert queue(board).occupancy == 0.1875
    assert queue(board, "loss-cmn").occupancy == 0.0
    assert (queue(board).ready, queue(board).on_duty) == (1, 1)


def test_occupancy_of_the_day_begins_at_midnight() -> None:
    story = Story(MIDNIGHT)
    story.state("1001", -60, AgentState.TALKING)
    story.state("1002", 0, AgentState.READY)
    assert queue(read(story, 30)).occupancy == 0.5  # 30 s of talk, 30 s of readiness today


def test_a_short_pause_stays_on_duty_and_a_long_one_does_not() -> None:
    story = Story()
    story.state("1001", 0, AgentState.NOT_READY, reason="tea")
    story.state("1002", 0, AgentState.NOT_READY, reason="meal")
    board = read(story, 1)
    assert (queue(board).on_duty, queue(board, "loss-cmn").on_duty) == (1, 0)


def test_survey_figures_count_the_leg_once_whatever_is_pressed() -> None:
    story = Story()
    for call, survey in (("a", (5, 1)), ("b", (2, 2)), ("c", (4, 0)), ("d", (0, 0))):
        story.joins(call, 0)
        story.answers(call, "1001", 0, 2, 30, survey=survey)
    seen = queue(read(story, 60))
    assert (seen.surveys_asked, seen.surveys_answered) == (4, 3)
    assert seen.satisfaction_mean == 3.67
    assert seen.solved_rate == 0.5


def test_the_sliding_window_forgets_after_fifteen_minutes_and_the_day_does_not() -> None:
    story = Story()
    story.joins("a", 0)
    story.leaves("a", 0, 30, LeaveReason.ABANDONED)
    story.joins("b", 600)
    story.answers("b", "1001", 600, 3, 30)
    assert (queue(read(story, 700)).sl10_recent, queue(read(story, 700)).offered_recent) == (0.5, 2)
    assert (queue(read(story, 1000)).sl10_recent, queue(read(story, 1000)).offered_recent) == (1.0, 1)
    assert queue(read(story, 1000)).sl10 == 0.5


def test_a_wait_over_midnight_belongs_to_the_day_of_its_joining() -> None:
    story = Story(MIDNIGHT)
    story.state("1001", -HOUR / 1e6, AgentState.READY)
    story.joins("a", -5)
    story.answers("a", "1001", -5, 8, 30)
    story.joins("b", 60)
    story.leaves("b", 60, 3, LeaveReason.ABANDONED)
    state = fold(story.told())
    before = queue(figures(state, MIDNIGHT - 1, ROSTER))
    after = queue(figures(state, MIDNIGHT + s(100), ROSTER))
    assert (before.offered, before.answered_10) == (1, 1)
    assert (after.offered, after.answered, after.abandoned) == (1, 0, 1)
    assert (before.talks, after.talks) == (0, 1)  # answered today
    quarter = state.agent_quarters[MIDNIGHT - 15 * 60_000_000]["1001"].times
    assert quarter[AgentState.READY] == 15 * 60_000_000  # cut at the quarter-hour and at midnight
    assert state.agent_days[MIDNIGHT]["1001"].times[AgentState.READY] == s(3)


def test_talk_and_wrap_up_over_midnight_belong_to_the_day_of_the_answer() -> None:
    story = Story(MIDNIGHT)
    story.joins("a", -20)
    story.answers("a", "1001", -20, 8, 30, wrap=10, by=Side.AGENT, survey=(4, 1))
    state = fold(story.told())
    before = queue(figures(state, MIDNIGHT - 1, ROSTER))
    after = queue(figures(state, MIDNIGHT + s(100), ROSTER))
    assert (before.talks, before.agent_first, before.wrapups, before.handling_mean_ms) == (1, 1, 1, 40_000)
    assert (after.talks, after.wrapups, after.handling_mean_ms) == (0, 0, None)
    assert (before.surveys_asked, after.surveys_asked) == (0, 1)
    assert state.agent_days[MIDNIGHT]["1001"].times[AgentState.TALKING] == s(18)


def test_hold_is_counted_apart_from_talk_and_shown_while_it_lasts() -> None:
    about = {"call": "a", "leg": "a-8", "agent": "1001", "queue": QUEUE}
    story = Story()
    story.state("1001", 0, AgentState.READY, device="d001")
    story.joins("a", 0)
    story.add(AgentAnswered(at=NOON + s(8), device="d001", waited=s(8), rang=s(3), **about))
    story.add(HoldStarted(at=NOON + s(20), **about))
    assert read(story, 21).agents[0].held_since == "2026-03-02T04:00:20.000000Z"
    story.add(HoldEnded(at=NOON + s(50), held=s(30), **about))
    assert read(story, 51).agents[0].held_since is None
    story.add(TalkEnded(at=NOON + s(68), talked=s(60), held=s(30), released_by=Side.CUSTOMER, **about))
    seen = queue(read(story, 70))
    assert (seen.talk_mean_ms, seen.hold_mean_ms, seen.handling_mean_ms) == (30_000, 30_000, 60_000)


@pytest.mark.rule("CALL-16")
def test_a_consult_is_handling_time_of_its_own_and_of_the_colleague_no_customers() -> None:
    """60 s with a customer: 30 s he asks 1002, 10 s more on hold; 1002 is at work, with no call of his."""
    about = {"call": "a", "leg": "a-8", "agent": "1001", "queue": QUEUE}
    asks = {"to": "1002", "to_leg": "a-9", **about}
    story = Story()
    story.state("1001", 0, AgentState.READY, device="d001")
    story.state("1002", 0, AgentState.READY, device="d002")
    story.joins("a", 0)
    story.add(AgentAnswered(at=NOON + s(8), device="d001", waited=s(8), rang=s(3), **about))
    story.add(ConsultStarted(at=NOON + s(20), device="d002", by_leg="a-7", **asks))
    story.state("1002", 20, AgentState.CONSULTING, call="a", leg="a-9")
    seen = {agent.agent: agent for agent in read(story, 21).agents}
    assert (seen["1001"].asking_since, seen["1002"].state) == ("2026-03-02T04:00:20.000000Z", "consulting")
    done = ConsultOutcome.DONE
    story.add(ConsultEnded(at=NOON + s(50), outcome=done, consulted=s(30), **asks))
    story.state("1002", 50, AgentState.READY)
    assert {agent.asking_since for agent in read(story, 51).agents} == {None}
    by = Side.CUSTOMER
    story.add(TalkEnded(at=NOON + s(68), talked=s(60), held=s(10), consulted=s(30), released_by=by, **about))
    found = queue(read(story, 70))
    assert (found.talks, found.talk_mean_ms, found.hold_mean_ms) == (1, 20_000, 10_000)
    assert (found.consult_mean_ms, found.handling_mean_ms) == (30_000, 60_000)


def test_agents_show_state_help_lost_phone_and_unanswered_offers() -> None:
    story = Story()
    story.state("1001", 0, AgentState.READY, device="d001")
    story.joins("a", 0)
    story.unanswered("a", "1001", 1)
    story.unanswered("a", "1001", 6)
    story.add(HelpRaised(at=NOON + s(12), agent="1001"))
    story.add(DeviceContactChanged(at=NOON + s(13), device="d001", reachable=False))
    seen = read(story, 20).agents[0]
    assert (seen.agent, seen.name, seen.state, seen.device_lost) == ("1001", "林一", "ready", True)
    assert (seen.unanswered, seen.since, seen.help_since) == (
        2,
        "2026-03-02T04:00:00.000000Z",
        "2026-03-02T04:00:12.000000Z",
    )
    assert queue(read(story, 20)).offers_unanswered == 2
    story.add(HelpEnded(at=NOON + s(21), agent="1001", by="2001"))
    story.answers("a", "1001", 0, 23, 5)
    later = read(story, 24).agents[0]
    assert (later.unanswered, later.help_since, later.state, later.queue) == (0, None, "talking", QUEUE)


def test_calls_in_progress_are_shown_where_they_are() -> None:
    story = Story()
    story.add(CallArrived(at=NOON, call="m", leg="c-m", caller="", called="95559"))
    story.ends("m", 5, EndReason.CUSTOMER, Phase.MENU)
    story.add(CallArrived(at=NOON, call="n", leg="c-n", caller="", called="95559"))
    story.joins("w", 3)
    story.joins("t", 3)
    story.answers("t", "1001", 3, 1, 60)
    calls = read(story, 10).calls
    assert (calls.arrived, calls.ended_in_menu, calls.in_progress) == (4, 1, 3)
    assert (calls.in_menu, calls.talking) == (1, 1)


def test_whoever_is_sent_outside_is_with_no_agent_and_always_in_one_place() -> None:
    """Nobody answers there: back in the queue, to the next agent and the survey."""
    story = Story()
    story.joins("a", 0)
    story.answers("a", "1001", 0, 4, 30)
    story.facts.pop()  # the call goes on
    sent: dict[str, Any] = {"call": "a", "leg": "leg-a", "agent": "1001", "queue": QUEUE, "number": "110"}
    story.add(OutsideDialled(at=NOON + s(34), **sent))
    story.add(OutsideEnded(at=NOON + s(50), outcome=OutgoingOutcome.NO_ANSWER, talked=0, **sent))
    story.add(CallerQueued(at=NOON + s(53), call="a", queue=QUEUE, joined_at=NOON + s(53), language="cmn"))
    next_leg: dict[str, Any] = {"call": "a", "leg": "leg-b", "agent": "1002", "queue": QUEUE}
    story.add(AgentAnswered(at=NOON + s(60), device="d002", waited=s(7), rang=s(1), **next_leg))
    story.add(SurveyStarted(at=NOON + s(90), by=Side.AGENT, **next_leg))

    def place(after: float) -> str:
        board = read(story, after)
        calls = board.calls
        places = {
            "menu": calls.in_menu,
            "waiting": board.total.waiting,
            "talking": calls.talking,
            "outside": calls.outside,
            "survey": calls.in_survey,
        }
        assert sum(places.values()) == calls.in_progress == 1
        return next(name for name, count in places.items() if count)

    moments = (-1, 0, 4, 33.9, 34, 45, 52.9, 53, 60, 90)
    assert [place(after) for after in moments] == [
        *("menu", "waiting", "talking", "talking"),
        *("outside", "outside", "outside", "waiting", "talking", "survey"),
    ]


def test_nodes_and_gaps_are_shown() -> None:
    story = Story()
    story.add(NodeConnected(at=NOON, node="node1", version="22.10.1"))
    story.add(NodeLost(at=NOON + s(5), node="node1", cause="connection reset"))
    story.add(GapDeclared(at=NOON + s(9), node="node1", since=NOON + s(5), cause="node lost"))
    board = read(story, 10)
    assert (board.nodes[0].connected, board.nodes[0].detail) == (False, "connection reset")
    assert board.gaps[0].since == "2026-03-02T04:00:05.000000Z"


def test_waiting_callers_are_listed_longest_first_with_masked_numbers() -> None:
    story = Story()
    story.joins("late", 5)
    story.joins("early", 1)
    waiting = read(story, 10).waiting[QUEUE]
    assert [each.call for each in waiting] == ["early", "late"]
    assert waiting[0].caller == "138****5678"


def test_a_fact_whose_beginning_was_lost_counts_as_far_as_it_goes() -> None:
    story = Story()
    story.answers("lost", "1001", 0, 5, 40)  # never joined, as far as we know
    seen = queue(read(story, 60))
    assert (seen.offered, seen.answered, seen.talks, seen.sl10) == (0, 0, 1, None)


def test_a_number_is_folded_once() -> None:
    story = Story()
    story.joins("a", 0)
    told = story.told()
    state = fold(told)
    fold([Numbered(each.seq, each.fact) for each in told], state)
    assert queue(figures(state, NOON + s(1), ROSTER)).offered == 1
