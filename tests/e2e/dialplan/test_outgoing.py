"""Calls that we make, by the dialplan alone: the agent picks up, the customer is dialled. No service runs;
the test gives the order that the service would give."""

from __future__ import annotations

import asyncio
import re
import uuid

import pytest

from core.facts import OutgoingOutcome
from hotline.simulation.scripts import Phone
from telephony.ami.actions import call_out
from telephony.ami.call_back_action import on_the_list
from telephony.outgoing import leg_for, not_reached
from tests.support.ear import listen
from tests.support.exchange import CALLED, PORTS, Exchange, until

pytestmark = pytest.mark.asterisk

AGENT = Phone("agent", answer_ms=100, talk_ms=None)
MOBILE = "13812345678"


async def _order(line: Exchange, number: str = MOBILE) -> tuple[str, str]:
    """8001's telephone d001 is to ring for a call to this number; the call and the agent's leg."""
    call = str(uuid.uuid4())
    leg = leg_for("node1", call, 1_700_000_000_000_000)
    action = call_out("d001", leg, call, number)
    reply = await line.tap.action(action.name, *action.headers)
    assert reply["Response"] == "Success", reply
    return call, leg


@pytest.mark.rule("CALL-13")
async def test_both_are_brought_together_and_recorded_on_the_agents_leg(line: Exchange) -> None:
    await line.phone("d001", AGENT)
    await line.called(Phone("called", answer_ms=300, talk_ms=800))
    call, leg = await _order(line)
    rung = await line.tap.wait_for("CustomerDialled")
    assert (rung["Call"], rung["Leg"]) == (call, leg)
    assert rung["Channel"].startswith("PJSIP/trunk-")
    started = await line.tap.wait_for("RecordingStarted")
    assert (started["Call"], started["Leg"], started["File"]) == (call, leg, f"{call}_{leg}")
    await line.tap.wait_for("BridgeEnter", Uniqueid=leg)
    await line.tap.wait_for("Hangup", Uniqueid=rung["Uniqueid"])
    await line.tap.wait_for("Hangup", Uniqueid=leg)
    folder = line.spec.directory / "recordings"
    for side in ("agent", "customer"):
        await until((folder / f"{call}_{leg}-{side}.wav").exists, f"the {side}'s file")
    assert not line.tap.all("OutgoingOver")
    assert line.messages == ""


async def test_the_customer_sees_our_number(line: Exchange) -> None:
    await line.phone("d001", AGENT)
    transport, heard = await listen("127.0.0.2", CALLED)
    try:
        await _order(line)
        invite = await asyncio.wait_for(heard, 30)
    finally:
        transport.close()
    assert invite.startswith(f"INVITE sip:{MOBILE}@127.0.0.2:{CALLED} SIP/2.0")
    assert re.search(r"^From: .*<sip:95559@", invite, re.MULTILINE)
    assert "d001" not in invite


async def test_the_agents_telephone_is_told_which_call_it_is(line: Exchange) -> None:
    transport, heard = await listen("127.0.0.1", PORTS.spare[0])
    try:
        await line.register("d001", PORTS.spare[0])
        call, _ = await _order(line)
        invite = await asyncio.wait_for(heard, 30)
    finally:
        transport.close()
    assert f"X-Hotline-Call: {call}" in invite.splitlines()


@pytest.mark.parametrize(
    ("refuse", "outcome"),
    [(486, OutgoingOutcome.BUSY), (603, OutgoingOutcome.BUSY), (480, OutgoingOutcome.NO_ANSWER)],
)
async def test_what_the_customers_telephone_says_is_told(
    line: Exchange, refuse: int, outcome: OutgoingOutcome
) -> None:
    await line.phone("d001", AGENT)
    await line.called(Phone("called", refuse=refuse))
    _, leg = await _order(line)
    over = await line.tap.wait_for("OutgoingOver")
    assert over["Uniqueid"] == leg
    assert not_reached(over["Status"], int(over["HangupCause"])) is outcome, over
    await line.tap.wait_for("Hangup", Uniqueid=leg)
    assert not line.tap.all("RecordingStarted")


@pytest.mark.rule("SEC-11")
@pytest.mark.parametrize("number", ["0012025550100", "95559", "110", "02116812345"])
async def test_the_dialplan_dials_no_number_that_is_not_on_its_list(line: Exchange, number: str) -> None:
    await line.phone("d001", AGENT)
    _, leg = await _order(line, number)
    over = await line.tap.wait_for("OutgoingOver")
    assert (over["Uniqueid"], over["Status"]) == (leg, "REFUSED")
    await line.tap.wait_for("Hangup", Uniqueid=leg)
    assert not line.tap.all("CustomerDialled")


@pytest.mark.rule("SEC-11")
async def test_the_dialplans_own_list_says_whether_a_number_may_be_called(line: Exchange) -> None:
    for number, allowed in ((MOBILE, "1"), ("110", "0"), ("0012025550100", "0"), ("95559", "0")):
        action = on_the_list(number)
        reply = await line.tap.action(action.name, *action.headers)
        assert (reply["Response"], reply["Value"]) == ("Success", allowed), number
    assert line.messages == ""


@pytest.mark.rule("SEC-11")
async def test_a_customer_whom_we_have_called_is_sent_to_no_number_outside(line: Exchange) -> None:
    """There is no queue that he could come back to: the agent hears so, and still has him."""
    await line.phone("d001", AGENT)
    await line.called(Phone("called", answer_ms=100, talk_ms=None))
    _, leg = await _order(line)
    talks = await line.tap.wait_for("BridgeEnter", Uniqueid=leg)
    for target in ("110", "02116812345", "777"):
        assert (await line.refers(talks["Channel"], target)).startswith("SIP/2.0 404"), target
    assert not line.tap.all("BridgeLeave")


async def test_nobody_is_dialled_while_the_agents_telephone_is_not_taken(line: Exchange) -> None:
    await line.phone("d001", Phone("agent", refuse=486))
    _, leg = await _order(line)
    gone = await line.tap.wait_for("Hangup", Uniqueid=leg)
    assert gone["Cause"] == "17"
    assert not line.tap.all("CustomerDialled")
