"""What the ledger's database has to do for a reader: real SQLite, its own plan."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import Connection, event

from ledger.store import FactStore
from storage import Database
from tests.unit.ledger.samples import call_id

CALLS = [call_id(n) for n in range(200)]


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
