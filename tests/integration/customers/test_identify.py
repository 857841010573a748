"""Callers are looked up as they arrive, on a real ledger and a real table; who is found becomes a fact."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core import facts as f
from core.clock import MINUTE, SECOND
from customers.breaker import Breaker
from customers.identify import Identifier
from customers.lookup import Lookup, Outcome
from customers.model import Details, Level
from customers.service import Customers
from customers.source import OwnTable
from directory.seed import DEMO, load
from ledger.ledger import Ledger
from storage import Database, migrate
from tests.integration.ticketing.conftest import running
from tests.support.databases import Databases

NOW = 1_795_276_800_000_000
CALLS = [f"0f8c2b1e-5a77-4c1d-9b3e-6a0d5f2e1c{n:02}" for n in range(100)]


@pytest.fixture
async def ledger(databases: Databases, tmp_path: Path) -> AsyncIterator[Ledger]:
    database = Database(databases.url("ledger", "ledger"), name="ledger")
    await database.open()
    await migrate(database, "ledger")
    made = Ledger(database, spool=tmp_path / "ledger.spool")
    await made.open()
    yield made
    await made.close()
    await database.close()


def arrives(call: str, caller: str, at: int = NOW) -> f.CallArrived:
    return f.CallArrived(
        at=at, node="node1", call=call, leg="node1-1700000000.1", caller=caller, called="95559"
    )


async def test_who_is_found_becomes_a_fact_without_name_or_number(main: Database, ledger: Ledger) -> None:
    directory = load(DEMO)
    customers = Customers(database=main, directory=lambda: directory, clock=lambda: NOW)
    vip = Details(name="张三丰", level=Level.VIP, numbers=("13800001111",))
    await customers.create("C-1", vip, by="9001", reason="x")
    await customers.create("C-2", Details(name="李四", numbers=("13900002222",)), by="9001", reason="x")
    breaker = Breaker(failures=5, open_for=SECOND)
    lookup = Lookup(OwnTable(customers), limit=MINUTE, breaker=breaker, clock=lambda: NOW)
    identifier = Identifier(lookup, ledger, lambda: NOW)
    told: asyncio.Queue[f.CustomerIdentified] = asyncio.Queue()

    def hear(batch: object) -> None:
        for numbered in batch:  # type: ignore[attr-defined]
            if isinstance(numbered.fact, f.CustomerIdentified):
                told.put_nowait(numbered.fact)

    ledger.listen(hear)
    async with running(identifier.run()):
        ledger.append([arrives(CALLS[0], "13812345678"), arrives(CALLS[1], "", NOW)])
        ledger.append([arrives(CALLS[2], "13800001111", NOW - 2 * MINUTE)])
        ledger.append([arrives(CALLS[3], "+8613800001111"), arrives(CALLS[4], "13900002222")])
        found = [await asyncio.wait_for(told.get(), 60) for _ in range(2)]
    by_call = {fact.call: fact for fact in found}
    assert by_call == {
        CALLS[3]: f.CustomerIdentified(
            at=NOW, node="node1", call=CALLS[3], customer="C-1", level="vip", favoured=True, source="own"
        ),
        CALLS[4]: f.CustomerIdentified(
            at=NOW,
            node="node1",
            call=CALLS[4],
            customer="C-2",
            level="ordinary",
            favoured=False,
            source="own",
        ),
    }
    assert lookup.counts[Outcome.FOUND] == 2
    assert told.empty()
    await ledger.readable(ledger.last)
    kept = [numbered.fact for numbered in await ledger.read(0, kinds={"CustomerIdentified"})]
    assert {fact.call for fact in kept if isinstance(fact, f.CustomerIdentified)} == set(by_call)


async def test_more_callers_at_once_than_can_be_looked_up_are_ordinary(ledger: Ledger) -> None:
    """Nobody looks anybody up here: the line of those ahead is full at some time, and then counts."""

    class Nobody:
        name = "own"

        async def find(self, _number: str) -> list[object]:
            raise AssertionError

    breaker = Breaker(failures=5, open_for=SECOND)
    lookup = Lookup(Nobody(), limit=MINUTE, breaker=breaker, clock=lambda: NOW)  # type: ignore[arg-type]
    identifier = Identifier(lookup, ledger, lambda: NOW)
    ledger.append([arrives(CALLS[0], "13800001111") for _ in range(1_003)])
    assert identifier.lookup.counts == {Outcome.LEFT_ALONE: 3}
