"""One customer's call from ring to ticket, on a real Asterisk, with the service running."""

from __future__ import annotations

import pytest

from core import facts as f
from hotline.simulation.scripts import Key, Pause, Phone
from tests.support.floor import floor

pytestmark = pytest.mark.asterisk
PORT = 16300
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))


@pytest.mark.rule("CALL-02", "SURVEY-01", "SUMMARY-01")
async def test_from_ring_to_summary() -> None:
    async with floor(PORT) as hotline:
        exchange = hotline.exchange
        await exchange.phone("d001", Phone("phone", answer_ms=500, talk_ms=1500))
        agent = await hotline.agent("1001", "d001")
        await exchange.call(*TO_CARD, Pause(6000), Key("5"), Pause(1200), Key("1"))
        ended = await hotline.fact(f.CallEnded, within=40)
        assert hotline.kinds(ended.call) == []
        await agent.get("/api/agent")
