"""The whole program, assembled as in service, on each kind of database: a recorded call from ring to ticket.

The call's facts are those its recording tells; from the ledger on everything is real. A server is stopped and
started again under the running service.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import replace

from core import facts as f
from core.clock import system_clock
from core.facts import Fact
from directory.credentials import Credentials, Login
from directory.seed import DEMO, load
from hotline.assembly import assemble
from hotline.running import Hotline, Running
from hotline.settings import DatabaseSettings, Settings, WebSettings
from hotline.settings_sign_in import SessionSettings
from tests.integration.web.site import CHEAP, PASSWORD
from tests.scenarios.captures_read import read
from tests.scenarios.replay import replay
from tests.support.databases import Databases, ServerDatabases
from tests.support.floor import Person
from tests.support.ports import own

PORT = own().web
AGENT, LEADER = "1001", "8001"


def recorded_call() -> list[Fact]:
    """The facts of a recording, its agent being one who may write summaries."""
    facts = replay(read("normal_with_survey"))
    return [replace(fact, agent=AGENT) if getattr(fact, "agent", "") else fact for fact in facts]  # type: ignore[call-arg]


@asynccontextmanager
async def service(folder: Path, databases: Databases) -> AsyncIterator[Hotline]:
    """The service on empty databases, or on those it has left behind."""
    settings = Settings(
        data_dir=folder / "data",
        web=WebSettings(port=PORT),
        session=SessionSettings(change_initial=False),
        database=DatabaseSettings(main=databases.url("main", None), ledger=databases.url("ledger", None)),
    )
    directory = load(DEMO)
    kept = CHEAP.hash(PASSWORD)
    everyone = {str(number): Login(password=kept, pin_sha1="") for number in directory.staff}
    credentials = Credentials(pin_salt="", staff=everyone)
    hotline = await assemble(settings, directory, credentials, clock=system_clock)
    async with Running(hotline):
        yield hotline


@asynccontextmanager
async def signed_in(staff: str) -> AsyncIterator[Person]:
    """Someone at the API."""
    address = f"http://127.0.0.1:{PORT}"
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(address, headers={"Origin": address}, cookie_jar=jar) as client:
        async with client.post("/api/session", json={"staff": staff, "password": PASSWORD}) as response:
            answer = await response.json()
            assert response.status == 200, answer
        yield Person(client, staff, answer["csrf_token"])


async def ready() -> int:
    """What the health check says."""
    async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{PORT}/ready") as response:
        return response.status


async def follow(hotline: Hotline) -> None:
    """Returns when everyone has stored what follows from the facts so far."""
    async with asyncio.timeout(60):
        await hotline.ledger.readable(hotline.ledger.last)
        for consumer in hotline.consumers:
            await consumer.caught_up(hotline.ledger.last)


async def facts_of(hotline: Hotline, kind: type[Fact]) -> list[Fact]:
    """Every such fact, once units of work under way have told theirs."""
    async with asyncio.timeout(60):
        await hotline.outbox.emptied()
        await hotline.ledger.readable(hotline.ledger.last)
    return [numbered.fact for numbered in await hotline.ledger.read(0, kinds={kind.__name__})]


async def stored(hotline: Hotline, told: list[Fact]) -> list[Fact]:
    """Those of `told` that are in the ledger, in its order; the board may have added alarms."""
    return [numbered.fact for numbered in await hotline.ledger.read(0) if numbered.fact in told]


@pytest.mark.rule("SUMMARY-01", "SUMMARY-02", "SEC-15")
async def test_a_recorded_call_from_ring_to_ticket_and_over_a_restart(
    databases: Databases, tmp_path: Path
) -> None:
    facts = recorded_call()
    call, leg = next((fact.call, fact.leg) for fact in facts if isinstance(fact, f.AgentAnswered))
    async with service(tmp_path, databases) as hotline:
        hotline.ledger.append(facts)
        await follow(hotline)
        async with signed_in(AGENT) as agent:
            assert [one["leg"] for one in (await agent.get("/api/summaries/owed"))["owed"]] == [leg]
            text = {
                "type": "complaint",
                "customer_name": "张三",
                "contact": "13812345678",
                "content": "年费重复",
            }
            text |= {"result": "已登记", "nature": "ordinary", "urgency": "high"}
            saved = await agent.post("/api/summaries", status=201, leg=leg, read_back=True, **text)
            assert (await agent.get("/api/summaries/owed"))["owed"] == []
            form = {"kind": "complaint", "business": "card", "limit_told": True}
            opened = await agent.post("/api/tickets", status=201, summary=saved["number"], **form)
        assert [fact.number for fact in await facts_of(hotline, f.SummarySaved)] == [saved["number"]]  # type: ignore[attr-defined]
        assert [fact.number for fact in await facts_of(hotline, f.TicketOpened)] == [opened["number"]]  # type: ignore[attr-defined]
    async with service(tmp_path, databases) as hotline, signed_in(LEADER) as leader:
        record = await leader.get(f"/api/calls/{call}")
        assert (record["outcome"], record["legs"][0]["satisfaction"]) == ("answered", 5)
        assert [one["call"] for one in (await leader.get("/api/calls"))["calls"]] == [call]
        read_back = await leader.get(f"/api/summaries/{saved['number']}", purpose="quality")
        assert (read_back["content"], read_back["contact"]) == ("年费重复", "13812345678")
        assert [one["leg"] for one in (await leader.get("/api/recordings", call=call))["recordings"]] == [leg]
        assert hotline.ledger.last == hotline.ledger.last_stored
    rows = databases.ask("main", "SELECT staff, action, subject, purpose FROM access_log ORDER BY seq")
    assert rows == [
        ("", "change", "directory:1", "administration"),  # the seed, taken in
        (LEADER, "read", f"summary:{saved['number']}", "quality"),
    ]


@pytest.mark.postgresql
async def test_a_server_that_stops_under_the_service_costs_no_fact_and_no_session(
    server_databases: ServerDatabases, tmp_path: Path
) -> None:
    facts = recorded_call()
    before, after = facts[:8], facts[8:]
    async with service(tmp_path, server_databases) as hotline, signed_in(LEADER) as leader:
        hotline.ledger.append(before)
        await follow(hotline)
        assert await ready() == 200
        with server_databases.server.stopped():
            await asyncio.wait_for(hotline.ledger.stored(hotline.ledger.append(after)), 30)
            assert hotline.ledger.health.spooled >= len(after)
            assert await ready() == 503
            await leader.get("/api/board")  # live figures go on, and so does who was signed in
        await follow(hotline)
        assert await stored(hotline, facts) == facts
        (call,) = (await leader.get("/api/calls"))["calls"]
        assert (call["outcome"], call["ended_at"] is not None) == ("answered", True)


@pytest.mark.postgresql
async def test_the_service_can_be_stopped_while_its_server_hangs(
    server_databases: ServerDatabases, tmp_path: Path
) -> None:
    facts = recorded_call()
    running = service(tmp_path, server_databases)
    hotline = await running.__aenter__()
    hotline.ledger.append(facts[:8])
    await follow(hotline)
    with server_databases.server.frozen():
        hotline.ledger.append(facts[8:])
        async with asyncio.timeout(60):
            await running.__aexit__(None, None, None)
    assert (tmp_path / "data/ledger.spool").exists()
    async with service(tmp_path, server_databases) as hotline:
        await follow(hotline)
        assert await stored(hotline, facts) == facts
