"""What a leader orders for callers who wait, on a real Asterisk."""

from __future__ import annotations

import pytest

from core import facts as f
from hotline.simulation.scripts import Key, Pause, Phone
from tests.support.floor import Floor

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))
LEADER = "8001"


async def test_a_waiting_caller_is_moved_to_a_queue_where_somebody_is_free(hotline: Floor) -> None:
    since = len(hotline.facts)
    leader = await hotline.sign_in(LEADER)
    await hotline.exchange.phone("d001", Phone("card", answer_ms=300, talk_ms=60_000))
    card = await hotline.agent("1001", "d001")
    await card.post("/api/agent/not-ready", reason="rest")  # short: a caller may wait for them
    await hotline.exchange.call(*TO_CARD, name="customer")
    queued = await hotline.fact(f.CallerQueued, after=since)
    order = f"/api/calls/{queued.call}/queue"
    target = "corporate-cmn"
    refused = await leader.put(order, status=409, queue=target)
    assert "nobody is on duty" in refused["detail"]
    await leader.put(order, status=422, queue="no-such-queue")
    refused = await leader.put(order, status=409, queue=queued.queue)
    assert "already" in refused["detail"]
    await card.put(order, status=403, queue=target)
    number, _ = hotline.directory.members(target)[0]
    await hotline.exchange.phone("d002", Phone("corporate", answer_ms=300, talk_ms=500))
    await hotline.agent(number, "d002")
    await leader.put(order, status=204, queue=target)
    moved = await hotline.fact(f.CallerMoved, after=since)
    assert (moved.call, moved.queue, moved.by) == (queued.call, target, LEADER)
    answered = await hotline.fact(f.AgentAnswered, after=since)
    assert (answered.agent, answered.queue) == (number, target)
    assert answered.waited == answered.at - queued.joined_at, "the wait is one, from its beginning"
    assert queued.joined_at < moved.at
    again = await leader.put(order, status=409, queue="card-cmn")
    assert "does not wait" in again["detail"]
    await hotline.fact(f.CallEnded, after=since)
    told = await leader.get("/api/board")
    assert told["queues"]["card-cmn"]["offered"] == 0
    assert told["queues"][target]["offered"] == 1
