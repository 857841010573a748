"""The fold of one call, path by path (house §4, §5 of the measured facts)."""

from __future__ import annotations

import re
from collections import Counter
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import facts as f
from core.clock import SECOND
from telephony import signals as s
from telephony.call_fold import close
from tests.unit.telephony.story import CALL, CUSTOMER, NODE, START, Story, leg, normal, tell

T = TypeVar("T", bound=f.Fact)


def kinds(facts: list[f.Fact]) -> list[str]:
    return [type(fact).__name__ for fact in facts]


def one(facts: list[f.Fact], kind: type[T]) -> T:
    (found,) = [fact for fact in facts if isinstance(fact, kind)]
    return found


def only(facts: list[f.Fact], kind: type[f.Fact]) -> list[f.Fact]:
    return [fact for fact in facts if isinstance(fact, kind)]


@pytest.mark.rule("CALL-02", "SURVEY-01")
def test_a_normal_call_tells_its_whole_story_in_order() -> None:
    call, facts = tell(normal().signals)
    assert kinds(facts) == [
        "CallArrived",
        "LanguageChosen",
        "MenuChosen",
        "CallerQueued",
        "AgentOffered",
        "RecordingStarted",
        "AgentAnswered",
        "CallerLeftQueue",
        "TalkEnded",
        "RecordingEnded",
        "SurveyStarted",
        "SurveyAnswered",
        "SurveyAnswered",
        "SurveyEnded",
        "CallEnded",
    ]
    answered = one(facts, f.AgentAnswered)
    assert (answered.waited, answered.rang) == (5 * SECOND, 3 * SECOND)
    assert one(facts, f.TalkEnded).talked == 60 * SECOND
    assert one(facts, f.SurveyStarted).by is f.Side.AGENT
    assert one(facts, f.CallEnded).reason is f.EndReason.SYSTEM
    assert call.over


@pytest.mark.rule("CALL-10")
def test_who_released_first_is_known() -> None:
    _, facts = tell(normal().signals)
    assert one(facts, f.TalkEnded).released_by is f.Side.AGENT
    story = Story().arrives().joins().offered().after(2).answers().after(30).customer_hangs_up()
    _, facts = tell(story.signals)
    assert one(facts, f.TalkEnded).released_by is f.Side.CUSTOMER
    assert one(facts, f.CallEnded).phase is f.Phase.TALKING


@pytest.mark.parametrize(
    ("story", "phase", "left"),
    [
        (Story().arrives().after(2).customer_hangs_up(), f.Phase.MENU, None),
        (Story().arrives().joins().after(7).customer_hangs_up(), f.Phase.WAITING, 7),
        (Story().arrives().joins().after(1).offered().after(2).customer_hangs_up(), f.Phase.RINGING, 3),
    ],
)
def test_a_customer_who_hangs_up_early(story: Story, phase: f.Phase, left: int | None) -> None:
    call, facts = tell(story.add(s.Gone(story.at, NODE, leg(2), 0)).signals)
    end = one(facts, f.CallEnded)
    assert (end.reason, end.phase) == (f.EndReason.CUSTOMER, phase)
    if left is None:
        assert not only(facts, f.CallerLeftQueue)
    else:
        gone = one(facts, f.CallerLeftQueue)
        assert (gone.reason, gone.waited) == (f.LeaveReason.ABANDONED, left * SECOND)
    outcomes = [fact.outcome for fact in facts if isinstance(fact, f.OfferEnded)]
    assert outcomes == ([f.OfferOutcome.CALLER_GONE] if phase is f.Phase.RINGING else [])
    assert call.over


@pytest.mark.parametrize(
    ("cause", "rings", "outcome"),
    [
        (0, True, f.OfferOutcome.NO_ANSWER),
        (0, False, f.OfferOutcome.UNREACHABLE),
        (17, False, f.OfferOutcome.BUSY),
        (21, True, f.OfferOutcome.REJECTED),
        (19, True, f.OfferOutcome.REJECTED),
        (3, False, f.OfferOutcome.UNREACHABLE),
    ],
)
def test_why_an_offer_failed(cause: int, rings: bool, outcome: f.OfferOutcome) -> None:
    story = Story().arrives().joins().offered(rings=rings).after(4).fails(cause=cause)
    story.after(1).offered(3, "1002").after(1).answers(3, "1002")
    _, facts = tell(story.signals)
    ended = one(facts, f.OfferEnded)
    assert (ended.agent, ended.outcome, ended.rang) == ("1001", outcome, 4 * SECOND)
    answered = one(facts, f.AgentAnswered)
    assert (answered.agent, answered.waited, answered.rang) == ("1002", 6 * SECOND, 1 * SECOND)


def test_an_exit_of_ours_is_never_an_abandon() -> None:
    story = Story().arrives().joins().after(90)
    story.add(s.Returned(story.at, NODE, CALL, CUSTOMER, "personal-cmn", 1, "TIMEOUT")).after(3).is_hung_up()
    _, facts = tell(story.signals)
    assert one(facts, f.CallerLeftQueue).reason is f.LeaveReason.TIMED_OUT
    assert one(facts, f.CallEnded).reason is f.EndReason.SYSTEM


def test_nobody_on_duty_is_no_offered_call() -> None:
    story = Story().arrives().enters()
    story.add(s.Returned(story.at, NODE, CALL, CUSTOMER, "personal-cmn", 1, "JOINEMPTY")).after(
        5
    ).is_hung_up()
    _, facts = tell(story.signals)
    assert kinds(facts) == ["CallArrived", "NobodyOnDuty", "CallEnded"]


def test_one_led_on_to_another_language_was_not_turned_away() -> None:
    """Nobody speaks the record's language: the wait is another queue's, from when the first would begin."""
    story = Story().arrives().enters("personal-en")
    story.add(s.Returned(story.at, NODE, CALL, CUSTOMER, "personal-en", 1, "OTHERWISE")).after(1)
    _, facts = tell(story.joins("personal-cmn", 2, joined=START).signals)
    assert kinds(facts) == ["CallArrived", "CallerQueued"]
    queued = one(facts, f.CallerQueued)
    assert (queued.queue, queued.joined_at, queued.again) == ("personal-cmn", START, False)


def test_only_the_customer_s_own_hang_up_is_an_abandon() -> None:
    """A channel that ends while waiting without a word from the customer was ended by us or lost."""
    _, facts = tell(Story().arrives().joins().after(4).is_hung_up().signals)
    assert one(facts, f.CallerLeftQueue).reason is f.LeaveReason.SYSTEM
    call, _ = tell(Story().arrives().joins().offered().signals)
    _, closing = close(call, START + 9 * SECOND, f.EndReason.UNSEEN)
    assert one(list(closing), f.CallerLeftQueue).reason is f.LeaveReason.UNSEEN
    assert one(list(closing), f.OfferEnded).outcome is f.OfferOutcome.CANCELLED


@pytest.mark.parametrize("refused_by", ["queue", "dialplan"])
def test_one_who_waited_and_then_finds_nobody_has_not_abandoned(refused_by: str) -> None:
    """The last agent leaves between two rounds; the wait that was open ends by our doing."""
    story = Story().arrives().joins().after(8)
    story.add(s.Returned(story.at, NODE, CALL, CUSTOMER, "personal-cmn", 1, "AGAIN")).after(5)
    if refused_by == "queue":
        story.enters(round_=2, joined=START)
        story.add(s.Returned(story.at, NODE, CALL, CUSTOMER, "personal-cmn", 2, "JOINEMPTY"))
    else:
        story.add(s.NobodyServes(story.at, NODE, CALL, CUSTOMER, "personal-cmn"))
    _, facts = tell(story.after(2).is_hung_up().signals)
    assert kinds(facts) == ["CallArrived", "CallerQueued", "CallerLeftQueue", "CallEnded"]
    left = one(facts, f.CallerLeftQueue)
    assert (left.reason, left.waited) == (f.LeaveReason.NOBODY_ON_DUTY, 13 * SECOND)
    assert one(facts, f.CallEnded).phase is f.Phase.MENU


def test_a_caller_moved_on_our_order_keeps_the_time_of_joining() -> None:
    story = Story().arrives().joins().after(12).joins("personal-cmn", 2, joined=START).after(3)
    story.offered().after(1).answers()
    _, facts = tell(story.signals)
    assert [(q.again, q.joined_at) for q in facts if isinstance(q, f.CallerQueued)] == [
        (False, START),
        (True, START),
    ]
    reasons = [fact.reason for fact in facts if isinstance(fact, f.CallerLeftQueue)]
    assert reasons == [f.LeaveReason.REQUEUED, f.LeaveReason.ANSWERED]
    assert one(facts, f.AgentAnswered).waited == 16 * SECOND


@pytest.mark.rule("CALL-11")
def test_a_redirect_to_the_survey_ends_the_talk_though_complete_comes_with_the_hangup() -> None:
    story = Story().arrives().joins().offered().answers().after(40)
    story.add(s.Unbridged(story.at, NODE, CUSTOMER, "b1")).add(s.Unbridged(story.at, NODE, leg(2), "b1"))
    story.survey_begins(transferred=True).add(s.Gone(story.at, NODE, leg(2), 16)).after(5)
    story.rates(3).survey_ends("timed_out").after(1)
    story.add(s.Completed(story.at, NODE, CUSTOMER, "", "personal-cmn", "1001", "d001", "caller"))
    _, facts = tell(story.is_hung_up().signals)
    talk = one(facts, f.TalkEnded)
    assert (talk.talked, talk.released_by) == (40 * SECOND, f.Side.SYSTEM)
    assert one(facts, f.SurveyStarted).by is f.Side.SYSTEM
    assert one(facts, f.SurveyEnded).outcome is f.SurveyOutcome.TIMED_OUT


def test_a_score_belongs_to_the_last_leg_that_was_bridged() -> None:
    story = (
        Story().arrives().joins().offered(2, "1001").answers(2, "1001").after(20).agent_hangs_up(2, "1001")
    )
    story.joins("card-cmn", 1).offered(3, "1002").after(2).answers(3, "1002").after(9)
    story.offered(4, "1003").agent_hangs_up(3, "1002").survey_begins().rates(1, 2).survey_ends()
    _, facts = tell(story.is_hung_up().signals)
    scores = [(x.leg, x.agent, x.question, x.answer) for x in facts if isinstance(x, f.SurveyAnswered)]
    assert scores == [(leg(3), "1002", "satisfaction", 1), (leg(3), "1002", "solved", 2)]


def test_survey_keys_count_only_from_the_customers_channel() -> None:
    story = Story().arrives().joins().offered().answers().after(5).agent_hangs_up().survey_begins()
    story.add(s.SurveyKeyed(story.at, NODE, CALL, leg(2), "satisfaction", 5))
    _, facts = tell(story.is_hung_up().signals)
    assert not only(facts, f.SurveyAnswered)
    assert one(facts, f.SurveyEnded).outcome is f.SurveyOutcome.HUNG_UP


def test_a_lost_node_closes_everything_under_its_own_name() -> None:
    call, facts = tell(Story().arrives().joins().offered().signals)
    call, lost = close(call, START + 9 * SECOND, f.EndReason.NODE_LOST)
    assert call.over
    facts += lost
    assert one(facts, f.CallerLeftQueue).reason is f.LeaveReason.NODE_LOST
    assert one(facts, f.OfferEnded).outcome is f.OfferOutcome.NODE_LOST
    assert one(facts, f.CallEnded).reason is f.EndReason.NODE_LOST
    assert close(call, START + 10 * SECOND, f.EndReason.NODE_LOST) == (call, ())


def talks() -> Story:
    return Story().arrives().after(1).speaks().joins().offered().after(2).answers().after(30)


STORIES = {
    "normal": normal(),
    "abandoned": Story().arrives().joins().after(6).customer_hangs_up(),
    "second agent": Story()
    .arrives()
    .joins()
    .offered(2, "1001")
    .after(4)
    .fails(2, "1001")
    .after(1)
    .offered(3, "1002")
    .after(1)
    .answers(3, "1002")
    .after(30)
    .customer_hangs_up()
    # the agent's phone goes because the customer went: milliseconds later, never before
    .after(0.003)
    .add(s.Gone(START + 36_003_000, NODE, leg(3), 16)),
}


def asked_and_handed_over() -> Story:
    story = talks().holds().after(5).asks().after(3).is_told().after(12).hands_over().after(20)
    return story.colleague_hangs_up().survey_begins().after(4).rates(5, 1).survey_ends().is_hung_up()


def asked_and_back() -> Story:
    story = talks().holds().after(5).asks().after(3).is_told().after(12).knows_enough()
    return story.after(2).is_back().after(8).agent_hangs_up().survey_begins().survey_ends().is_hung_up()


STORIES["asked and handed over"] = asked_and_handed_over()
STORIES["asked and back"] = asked_and_back()


def counted(facts: list[f.Fact]) -> Counter[str]:
    return Counter(kinds(facts))


@pytest.mark.parametrize("name", STORIES)
@given(data=st.data())
def test_signals_that_come_twice_change_nothing(name: str, data: st.DataObject) -> None:
    signals = STORIES[name].signals
    _, once = tell(signals)
    repeated = list(signals)
    for at in sorted(data.draw(st.lists(st.integers(1, len(signals) - 1), max_size=6)), reverse=True):
        later = data.draw(st.integers(at, len(repeated)))
        repeated.insert(later, signals[at])
    _, twice = tell(repeated)
    assert counted(twice) == counted(once)


@pytest.mark.parametrize("name", STORIES)
@given(data=st.data())
def test_signals_a_few_milliseconds_out_of_order_tell_the_same_story(name: str, data: st.DataObject) -> None:
    """Asterisk's threads overtake each other by milliseconds: any order within one instant must do.

    What one channel says itself keeps its order; only signals of different channels change places.
    """
    signals = STORIES[name].signals
    _, expected = tell(signals)
    order = list(range(1, len(signals)))
    for _ in range(data.draw(st.integers(0, 12))):
        i = data.draw(st.integers(0, len(order) - 2))
        a, b = signals[order[i]], signals[order[i + 1]]
        if a.at == b.at and speaker(a) != speaker(b):
            order[i], order[i + 1] = order[i + 1], order[i]
    _, got = tell([signals[0], *(signals[i] for i in order)])
    assert counted(got) == counted(expected)
    measures = (f.AgentAnswered, f.TalkEnded, f.CallerLeftQueue, f.CallEnded)
    assert sorted(map(repr, (x for x in got if isinstance(x, measures)))) == sorted(
        map(repr, (x for x in expected if isinstance(x, measures)))
    )


def speaker(signal: s.Signal) -> str:
    if isinstance(signal, s.OfferSignal):
        return CUSTOMER  # app_queue speaks on the customer's thread
    leg_ = getattr(signal, "leg", "")
    return str(leg_)


def test_a_hold_begins_and_ends_and_is_part_of_the_talk() -> None:
    story = Story().arrives().joins().offered().after(2).answers().after(30)
    story.holds().after(12).is_back().after(5).holds().after(3).is_back().after(10).agent_hangs_up()
    _, facts = tell(story.signals)
    assert [fact.held for fact in facts if isinstance(fact, f.HoldEnded)] == [12 * SECOND, 3 * SECOND]
    talk = one(facts, f.TalkEnded)
    assert (talk.talked, talk.held) == (60 * SECOND, 15 * SECOND)


def test_whoever_is_on_hold_when_the_talk_ends_is_so_no_longer() -> None:
    story = (
        Story().arrives().joins().offered().after(2).answers().after(30).holds().after(9).customer_hangs_up()
    )
    _, facts = tell(story.signals)
    assert kinds(facts)[-4:] == ["HoldStarted", "HoldEnded", "TalkEnded", "CallEnded"]
    assert one(facts, f.HoldEnded).held == one(facts, f.TalkEnded).held == 9 * SECOND


def test_a_hold_is_taken_once_and_only_of_a_leg_that_talks() -> None:
    """A telephone that transfers says it is back though it has held nobody; signals come twice and late."""
    story = Story().arrives().joins().offered().holds().after(2).answers().is_back().after(5)
    story.holds().after(7).is_back()
    held, back = story.signals[-2:]
    story.add(held).add(back).after(1).agent_hangs_up().holds()
    _, facts = tell(story.signals)
    assert one(facts, f.HoldEnded).held == 7 * SECOND
    assert one(facts, f.TalkEnded).held == 7 * SECOND


def test_a_customer_sent_to_a_colleague_is_his_from_the_answer_on() -> None:
    """Each leg has its own talk, the second no wait of a queue, and the score is the second's."""
    story = talks().refers("1002").sent_to().after(4).colleague_answers().after(20)
    story.add(s.HangupAsked(story.at, NODE, leg(3), 16)).add(s.Unbridged(story.at, NODE, leg(3), "b2"))
    story.add(s.Gone(story.at, NODE, leg(3), 16)).survey_begins().rates(5, 1).survey_ends().is_hung_up()
    call, facts = tell(story.signals)
    assert one(facts, f.CallTransferred).to == "1002"
    assert [(x.leg, x.from_leg) for x in facts if isinstance(x, f.AgentOffered)] == [
        (leg(2), ""),
        (leg(3), leg(2)),
    ]
    first, second = only(facts, f.TalkEnded)
    assert isinstance(first, f.TalkEnded)
    assert isinstance(second, f.TalkEnded)
    assert (first.leg, first.talked, first.released_by) == (leg(2), 30 * SECOND, f.Side.SYSTEM)
    assert (second.leg, second.talked, second.released_by) == (leg(3), 20 * SECOND, f.Side.AGENT)
    answered = only(facts, f.AgentAnswered)[1]
    assert isinstance(answered, f.AgentAnswered)
    assert answered.waited == answered.rang == 4 * SECOND
    assert len(only(facts, f.CallerLeftQueue)) == 1
    assert one(facts, f.SurveyStarted).leg == leg(3)
    assert call.over


@pytest.mark.parametrize("queue", ["loss-cmn", "personal-cmn"])
def test_a_customer_sent_to_a_queue_waits_anew_even_in_the_same_one(queue: str) -> None:
    story = talks().refers(queue).after(1).joins(queue).after(7).customer_hangs_up()
    _, facts = tell(story.signals)
    first, second = only(facts, f.CallerQueued)
    assert isinstance(first, f.CallerQueued)
    assert isinstance(second, f.CallerQueued)
    assert (second.queue, second.again) == (queue, False)
    assert second.joined_at == first.joined_at + 33 * SECOND
    left = only(facts, f.CallerLeftQueue)[1]
    assert isinstance(left, f.CallerLeftQueue)
    assert (left.reason, left.waited) == (f.LeaveReason.ABANDONED, 7 * SECOND)


def test_a_colleague_who_does_not_answer_is_an_offer_that_failed() -> None:
    story = talks().refers("1002").sent_to().after(20)
    story.add(s.OfferFailed(story.at, NODE, CUSTOMER, leg(3), "personal-cmn", "1002", "d002"))
    story.add(s.Gone(story.at, NODE, leg(3), 0)).after(2).joins("personal-cmn").after(1).customer_hangs_up()
    _, facts = tell(story.signals)
    assert one(facts, f.OfferEnded).outcome is f.OfferOutcome.NO_ANSWER
    assert len(only(facts, f.CallerQueued)) == 2


def test_what_a_telephone_dials_is_told_by_name_or_masked() -> None:
    for dialled, told in (("loss-cmn", "loss-cmn"), ("d007", "d007"), ("13812345678", "138****5678")):
        _, facts = tell(talks().refers(dialled).signals)
        assert one(facts, f.CallTransferred).to == told
    _, facts = tell(talks().refers("x,1)\nexten").signals)
    assert re.fullmatch(r"[0-9A-Za-z*#+?]+", one(facts, f.CallTransferred).to)


def test_sending_the_customer_to_the_survey_is_no_transfer() -> None:
    story = talks().refers("survey").survey_begins(transferred=True).rates(4).survey_ends().is_hung_up()
    _, facts = tell(story.signals)
    assert not only(facts, f.CallTransferred)
    assert one(facts, f.SurveyStarted).by is f.Side.SYSTEM


@pytest.mark.rule("CALL-10")
def test_a_leg_that_is_hung_up_for_its_agent_is_not_his_doing() -> None:
    """Both leave the bridge, and nobody has asked for it; the dialplan goes on as after any talk."""
    story = talks()
    story.add(s.Unbridged(story.at, NODE, leg(2), "b1")).add(s.Unbridged(story.at, NODE, CUSTOMER, "b1"))
    story.survey_begins().add(s.Gone(story.at, NODE, leg(2), 16)).rates(4).survey_ends().is_hung_up()
    _, facts = tell(story.signals)
    assert one(facts, f.TalkEnded).released_by is f.Side.SYSTEM
    assert one(facts, f.SurveyStarted).by is f.Side.SYSTEM


def test_a_transfer_told_twice_is_one() -> None:
    story = talks().refers("1002")
    again = next(x for x in story.signals if isinstance(x, s.Transferred))
    _, facts = tell([*story.signals, again])
    assert one(facts, f.CallTransferred).to == "1002"
    assert len(only(facts, f.TalkEnded)) == 1


def test_a_telephone_that_falls_silent_ends_the_talk_for_its_agent_not_by_him() -> None:
    story = talks().phone_falls_silent().after(1).enters().joins()
    call, facts = tell(story.signals)
    assert one(facts, f.TalkEnded).released_by is f.Side.SYSTEM
    assert one(facts, f.TelephoneLost).leg == leg(2)
    assert call.waiting
    assert [x.joined_at for x in facts if isinstance(x, f.CallerQueued)][1:] == [story.at]


@pytest.mark.parametrize("cause", [16, 0])
def test_no_telephone_is_lost_by_another_cause_or_without_a_talk(cause: int) -> None:
    story = talks()
    story.add(s.Gone(story.at, NODE, leg(2), cause))
    rings = Story().arrives().joins().offered()
    rings.add(s.Gone(rings.at, NODE, leg(2), 44))
    for signals in (story.signals, rings.signals):
        assert not only(tell(signals)[1], f.TelephoneLost)


def test_what_the_dialplan_said_of_an_earlier_round_changes_nothing_in_this_one() -> None:
    """A second copy of it comes after the next round has been announced."""
    story = talks().agent_hangs_up()
    old = s.Returned(story.at, NODE, CALL, CUSTOMER, "personal-cmn", 1, "CONTINUE")
    story.after(1).enters(joined=story.at + SECOND).add(old)
    late = s.Joined(START, NODE, CUSTOMER, "personal-cmn", 1)
    story.add(late).after(0.01).joins()
    _, facts = tell(story.signals)
    assert len(only(facts, f.CallerQueued)) == 2


@pytest.mark.parametrize("agent_first", [True, False])
def test_both_hang_up_in_the_same_instant(agent_first: bool) -> None:
    """Whoever is heard first has released; nothing is told twice, and nobody is left to be surveyed."""
    story = talks()
    asked = [s.HangupAsked(story.at, NODE, leg(2), 16), s.HangupAsked(story.at, NODE, CUSTOMER, 0)]
    for signal in asked if agent_first else reversed(asked):
        story.add(signal)
    story.add(s.Unbridged(story.at, NODE, CUSTOMER, "b1")).add(s.Unbridged(story.at, NODE, leg(2), "b1"))
    story.add(s.Completed(story.at, NODE, CUSTOMER, leg(2), "personal-cmn", "1001", "d001", "caller"))
    story.add(s.Gone(story.at, NODE, CUSTOMER, 16)).add(s.Gone(story.at, NODE, leg(2), 16))
    call, facts = tell(story.signals)
    assert one(facts, f.TalkEnded).released_by is (f.Side.AGENT if agent_first else f.Side.CUSTOMER)
    assert one(facts, f.CallEnded).reason is f.EndReason.CUSTOMER
    assert not only(facts, f.SurveyStarted)
    assert call.over


def test_the_way_into_an_earlier_queue_heard_once_more_does_not_undo_the_wait_in_this_one() -> None:
    story = talks().refers("card-cmn").after(1).joins("card-cmn")
    entering = next(signal for signal in story.signals if isinstance(signal, s.Entering))
    joined = story.signals[-1]
    once = tell(story.after(7).customer_hangs_up().signals)[1]
    told_again = [*story.signals[:-2], entering, joined, *story.signals[-2:]]
    assert entering.queue == "personal-cmn"
    assert tell(told_again)[1] == once
