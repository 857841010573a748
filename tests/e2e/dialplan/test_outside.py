"""Where an agent's telephone may send a customer outside, and what is seen of him there. No service runs."""

from __future__ import annotations

import asyncio
import re

import pytest

from hotline.simulation.scripts import Phone
from tests.support.ear import listen
from tests.support.exchange import CALLED, TO_CARD, Exchange

pytestmark = pytest.mark.asterisk
NOWHERE = ("777", "8999", "12345", "1100", "02116812345", "13812345678", "0012025550100", "s", "outside")


@pytest.mark.rule("SEC-11")
async def test_a_transfer_to_no_place_of_ours_leaves_the_customer_with_the_agent(line: Exchange) -> None:
    """8001 hears of each that it is no place, goes on talking, and sends the customer to the survey."""
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=None))
    await line.member("d001", "8001")
    await line.call(*TO_CARD)
    talks = await line.tap.wait_for("AgentConnect", MemberName="8001")
    await line.tap.wait_for("BridgeEnter", Uniqueid=talks["Uniqueid"])
    for target in NOWHERE:
        answer = await line.refers(talks["DestChannel"], target)
        assert answer.startswith("SIP/2.0 404"), (target, answer)
    assert not line.tap.all("BridgeLeave")
    assert (await line.refers(talks["DestChannel"], "survey")).startswith("SIP/2.0 200")
    await line.tap.wait_for("SurveyStarted", By="transfer")
    assert len(line.tap.all("DialBegin")) == 1, "the agent's telephone, and no other"


async def test_whoever_is_outside_sees_our_number_and_not_the_customers(line: Exchange) -> None:
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=300, transfer_to="110"))
    await line.member("d001", "8001")
    transport, heard = await listen("127.0.0.2", CALLED)
    try:
        await line.call(*TO_CARD, number="02154321000")
        invite = await asyncio.wait_for(heard, 60)
    finally:
        transport.close()
    assert invite.startswith(f"INVITE sip:110@127.0.0.2:{CALLED} SIP/2.0")
    assert re.search(r"^From: .*<sip:95559@", invite, re.MULTILINE)
    assert "02154321000" not in invite
