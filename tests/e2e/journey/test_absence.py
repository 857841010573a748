"""The service is killed while calls talk and wait, and comes back: nothing is lost and nothing is doubled."""

from __future__ import annotations

import asyncio

import pytest

from core import facts as f
from core.clock import SECOND
from directory import seed
from directory.lookup import Directory
from hotline.simulation.scripts import Key, Pause, Phone
from tests.support.books import book_of, require_once, require_unbroken
from tests.support.floor import Floor
from tests.support.serving import environment, serving

DATABASES = ("sqlite", "postgresql")
pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))
TALK_S = 9


def as_seeded() -> Directory:
    """What a service of its own reads: the demo's seed."""
    return seed.load(seed.DEMO)


DIRECTORY = as_seeded


async def test_a_killed_service_takes_its_calls_up_again(hotline: Floor) -> None:
    """One customer talks and one waits when it is killed; a third comes while it is dead."""
    exchange, tap = hotline.exchange, hotline.exchange.tap
    await exchange.phone("d001", Phone("phone", answer_ms=300, talk_ms=TALK_S * 1000))
    await hotline.stop_service()
    heard = len(tap.heard)
    async with serving(environment(hotline)) as service:
        client = await hotline.sign_in("1001")
        await client.post("/api/agent/login", device="d001")
        await client.post("/api/agent/ready")
        await exchange.call(*TO_CARD, number="02154320001", name="talks")
        await tap.wait_for("AgentConnect", after=heard)
        await exchange.call(*TO_CARD, number="02154320002", name="waits")
        await tap.wait_for("QueueCallerJoin", after=heard, CallerIDNum="02154320002")
        await asyncio.sleep(0.1)  # the ledger stores in batches; what is not stored when we kill is the gap's
        service.process.kill()
        await service.ends()
    await exchange.call(*TO_CARD, number="02154320003", name="comes meanwhile")
    await tap.wait_for("QueueCallerJoin", after=heard, CallerIDNum="02154320003")
    arrivals = {e["Caller"]: e["Call"] for e in tap.all("CallArrived")}
    talks, waits, came = (arrivals[f"0215432000{n}"] for n in (1, 2, 3))

    since = len(hotline.facts)
    await hotline.start_service()
    gap = await hotline.fact(f.GapDeclared, after=since)
    assert 0 < gap.at - gap.since < 60 * SECOND
    agent = await hotline.sign_in("1001")
    now = await agent.get("/api/agent")
    assert (now["state"], now["call"], now["device"]) == ("talking", talks, "d001")
    line = hotline.hotline.telephony.switchboard.lines(hotline.now())["card-cmn"]
    assert [waiting.call.id for waiting in line] == [waits, came]

    # The talk goes on, ends once, and is summed up; then the one who waited longest is next.
    talk = await hotline.fact(f.TalkEnded, after=since)
    assert (talk.call, talk.released_by) == (talks, f.Side.AGENT)
    assert abs(talk.talked - TALK_S * SECOND) < SECOND
    wrap = await hotline.fact(f.AgentStateChanged, lambda x: x.state is f.AgentState.WRAP_UP, after=since)
    survey = await hotline.fact(f.SurveyEnded, lambda x: x.call == talks, after=since)
    assert survey.leg == talk.leg
    await hotline.settled()
    assert [one["leg"] for one in (await agent.get("/api/summaries/owed"))["owed"]] == [talk.leg]
    await agent.post("/api/summaries", status=201, leg=wrap.leg, type="silent_call")
    answered = await hotline.fact(f.AgentAnswered, lambda x: x.call == waits, after=since)
    joined = next(e for e in tap.all("QueueEntered") if e["Call"] == waits)
    assert answered.waited == answered.at - int(joined["JoinedUs"])

    await exchange.hang_up_all()
    for call in (talks, waits, came):
        await hotline.fact(f.CallEnded, lambda x, call=call: x.call == call, after=since)  # type: ignore[misc]
    book = await book_of(hotline)
    require_once(book, (talks, waits, came), menus=2)
    require_unbroken(book, "1001")
    calls = {x.call: x.joined_at for x in book if isinstance(x, f.CallerQueued)}
    assert calls[waits] < calls[came]


async def test_a_wrap_up_outlives_a_restart(hotline: Floor) -> None:
    """The agent still owes the summary, is still held off, and ready when it is saved."""
    since = len(hotline.facts)
    await hotline.exchange.phone("d002", Phone("phone", answer_ms=300, talk_ms=500))
    await hotline.agent("1002", "d002")
    await hotline.exchange.call(*TO_CARD, name="first")
    wrap = await hotline.fact(f.AgentStateChanged, lambda x: x.state is f.AgentState.WRAP_UP, after=since)
    await hotline.stop_service()
    await hotline.start_service()
    since = len(hotline.facts)
    agent = await hotline.sign_in("1002")
    now = await agent.get("/api/agent")
    assert (now["state"], now["leg"], now["queue"]) == ("wrap_up", wrap.leg, "card-cmn")
    await hotline.exchange.call(*TO_CARD, number="02154320004", name="second")
    await hotline.fact(f.CallerQueued, after=since)
    await asyncio.sleep(1.5)  # app_queue looks at its members about once a second
    assert not [n for n in hotline.facts[since:] if isinstance(n.fact, f.AgentOffered)]
    await agent.post("/api/summaries", status=201, leg=wrap.leg, type="silent_call")
    offered = await hotline.fact(f.AgentOffered, after=since)
    assert offered.agent == "1002"
