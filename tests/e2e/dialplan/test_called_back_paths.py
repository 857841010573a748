"""Who keeps a place is called before the agent who is held for it, by the dialplan alone.

No service runs; the test gives the order that the service would give.
"""

from __future__ import annotations

import uuid

import pytest

from core.clock import system_clock
from hotline.simulation.scripts import Phone
from telephony.ami.call_back_action import Calling, to_customer
from telephony.outgoing import leg_for
from tests.support.ami_tap import Heard
from tests.support.exchange import Exchange

pytestmark = [pytest.mark.asterisk, pytest.mark.rule("CALL-13")]
MOBILE = "13812345678"
ANSWERS = Phone("agent", answer_ms=400, talk_ms=900)
STAYS = Phone("customer", answer_ms=300, talk_ms=None)


async def _called(line: Exchange, customer: Phone, number: str = MOBILE) -> str:
    """8001 at d001 is held for this customer, who is called; the leg of the customer."""
    await line.member("d001", "8001")
    await line.sits("d001", "8001")
    await line.pause("d001", "reserved")
    await line.called(customer)
    call = str(uuid.uuid4())
    leg = leg_for("node1", call, system_clock())
    action = to_customer(
        Calling(
            trunk="trunk",
            number=number,
            shown="95559",
            rings_s=5,
            leg=leg,
            call=call,
            agent="8001",
            queue="card-cmn",
            language="cmn",
        )
    )
    line.tap.note(f"8001 at d001 is held, {number} is called in {call} as {leg}")
    reply = await line.tap.action(action.name, *action.headers)
    assert reply["Response"] == "Success", reply
    return leg


async def _over(line: Exchange, customer: str) -> Heard:
    """The end of the customer's channel."""
    return await line.tap.wait_for("Hangup", Uniqueid=customer)


async def test_called_back_first_and_connected(line: Exchange) -> None:
    """The customer answers and hears why he is called, while 8001 is rung: they talk, and he rates it."""
    await line.phone("d001", ANSWERS)
    customer = await _called(line, STAYS)
    answered = await line.tap.wait_for("CustomerAnswered", Uniqueid=customer)
    music = await line.tap.wait_for("MusicOnHoldStart", Uniqueid=customer)
    assert music["Class"] == "called-back-cmn"
    offered = await line.tap.wait_for("AgentOffered", Agent="8001", Customer=customer)
    assert line.tap.heard.index(offered) > line.tap.heard.index(answered)
    started = await line.tap.wait_for("RecordingStarted")
    assert (started["Leg"], started["File"]) == (
        offered["Uniqueid"],
        f"{answered['Call']}_{offered['Uniqueid']}",
    )
    await line.tap.wait_for("BridgeEnter", Uniqueid=customer)
    await line.tap.wait_for("SurveyStarted", Uniqueid=customer, By="agent")
    await _over(line, customer)
    assert not line.tap.all("QueueEntered")
    assert line.messages == ""


async def test_called_back_first_and_busy(line: Exchange) -> None:
    """The customer's telephone is busy: that of 8001 has never rung."""
    await line.phone("d001", ANSWERS)
    customer = await _called(line, Phone("busy", refuse=486))
    assert (await _over(line, customer))["Cause"] == "17"
    assert not line.tap.all("CustomerAnswered")
    assert not line.tap.all("AgentOffered")


async def test_called_back_first_and_not_there(line: Exchange) -> None:
    """Nobody picks up in time: the telephone of 8001 has never rung."""
    await line.phone("d001", ANSWERS)
    customer = await _called(line, Phone("away", answer_ms=None))
    await _over(line, customer)
    assert not line.tap.all("CustomerAnswered")
    assert not line.tap.all("AgentOffered")
    assert line.messages == ""


async def test_called_back_first_and_the_agent_is_not_there(line: Exchange) -> None:
    """8001 lets it ring: an apology, then ahead of all others in the queue he asked for, to 8003."""
    await line.phone("d001", Phone("away", answer_ms=None))
    await line.phone("d003", Phone("other", answer_ms=300, talk_ms=700))
    await line.member("d003", "8003")
    customer = await _called(line, STAYS)
    await line.tap.wait_for("OfferMissed", Agent="8001")
    await line.tap.wait_for("OfferOver", Agent="8001")
    entered = await line.tap.wait_for("QueueEntered", Uniqueid=customer)
    assert (entered["Queue"], entered["Urgency"], entered["Round"]) == ("card-cmn", "1000", "1")
    await line.tap.wait_for("AgentConnect", MemberName="8003", Uniqueid=customer)
    await line.tap.wait_for("SurveyStarted", Uniqueid=customer)
    await _over(line, customer)
    assert line.messages == ""


async def test_called_back_first_and_gone_while_the_agent_rings(line: Exchange) -> None:
    """The customer hangs up before 8001 has picked up: that is nobody's fault, and told as the customer's."""
    await line.phone("d001", Phone("slow", answer_ms=None))
    customer = await _called(line, Phone("hasty", answer_ms=300, talk_ms=1_200))
    offered = await line.tap.wait_for("AgentOffered", Agent="8001")
    await line.tap.wait_for("Hangup", Uniqueid=offered["Uniqueid"])
    await _over(line, customer)
    assert not line.tap.all("OfferMissed")
    assert not line.tap.all("QueueEntered")
    assert line.messages == ""


async def test_called_back_first_and_the_agents_telephone_is_gone(line: Exchange) -> None:
    """8001 has no telephone any more: the customer waits ahead of all others, until he gives up."""
    await line.phone("d003", ANSWERS)
    await line.member("d003", "8003")
    await line.pause("d003")
    customer = await _called(line, Phone("hasty", answer_ms=300, talk_ms=2_500))
    await line.tap.wait_for("OfferOver", Agent="8001")
    entered = await line.tap.wait_for("QueueEntered", Uniqueid=customer)
    assert entered["Urgency"] == "1000"
    await line.tap.wait_for("QueueCallerAbandon", Uniqueid=customer)
    await _over(line, customer)
    assert not line.tap.all("AgentOffered")
    assert line.messages == ""
