"""A caller who would not go on waiting is called back: from the key to the task that is done."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from core import facts as f
from core.clock import MINUTE
from directory.lookup import Directory
from hotline.simulation.scripts import Key, Pause, Phone
from ledger.call_folding import fold_call
from ledger.call_record import CallOutcome
from ledger.proof import prove
from ledger.queue_log import read_queue_log
from telephony.records import QUEUE_LOG
from tests.e2e.journey.conftest import quick
from tests.support.ami_tap import Heard
from tests.support.floor import Floor

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.rule("CALL-13"),
]
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))
MOBILE = "13812345678"
AFTER_S = 1


def DIRECTORY() -> Directory:  # noqa: N802 - the name under which the fixture looks for it
    """The call-back is offered nearly at once."""
    directory = quick()
    queues = {name: replace(queue, callback_after_s=AFTER_S) for name, queue in directory.queues.items()}
    return replace(directory, queues=queues)


async def waits(hotline: Floor, number: str = MOBILE) -> Heard:
    """A customer waits, and has done so for long enough; the join."""
    heard = len(hotline.exchange.tap.heard)
    await hotline.exchange.call(*TO_CARD, number=number, name=f"from-{number}")
    joined = await hotline.exchange.tap.wait_for("QueueCallerJoin", after=heard, CallerIDNum=number)
    await asyncio.sleep(AFTER_S + 1)  # whole seconds are compared
    return joined


async def asks(hotline: Floor, joined: Heard) -> None:
    """The customer presses 8, and then 1."""
    for key in "81":
        await hotline.exchange.presses(joined["Channel"], key)


async def test_who_asks_is_owed_a_call_by_a_leader_who_makes_it_and_has_it_done(hotline: Floor) -> None:
    since = len(hotline.facts)
    for device in ("d001", "d002"):
        await hotline.exchange.phone(device, Phone("agent", answer_ms=200, talk_ms=None))
    agent = await hotline.agent("1001", "d001")
    await agent.post("/api/agent/not-ready", reason="rest")
    await asks(hotline, await waits(hotline))
    asked = await hotline.fact(f.CallbackRequested, after=since)
    left = await hotline.fact(f.CallerLeftQueue, after=since)
    assert (left.call, left.reason, asked.number) == (asked.call, f.LeaveReason.CALLBACK, MOBILE)
    assert left.waited == left.at - asked.joined_at
    await hotline.fact(f.CallEnded, lambda x: x.call == asked.call, after=since)
    await hotline.settled()

    leader = await hotline.agent("8001", "d002")
    await leader.post("/api/agent/not-ready", reason="rest")
    (task,) = (await leader.get("/api/callbacks"))["callbacks"]
    assert (task["id"], task["cause"], task["number"]) == (f"asked:{asked.call}", "asked", MOBILE)
    figures = (await leader.get("/api/board"))["queues"]["card-cmn"]
    assert (figures["offered"], figures["callback"], figures["abandoned"]) == (1, 1, 0)
    record = fold_call(None, await hotline.hotline.ledger.read(0, call=asked.call))
    assert record is not None
    assert record.outcome is CallOutcome.CALLBACK
    await hotline.exchange.called(Phone("customer", answer_ms=200, talk_ms=500))
    told = await leader.post("/api/agent/outgoing", status=201, callback=task["id"])
    ended = await hotline.fact(f.OutgoingEnded, lambda x: x.call == told["call"], after=since)
    assert ended.outcome is f.OutgoingOutcome.REACHED
    await hotline.settled()
    assert (await leader.get("/api/callbacks"))["callbacks"] == []

    text = (hotline.exchange.spec.directory / QUEUE_LOG).read_text(encoding="utf-8")
    facts = await hotline.hotline.ledger.read(0, limit=100_000)
    assert list(prove(facts, read_queue_log(text.splitlines(keepends=True)))) == []


async def test_nobody_is_on_duty_and_the_customer_is_owed_a_call_all_the_same(hotline: Floor) -> None:
    since = len(hotline.facts)
    await hotline.exchange.call(
        *TO_CARD, Pause(600), Key("8"), Pause(800), Key("1"), number=MOBILE, name="late"
    )
    asked = await hotline.fact(f.CallbackRequested, after=since)
    await hotline.fact(f.CallEnded, lambda x: x.call == asked.call, after=since)
    assert not [x for x in hotline.all(f.CallerQueued) if x.call == asked.call]
    await hotline.settled()
    leader = await hotline.sign_in("8001")
    owed = (await leader.get("/api/callbacks"))["callbacks"]
    assert [one["id"] for one in owed] == [f"asked:{asked.call}"]


async def test_what_was_promised_while_the_service_lay_dead_is_owed_once_it_is_back(hotline: Floor) -> None:
    """It died a moment ago: the dialplan does not know it yet, and writes the promise down itself."""
    since = len(hotline.facts)
    await hotline.exchange.phone("d003", Phone("agent"))
    agent = await hotline.agent("1001", "d003")
    await agent.post("/api/agent/not-ready", reason="rest")
    joined = await waits(hotline)
    queued = await hotline.fact(f.CallerQueued, after=since)
    await hotline.stop_service()
    heard = len(hotline.exchange.tap.heard)
    hotline.exchange.alive()
    await asks(hotline, joined)
    await hotline.exchange.tap.wait_for("Hangup", after=heard, Uniqueid=joined["Uniqueid"])
    assert not [x for x in hotline.all(f.CallbackRequested) if x.call == queued.call]
    await hotline.start_service()
    asked = await hotline.fact(f.CallbackRequested, lambda x: x.call == queued.call, after=since)
    assert (asked.number, asked.joined_at) == (MOBILE, queued.joined_at)
    left = await hotline.fact(f.CallerLeftQueue, lambda x: x.call == queued.call, after=since)
    assert left.reason is f.LeaveReason.CALLBACK
    await hotline.fact(f.CallEnded, lambda x: x.call == queued.call, after=since)
    await hotline.settled()
    leader = await hotline.sign_in("8001")
    owed = [one["id"] for one in (await leader.get("/api/callbacks"))["callbacks"]]
    assert owed.count(f"asked:{queued.call}") == 1
    assert hotline.now() - asked.at < MINUTE  # when it was said, not when it was read
