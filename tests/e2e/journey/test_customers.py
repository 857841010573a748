"""Who calls, found out beside the call: served first, in their language, known before the answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from core import facts as f
from hotline.simulation.scripts import Key, Pause
from telephony.ami.pending import Outcome
from tests.e2e.journey.test_waiting import SHORT, SILENT, TO_CARD, answers_in_turn, waits
from tests.support.floor import Floor

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
PRIVATE = "13800005555"
KNOWN, ABROAD, QUIET = "13800007777", "+442079460000", "13800006666"
ENGLISH, MANDARIN = "1005", "1010"


def raised(hotline: Floor) -> int:
    """How many waiting callers Asterisk has moved forward so far."""
    (node,) = hotline.hotline.telephony.standings()
    return node.outcomes["ChangePriority", Outcome.DONE]


SAYS_NOTHING = (Pause(400), Key("5"))
"""Straight to 挂失 from the first menu, without a word about the language."""


async def test_who_calls_and_what_was_before_is_there_before_the_answer(hotline: Floor) -> None:
    admin = await hotline.sign_in("9001")
    customer = {"id": "C-7", "name": "李四光", "level": "vip", "numbers": [KNOWN], "reason": "x"}
    await admin.post("/api/customers", status=201, **customer)
    since = len(hotline.facts)
    await hotline.exchange.phone("d001", SHORT)
    agent = await hotline.agent("1001", "d001")
    await hotline.exchange.call(*TO_CARD, number=f"+86{KNOWN}", name="first")
    ended = await hotline.fact(f.TalkEnded, after=since)
    summary = await agent.post("/api/summaries", status=201, leg=ended.leg, type="silent_call")
    await hotline.over(ended.call)
    await hotline.settled()

    await agent.post("/api/agent/logout")
    await hotline.exchange.phone("d002", SILENT)
    await agent.post("/api/agent/login", device="d002")
    await agent.post("/api/agent/ready")
    since = len(hotline.facts)
    async with agent.watch("agent:1001") as screen, asyncio.timeout(60):
        await hotline.exchange.call(*TO_CARD, number=KNOWN, name="again")
        told: dict[str, Any] = {}
        while told.get("state") != "ringing" or not told["caller"]["customer"]:
            told = (await screen.receive_json()).get("data", {})
    caller = told["caller"]
    assert (caller["number"], caller["customer"], caller["level"]) == ("138****7777", "C-7", "vip")
    known = await agent.get(caller["history"])
    assert not [x for x in hotline.facts[since:] if isinstance(x.fact, f.AgentAnswered)]
    assert [one["name"] for one in known["customers"]] == ["李**"]
    assert [one["call"] for one in known["calls"]] == [ended.call]
    assert known["calls"][0]["summaries"][0]["href"] == f"/api/summaries/{summary['number']}"
    assert known["complete"]


async def test_level_and_language_of_the_record_count_with_the_service_dead(hotline: Floor) -> None:
    """The caller says nothing of a language, and gets the queue, and the place in it, of the record."""
    admin = await hotline.sign_in("9001")
    customer = {"id": "C-8", "name": "王五", "level": "vip", "language": "en", "numbers": [ABROAD]}
    await admin.post("/api/customers", status=201, reason="x", **customer)
    await asyncio.wait_for(hotline.hotline.customer_files.done(), 60)
    (standing,) = (await admin.get("/api/directory/live/customers"))["nodes"]
    assert (standing["waiting"], standing["since"] is not None) == ("", True)
    await hotline.exchange.phone("d001", SHORT)
    await hotline.agent(ENGLISH, "d001")
    await hotline.stop_service()
    since, heard = len(hotline.facts), len(hotline.exchange.tap.heard)
    await hotline.exchange.call(*SAYS_NOTHING, number=f"00{ABROAD[1:]}", name="dead")
    entered = await hotline.exchange.tap.wait_for("QueueEntered", after=heard)
    assert (entered["Queue"], entered["Language"]) == ("loss-en", "en")
    await hotline.start_service()
    arrived = await hotline.fact(f.CallArrived, lambda x: x.caller == f"00{ABROAD[1:]}", after=since)
    assert arrived.vip
    queued = await hotline.fact(f.CallerQueued, lambda x: x.call == arrived.call, after=since)
    assert (queued.queue, queued.language) == ("loss-en", "en")


async def test_a_language_of_the_record_that_nobody_speaks_turns_nobody_away(hotline: Floor) -> None:
    admin = await hotline.sign_in("9001")
    customer = {"id": "C-9", "name": "赵六", "language": "en", "numbers": [QUIET], "reason": "x"}
    await admin.post("/api/customers", status=201, **customer)
    await asyncio.wait_for(hotline.hotline.customer_files.done(), 60)
    since = len(hotline.facts)
    await hotline.exchange.phone("d001", SHORT)
    await hotline.agent(MANDARIN, "d001")
    await hotline.hotline.telephony.told()
    await hotline.exchange.call(*SAYS_NOTHING, number=QUIET, name="quiet")
    answered = await hotline.fact(f.AgentAnswered, after=since)
    assert (answered.agent, answered.queue) == (MANDARIN, "loss-cmn")
    assert not [x for x in hotline.facts[since:] if isinstance(x.fact, f.NobodyOnDuty)]


async def test_a_favoured_customer_is_answered_before_an_ordinary_caller_who_came_earlier(
    hotline: Floor,
) -> None:
    admin = await hotline.sign_in("9001")
    customer = {"id": "C-1", "name": "张三丰", "level": "private", "numbers": [PRIVATE], "reason": "x"}
    await admin.post("/api/customers", status=201, **customer)
    await asyncio.wait_for(hotline.hotline.customer_files.done(), 60)
    for file in (hotline.exchange.spec.directory / "customers").iterdir():
        file.unlink()  # as of one whom the bank's own system alone knows
    since, before = len(hotline.facts), raised(hotline)
    await hotline.exchange.phone("d001", SHORT)
    agent = await hotline.agent("1001", "d001")
    await agent.post("/api/agent/not-ready", reason="rest")
    ordinary = await waits(hotline, "ordinary", "02154321001", since)
    favoured = await waits(hotline, "favoured", PRIVATE, since)
    found = await hotline.fact(f.CustomerIdentified, after=since)
    assert (found.call, found.customer, found.level, found.source) == (favoured.call, "C-1", "private", "own")
    assert favoured.priority == 0  # the dialplan does not know the number
    async with asyncio.timeout(60):
        while raised(hotline) == before:  # noqa: ASYNC110
            await asyncio.sleep(0.1)  # Asterisk tells of it by no event
    await agent.post("/api/agent/ready")
    assert await answers_in_turn(hotline, 2, since) == [favoured.call, ordinary.call]
