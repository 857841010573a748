"""Nobody waits beyond a bound: the next agent is theirs, whatever queue of more weight has callers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core import facts as f
from core.clock import SECOND
from directory.lookup import Directory
from hotline.simulation.scripts import Key, Pause, Phone
from ledger.proof import prove
from ledger.queue_log import read_queue_log
from telephony.records import QUEUE_LOG
from tests.e2e.journey.conftest import quick
from tests.support.floor import Floor, Person

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
BOUND_S = 5
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))
TO_LOSS = (Pause(400), Key("5"))
SHORT = Phone("phone", answer_ms=300, talk_ms=500)


def DIRECTORY() -> Directory:  # noqa: N802 - the name under which the fixture looks for it
    """Callers are overdue after a few seconds, and loss reports have weight over all others."""
    directory = quick()
    queues = {name: replace(queue, bound_s=BOUND_S) for name, queue in directory.queues.items()}
    assert queues["loss-cmn"].weight > queues["card-cmn"].weight
    return replace(directory, queues=queues)


async def _queued(hotline: Floor, number: str, *steps: Pause | Key, after: int) -> f.CallerQueued:
    await hotline.exchange.call(*steps, number=number, name=f"from-{number}")
    arrived = await hotline.fact(f.CallArrived, lambda x: x.caller == number, after=after)
    return await hotline.fact(f.CallerQueued, lambda x: x.call == arrived.call, after=after)


async def _work_off(hotline: Floor, person: Person, calls: list[str], after: int) -> list[str]:
    """The calls in the order in which the one agent answers them, each summary saved at once."""
    order: list[str] = []
    while len(order) < len(calls):
        answered = await hotline.fact(f.AgentAnswered, lambda x: x.call not in order, after=after)
        order.append(answered.call)
        wrap = await hotline.fact(
            f.AgentStateChanged,
            lambda x, call=answered.call: x.state is f.AgentState.WRAP_UP and x.call == call,  # type: ignore[misc]
            after=after,
        )
        await person.post("/api/summaries", status=201, leg=wrap.leg, type="silent_call")
    return order


async def test_a_flood_of_loss_reports_does_not_keep_an_ordinary_caller_waiting(hotline: Floor) -> None:
    since = len(hotline.facts)
    await hotline.exchange.phone("d001", SHORT)
    agent = await hotline.agent("1001", "d001")
    await agent.post("/api/agent/not-ready", reason="rest")
    card = await _queued(hotline, "02154322001", *TO_CARD, after=since)
    flood = [await _queued(hotline, f"0215432300{n}", *TO_LOSS, after=since) for n in range(6)]
    begun = len(hotline.facts)
    await agent.post("/api/agent/ready")
    order = await _work_off(hotline, agent, [card.call, *(one.call for one in flood)], since)
    answers = {fact.call: fact.at for fact in hotline.all(f.AgentAnswered)}
    before = order[: order.index(card.call)]
    assert len(before) < len(flood)
    # Once he was overdue only that call went before him which was ringing or being talked just then.
    assert sum(answers[call] > card.joined_at + BOUND_S * SECOND for call in before) <= 1
    offered = await hotline.fact(f.AgentOffered, lambda x: x.call == card.call, after=begun)
    assert offered.by_service
    reserved = [x for x in hotline.all(f.AgentStateChanged) if x.state is f.AgentState.RESERVED]
    assert (reserved[0].agent, reserved[0].call) == ("1001", card.call)
    assert await _proved(hotline) == []


async def test_an_overdue_caller_whom_the_agent_lets_ring_waits_on_and_is_answered_by_another(
    hotline: Floor,
) -> None:
    since = len(hotline.facts)
    await hotline.exchange.phone("d002", Phone("silent", answer_ms=None))
    await hotline.exchange.phone("d003", SHORT)
    first = await hotline.agent("1001", "d002")
    await first.post("/api/agent/not-ready", reason="rest")
    card = await _queued(hotline, "02154322002", *TO_CARD, after=since)
    await hotline.exchange.tap.wait_until(
        lambda e: e["Channel"].startswith("Local/play@hotline-announce"), "ten seconds of waiting", within=20
    )
    await first.post("/api/agent/ready")
    missed = await hotline.fact(f.OfferEnded, lambda x: x.call == card.call, after=since)
    assert (missed.agent, missed.outcome) == ("1001", f.OfferOutcome.NO_ANSWER)
    offered = await hotline.fact(f.AgentOffered, lambda x: x.leg == missed.leg, after=since)
    assert offered.by_service
    await first.post("/api/agent/not-ready", reason="rest")
    second = await hotline.agent("1009", "d003")
    answered = await hotline.fact(f.AgentAnswered, lambda x: x.call == card.call, after=since)
    assert answered.agent == "1009"
    assert answered.waited == answered.at - card.joined_at  # from the first joining on
    await _work_off(hotline, second, [card.call], since)
    assert await _proved(hotline) == []


async def _proved(hotline: Floor) -> list[object]:
    """What ledger and queue log say differently of all calls so far, once the phones are quiet."""
    await hotline.exchange.hang_up_all()
    for call in list(hotline.hotline.telephony.switchboard.calls):
        await hotline.fact(f.CallEnded, lambda x, call=call: x.call == call)  # type: ignore[misc]
    await hotline.settled()
    text = (hotline.exchange.spec.directory / QUEUE_LOG).read_text(encoding="utf-8")
    facts = await hotline.hotline.ledger.read(0, limit=100_000)
    return list(prove(facts, read_queue_log(text.splitlines(keepends=True))))
