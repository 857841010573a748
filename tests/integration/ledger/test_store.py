"""What the ledger's database has to do for a reader: real SQLite, its own plan."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import Connection, event

from ledger.entry import Entry
from ledger.store import FactStore
from storage import Database
from tests.support.databases import Databases
from tests.unit.ledger.samples import call_id

CALLS = [call_id(n) for n in range(200)]


async def test_the_beginning_of_a_day_is_found_without_walking_what_came_before(
    databases: Databases, ledger_database: Database
) -> None:
    rows = [Entry(n, n, "", "CallArrived", "", "", "", "{}") for n in range(1, 20_001)]
    store = FactStore(ledger_database)
    await store.add(rows)
    await store.close()
    databases.ask("ledger", "ANALYZE facts")
    asked: list[str] = []

    def note(_connection: Connection, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            named = isinstance(given, dict)
            asked.append(statement % given if named else statement.replace("?", "{}").format(*given))

    async with ledger_database.read() as connection:
        engine = connection.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    assert await store.before(19_900) == 19_899
    assert await store.span(19_900, 19_950) == (19_900, 19_949)
    assert len(asked) == 2
    explain, index = (
        ("EXPLAIN", "facts_from_1_at_idx")
        if databases.kind == "postgresql"
        else ("EXPLAIN QUERY PLAN", "ix_facts_at")
    )
    for statement in asked:
        plan = "\n".join(str(row[-1]) for row in databases.ask("ledger", f"{explain} {statement}"))
        assert index in plan


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(lambda store: store.read(0, call=CALLS[0]), id="one"),
        pytest.param(lambda store: store.of_calls(CALLS), id="many"),
    ],
)
async def test_a_calls_facts_are_found_without_walking_the_ledger(
    ledger_database: Database, read: Callable[[FactStore], Awaitable[Any]]
) -> None:
    if not ledger_database.is_sqlite:
        pytest.skip("only SQLite is asked for its plan: PostgreSQL walks a table this small, and is right to")
    plans: list[str] = []

    def explain(connection: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        driver = connection.connection.dbapi_connection
        if driver is not None and statement.startswith("SELECT"):
            cursor = driver.cursor()
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[-1] for row in cursor.fetchall())
            cursor.close()

    async with ledger_database.read() as connection:
        engine = connection.engine.sync_engine
    event.listen(engine, "before_cursor_execute", explain)
    await read(FactStore(ledger_database))
    assert plans
    assert "USING INDEX ix_facts_call" in plans[0]


@pytest.mark.parametrize(
    ("kind", "begins"), [("CallArrived", True), ("OutgoingStarted", True), ("AgentOffered", False)]
)
async def test_a_call_is_known_by_the_channel_of_the_customer_it_began_on(
    ledger_database: Database, kind: str, begins: bool
) -> None:
    store = FactStore(ledger_database)
    await store.add([Entry(1, 1_000, "", kind, CALLS[0], "", "", '{"leg":"node1-1700000000.1"}')])
    assert await store.arrived_on("node1-1700000000.1", 0, 2_000) is begins
    assert not await store.arrived_on("node1-1700000000.1", 1_001, 2_000)
    await store.close()
