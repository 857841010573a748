"""What an agent, a telephone or an order does in the middle of a call. Recorded as `test_paths` is."""

from __future__ import annotations

import asyncio

import pytest

from hotline.simulation.scripts import Pause, Phone
from telephony.ami.actions import announce, hangup_announcement
from tests.support.exchange import TO_CARD, Exchange
from tests.support.tones import write_alaw

pytestmark = pytest.mark.asterisk

ANSWERS = Phone("agent", answer_ms=200, talk_ms=800)
RINGS = Phone("agent", answer_ms=None)


async def test_phone_dies_ringing(line: Exchange) -> None:
    """8001's telephone loses its power while it rings: it seems to ring out, then 8002 is asked."""
    dies = await line.phone("d001", RINGS)
    await line.phone("d002", ANSWERS)
    await line.member("d001", "8001")
    await line.member("d002", "8002")
    await line.pause("d002")
    caller = await line.call(*TO_CARD)
    await line.tap.wait_for("DialState", DialStatus="RINGING")
    line.tap.note("d001 is killed")
    dies.kill()
    await line.pause("d002", paused=False)
    await line.tap.wait_for("AgentConnect", MemberName="8002")
    await line.tap.wait_for("SurveyEnded")
    await caller.done(60)
    assert line.tap.all("AgentRingNoAnswer", MemberName="8001")


async def test_phone_signs_off_ringing(line: Exchange) -> None:
    """As a page that is closed: Asterisk knows at once, app_queue rings on; no service is there to end it."""
    phone = await line.phone("d001", RINGS)
    await line.phone("d002", ANSWERS)
    await line.member("d001", "8001")
    await line.member("d002", "8002")
    await line.pause("d002")
    caller = await line.call(*TO_CARD)
    await line.tap.wait_for("DialState", DialStatus="RINGING")
    await line.register("d001", phone.port, seconds=0)
    await line.pause("d002", paused=False)
    await line.tap.wait_for("AgentConnect", MemberName="8002")
    await line.tap.wait_for("SurveyEnded")
    await caller.done(60)
    heard = [event["Event"] for event in line.tap.heard]
    removed = line.tap.heard.index(line.tap.all("ContactStatus", ContactStatus="Removed")[0])
    assert removed < heard.index("AgentRingNoAnswer")


async def test_phone_registers_elsewhere(line: Exchange) -> None:
    """A second page of the same agent: the telephone that came last rings, the first does not."""
    first = await line.phone("d001", RINGS)
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    caller = await line.call(*TO_CARD)
    await line.tap.wait_for("AgentConnect", MemberName="8001")
    await line.tap.wait_for("SurveyEnded")
    await caller.done(60)
    assert first.counts().created == 0


@pytest.mark.parametrize("line", [{"rtp_timeout_s": 2}], indirect=True)
async def test_silent_hold_outlasts_the_sound_limit(line: Exchange) -> None:
    """On hold a telephone may be silent for longer than it may be in a talk."""
    voice = write_alaw(line.folder / "voice.alaw", 300, 1)
    holds = Phone("holds", answer_ms=200, talk_ms=900, hold=(600, 5_000), voice=voice)
    await line.phone("d001", holds)
    await line.member("d001", "8001")
    await line.call(*TO_CARD)
    await line.tap.wait_for("CallGone", Where="goodbye")
    assert [e["Event"] for e in line.tap.heard if e["Event"] in ("Hold", "Unhold")] == ["Hold", "Unhold"]
    assert not [e for e in line.tap.all("Hangup") if e["Cause"] == "44"]
    assert len(line.tap.all("QueueEntered")) == 1


async def test_paused_while_talking(line: Exchange) -> None:
    """The talk goes on; the next customer is not offered to 8001 before the pause is over."""
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=1_200))
    await line.member("d001", "8001")
    first = await line.call(*TO_CARD, name="first")
    await line.tap.wait_for("AgentConnect", MemberName="8001")
    await line.pause("d001", "meal")
    second = await line.call(*TO_CARD, name="second", number="02154321001")
    await line.tap.wait_for("SurveyStarted")
    await line.tap.wait_for("QueueCallerJoin", CallerIDNum="02154321001")
    assert len(line.tap.all("AgentCalled")) == 1
    line.tap.note("8001 is back")
    await line.pause("d001", paused=False)
    for sipp in (first, second):
        await sipp.done(60)
    assert len(line.tap.all("AgentConnect", MemberName="8001")) == 2


async def test_moved_while_ringing(line: Exchange) -> None:
    """Our order takes the customer away from 8001's ringing telephone, to another queue and 8002."""
    await line.phone("d001", RINGS)
    await line.phone("d002", ANSWERS)
    await line.member("d001", "8001")
    await line.member("d002", "8002", queue="loss-cmn")
    caller = await line.call(*TO_CARD)
    rung = await line.tap.wait_for("AgentCalled", MemberName="8001")
    await line.tap.wait_for("DialState", DialStatus="RINGING")
    line.tap.note("Redirect to the loss queue")
    await line.tap.action(
        "Redirect", Channel=rung["Channel"], Context="hotline-queue", Exten="loss-cmn", Priority="1"
    )
    await line.tap.wait_for("AgentConnect", MemberName="8002")
    await caller.done(60)
    assert not line.tap.all("AgentRingNoAnswer"), "what we have ended is not put down to the agent"


async def test_agents_leg_is_hung_up(line: Exchange) -> None:
    """By our order, not by the agent: the customer rates the call all the same."""
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=None))
    await line.member("d001", "8001")
    caller = await line.call(*TO_CARD)
    connected = await line.tap.wait_for("AgentConnect", MemberName="8001")
    await asyncio.sleep(0.5)  # they talk
    line.tap.note("Hangup of the agent's channel")
    await line.tap.action("Hangup", Channel=connected["DestChannel"], Cause="16")
    await line.tap.wait_for("SurveyStarted")
    await caller.done(60)
    assert not line.tap.all("HangupRequest", Uniqueid=connected["DestUniqueid"])


async def test_both_hang_up_at_once(line: Exchange) -> None:
    """Customer and agent release within some ms of each other: whose word comes first has released."""
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=1_500))
    await line.member("d001", "8001")
    # The agent's talk begins some 200 ms after the last key and lasts 1.5 s.
    await line.call(*TO_CARD, Pause(1_708), hang_up=True)
    await line.tap.wait_for("CallGone")
    await line.tap.wait_for("Hangup", Uniqueid=line.tap.all("AgentConnect")[0]["DestUniqueid"])


async def test_told_the_wait_and_answered_meanwhile(line: Exchange) -> None:
    """The word to a waiting customer costs no place; it is cut short when 8001 answers."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    await line.pause("d001")
    caller = await line.call(*TO_CARD)
    joined = await line.tap.wait_for("QueueCallerJoin")
    words = announce(joined["Channel"], 3, 2, "announce-1")
    line.tap.note("an announcement begins")
    await line.tap.action(words.name, *words.headers)
    await line.tap.wait_for("Newchannel", Uniqueid="announce-1-1")
    await line.pause("d001", paused=False)
    await line.tap.wait_for("AgentConnect", MemberName="8001")
    cut = hangup_announcement("announce-1")
    await line.tap.action(cut.name, *cut.headers)
    await line.tap.wait_for("SurveyEnded")
    await caller.done(60)
    assert len(line.tap.all("QueueEntered")) == 1
