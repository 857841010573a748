"""What there was before with who calls, on real databases: found by number, masked, as far as one may see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from core import facts as f
from core.clock import HOUR
from core.facts import Side
from customers.caller_api import CallerApi
from customers.history import MOST_CALLS, CallerHistory
from customers.model import Details, Level
from customers.service import Customers
from directory.seed import DEMO, load
from ledger.calls import CallBook
from ledger.ledger import Ledger
from storage import Database, migrate
from tests.integration.ticketing.conftest import running
from tests.integration.web.site import FakePeople, Site, running_site
from tests.support.databases import Databases
from tests.unit.ledger.samples import T0, Story, call_id, leg_id

MOBILE, LANDLINE, STRANGER = "13800001111", "059588880001", "13900002222"
LEADER, AGENT, OTHER, LOST = "8001", "1001", "1002", "1003"
PEOPLE = {
    LEADER: {"customers.find", "calls.read", "summaries.read", "tickets.read"},
    AGENT: {"customers.find", "calls.read.own", "tickets.read.own"},
    OTHER: {"customers.find", "calls.read.own"},
    LOST: {"calls.read.own"},
}


def call(n: int, caller: str, agent: str = "") -> list[f.Fact]:
    """A call at hour `n`; with an agent it is talked about, and written up with a work order."""
    story = Story(n, T0 + n * HOUR)
    first = story.facts[0]
    assert isinstance(first, f.CallArrived)
    story.facts[0] = f.CallArrived(
        at=first.at, node=first.node, call=first.call, leg=first.leg, caller=caller, called="95559"
    )
    story.join()
    if not agent:
        return story.leave(f.LeaveReason.ABANDONED, 5).end(f.Phase.WAITING).facts
    story.offer(agent).answer(agent).talk(30, Side.CUSTOMER, agent)
    story.leg(f.SummarySaved, 1, 1, agent, number=f"ZJ{n}", type="enquiry")
    return story.add(f.TicketOpened, 1, agent=agent, number=f"GD{n}", summary=f"ZJ{n}", kind="help").facts


def rings(n: int, caller: str, agent: str) -> list[f.Fact]:
    """A call at hour `n` for which the agent's telephone rings."""
    facts = call(n, caller)[:2]
    return [*facts, *Story(n, facts[-1].at).offer(agent).facts[1:]]


@dataclass
class World:
    """The route, and what it reads from."""

    site: Site
    main: Database
    ledger: Ledger
    book: CallBook
    customers: Customers
    history: CallerHistory

    async def happens(self, *stories: list[f.Fact]) -> None:
        self.ledger.append([fact for story in stories for fact in story])
        await asyncio.wait_for(self.book.consumer.caught_up(self.ledger.last), 60)

    async def ask(self, staff: str, n: int) -> tuple[int, dict[str, Any]]:
        await self.site.sign_in(staff)
        return await self.site.call("GET", f"/api/calls/{call_id(n)}/customer")


@pytest.fixture
async def world(main: Database, databases: Databases, tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        facts = Database(databases.url("ledger", "ledger"), name="ledger")
        await facts.open()
        stack.push_async_callback(facts.close)
        await migrate(facts, "ledger")
        ledger = Ledger(facts, spool=tmp_path / "ledger.spool")
        await ledger.open()
        stack.push_async_callback(ledger.close)
        book = CallBook(ledger=ledger, database=main, linger_s=0)
        await stack.enter_async_context(running(book.consumer.run()))
        directory = load(DEMO)
        customers = Customers(database=main, directory=lambda: directory, clock=lambda: T0)
        history = CallerHistory(customers, book)
        (tmp_path / "site").mkdir()
        site = await stack.enter_async_context(
            running_site(
                CallerApi(book, history).routes(), tmp_path / "site", people=FakePeople(dict(PEOPLE))
            )
        )
        yield World(site, main, ledger, book, customers, history)


async def keep(world: World, id_: str, *numbers: str, **more: Any) -> None:
    details = Details(name="张三丰", numbers=numbers, **more)
    await world.customers.create(id_, details, by="9001", reason="x")


@pytest.mark.rule("SEC-15", "SEC-19")
async def test_while_it_rings_the_agent_sees_who_calls_and_what_was_before(world: World) -> None:
    await keep(world, "C-1", MOBILE, LANDLINE, level=Level.VIP, language="nan")
    await world.happens(
        call(1, MOBILE, AGENT),
        call(2, f"+86{MOBILE}", OTHER),
        call(3, LANDLINE),
        call(4, STRANGER, AGENT),
        rings(9, f"0086{MOBILE}", AGENT),
    )
    status, told = await world.ask(AGENT, 9)
    assert status == 200, told
    assert (told["level"], told["language"], told["complete"], told["more"]) == ("vip", "nan", True, False)
    (customer,) = told["customers"]
    assert (customer["name"], customer["numbers"]) == ("张**", ["138****1111", "059****0001"])
    assert told["whole"] == ["/api/customers/C-1"]
    assert [one["call"] for one in told["calls"]] == [call_id(3), call_id(2), call_id(1)]
    missed, others, mine = told["calls"]
    assert (missed["outcome"], missed["agents"], missed["href"], missed["summaries"]) == (
        "abandoned",
        [],
        None,
        [],
    )
    assert others["agents"] == [OTHER]
    assert others["href"] is None
    assert others["summaries"] == [{"number": "ZJ2", "type": "enquiry", "agent": OTHER, "href": None}]
    assert others["tickets"] == [{"number": "GD2", "type": "", "agent": OTHER, "href": None}]
    assert mine["href"] == f"/api/calls/{call_id(1)}"
    assert mine["summaries"][0]["href"] == "/api/summaries/ZJ1"
    assert mine["tickets"][0]["href"] == "/api/tickets/GD1"
    written = str(told)
    assert not [hidden for hidden in (MOBILE, LANDLINE, "张三丰", leg_id(2)) if hidden in written]


async def test_who_asks_in_the_moment_it_rings_is_told(world: World) -> None:
    await world.site.sign_in(AGENT)
    world.ledger.append(rings(1, MOBILE, AGENT))  # and has not been stored yet
    status, told = await world.site.call("GET", f"/api/calls/{call_id(1)}/customer")
    assert (status, told["number"]) == (200, "138****1111")


@pytest.mark.rule("SEC-04")
async def test_only_who_was_offered_the_call_or_may_open_it_is_told(world: World) -> None:
    await world.happens(call(1, MOBILE, OTHER), rings(2, MOBILE, AGENT))
    assert (await world.ask(OTHER, 2))[0] == 404
    assert (await world.ask(AGENT, 1))[0] == 404
    assert (await world.ask(LOST, 2))[0] == 403
    assert (await world.ask(LEADER, 7))[0] == 404
    status, told = await world.ask(LEADER, 2)
    assert status == 200
    (earlier,) = told["calls"]
    links = (earlier["href"], earlier["summaries"][0]["href"], earlier["tickets"][0]["href"])
    assert links == (f"/api/calls/{call_id(1)}", "/api/summaries/ZJ1", "/api/tickets/GD1")


async def test_nobody_who_is_known_is_ordinary_and_so_is_one_without_a_number(world: World) -> None:
    await world.happens(rings(1, STRANGER, AGENT), rings(2, "anonymous", AGENT), rings(3, "", AGENT))
    for n in (1, 2, 3):
        status, told = await world.ask(AGENT, n)
        assert status == 200
        assert (told["level"], told["complete"]) == ("ordinary", True)
        assert told["customers"] == told["calls"] == []


async def test_of_those_who_share_a_number_no_other_number_tells(world: World) -> None:
    await keep(world, "C-1", MOBILE, LANDLINE)
    await keep(world, "C-2", MOBILE, STRANGER)
    await world.happens(call(1, LANDLINE), call(2, STRANGER), call(3, MOBILE), rings(4, MOBILE, AGENT))
    _, told = await world.ask(AGENT, 4)
    assert [one["id"] for one in told["customers"]] == ["C-1", "C-2"]
    assert [one["call"] for one in told["calls"]] == [call_id(3)]


async def test_what_the_banks_own_system_said_counts_without_a_record_of_ours(world: World) -> None:
    found = f.CustomerIdentified(
        at=T0 + HOUR,
        node="node1",
        call=call_id(1),
        customer="B-9",
        level="private",
        favoured=True,
        source="http",
        language="en",
    )
    await world.happens(rings(1, MOBILE, AGENT), [found])
    _, told = await world.ask(AGENT, 1)
    assert (told["level"], told["language"], told["customers"]) == ("private", "en", [])


async def test_the_newest_are_told_and_that_there_are_more(world: World) -> None:
    many = [call(n, MOBILE) for n in range(1, MOST_CALLS + 2)]
    await world.happens(*many, rings(50, MOBILE, AGENT))
    _, told = await world.ask(AGENT, 50)
    assert [one["call"] for one in told["calls"]] == [call_id(n) for n in range(MOST_CALLS + 1, 1, -1)]
    assert told["more"]


async def test_a_database_that_is_slow_or_gone_is_not_waited_for(world: World) -> None:
    await keep(world, "C-1", MOBILE)
    await world.happens(call(1, MOBILE), rings(2, MOBILE, AGENT))
    record = await world.book.call_record(call_id(2))
    hurried = await CallerHistory(world.customers, world.book, limit_s=0).of(record)
    assert (hurried.complete, hurried.calls, hurried.customers) == (False, (), ())
    await world.main.close()
    assert not (await world.history.of(record)).complete
    await world.main.open()


async def test_calls_are_found_by_number_without_reading_the_list_through(world: World) -> None:
    if not world.main.is_sqlite:
        pytest.skip("a server reads a list as short as this one through: rightly so")
    query = (
        "EXPLAIN QUERY PLAN SELECT record FROM calls WHERE caller IN ('1', '2', '3') "
        "ORDER BY began_at DESC, call DESC LIMIT 11"
    )
    async with world.main.read() as connection:
        plan = (await connection.execute(text(query))).all()
    assert "USING INDEX ix_calls_caller" in plan[0][3]
