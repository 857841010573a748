"""A caller who keeps a place is called before the agent who is held for it: reached, or back in the queue."""

from __future__ import annotations

import pytest

from core import facts as f
from core.facts import AgentState, OutgoingOutcome, PlaceOutcome, Side
from core.names import asked_callback
from hotline.simulation.scripts import Phone
from ledger.proof import prove
from ledger.queue_log import read_queue_log
from telephony.records import QUEUE_LOG
from tests.e2e.journey import test_kept_places as kept
from tests.e2e.journey.test_asked_callbacks import MOBILE, asks, waits
from tests.support.floor import Floor, Person

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.rule("CALL-13"),
]
CALLBACK_FIRST = "customer"
DIRECTORY = kept.DIRECTORY
SHORT = Phone("agent", answer_ms=300, talk_ms=700)


async def _asked(hotline: Floor, since: int) -> tuple[Person, f.CallbackRequested]:
    """1001 rests; a customer has waited, asked to be called back and hung up."""
    agent = await hotline.agent("1001", "d001")
    await agent.post("/api/agent/not-ready", reason="rest")
    await asks(hotline, await waits(hotline, MOBILE))
    request = await hotline.fact(f.CallbackRequested, lambda x: x.number == MOBILE, after=since)
    await hotline.fact(f.CallEnded, lambda x: x.call == request.call, after=since)
    return agent, request


def _states(hotline: Floor, agent: str, call: str) -> list[AgentState]:
    return [x.state for x in hotline.all(f.AgentStateChanged) if (x.agent, x.call) == (agent, call)]


async def _agrees(hotline: Floor) -> None:
    """Ledger and queue log tell the same."""
    await hotline.settled()
    text = (hotline.exchange.spec.directory / QUEUE_LOG).read_text(encoding="utf-8")
    facts = await hotline.hotline.ledger.read(0, limit=100_000)
    assert list(prove(facts, read_queue_log(text.splitlines(keepends=True)))) == []


async def test_the_customer_answers_then_the_agent_is_rung_and_the_call_back_is_done(hotline: Floor) -> None:
    since = len(hotline.facts)
    await hotline.exchange.phone("d001", SHORT)
    agent, request = await _asked(hotline, since)
    await hotline.exchange.called(Phone("customer", answer_ms=1_500, talk_ms=None))
    await agent.post("/api/agent/ready")
    made = await hotline.fact(f.OutgoingStarted, after=since)
    assert (made.first, made.record) == (Side.CUSTOMER, asked_callback(request.call))
    there = await hotline.fact(f.CustomerAnswered, after=since)
    offered = await hotline.fact(f.AgentOffered, lambda x: x.call == made.call, after=since)
    assert there.at <= offered.at
    talk = await hotline.fact(f.TalkEnded, lambda x: x.call == made.call, after=since)
    ended = await hotline.fact(f.OutgoingEnded, after=since)
    assert (ended.outcome, ended.leg) == (OutgoingOutcome.REACHED, talk.leg)
    place = await hotline.fact(f.CallbackPlaceEnded, after=since)
    answered = await hotline.fact(f.AgentAnswered, lambda x: x.call == made.call, after=since)
    assert (place.call, place.outcome) == (request.call, PlaceOutcome.REACHED)
    assert place.waited == answered.at - request.joined_at
    assert _states(hotline, "1001", made.call) == [
        AgentState.RESERVED,
        AgentState.RINGING,
        AgentState.TALKING,
        AgentState.WRAP_UP,
    ]
    surveyed = await hotline.fact(f.SurveyStarted, after=since)
    assert surveyed.leg == talk.leg
    filed = await hotline.fact(f.RecordingFiled, lambda x: x.leg == talk.leg)
    assert filed.status == "present"
    await agent.post("/api/summaries", status=201, leg=talk.leg, type="silent_call")

    await _agrees(hotline)
    leader = await hotline.sign_in("8001")
    assert (await leader.get("/api/callbacks"))["callbacks"] == []
    figures = (await leader.get("/api/board"))["queues"]["card-cmn"]
    assert (figures["offered"], figures["answered"], figures["callback"]) == (1, 0, 1)
    assert (figures["called_back"], figures["called_back_mean_ms"]) == (1, round(place.waited / 1_000))
    record = await agent.get(f"/api/calls/{made.call}")
    assert (record["outcome"], record["outgoing"], record["waits"]) == ("answered", "reached", [])


async def test_an_agent_who_does_not_pick_up_leaves_the_customer_at_the_head_of_the_queue(
    hotline: Floor,
) -> None:
    since = len(hotline.facts)
    await hotline.exchange.phone("d001", Phone("away", answer_ms=None))
    await hotline.exchange.phone("d003", SHORT)
    agent, request = await _asked(hotline, since)
    await hotline.exchange.called(Phone("customer", answer_ms=300, talk_ms=None))
    await agent.post("/api/agent/ready")
    made = await hotline.fact(f.OutgoingStarted, after=since)
    missed = await hotline.fact(f.OfferEnded, lambda x: x.call == made.call, after=since)
    assert (missed.agent, missed.outcome) == ("1001", f.OfferOutcome.NO_ANSWER)
    await agent.post("/api/agent/not-ready", reason="rest")
    queued = await hotline.fact(f.CallerQueued, lambda x: x.call == made.call, after=since)
    assert (queued.queue, queued.priority, queued.again) == ("card-cmn", 1000, False)
    await hotline.agent("1009", "d003")
    answered = await hotline.fact(f.AgentAnswered, lambda x: x.call == made.call, after=since)
    assert answered.agent == "1009"
    place = await hotline.fact(f.CallbackPlaceEnded, after=since)
    assert (place.call, place.outcome) == (request.call, PlaceOutcome.REACHED)
    ended = await hotline.fact(f.OutgoingEnded, after=since)
    assert (ended.outcome, ended.agent) == (OutgoingOutcome.REACHED, "1009")
    assert len(hotline.all(f.CustomerDialled)) == 1
    await _agrees(hotline)


async def test_a_service_that_dies_while_the_customer_is_rung_finds_both_talking(hotline: Floor) -> None:
    """The dialplan has rung the agent, who is held, by itself; nobody is called again."""
    since = len(hotline.facts)
    await hotline.exchange.phone("d001", Phone("agent", answer_ms=300, talk_ms=3_000))
    agent, request = await _asked(hotline, since)
    await hotline.exchange.called(Phone("customer", answer_ms=2_000, talk_ms=None))
    await agent.post("/api/agent/ready")
    made = await hotline.fact(f.CustomerDialled, after=since)
    heard = len(hotline.exchange.tap.heard)
    await hotline.stop_service()
    await hotline.exchange.tap.wait_for("BridgeEnter", after=heard, Uniqueid=made.customer)
    await hotline.start_service()
    place = await hotline.fact(f.CallbackPlaceEnded, after=since)
    assert (place.call, place.outcome) == (request.call, PlaceOutcome.REACHED)
    talk = await hotline.fact(f.TalkEnded, lambda x: x.call == made.call, after=since)
    assert (talk.agent, talk.queue) == ("1001", "")
    ended = await hotline.fact(f.OutgoingEnded, after=since)
    assert (ended.outcome, ended.leg) == (OutgoingOutcome.REACHED, talk.leg)
    assert len(hotline.all(f.CustomerDialled)) == len(hotline.all(f.OutgoingStarted)) == 1
    await _agrees(hotline)
