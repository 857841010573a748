"""A waiting customer is offered to one agent past app_queue: taken, not taken, taken back. No service runs;
the test gives the orders that the service would give."""

from __future__ import annotations

import pytest

from hotline.simulation.scripts import Key, Pause, Phone
from telephony.ami.action import Action
from telephony.ami.actions import to_agent, to_wait_on
from tests.support.ami_tap import Heard
from tests.support.exchange import TO_CARD, Exchange

pytestmark = pytest.mark.asterisk

ANSWERS = Phone("agent", answer_ms=200, talk_ms=800)
RINGS = Phone("agent", answer_ms=None)


async def _order(line: Exchange, action: Action) -> None:
    reply = await line.tap.action(action.name, *action.headers)
    assert reply["Response"] == "Success", reply


async def _waits_for_nobody(line: Exchange, *more: Pause | Key) -> Heard:
    """A customer waits while 8001, at d001, is held for an order of ours; the join."""
    await line.member("d001", "8001")
    await line.pause("d001", "reserved")
    await line.tap.action("Setvar", Variable="DEVICE_8001", Value="d001")
    await line.call(*TO_CARD, *more)
    return await line.tap.wait_for("QueueCallerJoin")


async def test_offered_and_taken(line: Exchange) -> None:
    await line.phone("d001", ANSWERS)
    joined = await _waits_for_nobody(line, Pause(2_500), Key("5"), Pause(600), Key("1"))
    await _order(line, to_agent(joined["Channel"], "8001"))
    offered = await line.tap.wait_for("AgentOffered")
    assert (offered["Agent"], offered["Queue"], offered["Customer"]) == (
        "8001",
        "card-cmn",
        joined["Uniqueid"],
    )
    assert offered["Channel"].startswith("PJSIP/d001-")
    started = await line.tap.wait_for("RecordingStarted")
    assert (started["Uniqueid"], started["Call"]) == (offered["Uniqueid"], offered["Call"])
    began = await line.tap.wait_for("SurveyStarted")
    assert (began["Uniqueid"], began["By"]) == (joined["Uniqueid"], "agent")
    await line.tap.wait_for("SurveyEnded", Outcome="completed")
    assert not line.tap.all("AgentCalled")
    assert not line.tap.all("OfferMissed")
    await line.tap.wait_for("CallGone")
    assert line.messages == ""


async def test_offered_not_taken(line: Exchange) -> None:
    """The agent lets it ring: he is asked last from now on, and the customer waits on where he stood."""
    await line.phone("d001", RINGS)
    await line.phone("d002", ANSWERS)
    joined = await _waits_for_nobody(line)
    first = line.tap.all("QueueEntered")[0]
    await _order(line, to_agent(joined["Channel"], "8001"))
    missed = await line.tap.wait_for("OfferMissed", Agent="8001")
    offered = line.tap.all("AgentOffered")[0]
    assert (missed["Uniqueid"], missed["Customer"]) == (offered["Uniqueid"], joined["Uniqueid"])
    over = await line.tap.wait_for("OfferOver", Agent="8001")
    assert over["Uniqueid"] == joined["Uniqueid"]
    again = await line.tap.wait_for("QueueEntered", Round="2")
    assert (again["JoinedUs"], again["Call"]) == (first["JoinedUs"], first["Call"])
    await line.tap.wait_for("QueueCallerJoin", after=line.tap.heard.index(again))
    shown = await line.asterisk.cli("queue show card-cmn")
    assert "penalty 20" in shown
    await line.member("d002", "8002")
    await line.tap.wait_for("AgentConnect", MemberName="8002")
    await line.tap.wait_for("CallGone")


@pytest.mark.parametrize("why", ["not registered", "seat unknown"])
async def test_an_offer_that_cannot_ring_costs_no_time(line: Exchange, why: str) -> None:
    await line.phone("d002", RINGS)
    await line.member("d002", "8002")
    await line.pause("d002")
    joined = await _waits_for_nobody(line)
    await _order(line, to_agent(joined["Channel"], "8001" if why == "not registered" else "8009"))
    await line.tap.wait_for("OfferOver")
    await line.tap.wait_for("QueueEntered", Round="2")
    assert not line.tap.all("AgentOffered")
    assert not line.tap.all("OfferMissed")


async def test_taken_back_while_it_rings(line: Exchange) -> None:
    """The telephone stops ringing at once, the agent is not blamed, the customer waits on."""
    await line.phone("d001", RINGS)
    joined = await _waits_for_nobody(line)
    await _order(line, to_agent(joined["Channel"], "8001"))
    offered = await line.tap.wait_for("AgentOffered")
    await line.tap.wait_for("DialState", DialStatus="RINGING", DestUniqueid=offered["Uniqueid"])
    await _order(line, to_wait_on(joined["Channel"]))
    await line.tap.wait_for("Hangup", Uniqueid=offered["Uniqueid"])
    await line.tap.wait_for("QueueEntered", Round="2")
    assert not line.tap.all("OfferMissed")
    assert not line.tap.all("OfferOver")


async def test_the_customer_gives_up_while_it_rings(line: Exchange) -> None:
    await line.phone("d001", RINGS)
    joined = await _waits_for_nobody(line)
    await _order(line, to_agent(joined["Channel"], "8001"))
    offered = await line.tap.wait_for("AgentOffered")
    await line.hang_up_all()
    await line.tap.wait_for("Hangup", Uniqueid=offered["Uniqueid"])
    await line.tap.wait_for("CallGone", Where="queue")
    assert not line.tap.all("OfferMissed")
