"""The service is killed while calls talk and wait, and comes back: nothing is lost and nothing is doubled."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from core import facts as f
from core.clock import SECOND
from directory import seed
from directory.lookup import Directory
from hotline.simulation.scripts import Key, Pause, Phone
from tests.support.floor import Floor

DATABASES = ("sqlite", "postgresql")
pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))
TALK_S = 9


def as_seeded() -> Directory:
    """What a service of its own reads: the demo's seed."""
    return seed.load(seed.DEMO)


DIRECTORY = as_seeded


def environment(hotline: Floor) -> dict[str, str]:
    """The floor's settings as a service of its own finds them."""
    settings = hotline.settings
    return os.environ | {
        "HOTLINE_DATA_DIR": str(settings.data_dir),
        "HOTLINE_CREDENTIALS": str(settings.data_dir.parent / "credentials.json"),
        "HOTLINE_DATABASE__MAIN": settings.main_url,
        "HOTLINE_DATABASE__LEDGER": settings.ledger_url,
        "HOTLINE_WEB__PORT": str(settings.web.port),
        "HOTLINE_SESSION__CHANGE_INITIAL": "false",
        "HOTLINE_NODES": json.dumps([node.model_dump(mode="json") for node in settings.nodes]),
        "HOTLINE_LOG__LEVEL": "info",
        "HOTLINE_LOG__FORM": "json",
    }


@asynccontextmanager
async def service_of_its_own(hotline: Floor) -> AsyncIterator[asyncio.subprocess.Process]:
    """`hotline serve` as a process that can be killed; it serves and is connected to the node."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hotline", "serve"),
        cwd=Path(__file__).parents[3],
        env=environment(hotline),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    drain: asyncio.Task[bytes] | None = None
    try:
        assert process.stderr is not None
        said = []
        async with asyncio.timeout(60):
            while b"telephony.reconciled" not in (line := await process.stderr.readline()):
                said.append(line.decode())
                assert line, "".join(said)
        drain = asyncio.create_task(process.stderr.read())
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        if drain is not None:
            await drain


async def test_a_killed_service_takes_its_calls_up_again(hotline: Floor) -> None:
    """One customer talks and one waits when it is killed; a third comes while it is dead."""
    exchange, tap = hotline.exchange, hotline.exchange.tap
    await exchange.phone("d001", Phone("phone", answer_ms=300, talk_ms=TALK_S * 1000))
    await hotline.stop_service()
    heard = len(tap.heard)
    async with service_of_its_own(hotline) as service:
        client = await hotline.sign_in("1001")
        await client.post("/api/agent/login", device="d001")
        await client.post("/api/agent/ready")
        await exchange.call(*TO_CARD, number="02154320001", name="talks")
        await tap.wait_for("AgentConnect", after=heard)
        await exchange.call(*TO_CARD, number="02154320002", name="waits")
        await tap.wait_for("QueueCallerJoin", after=heard, CallerIDNum="02154320002")
        await asyncio.sleep(0.1)  # the ledger stores in batches; what is not stored when we kill is the gap's
        service.kill()
        await service.wait()
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
    await hotline.hotline.ledger.stored(hotline.hotline.ledger.last)
    book = [n.fact for n in await hotline.hotline.ledger.read(0, 100_000)]
    for call in (talks, waits, came):
        kinds = Counter(type(x).__name__ for x in book if isinstance(x, f.CallFact) and x.call == call)
        once = ["CallArrived", "LanguageChosen", "CallerQueued", "CallerLeftQueue", "CallEnded"]
        assert [kind for kind in once if kinds[kind] != 1] == [], (call, kinds)
        assert kinds["MenuChosen"] == 2, (call, kinds)
    legs = Counter((type(x).__name__, x.leg) for x in book if isinstance(x, f.LegFact))
    doubled = [key for key, count in legs.items() if count > 1]
    assert doubled == []
    states = [x for x in book if isinstance(x, f.AgentStateChanged) and x.agent == "1001"]
    assert all(a.state is b.before for a, b in pairwise(states))
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
