"""A promise is kept: from the summary of a call to the call-back that we make, on a real Asterisk."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from core import facts as f
from core.clock import BANK_ZONE
from core.facts import OutgoingOutcome
from hotline.simulation.scripts import Key, Pause, Phone
from ledger.proof import prove
from tests.support.floor import Floor, Person

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))
PATH = "/api/agent/outgoing"


async def _promised(hotline: Floor, agent: Person, after: int) -> str:
    """A customer has called and is promised a call; the call-back's id."""
    await hotline.exchange.call(*TO_CARD, Pause(2_000), hang_up=True, number="02154324001", name="asks")
    talk = await hotline.fact(f.TalkEnded, after=after)
    due = (datetime.now(BANK_ZONE) + timedelta(hours=2)).isoformat()
    await agent.post(
        "/api/summaries",
        status=201,
        leg=talk.leg,
        type="enquiry",
        content="年费",
        result="待回电",
        callback_to="13812345678",
        callback_due=due,
    )
    saved = f.AgentState.WRAP_UP, "summary"
    await hotline.fact(f.AgentStateChanged, lambda x: (x.before, x.reason) == saved, after=after)
    (owed,) = (await agent.get("/api/callbacks"))["callbacks"]
    return str(owed["id"])


@pytest.mark.rule("CALL-05", "CALL-13")
async def test_a_promised_call_is_made_recorded_summarised_and_done(hotline: Floor) -> None:
    since = len(hotline.facts)
    await hotline.exchange.phone("d001", Phone("agent", answer_ms=200, talk_ms=None))
    agent = await hotline.agent("1001", "d001")
    leader = await hotline.sign_in("8001")
    callback = await _promised(hotline, agent, since)
    await hotline.fact(f.CallEnded, after=since)
    before = (await leader.get("/api/board"))["queues"]
    begun = len(hotline.facts)

    busy = await hotline.exchange.called(Phone("busy", refuse=486))
    told = await agent.post(PATH, status=201, callback=callback)
    assert "1001" in told["greeting"]
    assert told["number"] == "138****5678"
    over = await hotline.fact(f.OutgoingEnded, after=begun)
    assert (over.call, over.outcome) == (told["call"], OutgoingOutcome.BUSY)
    assert (await agent.get("/api/agent"))["state"] == "ready"
    await busy.stop(deadline=0.2)
    await hotline.settled()

    begun = len(hotline.facts)
    await hotline.exchange.called(Phone("customer", answer_ms=200, talk_ms=700))
    told = await agent.post(PATH, status=201, callback=callback)
    talk = await hotline.fact(f.TalkEnded, after=begun)
    assert (talk.call, talk.agent, talk.queue) == (told["call"], "1001", "")
    ended = await hotline.fact(f.OutgoingEnded, after=begun)
    assert (ended.call, ended.outcome, ended.leg) == (told["call"], OutgoingOutcome.REACHED, talk.leg)
    states = [x.state.value for x in hotline.all(f.AgentStateChanged) if x.call == told["call"]]
    assert states == ["ringing", "talking", "wrap_up"]
    filed = await hotline.fact(f.RecordingFiled, lambda x: x.leg == talk.leg)
    assert filed.status == "present"
    await hotline.settled()

    assert (await agent.get("/api/callbacks"))["callbacks"] == []
    attempts = (await agent.get(PATH, callback=callback))["attempts"]
    assert [one["outcome"] for one in attempts] == ["busy", "reached"]
    owed = (await agent.get("/api/summaries/owed"))["owed"]
    assert [one["leg"] for one in owed] == [talk.leg]
    await agent.post(
        "/api/summaries", status=201, leg=talk.leg, type="enquiry", content="年费", result="已答复"
    )
    await hotline.fact(f.SummarySaved, lambda x: x.leg == talk.leg)
    assert (await agent.get("/api/agent"))["state"] == "ready"

    # One call with its record, and in no figure of a queue.
    record = await agent.get(f"/api/calls/{told['call']}")
    assert (record["outcome"], record["outgoing"], record["about"]) == (
        "answered",
        "reached",
        f"callback:{callback}",
    )
    assert record["waits"] == []
    after = (await leader.get("/api/board"))["queues"]
    for queue, figures in before.items():
        for figure in ("offered", "answered_10", "waiting"):
            assert after[queue][figure] == figures[figure], (queue, figure)
    facts = await hotline.hotline.ledger.read(0, limit=100_000)
    assert [one for one in prove(facts, None) if told["call"] in one.subject] == []


async def test_a_service_that_dies_while_the_customer_rings_dials_nobody_again(hotline: Floor) -> None:
    since = len(hotline.facts)
    await hotline.exchange.phone("d002", Phone("agent", answer_ms=200, talk_ms=None))
    agent = await hotline.agent("1001", "d002")
    callback = await _promised(hotline, agent, since)
    await hotline.fact(f.CallEnded, after=since)
    begun = len(hotline.facts)
    await hotline.exchange.called(Phone("slow", answer_ms=3_500, talk_ms=1_000))
    told = await agent.post(PATH, status=201, callback=callback)
    await hotline.fact(f.CustomerDialled, after=begun)
    await hotline.stop_service()
    await hotline.start_service()
    agent = await hotline.sign_in("1001")
    await agent.post(PATH, status=409, callback=callback)
    ended = await hotline.fact(f.OutgoingEnded, after=begun)
    assert (ended.call, ended.outcome) == (told["call"], OutgoingOutcome.REACHED)
    await hotline.settled()
    assert (await agent.get("/api/callbacks"))["callbacks"] == []
    dialled = [x for x in hotline.all(f.CustomerDialled) if x.call == told["call"]]
    assert len(dialled) == 1
