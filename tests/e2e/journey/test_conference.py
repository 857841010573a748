"""Three in a call, by an agent's order, on a real Asterisk: states, recordings, summaries, the call's record."""

from __future__ import annotations

import pytest

from core import facts as f
from hotline.simulation.scripts import Key, Pause, Phone
from tests.support.floor import Floor

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))


@pytest.mark.rule("CALL-16")
async def test_a_colleague_is_brought_in_and_goes_on_with_the_customer(hotline: Floor) -> None:
    exchange = hotline.exchange
    await exchange.phone("d001", Phone("first", answer_ms=200, talk_ms=1_500, hold=(600, 4_000)))
    await exchange.phone("d002", Phone("second", answer_ms=200, talk_ms=8_000))
    first = await hotline.agent("1001", "d001")
    refused = await first.post("/api/agent/conference", status=409)
    assert "no customer" in refused["detail"]
    await exchange.call(*TO_CARD, Pause(30_000))
    answered = await hotline.fact(f.AgentAnswered)
    refused = await first.post("/api/agent/conference", status=409)
    assert "asks nobody" in refused["detail"]
    second = await hotline.agent("1002", "d002")
    await second.post("/api/agent/not-ready", reason="rest")
    await hotline.fact(f.HoldStarted)
    await hotline.hotline.telephony.told()
    await exchange.dial("d001", "1002")
    await hotline.fact(f.ConsultAnswered)

    told = await first.post("/api/agent/conference")
    assert (told["call"], told["colleague"]) == (answered.call, "1002")
    states = [(await one.get("/api/agent"))["state"] for one in (first, second)]
    assert states == ["talking", "talking"]
    refused = await first.post("/api/agent/conference", status=409)
    assert "already" in refused["detail"]

    await hotline.fact(f.TalkEnded, lambda fact: fact.agent == "1001")
    assert (await first.get("/api/agent"))["state"] == "wrap_up"
    assert (await second.get("/api/agent"))["state"] == "talking"
    assert not hotline.all(f.SurveyStarted)
    survey = await hotline.fact(f.SurveyStarted)
    assert (survey.agent, survey.leg) == ("1002", told["leg"])
    await hotline.fact(f.CallEnded)
    assert (await second.get("/api/agent"))["state"] == "wrap_up"

    await hotline.fact(f.RecordingFiled, lambda fact: fact.leg == answered.leg)
    await hotline.fact(f.RecordingFiled, lambda fact: fact.leg == told["leg"])
    await hotline.settled()
    for person, leg in ((first, answered.leg), (second, told["leg"])):
        owed = (await person.get("/api/summaries/owed"))["owed"]
        assert [one["leg"] for one in owed] == [leg]
    assert {fact.status for fact in hotline.all(f.RecordingFiled)} == {"present"}
    assert [fact.to for fact in hotline.all(f.ConferenceStarted)] == ["1002"]
    leader = await hotline.sign_in("8001")
    record = await leader.get(f"/api/calls/{answered.call}")
    (brought_in,) = record["legs"][0]["conferences"]
    assert brought_in["to"] == "1002"
    assert brought_in["lasted_ms"] > 0
    chain = [fact for fact in hotline.all(f.TalkEnded) if fact.call == answered.call]
    assert [talk.agent for talk in chain] == ["1001", "1002"]
