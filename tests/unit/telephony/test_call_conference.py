"""Conferences of three in the fold of a call: whose talk it is, how long, and whose score (CALL-16)."""

from __future__ import annotations

import pytest

from core import facts as f
from core.clock import SECOND
from telephony import signals as s
from telephony.call_fold import reduce
from telephony.recall import recall_call
from tests.unit.telephony.story import CALL, CUSTOMER, NODE, Story, leg, tell
from tests.unit.telephony.test_call_fold import one, only, talks


def meet(story: Story) -> Story:
    """In the order of the capture conference_goes_on_with_the_colleague."""
    story.add(s.ConferenceCalled(story.at, NODE, CALL, leg(2), leg(3)))
    story.add(s.Unbridged(story.at, NODE, leg(3), "b9")).add(s.Bridged(story.at, NODE, leg(3), "b3"))
    story.add(s.Unbridged(story.at, NODE, leg(2), "b1")).add(s.Bridged(story.at, NODE, leg(2), "b3"))
    story.add(s.Unbridged(story.at, NODE, CUSTOMER, "b1"))
    return story.add(s.Bridged(story.at, NODE, CUSTOMER, "b3")).add(s.Gone(story.at, NODE, leg(9), 16))


def leaves(story: Story, number: int) -> Story:
    story.add(s.HangupAsked(story.at, NODE, leg(number), 16))
    if number == 2:  # whom app_queue has called
        about = (CUSTOMER, leg(2), "personal-cmn", "1001", "d001")
        story.add(s.Completed(story.at, NODE, *about, "agent"))
    story.add(s.Unbridged(story.at, NODE, leg(number), "b3"))
    return story.add(s.Gone(story.at, NODE, leg(number), 16))


def together() -> Story:
    """1001 talks from 0, asks 1002 from 10, who answers at 13; all three are together at 23."""
    return meet(talks().after(10).asks().after(3).is_told().after(10))


def rated(story: Story) -> Story:
    story.add(s.Unbridged(story.at, NODE, CUSTOMER, "b3"))
    story.add(s.SurveyBegan(story.at, NODE, CALL, CUSTOMER, False))
    story.add(s.SurveyKeyed(story.at, NODE, CALL, CUSTOMER, "satisfaction", 5))
    story.add(s.SurveyOver(story.at, NODE, CALL, CUSTOMER, "completed"))
    return story.add(s.Gone(story.at, NODE, CUSTOMER, 16))


@pytest.mark.rule("CALL-16")
@pytest.mark.parametrize(("first", "last", "agent"), [(2, 3, "1002"), (3, 2, "1001")])
def test_whoever_stays_goes_on_and_is_rated(first: int, last: int, agent: str) -> None:
    begun = together().after(7)
    call, facts = tell(rated(leaves(leaves(begun, first).after(20), last)).signals)
    started = one(facts, f.ConferenceStarted)
    assert (started.leg, started.to, started.to_leg) == (leg(2), "1002", leg(3))
    assert one(facts, f.ConferenceEnded).lasted == 7 * SECOND
    assert one(facts, f.ConsultEnded).outcome is f.ConsultOutcome.JOINED
    ended = {fact.leg: fact for fact in facts if isinstance(fact, f.TalkEnded)}
    assert ended[leg(last)].at - ended[leg(first)].at == 20 * SECOND
    assert ended[leg(3)].talked == ended[leg(3)].at - started.at
    assert (ended[leg(2)].consulted, ended[leg(2)].released_by) == (13 * SECOND, f.Side.AGENT)
    assert {x.agent for x in facts if isinstance(x, f.SurveyStarted | f.SurveyAnswered)} == {agent}
    assert len(only(facts, f.CallerLeftQueue)) == 1
    assert call.over


def test_a_customer_who_hangs_up_ends_it_for_both() -> None:
    story = together().after(5)
    story.add(s.HangupAsked(story.at, NODE, CUSTOMER, 16)).add(s.Unbridged(story.at, NODE, CUSTOMER, "b3"))
    for number in (2, 3):
        story.add(s.Unbridged(story.at, NODE, leg(number), "b3"))
    story.add(s.Gone(story.at, NODE, CUSTOMER, 16))
    for number in (2, 3):
        story.add(s.Gone(story.at, NODE, leg(number), 16))
    call, facts = tell(story.signals)
    assert [x.released_by for x in facts if isinstance(x, f.TalkEnded)] == [f.Side.CUSTOMER] * 2
    assert one(facts, f.ConferenceEnded).lasted == 5 * SECOND
    assert not only(facts, f.SurveyStarted)
    assert call.over


def test_a_customer_who_hangs_up_on_the_way_has_talked_until_then() -> None:
    """The dialplan lets both agents go: none of it is a talk of the colleague's, or more of the first's."""
    story = talks().asks().after(3).is_told().after(10)
    story.add(s.ConferenceCalled(story.at, NODE, CALL, leg(2), leg(3)))
    story.add(s.Unbridged(story.at, NODE, leg(3), "b9")).add(s.Bridged(story.at, NODE, leg(3), "b3"))
    story.add(s.Unbridged(story.at, NODE, leg(2), "b1")).add(s.Bridged(story.at, NODE, leg(2), "b3"))
    story.add(s.Unbridged(story.at, NODE, CUSTOMER, "b1")).add(s.HangupAsked(story.at, NODE, CUSTOMER, 16))
    gone = story.at
    story.add(s.Gone(story.at, NODE, CUSTOMER, 16)).after(0.1)
    for number in (2, 3):
        story.add(s.Unbridged(story.at, NODE, leg(number), "b3")).add(s.Gone(story.at, NODE, leg(number), 16))
    call, facts = tell(story.signals)
    talk, asked = one(facts, f.TalkEnded), one(facts, f.ConsultEnded)
    assert (talk.agent, talk.at, talk.released_by) == ("1001", gone, f.Side.CUSTOMER)
    assert (asked.outcome, asked.consulted, asked.at - gone) == (
        f.ConsultOutcome.DONE,
        13 * SECOND,
        SECOND // 10,
    )
    assert not only(facts, f.ConferenceStarted)
    assert sorted(x.leg for x in facts if isinstance(x, f.RecordingEnded)) == [leg(2), leg(3)]
    assert call.over


def test_a_colleague_who_is_gone_on_the_way_leaves_the_first_agent_in_his_talk() -> None:
    story = talks().asks().after(3).is_told().after(10)
    story.add(s.ConferenceCalled(story.at, NODE, CALL, leg(2), leg(3)))
    story.add(s.Unbridged(story.at, NODE, leg(3), "b9")).add(s.Gone(story.at, NODE, leg(3), 16))
    story.add(s.Unbridged(story.at, NODE, leg(2), "b1")).add(s.Unbridged(story.at, NODE, CUSTOMER, "b1"))
    story.add(s.Bridged(story.at, NODE, leg(2), "b3")).add(s.Bridged(story.at, NODE, CUSTOMER, "b3"))
    _, facts = tell(rated(leaves(story.after(20), 2)).signals)
    assert not only(facts, f.ConferenceStarted)
    assert one(facts, f.ConsultEnded).outcome is f.ConsultOutcome.DONE
    assert one(facts, f.TalkEnded).at == story.at
    assert one(facts, f.SurveyStarted).leg == leg(2)


def test_another_colleague_may_be_brought_in_after_the_first_has_left() -> None:
    """Agent and customer stay where they are; 1003 comes to them."""
    story = leaves(together().after(7), 3).after(20).asks(4, "1003", 10).after(2).is_told(4, 10).after(5)
    story.add(s.ConferenceCalled(story.at, NODE, CALL, leg(2), leg(4)))
    story.add(s.Unbridged(story.at, NODE, leg(4), "b9")).add(s.Bridged(story.at, NODE, leg(4), "b3"))
    call, facts = tell(rated(leaves(leaves(story.after(9), 2).after(1), 4)).signals)
    started, ended = only(facts, f.ConferenceStarted), only(facts, f.ConferenceEnded)
    assert [fact.to for fact in started] == ["1002", "1003"]
    assert [fact.lasted for fact in ended] == [7 * SECOND, 9 * SECOND]
    assert [fact.agent for fact in only(facts, f.TalkEnded)] == ["1002", "1001", "1003"]
    assert one(facts, f.SurveyStarted).agent == "1003"
    assert call.over


@pytest.mark.rule("SURVEY-01")
@pytest.mark.parametrize("order", [(2, 3), (3, 2)])
def test_taken_from_both_he_rates_the_colleague_in_whatever_order_they_are_let_go(
    order: tuple[int, int],
) -> None:
    """By our order: nobody has hung up."""
    story = together().after(5)
    story.add(s.Unbridged(story.at, NODE, CUSTOMER, "b3"))
    for number in order:
        story.after(0.002).add(s.Unbridged(story.at, NODE, leg(number), "b3"))
    story.add(s.SurveyBegan(story.at, NODE, CALL, CUSTOMER, True))
    _, facts = tell(story.signals)
    assert {x.released_by for x in facts if isinstance(x, f.TalkEnded)} == {f.Side.SYSTEM}
    assert one(facts, f.SurveyStarted).agent == "1002"


def test_of_two_whoever_still_talks_has_the_customer() -> None:
    """Though the colleague came later: his telephone has fallen silent."""
    story = together().after(5)
    story.add(s.Unbridged(story.at, NODE, leg(3), "b3")).add(s.Gone(story.at, NODE, leg(3), 44))
    call, facts = tell(story.signals)
    assert one(facts, f.TelephoneLost).leg == leg(3)
    last = call.last_answered()
    assert last is not None
    assert last.id == leg(2)


def test_what_is_heard_twice_is_told_once() -> None:
    signals = rated(leaves(leaves(together().after(7), 2).after(20), 3)).signals
    _, once = tell(signals)
    _, twice = tell([signal for signal in signals for _ in (1, 2)])
    assert [type(x) for x in once] == [type(x) for x in twice]


def test_it_is_taken_up_where_it_was_left() -> None:
    story = together()
    _, facts = tell(story.signals)
    recalled = recall_call(facts)
    assert recalled is not None
    assert recalled.conference is not None
    assert recalled.conference.lasting
    story.after(4)
    more: list[f.Fact] = []
    for signal in (s.Bridged(story.at, NODE, leg(2), "b3"), s.Gone(story.at, NODE, leg(2), 16)):
        recalled, told = reduce(recalled, signal)
        more += told
    assert one(more, f.ConferenceEnded).lasted == 4 * SECOND
    assert one(more, f.TalkEnded).leg == leg(2)
