"""An agent asks a colleague in the middle of a customer's call, with the service looking on."""

from __future__ import annotations

import pytest

from core import facts as f
from hotline.simulation.scripts import Key, Pause, Phone
from tests.support.floor import Floor, Person

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))
TALKS = Phone("talks", answer_ms=300, talk_ms=None)
HOLDS = Phone("holds", answer_ms=300, talk_ms=None, hold=(400, 60_000))
FIRST, SECOND, LEADER = "1013", "1016", "8001"


async def seated(hotline: Floor, asks: Phone, is_asked: Phone) -> tuple[Person, Person]:
    """The first agent, who gets the customer, and the second, who rests until then."""
    await hotline.exchange.phone("d013", asks)
    first = await hotline.agent(FIRST, "d013")
    await hotline.exchange.phone("d014", is_asked)
    second = await hotline.agent(SECOND, "d014")
    await second.post("/api/agent/not-ready", reason="rest")
    return first, second


async def asked(hotline: Floor, second: Person, after: int) -> f.ConsultAnswered:
    """The second is ready now; the first calls him on another line of his telephone, and he answers."""
    await second.post("/api/agent/ready")
    is_ready = f.AgentState.READY
    await hotline.fact(f.AgentStateChanged, lambda x: x.agent == SECOND and x.state is is_ready, after=after)
    await hotline.exchange.dial("d013", SECOND)
    return await hotline.fact(f.ConsultAnswered, after=after)


async def rated(hotline: Floor, by: Person, call: str) -> f.SurveyEnded:
    """The customer is sent to the survey, and the call comes to its end."""
    await by.post("/api/agent/survey", status=204)
    survey = await hotline.fact(f.SurveyEnded, lambda x: x.call == call)
    await hotline.over(call)
    await hotline.settled()
    return survey


@pytest.mark.rule("CALL-16")
async def test_a_colleague_is_asked_and_the_customer_handed_over(hotline: Floor) -> None:
    """While he is asked nobody offers him a call; the customer is his from the hand-over on."""
    since, tap = len(hotline.facts), hotline.exchange.tap
    heard = len(tap.heard)
    first, second = await seated(hotline, HOLDS, TALKS)
    await hotline.exchange.call(*TO_CARD, name="first")
    held = await hotline.fact(f.HoldStarted, after=since)
    consult = await asked(hotline, second, len(hotline.facts))
    assert (consult.leg, consult.to) == (held.leg, SECOND)
    assert (await second.get("/api/agent"))["state"] == "consulting"
    assert (await first.get("/api/agent"))["state"] == "talking"
    shown = (await (await hotline.sign_in(LEADER)).get("/api/board"))["agents"]
    assert shown[FIRST]["asking_since"] and shown[FIRST]["held_since"]
    assert (shown[SECOND]["state"], shown[SECOND]["call"]) == ("consulting", consult.call)
    await hotline.exchange.call(*TO_CARD, Pause(1_500), hang_up=True, name="other", number="02154321009")
    left = await hotline.fact(f.CallerLeftQueue, lambda x: x.call != consult.call, after=since)
    assert left.reason is f.LeaveReason.ABANDONED
    assert not [x for x in hotline.all(f.AgentOffered) if x.call == left.call], "both have a call"

    connected = await tap.wait_for("AgentConnect", after=heard)
    asking = await tap.wait_for("DialState", after=heard, DestUniqueid=consult.to_leg)
    await hotline.exchange.hands_over(connected["DestChannel"], asking["Channel"])
    ended = await hotline.fact(f.ConsultEnded, after=since)
    assert ended.outcome is f.ConsultOutcome.JOINED
    answered = await hotline.fact(f.AgentAnswered, lambda x: x.agent == SECOND, after=since)
    assert (answered.leg, answered.waited) == (consult.to_leg, 0)
    survey = await rated(hotline, second, consult.call)
    assert (survey.leg, survey.agent) == (answered.leg, SECOND)
    recorded = [x.leg for x in hotline.all(f.RecordingStarted) if x.call == consult.call]
    assert recorded == [held.leg, answered.leg]
    for agent, leg in ((first, held.leg), (second, answered.leg)):
        assert [one["leg"] for one in (await agent.get("/api/summaries/owed"))["owed"]] == [leg]
        await agent.post("/api/summaries", status=201, leg=leg, type="silent_call")


@pytest.mark.rule("CALL-16")
async def test_a_colleague_is_asked_and_the_customer_talked_to_again(hotline: Floor) -> None:
    """Whoever was only asked owes nothing and is ready again; the score is the first agent's."""
    since = len(hotline.facts)
    first, second = await seated(hotline, TALKS, Phone("knows", answer_ms=300, talk_ms=1_000))
    await hotline.exchange.call(*TO_CARD)
    talks = await hotline.fact(f.AgentAnswered, after=since)
    await asked(hotline, second, len(hotline.facts))
    ended = await hotline.fact(f.ConsultEnded, after=since)
    assert ended.outcome is f.ConsultOutcome.DONE
    asked_no_more = f.AgentState.CONSULTING
    back = await hotline.fact(
        f.AgentStateChanged, lambda x: x.agent == SECOND and x.before is asked_no_more, after=since
    )
    assert back.state is f.AgentState.READY
    survey = await rated(hotline, first, talks.call)
    assert (survey.leg, survey.agent) == (talks.leg, FIRST)
    talk = await hotline.fact(f.TalkEnded, after=since)
    assert 0 < talk.consulted < talk.talked
    assert [x.agent for x in hotline.all(f.AgentAnswered) if x.call == talk.call] == [FIRST]
    assert (await second.get("/api/summaries/owed"))["owed"] == []
    await first.post("/api/summaries", status=201, leg=talks.leg, type="silent_call")
