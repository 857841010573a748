"""Consults in the fold of a call: what the agent asks, what becomes of it, whose time it is (CALL-16)."""

from __future__ import annotations

import pytest

from core import facts as f
from core.clock import SECOND
from telephony import signals as s
from telephony.call_fold import close
from tests.unit.telephony.story import CUSTOMER, NODE, leg, tell
from tests.unit.telephony.test_call_fold import (
    asked_and_back,
    asked_and_handed_over,
    kinds,
    one,
    only,
    talks,
)


@pytest.mark.rule("CALL-16")
def test_a_consult_is_a_part_of_the_talk_apart_from_hold() -> None:
    """On hold from 30 to 52, of that in a consult from 35 to 50: 7 s of hold are left."""
    call, facts = tell(asked_and_back().signals)
    started = one(facts, f.ConsultStarted)
    assert (started.leg, started.agent, started.to, started.to_leg) == (leg(2), "1001", "1002", leg(3))
    assert one(facts, f.ConsultAnswered).rang == 3 * SECOND
    ended = one(facts, f.ConsultEnded)
    assert (ended.outcome, ended.consulted) == (f.ConsultOutcome.DONE, 15 * SECOND)
    talk = one(facts, f.TalkEnded)
    assert (talk.talked, talk.consulted, talk.held) == (60 * SECOND, 15 * SECOND, 7 * SECOND)
    assert one(facts, f.HoldEnded).held == 22 * SECOND  # what the customer has heard of it
    assert call.over


def test_whoever_is_only_asked_has_no_leg_of_the_call() -> None:
    _, facts = tell(asked_and_back().signals)
    assert [fact.agent for fact in facts if isinstance(fact, f.AgentOffered | f.AgentAnswered)] == [
        "1001"
    ] * 2
    assert one(facts, f.SurveyStarted).agent == "1001"
    began = [fact.leg for fact in facts if isinstance(fact, f.RecordingStarted)]
    assert began == [leg(2), leg(3)]
    assert sorted(fact.leg for fact in facts if isinstance(fact, f.RecordingEnded)) == began


@pytest.mark.rule("CALL-16")
def test_a_customer_who_is_handed_over_is_the_colleagues_from_the_bridge_on() -> None:
    call, facts = tell(asked_and_handed_over().signals)
    assert one(facts, f.ConsultEnded).outcome is f.ConsultOutcome.JOINED
    assert (one(facts, f.CallTransferred).leg, one(facts, f.CallTransferred).to) == (leg(2), "1002")
    first, second = (fact for fact in facts if isinstance(fact, f.TalkEnded))
    assert (first.leg, first.talked, first.consulted, first.held) == (
        leg(2),
        50 * SECOND,
        15 * SECOND,
        5 * SECOND,
    )
    assert first.released_by is f.Side.SYSTEM
    assert (second.leg, second.talked, second.consulted) == (leg(3), 20 * SECOND, 0)
    assert second.released_by is f.Side.AGENT
    answered = [fact for fact in facts if isinstance(fact, f.AgentAnswered)][1]
    assert (answered.leg, answered.waited, answered.rang) == (leg(3), 0, 3 * SECOND)
    offered = [fact for fact in facts if isinstance(fact, f.AgentOffered)][1]
    assert offered.from_leg == leg(2)
    assert {x.leg for x in facts if isinstance(x, f.SurveyStarted | f.SurveyAnswered)} == {leg(3)}
    assert len(only(facts, f.RecordingStarted)) == len(only(facts, f.RecordingEnded)) == 2
    assert len(only(facts, f.CallerLeftQueue)) == 1
    assert call.over


@pytest.mark.parametrize(
    ("rings", "cause", "outcome"),
    [
        (True, 0, "no_answer"),
        (True, 21, "rejected"),
        (False, 17, "busy"),
        (False, 0, "unreachable"),
    ],
)
def test_a_colleague_who_does_not_answer(rings: bool, cause: int, outcome: str) -> None:
    story = talks().asks(rings=rings).after(6)
    if cause:
        story.add(s.HangupAsked(story.at, NODE, leg(3), cause))
    story.add(s.Gone(story.at, NODE, leg(3), cause)).add(s.Gone(story.at, NODE, leg(9), 16))
    _, facts = tell(story.after(4).agent_hangs_up().signals)
    ended = one(facts, f.ConsultEnded)
    assert (ended.outcome.value, ended.consulted) == (outcome, 6 * SECOND)
    assert (one(facts, f.TalkEnded).consulted, one(facts, f.TalkEnded).held) == (6 * SECOND, 0)


def test_an_agent_who_does_not_wait_for_the_answer() -> None:
    story = talks().asks().after(2)
    story.add(s.HangupAsked(story.at, NODE, leg(9), 16)).add(s.Gone(story.at, NODE, leg(3), 0))
    _, facts = tell(story.signals)
    assert one(facts, f.ConsultEnded).outcome is f.ConsultOutcome.CANCELLED


def test_after_the_customer_has_gone_a_consult_goes_on_without_figures_of_a_customer() -> None:
    story = talks().holds().asks().after(2).is_told().after(5).customer_hangs_up()
    story.add(s.Gone(story.at, NODE, leg(2), 16))
    call, facts = tell(story.signals)
    talk = one(facts, f.TalkEnded)
    assert (talk.talked, talk.consulted, talk.held) == (37 * SECOND, 7 * SECOND, 0)
    assert not only(facts, f.ConsultEnded)
    assert not call.over
    call, facts = tell(story.after(60).knows_enough().signals)
    assert one(facts, f.ConsultEnded).consulted == 7 * SECOND
    assert not only(facts, f.SurveyStarted)
    assert kinds(facts).index("CallEnded") < kinds(facts).index("ConsultEnded")
    assert call.over


def test_a_colleague_who_answers_after_the_customer_has_gone_is_told_of() -> None:
    story = talks().asks().after(2).customer_hangs_up().add(s.Gone(talks().at, NODE, leg(2), 16))
    _, facts = tell(story.after(1).is_told().after(9).knows_enough().signals)
    assert one(facts, f.ConsultAnswered).rang == 3 * SECOND
    assert one(facts, f.ConsultEnded).outcome is f.ConsultOutcome.DONE
    assert len(only(facts, f.AgentAnswered)) == 1


def test_two_colleagues_one_after_the_other_are_two_consults() -> None:
    story = talks().asks().after(4).is_told().knows_enough().after(10)
    story.asks(4, "1003", 8).after(6).is_told(4, 8).knows_enough(4, 8).after(1).agent_hangs_up()
    _, facts = tell(story.signals)
    assert [x.to for x in facts if isinstance(x, f.ConsultEnded)] == ["1002", "1003"]
    assert one(facts, f.TalkEnded).consulted == 10 * SECOND


def test_two_colleagues_at_once_are_no_more_time_than_has_passed() -> None:
    story = talks().asks().after(4).asks(4, "1003", 8).after(6).is_told(4, 8).knows_enough(4, 8)
    story.after(5).add(s.Gone(story.at, NODE, leg(3), 0)).after(1).agent_hangs_up()
    _, facts = tell(story.signals)
    assert one(facts, f.TalkEnded).consulted == 15 * SECOND


def test_an_agent_who_asks_a_queue_does_not_bring_the_customer_there() -> None:
    """The queue's caller is the agent's own channel; the customer waits nowhere."""
    story = talks().asks()
    story.add(s.Joined(story.at, NODE, leg(9), "loss-cmn", 1)).after(3).customer_hangs_up()
    _, facts = tell(story.signals)
    assert len(only(facts, f.CallerQueued)) == 1


def test_a_lost_node_ends_a_consult_too() -> None:
    story = talks().asks().after(2).is_told()
    call, _ = tell(story.signals)
    call, facts = close(call, story.at + SECOND, f.EndReason.NODE_LOST)
    assert one(list(facts), f.ConsultEnded).outcome is f.ConsultOutcome.NODE_LOST
    assert call.over


def test_three_in_a_conference_each_have_their_own_talk() -> None:
    """The colleague comes into the customer's bridge and the agent stays; later the agent leaves."""
    story = talks().asks().after(3).is_told().after(10)
    story.add(s.Unbridged(story.at, NODE, leg(3), "b9")).add(s.Bridged(story.at, NODE, leg(3), "b1"))
    story.add(s.Gone(story.at, NODE, leg(9), 16)).after(20)
    story.add(s.HangupAsked(story.at, NODE, leg(2), 16)).add(s.Unbridged(story.at, NODE, leg(2), "b1"))
    story.add(s.Gone(story.at, NODE, leg(2), 16)).after(7).colleague_hangs_up()
    _, facts = tell(story.signals)
    talks_ = {fact.leg: fact.talked for fact in facts if isinstance(fact, f.TalkEnded)}
    assert talks_ == {leg(2): 63 * SECOND, leg(3): 27 * SECOND}
    assert not only(facts, f.CallTransferred)


def test_a_bridge_of_the_customer_with_nobody_asked_takes_nobody_in() -> None:
    story = talks().asks().after(1)
    story.add(s.Unbridged(story.at, NODE, CUSTOMER, "b1"))
    _, facts = tell(story.signals)
    assert len(only(facts, f.AgentAnswered)) == 1


@pytest.mark.rule("CALL-16")
def test_whom_a_queue_has_found_answers_the_customer_as_that_queues_agent() -> None:
    _, facts = tell(talks().holds().asks(of="loss-cmn").after(3).is_told().hands_over().signals)
    assert (one(facts, f.ConsultStarted).of, one(facts, f.ConsultStarted).queue) == (
        "loss-cmn",
        "personal-cmn",
    )
    answered = [fact for fact in facts if isinstance(fact, f.AgentAnswered)][1]
    assert (answered.agent, answered.queue, answered.waited) == ("1002", "loss-cmn", 0)
    assert [fact.queue for fact in facts if isinstance(fact, f.RecordingStarted)][1] == "loss-cmn"
    assert len(only(facts, f.CallerQueued)) == 1, "the customer has not waited there"


@pytest.mark.rule("CALL-16")
@pytest.mark.parametrize("rung", [True, False])
def test_a_customer_sent_to_a_queue_before_anybody_there_has_answered(rung: bool) -> None:
    """The customer's wait there is one of its own; whoever was being rung meanwhile was not at fault."""
    story = talks().holds()
    story = story.asks(of="loss-cmn").after(2) if rung else story
    story.add(s.Unbridged(story.at, NODE, leg(2), "b1"))
    story.add(s.HandedOver(story.at, NODE, leg(2), leg(9), "loss-cmn"))
    story.add(s.Gone(story.at, NODE, leg(2), 16)).after(1).add(s.Gone(story.at, NODE, leg(3), 0))
    _, facts = tell(story.signals)
    sent = one(facts, f.CallTransferred)
    assert (sent.leg, sent.to) == (leg(2), "loss-cmn")
    assert one(facts, f.TalkEnded).released_by is f.Side.SYSTEM
    assert [x.outcome.value for x in facts if isinstance(x, f.ConsultEnded)] == ["cancelled"] * rung


@pytest.mark.rule("CALL-16")
def test_a_customer_handed_over_while_the_colleague_rings_is_his_once_he_answers() -> None:
    story = talks().holds().asks(of="loss-cmn").after(2)
    story.add(s.HandedOver(story.at, NODE, leg(2), leg(9), "loss-cmn"))
    story.add(s.Unbridged(story.at, NODE, CUSTOMER, "b1")).add(s.Unbridged(story.at, NODE, leg(2), "b1"))
    story.add(s.Gone(story.at, NODE, leg(2), 16)).after(3)
    story.add(s.Bridged(story.at, NODE, leg(3), "b5")).add(s.Bridged(story.at, NODE, CUSTOMER, "b5"))
    _, facts = tell(story.signals)
    assert one(facts, f.ConsultEnded).outcome is f.ConsultOutcome.JOINED
    answered = [fact for fact in facts if isinstance(fact, f.AgentAnswered)][1]
    assert (answered.agent, answered.queue, answered.rang) == ("1002", "loss-cmn", 5 * SECOND)
