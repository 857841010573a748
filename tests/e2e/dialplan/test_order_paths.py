"""What orders do to a call that are none of the service's dispatching. Recorded as `test_paths` is."""

from __future__ import annotations

import pytest

from hotline.simulation.scripts import Key, Pause, Phone
from telephony.ami.actions import mix_monitor_mute
from telephony.commands import WRAP_UP
from tests.support.exchange import TO_CARD, Exchange

pytestmark = pytest.mark.asterisk

ANSWERS = Phone("agent", answer_ms=200, talk_ms=800)


async def test_recording_silenced_and_heard_again(line: Exchange) -> None:
    """The customer says a secret: his side is silent in the file for so long, which changes nothing else."""
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=1_500))
    await line.member("d001", "8001")
    caller = await line.call(*TO_CARD, Pause(2_200), Key("5"), Pause(600), Key("1"))
    begun = await line.tap.wait_for("RecordingStarted")
    for muted in (True, False):
        order = mix_monitor_mute(begun["Channel"], "read", muted=muted)
        reply = await line.tap.action(order.name, *order.headers)
        assert reply["Response"] == "Success", reply
        line.tap.note(f"the customer is {'not ' if muted else ''}recorded")
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    assert [event["State"] for event in line.tap.all("MixMonitorMute")] == ["1", "0"]
    assert line.tap.all("SurveyEnded", Outcome="completed")


async def test_withdrawn_from_the_queue_and_back(line: Exchange) -> None:
    """Taken out of the queue at Asterisk itself: the time of joining and the wait go on."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    await line.pause("d001")
    caller = await line.call(*TO_CARD)
    joined = await line.tap.wait_for("QueueCallerJoin")
    line.tap.note("withdrawn")
    reply = await line.tap.action("QueueWithdrawCaller", Queue="card-cmn", Caller=joined["Channel"])
    assert reply["Response"] == "Success", reply
    await line.tap.wait_for("QueueEntered", Round="2")
    await line.pause("d001", paused=False)
    await line.tap.wait_for("AgentConnect", MemberName="8001")
    await caller.done(60)
    assert len({e["JoinedUs"] for e in line.tap.all("QueueEntered")}) == 1


async def test_told_to_wait_where_nobody_takes_calls(line: Exchange) -> None:
    """A word to one who waits for an agent who is at rest: he keeps his place, and hears it to the end."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    await line.pause("d001")
    caller = await line.call(*TO_CARD)
    joined = await line.tap.wait_for("QueueCallerJoin")
    await line.announce(joined["Channel"], "announce-1")
    await line.tap.wait_for("Hangup", Uniqueid="announce-1-1")
    line.tap.note("it is over")
    await line.pause("d001", paused=False)
    await line.tap.wait_for("AgentConnect", MemberName="8001")
    await line.tap.wait_for("SurveyEnded")
    await caller.done(60)
    assert len(line.tap.all("QueueEntered")) == 1


async def test_paused_for_the_wrap_up_from_the_answer_on(line: Exchange) -> None:
    """As the service does: nobody is offered while 8001 still writes; then the next one is."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    first = await line.call(*TO_CARD, name="first")
    await line.tap.wait_for("AgentConnect", MemberName="8001")
    await line.pause("d001", WRAP_UP)
    second = await line.call(*TO_CARD, name="second", number="02154321001")
    await line.tap.wait_for("AgentComplete")
    await line.tap.wait_for("QueueCallerJoin", CallerIDNum="02154321001")
    assert len(line.tap.all("AgentCalled")) == 1
    line.tap.note("8001 has written")
    await line.pause("d001", paused=False)
    await line.tap.wait_for("AgentConnect", CallerIDNum="02154321001")
    for sipp in (first, second):
        await sipp.done(60)


async def test_paused_for_a_reason_in_chinese(line: Exchange) -> None:
    """By somebody at Asterisk itself: what is told in other letters than ours disturbs nothing."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    await line.pause("d001", "话后处理(工号8001)")
    caller = await line.call(*TO_CARD)
    await line.tap.wait_for("QueueCallerJoin")
    assert line.tap.all("QueueMemberPause", Paused="1")[0]["PausedReason"] == "话后处理(工号8001)"
    await line.pause("d001", paused=False)
    await line.tap.wait_for("AgentConnect", MemberName="8001")
    assert (await caller.done(60)).succeeded == 1, caller.errors()
