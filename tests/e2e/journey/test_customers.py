"""A customer whom only the service knows is served first, without the call having waited for it."""

from __future__ import annotations

import asyncio

import pytest

from core import facts as f
from telephony.ami.pending import Outcome
from tests.e2e.journey.test_waiting import SHORT, answers_in_turn, waits
from tests.support.floor import Floor

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
PRIVATE = "13800005555"


def raised(hotline: Floor) -> int:
    """How many waiting callers Asterisk has moved forward so far."""
    (node,) = hotline.hotline.telephony.standings()
    return node.outcomes["ChangePriority", Outcome.DONE]


async def test_a_favoured_customer_is_answered_before_an_ordinary_caller_who_came_earlier(
    hotline: Floor,
) -> None:
    admin = await hotline.sign_in("9001")
    customer = {"id": "C-1", "name": "张三丰", "level": "private", "numbers": [PRIVATE], "reason": "x"}
    await admin.post("/api/customers", status=201, **customer)
    since, before = len(hotline.facts), raised(hotline)
    await hotline.exchange.phone("d001", SHORT)
    agent = await hotline.agent("1001", "d001")
    await agent.post("/api/agent/not-ready", reason="rest")
    ordinary = await waits(hotline, "ordinary", "02154321001", since)
    favoured = await waits(hotline, "favoured", PRIVATE, since)
    found = await hotline.fact(f.CustomerIdentified, after=since)
    assert (found.call, found.customer, found.level, found.source) == (favoured.call, "C-1", "private", "own")
    assert favoured.priority == 0  # the dialplan's list does not have the number
    async with asyncio.timeout(60):
        while raised(hotline) == before:  # noqa: ASYNC110
            await asyncio.sleep(0.1)  # Asterisk tells of it by no event
    await agent.post("/api/agent/ready")
    assert await answers_in_turn(hotline, 2, since) == [favoured.call, ordinary.call]
