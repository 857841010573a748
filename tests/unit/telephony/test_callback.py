"""A caller who waits asks to be called back: the wait ends by that, once, whatever comes after."""

from __future__ import annotations

from core import facts as f
from telephony import signals as s
from telephony.call_fold import Step, arrive, reduce
from telephony.calls import Call
from telephony.recall import recall_call
from tests.unit.telephony.story import CALL, CUSTOMER, NODE, START, Story

NUMBER = "13812345678"


def asked(at: int, joined_at: int = START) -> s.CallbackAsked:
    return s.CallbackAsked(at, NODE, CALL, CUSTOMER, "personal-cmn", joined_at, 0, "cmn", NUMBER)


def told(story: Story, *more: s.Signal) -> tuple[Call, list[f.Fact]]:
    first, *rest = [*story.signals, *more]
    assert isinstance(first, s.Arrived)
    step: Step = arrive(first)
    facts = list(step[1])
    for signal in rest:
        step = reduce(step[0], signal)
        facts += step[1]
    return step[0], facts


def test_the_wait_ends_as_one_to_be_called_back_and_not_as_abandoned() -> None:
    story = Story().arrives().joins().after(50)
    ask, hangs_up = asked(story.at), s.HangupAsked(story.at + 1, NODE, CUSTOMER, 16)
    call, facts = told(story, ask, hangs_up, s.Gone(story.at + 2, NODE, CUSTOMER, 16))
    left = [fact for fact in facts if isinstance(fact, f.CallerLeftQueue)]
    assert [fact.reason for fact in left] == [f.LeaveReason.CALLBACK]
    (request,) = [fact for fact in facts if isinstance(fact, f.CallbackRequested)]
    assert (request.queue, request.number, request.joined_at) == ("personal-cmn", NUMBER, START)
    assert call.over


def test_told_twice_it_is_one_request_also_after_a_restart() -> None:
    story = Story().arrives().joins().after(50)
    _, facts = told(story, asked(story.at), asked(story.at + 10))
    assert sum(isinstance(fact, f.CallbackRequested) for fact in facts) == 1
    recalled = recall_call(facts)
    assert recalled is not None
    assert reduce(recalled, asked(story.at + 20))[1] == ()


def test_whom_nobody_served_has_left_no_queue() -> None:
    story = Story().arrives()
    nobody = s.NobodyServes(story.at, NODE, CALL, CUSTOMER, "personal-cmn")
    _, facts = told(story, nobody, asked(story.at + 10))
    kinds = [type(fact) for fact in facts]
    assert kinds == [f.CallArrived, f.NobodyOnDuty, f.CallbackRequested]
