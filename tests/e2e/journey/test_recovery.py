"""A call that came and went while the service was dead is in the ledger all the same, once (guarantee 2)."""

from __future__ import annotations

import pytest

from core import facts as f
from core.clock import SECOND
from hotline.simulation.scripts import Key, Pause, Phone
from tests.support.floor import Floor

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))


async def test_a_call_that_nobody_listened_to_is_recovered_whole_and_once(hotline: Floor) -> None:
    exchange = hotline.exchange
    await exchange.phone("d011", Phone("phone", answer_ms=400, talk_ms=1200))
    await hotline.agent("1001", "d011")
    await hotline.stop_service()

    since = len(exchange.tap.heard)
    await exchange.call(*TO_CARD, Pause(2600), Key("4"), Pause(1000), Key("2"))
    arrived = await exchange.tap.wait_for("CallArrived", after=since, within=60)
    await exchange.tap.wait_for("Hangup", after=since, within=60, Uniqueid=arrived["Uniqueid"])
    call = arrived["Call"]

    await hotline.start_service()
    gap = await hotline.fact(f.GapDeclared)
    assert gap.since < gap.at
    kinds = hotline.kinds(call)
    assert kinds[0] == "CallArrived"
    assert kinds.count("CallEnded") == kinds.count("AgentAnswered") == kinds.count("TalkEnded") == 1
    answered = await hotline.fact(f.AgentAnswered, lambda fact: fact.call == call)
    assert (answered.agent, answered.device, answered.queue) == ("1001", "d011", "card-cmn")
    talk = await hotline.fact(f.TalkEnded, lambda fact: fact.call == call)
    assert SECOND // 2 < talk.talked < 3 * SECOND
    scores = {x.question: x.answer for x in hotline.all(f.SurveyAnswered) if x.call == call}
    assert scores == {"satisfaction": 4, "solved": 2}
    assert [x.leg for x in hotline.all(f.RecordingEnded) if x.call == call] == [answered.leg]
    agent = await hotline.sign_in("1001")
    await hotline.settled()
    owed = (await agent.get("/api/summaries/owed"))["owed"]
    assert answered.leg in [one["leg"] for one in owed]

    # The same absence looked into again adds nothing: what is in the ledger is known.
    await hotline.stop_service()
    told = len(hotline.facts)
    await hotline.start_service()
    assert call not in {getattr(n.fact, "call", "") for n in hotline.facts[told:]}
