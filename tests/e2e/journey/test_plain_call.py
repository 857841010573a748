"""One customer's call from ring to ticket, on a real Asterisk, with the service running."""

from __future__ import annotations

import io
import wave
from array import array
from typing import Any

import pytest

from core import facts as f
from core.clock import SECOND
from hotline.simulation.scripts import Key, Pause, Phone
from tests.support.floor import Floor
from tests.support.tones import power_at, write_alaw

DATABASES = ("sqlite", "postgresql")
pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))
STORY = [
    "CallArrived",
    "LanguageChosen",
    "MenuChosen",
    "MenuChosen",
    "CallerQueued",
    "AgentOffered",
    "RecordingStarted",
    "AgentAnswered",
    "CallerLeftQueue",
    "TalkEnded",
    "RecordingEnded",
    "SurveyStarted",
    "SurveyAnswered",
    "SurveyAnswered",
    "SurveyEnded",
    "CallEnded",
]
OF_THE_CALL = set(STORY)


@pytest.mark.rule("CALL-02", "CALL-06", "SURVEY-01", "SUMMARY-01", "SUMMARY-02", "QA-10")
async def test_from_ring_to_ticket(hotline: Floor) -> None:
    exchange = hotline.exchange
    low = write_alaw(exchange.folder / "agent.alaw", 440, 5)
    high = write_alaw(exchange.folder / "customer.alaw", 1000, 5)
    await exchange.phone("d001", Phone("phone", answer_ms=500, talk_ms=1500, voice=low))
    agent = await hotline.agent("1001", "d001")
    leader = await hotline.sign_in("8001")
    before = (await leader.get("/api/board"))["queues"]

    customer = await exchange.call(*TO_CARD, Pause(3300), Key("5"), Pause(1200), Key("1"), voice=high)
    ended = await hotline.fact(f.CallEnded, within=60)
    call = ended.call
    assert sorted(kind for kind in hotline.kinds(call) if kind in OF_THE_CALL) == sorted(STORY)
    answered = await hotline.fact(f.AgentAnswered, lambda fact: fact.call == call)
    assert (answered.agent, answered.device, answered.queue) == ("1001", "d001", "card-cmn")
    assert SECOND // 2 <= answered.rang <= answered.waited < 3 * SECOND
    talk = await hotline.fact(f.TalkEnded, lambda fact: fact.call == call)
    assert SECOND < talk.talked < 3 * SECOND
    assert talk.released_by is f.Side.AGENT
    scores = {fact.question: (fact.answer, fact.agent, fact.leg) for fact in hotline.all(f.SurveyAnswered)}
    assert scores == {"satisfaction": (5, "1001", answered.leg), "solved": (1, "1001", answered.leg)}
    assert (await customer.done(60)).succeeded == 1

    # After the call: the agent is in wrap-up and owes a summary; saving it makes the agent ready again.
    assert (await agent.get("/api/agent"))["state"] == "wrap_up"
    await hotline.settled()
    owed = (await agent.get("/api/summaries/owed"))["owed"]
    assert [one["leg"] for one in owed] == [answered.leg]
    summary = await agent.post(
        "/api/summaries", status=201, leg=answered.leg, type="enquiry", content="账单日查询", result="已答复"
    )
    await hotline.fact(f.SummarySaved, lambda fact: fact.leg == answered.leg)
    assert (await agent.get("/api/agent"))["state"] == "ready"
    assert (await agent.get("/api/summaries/owed"))["owed"] == []

    # The recording is in the catalogue, whole, and heard only for a purpose.
    filed = await hotline.fact(f.RecordingFiled, lambda fact: fact.leg == answered.leg)
    assert filed.status == "present"
    catalogue = (await leader.get("/api/recordings", call=call))["recordings"]
    assert [one["leg"] for one in catalogue] == [answered.leg]
    sound = await leader.raw(f"/api/recordings/{answered.leg}/audio", purpose="quality", part="customer")
    with wave.open(io.BytesIO(sound)) as file:
        assert (file.getframerate(), file.getnchannels()) == (8000, 1)
        samples = array("h", file.readframes(file.getnframes()))
    assert 0.7 < len(samples) / 8000 < 3
    assert power_at(samples, 1000) > 100 * power_at(samples, 440)  # the customer alone is on it

    # The board counted it, and says which call it was.
    after = (await leader.get("/api/board"))["queues"]
    assert figures(after, "answered_10") == figures(before, "answered_10") + 1
    behind = await leader.get("/api/board/calls", figure="answered_10", queue="card-cmn")
    assert call in [one["call"] for one in behind["calls"]]
    assert summary["number"].startswith("ZJ")


def figures(queues: Any, name: str) -> int:
    return int(queues["card-cmn"][name])
