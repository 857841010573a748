"""Transfers outside in the fold of a call: what is dialled, what comes of it, where the customer is then."""

from __future__ import annotations

import pytest

from core import facts as f
from core.clock import SECOND
from core.facts import OutgoingOutcome
from telephony import signals as s
from telephony.call_fold import close
from tests.unit.telephony.story import CALL, CUSTOMER, NODE, Story, leg, tell
from tests.unit.telephony.test_call_fold import kinds, one, only, talks

POLICE = "110"


def dialled(story: Story, number: str = POLICE) -> Story:
    """The dialplan, on the customer's channel."""
    return story.add(s.OutsideCalled(story.at, NODE, CALL, CUSTOMER, number))


def bridged(story: Story) -> Story:
    return story.add(s.Bridged(story.at, NODE, CUSTOMER, "b9"))


def over(story: Story, status: str = "ANSWER", cause: int = 16) -> Story:
    return story.add(s.OutsideOver(story.at, NODE, CALL, CUSTOMER, status, cause))


def sent_outside() -> Story:
    """Dialled for 4 s, talked with for 60 s; the other side hangs up."""
    story = bridged(dialled(talks().refers(POLICE)).after(4)).after(60)
    return over(story).is_hung_up()


def sent_outside_in_vain() -> Story:
    """Busy: back in the queue, where the next agent answers."""
    story = over(dialled(talks().refers(POLICE)).after(5), "BUSY", 17).after(2).joins()
    return story.offered(3, "1002").after(2).answers(3, "1002").after(9).customer_hangs_up()


def test_who_is_reached_outside_is_no_agent_and_the_call_is_over_after_it() -> None:
    call, facts = tell(sent_outside().signals)
    started = one(facts, f.OutsideDialled)
    assert (started.leg, started.agent, started.number) == (leg(2), "1001", POLICE)
    assert one(facts, f.OutsideAnswered).rang == 4 * SECOND
    ended = one(facts, f.OutsideEnded)
    assert (ended.outcome, ended.talked) == (OutgoingOutcome.REACHED, 60 * SECOND)
    assert one(facts, f.CallTransferred).to == POLICE
    assert one(facts, f.TalkEnded).released_by is f.Side.SYSTEM
    assert len(only(facts, f.AgentAnswered)) == 1
    assert not only(facts, f.SurveyStarted)
    assert kinds(facts)[-2:] == ["OutsideEnded", "CallEnded"]
    assert call.over


def test_nobody_outside_and_the_customer_is_the_next_agents() -> None:
    _, facts = tell(sent_outside_in_vain().signals)
    ended = one(facts, f.OutsideEnded)
    assert (ended.outcome, ended.talked) == (OutgoingOutcome.BUSY, 0)
    assert not only(facts, f.OutsideAnswered), "the next agent's bridge is none of it"
    assert [fact.agent for fact in facts if isinstance(fact, f.AgentAnswered)] == ["1001", "1002"]


@pytest.mark.parametrize(
    ("status", "cause", "outcome"),
    [
        ("NOANSWER", 0, OutgoingOutcome.NO_ANSWER),
        ("CHANUNAVAIL", 1, OutgoingOutcome.WRONG_NUMBER),
        ("CONGESTION", 34, OutgoingOutcome.UNREACHABLE),
        ("ANSWER", 16, OutgoingOutcome.REACHED),
    ],
)
def test_what_the_dialplan_says_of_it_is_told(status: str, cause: int, outcome: OutgoingOutcome) -> None:
    """Of an answer the bridge may not have been heard."""
    _, facts = tell(over(dialled(talks().refers(POLICE)).after(5), status, cause).signals)
    assert one(facts, f.OutsideEnded).outcome is outcome


def test_a_customer_who_does_not_wait_has_given_up() -> None:
    _, facts = tell(dialled(talks().refers(POLICE)).after(5).customer_hangs_up().signals)
    assert one(facts, f.OutsideEnded).outcome is OutgoingOutcome.CANCELLED
    assert one(facts, f.CallEnded).reason is f.EndReason.CUSTOMER


@pytest.mark.parametrize("reason", [f.EndReason.NODE_LOST, f.EndReason.UNSEEN])
def test_of_an_end_that_nobody_saw_only_what_was_heard_before_is_told(reason: f.EndReason) -> None:
    story = dialled(talks().refers(POLICE)).after(5)
    call, _ = tell(story.signals)
    _, facts = close(call, story.at, reason)
    assert one(list(facts), f.OutsideEnded).outcome is OutgoingOutcome.UNKNOWN
    call, _ = tell(bridged(story).signals)
    _, facts = close(call, story.after(9).at, reason)
    ended = one(list(facts), f.OutsideEnded)
    assert (ended.outcome, ended.talked) == (OutgoingOutcome.REACHED, 9 * SECOND)


def test_the_dialplan_may_be_heard_before_the_transfer_that_led_there() -> None:
    story = dialled(talks())
    story.refers(POLICE)
    _, facts = tell(over(bridged(story.after(4)).after(9)).is_hung_up().signals)
    assert (one(facts, f.TalkEnded).leg, one(facts, f.CallTransferred).to) == (leg(2), POLICE)
    assert one(facts, f.OutsideEnded).outcome is OutgoingOutcome.REACHED


def test_the_same_number_once_more_is_another_transfer() -> None:
    """Also if the first is heard of again while the second agent talks."""
    story = over(dialled(talks().refers(POLICE)).after(5), "BUSY", 17)
    first = story.signals[-2:]
    story.after(2).joins().offered(3, "1002").after(2).answers(3, "1002")
    story.signals += first
    story = dialled(story.after(9).refers(POLICE, 3, "1002"))
    story.signals += first
    _, facts = tell(over(bridged(story.after(3)).after(30)).is_hung_up().signals)
    ends = [(fact.agent, fact.outcome) for fact in facts if isinstance(fact, f.OutsideEnded)]
    assert ends == [("1001", OutgoingOutcome.BUSY), ("1002", OutgoingOutcome.REACHED)]
    assert len(only(facts, f.OutsideDialled)) == 2
    talked = {fact.agent: fact.talked for fact in facts if isinstance(fact, f.TalkEnded)}
    assert talked["1002"] == 9 * SECOND
