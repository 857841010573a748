"""A fact put into the box reaches the ledger exactly once, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from sqlalchemy import func, insert, select

from core.facts import SummarySaved, encode
from ledger.ledger import Ledger
from ledger.outbox import Outbox
from ledger.tables import outbox as box
from storage import Database


def saved(number: int) -> SummarySaved:
    return SummarySaved(
        at=number, call="c", leg=f"1.{number}", agent="1001", queue="card-cmn", number=f"ZJ{number}", type="t"
    )


@asynccontextmanager
async def carrying(outbox: Outbox) -> AsyncIterator[None]:
    task = asyncio.create_task(outbox.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _left(database: Database) -> int:
    async with database.read() as connection:
        return await connection.scalar(select(func.count()).select_from(box)) or 0


async def test_facts_follow_their_transaction_in_order_and_an_undone_one_sends_nothing(
    ledger: Ledger, main_database: Database
) -> None:
    outbox = Outbox(ledger=ledger, database=main_database)
    async with carrying(outbox):
        async with main_database.write() as connection:
            for number in (1, 2):
                await outbox.put(connection, saved(number), origin=f"summary:{number}")
        with pytest.raises(RuntimeError, match="changed my mind"):
            async with main_database.write() as connection:
                await outbox.put(connection, saved(3), origin="summary:3")
                raise RuntimeError("changed my mind")
        await asyncio.wait_for(outbox.emptied(), 30)
    await ledger.readable(ledger.last)
    assert [n.fact for n in await ledger.read(0)] == [saved(1), saved(2)]
    assert await _left(main_database) == 0


async def test_a_crash_between_ledger_and_box_sends_nothing_twice(
    ledger: Ledger, main_database: Database
) -> None:
    # What the crash leaves behind: the fact is in the ledger, its row still in the box.
    ledger.append([saved(1)], origin="summary:1")
    for number in (1, 2):
        kind, body = encode(saved(number))
        async with main_database.write() as connection:
            row = {"origin": f"summary:{number}", "kind": kind, "body": body.decode()}
            await connection.execute(insert(box).values(row))
    outbox = Outbox(ledger=ledger, database=main_database)
    async with carrying(outbox):
        await asyncio.wait_for(outbox.emptied(), 30)
    await ledger.readable(ledger.last)
    assert [n.fact for n in await ledger.read(0)] == [saved(1), saved(2)]
    assert await _left(main_database) == 0
