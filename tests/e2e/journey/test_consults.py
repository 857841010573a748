"""An agent asks a colleague, or a queue, in the middle of a customer's call, with the service looking on."""

from __future__ import annotations

from typing import Any

import pytest

from core import facts as f
from hotline.simulation.scripts import Key, Pause, Phone
from tests.support.floor import Floor

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))
ASKS = Phone("asks", answer_ms=300, talk_ms=None, hold=(500, 60_000))
ASKS_AND_BACK = Phone("asks", answer_ms=300, talk_ms=600, hold=(500, 3_500))
FIRST, SECOND, LEADER = "1013", "1016", "8001"


async def seated(hotline: Floor, asks: Phone, is_asked: Phone) -> tuple[Any, Any]:
    """The first agent, who gets the customer, and the second, who rests until then and is ready now."""
    await hotline.exchange.phone("d013", asks)
    first = await hotline.agent(FIRST, "d013")
    await hotline.exchange.phone("d014", is_asked)
    second = await hotline.agent(SECOND, "d014")
    await second.post("/api/agent/not-ready", reason="rest")
    return first, second



async def ready(hotline: Floor, agent: Any) -> None:
    since = len(hotline.facts)
    await agent.post("/api/agent/ready")
    await hotline.fact(
        f.AgentStateChanged, lambda x: x.agent == agent.staff and x.state is f.AgentState.READY, after=since
    )


@pytest.mark.rule("CALL-16")
async def test_a_colleague_is_asked_and_the_customer_handed_over(hotline: Floor) -> None:
    """While he is asked nobody offers him a call; the customer is his from the hand-over on."""
    since, tap = len(hotline.facts), hotline.exchange.tap
    heard = len(tap.heard)
    first, second = await seated(hotline, ASKS, Phone("takes", answer_ms=300, talk_ms=4_500))
    await hotline.exchange.call(*TO_CARD, Pause(9_500), Key("5"), Pause(700), Key("1"), name="first")
    held = await hotline.fact(f.HoldStarted, after=since)
    await ready(hotline, second)
    await hotline.exchange.dial("d013", SECOND)
    asked = await hotline.fact(f.ConsultAnswered, after=since)
    assert (asked.leg, asked.to) == (held.leg, SECOND)
    assert (await second.get("/api/agent"))["state"] == "consulting"
    assert (await first.get("/api/agent"))["state"] == "talking"
    shown = (await (await hotline.sign_in(LEADER)).get("/api/board"))["agents"]
    assert shown[FIRST]["asking_since"] and shown[FIRST]["held_since"]
    assert (shown[SECOND]["state"], shown[SECOND]["call"]) == ("consulting", asked.call)
    await hotline.exchange.call(*TO_CARD, Pause(1_500), hang_up=True, name="second", number="02154321009")
    other = await hotline.fact(f.CallerLeftQueue, lambda x: x.call != asked.call, after=since)
    assert other.reason is f.LeaveReason.ABANDONED
    assert not [x for x in hotline.all(f.AgentOffered) if x.call == other.call], "both have a call"

    connected = await tap.wait_for("AgentConnect", after=heard)
    asking = await tap.wait_for("DialBegin", after=heard, DestUniqueid=asked.to_leg)
    await hotline.exchange.hands_over(connected["DestChannel"], asking["Channel"])
    ended = await hotline.fact(f.ConsultEnded, after=since)
    assert ended.outcome is f.ConsultOutcome.JOINED
    answered = await hotline.fact(f.AgentAnswered, lambda x: x.agent == SECOND, after=since)
    assert (answered.leg, answered.waited) == (asked.to_leg, 0)
    rated = await hotline.fact(f.SurveyEnded, lambda x: x.call == asked.call, after=since)
    assert (rated.leg, rated.agent) == (answered.leg, SECOND)
    await hotline.over(asked.call)
    recorded = [x.leg for x in hotline.all(f.RecordingStarted) if x.call == asked.call]
    assert recorded == [held.leg, answered.leg]
    await hotline.settled()
    for agent, leg in ((first, held.leg), (second, answered.leg)):
        assert [one["leg"] for one in (await agent.get("/api/summaries/owed"))["owed"]] == [leg]
        await agent.post("/api/summaries", status=201, leg=leg, type="silent_call")


@pytest.mark.rule("CALL-16")
async def test_a_colleague_is_asked_and_the_customer_talked_to_again(hotline: Floor) -> None:
    """Whoever was only asked owes nothing and is ready again; the score is the first agent's."""
    since = len(hotline.facts)
    first, second = await seated(hotline, ASKS_AND_BACK, Phone("knows", answer_ms=300, talk_ms=1_000))
    await hotline.exchange.call(*TO_CARD, Pause(8_000), Key("4"), Pause(700), Key("1"))
    held = await hotline.fact(f.HoldStarted, after=since)
    await ready(hotline, second)
    await hotline.exchange.dial("d013", SECOND)
    ended = await hotline.fact(f.ConsultEnded, after=since)
    assert ended.outcome is f.ConsultOutcome.DONE
    back = await hotline.fact(
        f.AgentStateChanged,
        lambda x: x.agent == SECOND and x.before is f.AgentState.CONSULTING,
        after=since,
    )
    assert back.state is f.AgentState.READY
    await hotline.fact(f.HoldEnded, after=since)
    talk = await hotline.fact(f.TalkEnded, after=since)
    assert (talk.agent, talk.leg) == (FIRST, held.leg)
    assert 0 < talk.consulted < talk.talked
    await hotline.over(talk.call)
    assert [x.agent for x in hotline.all(f.AgentAnswered) if x.call == talk.call] == [FIRST]
    assert {x.leg for x in hotline.all(f.SurveyEnded) if x.call == talk.call} <= {held.leg}
    await hotline.settled()
    assert (await second.get("/api/summaries/owed"))["owed"] == []
    await first.post("/api/summaries", status=201, leg=held.leg, type="silent_call")
