"""The fold of one call's facts into its record."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import facts as f
from core.clock import SECOND
from core.facts import Fact, Numbered
from ledger.call_folding import fold_call
from ledger.call_record import CallOutcome, CallRecord
from tests.unit.ledger.samples import QUEUE, T0, Story, abandoned, customer, leg_id, normal


def numbered(facts: Sequence[Fact]) -> list[Numbered]:
    return [Numbered(n, fact) for n, fact in enumerate(facts, 1)]


def folded(story: Story) -> CallRecord:
    record = fold_call(None, numbered(story.facts))
    assert record is not None
    return record


@pytest.mark.rule("CALL-02", "CALL-10", "CALL-12")
def test_a_call_that_goes_well_is_told_whole() -> None:
    record = folded(normal())
    assert record.outcome is CallOutcome.ANSWERED
    assert (record.began_at, record.caller, record.language, record.queue) == (
        T0,
        "13800000001",
        "cmn",
        QUEUE,
    )
    assert record.waited == 2_100_000
    (leg,) = record.legs
    assert (leg.leg, leg.agent, leg.rang, leg.talked) == (leg_id(1), "1001", 2 * SECOND, 30 * SECOND)
    assert leg.released_by is f.Side.AGENT
    assert (leg.satisfaction, leg.solved, leg.survey) == (5, 1, f.SurveyOutcome.COMPLETED)
    assert leg.file == f"{leg_id(1)}.wav"
    assert record.reason is f.EndReason.SYSTEM
    assert [step.target for step in record.menus] == [QUEUE]


def test_what_comes_after_the_end_still_belongs_to_the_call() -> None:
    story = normal()
    story.leg(f.RecordingFiled, 1, 1, "1001", file="a.wav", status="present", length=SECOND, sha256="0" * 64)
    story.leg(f.SummarySaved, 1, 1, "1001", number="ZJ1", type="enquiry")
    story.add(f.TicketOpened, 1, agent="1001", number="T1", summary="ZJ1", kind="complaint")
    record = folded(story)
    assert (record.legs[0].file_status, record.legs[0].summary, record.tickets) == ("present", "ZJ1", ("T1",))


def test_leaders_stand_with_the_leg_they_joined_and_when_and_how() -> None:
    first, second = f"leader-{'0' * 31}1", f"leader-{'0' * 31}2"
    story = Story().menu().join().offer().answer()
    for after, kind, about in (
        (1, f.LeaderJoined, {"leader": "8001", "mode": "listen", "presence": first}),
        (2, f.LeaderJoined, {"leader": "8002", "mode": "whisper", "presence": second}),
        (3, f.LeaderModeChanged, {"leader": "8001", "mode": "barge", "presence": first}),
        (4, f.LeaderLeft, {"leader": "8001", "presence": first}),
        (1, f.LeaderMissed, {"leader": "8003", "cause": "not_taken", "presence": f"leader-{'0' * 31}3"}),
    ):
        story.leg(kind, after, 1, "1001", **about)
    (leg,) = folded(story).legs
    one, other = leg.joined_by
    assert (one.leader, [mode for _, mode in one.modes]) == ("8001", ["listen", "barge"])
    assert one.modes[1][0] - one.at == 5 * SECOND
    assert one.left_at == one.at + 9 * SECOND
    assert (other.leader, other.left_at) == ("8002", None)


def test_an_order_stands_with_the_leg_it_was_about() -> None:
    story = Story().menu().join().offer().answer()
    story.leg(f.CallOrdered, 3, 1, "1001", order="end", by="8001", reason="辱骂")
    (leg,) = folded(story).legs
    assert [(one.by, one.order, one.reason) for one in leg.orders] == [("8001", "end", "辱骂")]


def test_a_no_answer_and_the_second_agent_are_two_legs_of_one_wait() -> None:
    story = Story().menu().join().offer("1001", 1).no_answer("1001", 1).offer("1002", 2).answer("1002", 2)
    record = folded(story.talk(5, f.Side.CUSTOMER, "1002", 2).end(f.Phase.TALKING))
    assert [(leg.agent, leg.outcome) for leg in record.legs] == [
        ("1001", f.OfferOutcome.NO_ANSWER),
        ("1002", None),
    ]
    assert [leg.agent for leg in record.answered_legs] == ["1002"]
    assert len(record.waits) == 1
    assert record.talked == 5 * SECOND


def test_rounds_of_one_wait_are_one_wait_from_the_first_joining() -> None:
    story = Story().menu().join().leave(f.LeaveReason.TIMED_OUT, 30).join(1, again=True).offer().answer()
    (wait,) = folded(story).waits
    assert (wait.rounds, wait.reason, wait.waited) == (2, f.LeaveReason.ANSWERED, 33_100_000)


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        (Story(), CallOutcome.OPEN),
        (Story().menu().end(f.Phase.MENU), CallOutcome.MENU),
        (abandoned(), CallOutcome.ABANDONED),
        (
            Story().join().leave(f.LeaveReason.TIMED_OUT, 60).end(f.Phase.MENU),
            CallOutcome.TIMED_OUT,
        ),
        (Story().add(f.NobodyOnDuty, queue=QUEUE).end(f.Phase.MENU), CallOutcome.NOBODY_ON_DUTY),
        (Story().join().leave(f.LeaveReason.CALLBACK, 60).end(f.Phase.MENU), CallOutcome.CALLBACK),
        (
            Story().join().leave(f.LeaveReason.NODE_LOST).end(f.Phase.WAITING, reason=f.EndReason.NODE_LOST),
            CallOutcome.NODE_LOST,
        ),
    ],
)
def test_the_outcome_of_a_call_that_nobody_answered(story: Story, outcome: CallOutcome) -> None:
    assert folded(story).outcome is outcome


def test_a_call_whose_arrival_was_missed_says_so_and_takes_a_late_arrival_in() -> None:
    story = normal()
    arrival, rest = story.facts[0], story.facts[1:]
    record = fold_call(None, numbered(rest))
    assert record is not None
    assert not record.arrival_seen
    record = fold_call(record, [Numbered(len(rest) + 1, arrival)])
    assert record is not None
    assert record.arrival_seen
    assert (record.began_at, record.caller) == (T0, "13800000001")


def test_facts_that_are_not_of_a_call_change_nothing() -> None:
    assert fold_call(None, [Numbered(1, f.DeviceContactChanged(at=1, device="d001", reachable=True))]) is None
    assert customer(1) != leg_id(1)


@given(st.data())
def test_any_cut_into_pieces_with_repeats_gives_the_same_record(data: st.DataObject) -> None:
    facts = numbered(data.draw(st.sampled_from([normal(), abandoned()])).facts)
    record, place = None, 0
    while place < len(facts):
        end = data.draw(st.integers(place + 1, len(facts)))
        start = data.draw(st.integers(0, place))
        record = fold_call(record, facts[start:end])
        place = end
    assert record == fold_call(None, facts)


@pytest.mark.rule("CALL-07")
def test_a_hold_has_the_reason_that_was_given_before_it_or_while_it_lasts() -> None:
    about = {"call": "c", "leg": "l", "agent": "1001", "queue": QUEUE}
    facts = [
        f.HoldExplained(at=T0, reason="lookup", **about),
        f.HoldStarted(at=T0 + SECOND, **about),
        f.HoldEnded(at=T0 + 5 * SECOND, held=4 * SECOND, **about),
        f.HoldStarted(at=T0 + 9 * SECOND, **about),
        f.HoldExplained(at=T0 + 10 * SECOND, reason="system", **about),
        f.HoldEnded(at=T0 + 12 * SECOND, held=3 * SECOND, **about),
        f.HoldStarted(at=T0 + 20 * SECOND, **about),
    ]
    record = fold_call(None, numbered(facts))
    assert record is not None
    assert [(hold.at, hold.held, hold.reason) for hold in record.legs[0].holds] == [
        (T0 + SECOND, 4 * SECOND, "lookup"),
        (T0 + 9 * SECOND, 3 * SECOND, "system"),
        (T0 + 20 * SECOND, None, ""),
    ]


def test_a_leg_knows_who_sent_the_customer_and_where_to() -> None:
    about = {"call": "c", "queue": QUEUE}
    facts = [
        f.CallTransferred(at=T0, leg="l", agent="1001", to="1002", **about),
        f.AgentOffered(at=T0, leg="m", agent="1002", device="d002", from_leg="l", **about),
    ]
    record = fold_call(None, numbered(facts))
    assert record is not None
    assert [(leg.leg, leg.transferred_to, leg.from_leg) for leg in record.legs] == [
        ("l", "1002", ""),
        ("m", "", "l"),
    ]


def test_a_leg_knows_to_which_number_outside_the_customer_was_sent_and_what_came_of_it() -> None:
    story = Story().menu().join().offer("1001", 1).answer("1001", 1)
    story.leg(f.OutsideDialled, 3, 1, "1001", number="110")
    (leg,) = folded(story).legs
    assert leg.outside is not None
    assert (leg.outside.number, leg.outside.answered_at, leg.outside.outcome) == ("110", None, None)
    story.leg(f.OutsideAnswered, 4, 1, "1001", number="110", rang=4 * SECOND)
    reached = f.OutgoingOutcome.REACHED
    story.leg(f.OutsideEnded, 60, 1, "1001", number="110", outcome=reached, talked=60 * SECOND)
    (leg,) = folded(story).legs
    assert leg.outside is not None
    assert leg.outside.answered_at == leg.outside.at + 4 * SECOND
    assert (leg.outside.outcome, leg.outside.talked) == (reached, 60 * SECOND)


@pytest.mark.rule("CALL-16")
def test_a_consult_is_told_with_the_leg_that_asked_and_is_no_leg_itself() -> None:
    asks = {"to": "1002", "to_leg": leg_id(1, 9)}
    story = Story().menu().join().offer("1001", 1).answer("1001", 1)
    story.leg(f.ConsultStarted, 3, 1, "1001", device="d002", by_leg=leg_id(1, 8), **asks)
    story.leg(f.RecordingStarted, 1, 9, "1002", file="a.wav")
    story.leg(f.ConsultAnswered, 1, 1, "1001", rang=2 * SECOND, **asks)
    (leg,) = folded(story).legs
    (asked,) = leg.consults
    assert (asked.to, asked.outcome, asked.consulted, asked.file) == ("1002", None, None, "a.wav")
    assert asked.answered_at is not None
    assert asked.at < asked.answered_at
    joined = f.ConsultOutcome.JOINED
    story.leg(f.ConsultEnded, 4, 1, "1001", outcome=joined, consulted=6 * SECOND, **asks)
    (leg,) = folded(story).legs
    assert (leg.consults[0].outcome, leg.consults[0].consulted) == (joined, 6 * SECOND)
    story.leg(f.AgentOffered, 0, 9, "1002", device="d002", from_leg=leg_id(1))
    story.leg(f.RecordingFiled, 9, 9, "1002", file="a.wav", status="present", length=SECOND)
    _, second = folded(story).legs
    assert (second.from_leg, second.file, second.file_status) == (leg_id(1), "a.wav", "present")


def test_a_conference_is_told_with_the_leg_that_called_it() -> None:
    brings = {"to": "1002", "to_leg": leg_id(1, 9)}
    story = Story().menu().join().offer("1001", 1).answer("1001", 1)
    story.leg(f.ConferenceStarted, 3, 1, "1001", **brings)
    (leg,) = folded(story).legs
    assert [(one.to, one.to_leg, one.lasted) for one in leg.conferences] == [("1002", leg_id(1, 9), None)]
    story.leg(f.ConferenceEnded, 4, 1, "1001", lasted=4 * SECOND, **brings)
    story.leg(f.ConferenceStarted, 9, 1, "1001", to="1003", to_leg=leg_id(1, 11))
    (leg,) = folded(story).legs
    assert [one.lasted for one in leg.conferences] == [4 * SECOND, None]
