"""What an agent's telephone can do to a call, and what becomes of the agent afterwards."""

from __future__ import annotations

import os

import pytest

from hotline.simulation.scripts import Dtmf, Key, Pause, Phone
from tests.support.exchange import TO_CARD, Exchange, until

pytestmark = pytest.mark.asterisk

ANSWERS = Phone("agent", answer_ms=200, talk_ms=500)


async def test_transferred_to_a_colleague_by_number(line: Exchange) -> None:
    """The service has said where 8002 sits; the colleague's leg is recorded, then the customer rates it."""
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=300, transfer_to="8002"))
    await line.phone("d002", ANSWERS)
    await line.member("d001", "8001")
    await line.member("d002", "8002", queue="loss-cmn")
    await line.sits("d002", "8002")
    await line.call(*TO_CARD)
    await line.tap.wait_for("SurveyStarted", By="agent")
    started = line.tap.all("RecordingStarted")
    assert [e["Channel"].partition("-")[0] for e in started] == ["PJSIP/d001", "PJSIP/d002"]
    assert len({e["Call"] for e in started}) == 1
    assert line.messages == "", "8002 has no place in that queue: app_queue is asked nothing of him"


@pytest.mark.rule("CALL-16")
async def test_only_in_a_customers_call_may_a_queue_be_asked(line: Exchange) -> None:
    """Who has no customer is told so, and rings nobody."""
    await line.phone("d002", ANSWERS)
    await line.member("d002", "8002", queue="loss-cmn")
    await line.sits("d002", "8002")
    call = await line.dial("d001", "loss-cmn")
    await line.tap.wait_for("AgentCode", Code="dial", Result="denied")
    await call.done(60)
    assert not line.tap.all("DialBegin")


async def test_of_two_customers_sent_to_one_colleague_at_once_one_comes_back(line: Exchange) -> None:
    """Both see the telephone free in the same instant: it rings for one, the other is ahead in the queue."""
    await line.phone("d001", Phone("away", answer_ms=None))
    await line.phone("d002", ANSWERS)
    await line.member("d001", "8001")
    await line.sits("d002", "8002")
    for number in ("02154321001", "02154321002"):
        await line.call(*TO_CARD, name=f"c{number}", number=number)
    await until(lambda: len(line.tap.all("QueueCallerJoin")) == 2, "both wait")
    first, second = (event["Channel"] for event in line.tap.all("QueueCallerJoin"))
    reply = await line.tap.action(
        "Redirect",
        **{"Channel": first, "Context": "hotline-transfer", "Exten": "8002", "Priority": "1"},
        **{"ExtraChannel": second, "ExtraContext": "hotline-transfer", "ExtraExten": "8002"},
        ExtraPriority="1",
    )
    assert reply["Response"] == "Success", reply
    await line.tap.wait_for("QueueEntered", Urgency="1000")
    await line.tap.wait_for("SurveyStarted")
    assert len(line.tap.all("AgentOffered", Agent="8002")) == 1
    assert len(line.tap.all("QueueEntered", Urgency="1000")) == 1


async def test_agents_ring_each_other_without_a_survey(line: Exchange) -> None:
    """A consultation is no customer's call."""
    await line.phone("d002", ANSWERS)
    await line.sits("d002", "8002")
    call = await line.dial("d001", "8002")
    await line.tap.wait_for("BridgeEnter")
    assert (await call.done(60)).succeeded == 1, call.errors()
    assert not line.tap.all("SurveyStarted")
    assert not line.tap.all("RecordingStarted")


async def test_a_customer_cannot_transfer(line: Exchange) -> None:
    """Only agents' telephones may send anybody anywhere."""
    text = (line.spec.directory / "etc" / "pjsip.conf").read_text(encoding="utf-8")
    trunk = text[text.index("[trunkinfo]") :]
    assert "allow_transfer = no" in trunk[: trunk.index("[", 1)]
    shown = await line.asterisk.cli("pjsip show endpoint trunkinfo")
    assert "allow_transfer                     : false" in " ".join(shown.split("\n"))


async def test_wrap_up_ends_by_itself_only_when_the_service_is_dead(line: Exchange) -> None:
    """The service paused the agent for wrap-up. Alive, it will end that itself; dead, the dialplan does."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    for alive, paused in ((True, "1"), (False, "0")):
        line.alive() if alive else line.silent()
        since = len(line.tap.heard)
        caller = await line.call(*TO_CARD, Pause(100))
        connected = await line.tap.wait_for("AgentConnect", after=since)
        await line.pause("d001", "wrap_up")
        if alive:
            line.alive()
        await line.tap.wait_for("Hangup", after=since, Uniqueid=connected["DestUniqueid"])
        # The hang-up handler has run before the channel is gone.
        last = line.tap.all("QueueMemberPause", Queue="card-cmn")[-1]
        assert last["Paused"] == paused, f"alive={alive}"
        await caller.done(60)
        await line.pause("d001", paused=False)


async def test_a_pause_the_agent_asked_for_outlives_the_call(line: Exchange) -> None:
    """*131 while talking on another line key: lunch begins after this call, service or not."""
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=2_000))
    await line.member("d001", "8001")
    await line.call(*TO_CARD)
    connected = await line.tap.wait_for("AgentConnect")
    code = await line.dial("d001", "*131")
    await line.tap.wait_for("AgentCode", Code="not_ready", Result="ok")
    await code.done(60)
    await line.tap.wait_for("Hangup", Uniqueid=connected["DestUniqueid"])
    assert line.tap.all("QueueMemberPause", Queue="card-cmn")[-1]["Paused"] == "1"


@pytest.mark.skipif(os.geteuid() != 0, reason="SIPp needs root to send RTP events from a packet file")
async def test_keys_as_rtp_events(line: Exchange) -> None:
    """A trunk whose keys travel as RFC 4733 events."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    keys = (Pause(300), Key("1"), Pause(500), Key("2"), Pause(500), Key("1"))
    caller = await line.call(*keys, Pause(1700), Key("4"), Pause(800), Key("2"), dtmf=Dtmf.RTP)
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    await line.tap.wait_for("SurveyEnded", Outcome="completed")
    assert [e["Answer"] for e in line.tap.all("SurveyAnswered")] == ["4", "2"]
