"""Effects and cursor are one transaction: each fact has its effect exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.facts import DeviceContactChanged, LanguageChosen, Numbered
from ledger import consumer as consumer_module
from ledger.consumer import Consumer
from ledger.ledger import Ledger
from ledger.tables import cursors
from storage import Database

effects = Table(
    "effects", MetaData(), Column("seq", Integer, primary_key=True)
)  # a second effect would clash


@pytest.fixture
async def database(main_database: Database) -> Database:
    async with main_database.write() as connection:
        await connection.run_sync(effects.metadata.create_all)
    return main_database


@asynccontextmanager
async def running(consumer: Consumer) -> AsyncIterator[None]:
    task = asyncio.create_task(consumer.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def store(connection: AsyncConnection, facts: Sequence[Numbered]) -> None:
    await connection.execute(insert(effects), [{"seq": n.seq} for n in facts])


def fact(at: int) -> DeviceContactChanged:
    return DeviceContactChanged(at=at, device="d001", reachable=True)


async def stored_effects(database: Database) -> list[int]:
    async with database.read() as connection:
        return list((await connection.execute(select(effects.c.seq).order_by(effects.c.seq))).scalars())


async def test_each_fact_takes_effect_once_across_restarts(ledger: Ledger, database: Database) -> None:
    for _ in range(3):
        last = ledger.append([fact(n) for n in range(7)])
        consumer = Consumer(name="c", ledger=ledger, database=database, handle=store, batch=3, linger_s=0.01)
        async with running(consumer):
            await asyncio.wait_for(consumer.caught_up(last), 30)
    assert await stored_effects(database) == list(range(1, 22))


@pytest.mark.parametrize(
    "chosen", [{"kinds": {"LanguageChosen"}}, {"wants": lambda told: isinstance(told, LanguageChosen)}]
)
async def test_a_consumer_sees_only_what_it_asked_for_and_passes_the_rest(
    ledger: Ledger, database: Database, monkeypatch: pytest.MonkeyPatch, chosen: dict[str, Any]
) -> None:
    monkeypatch.setattr(consumer_module, "_IDLE_STRIDE", 5)
    consumer = Consumer(name="c", ledger=ledger, database=database, handle=store, **chosen)
    ledger.append([fact(1), LanguageChosen(at=2, call="c", language="nan"), *[fact(3)] * 2])
    async with running(consumer):
        await asyncio.wait_for(consumer.caught_up(4), 30)
        assert await stored_effects(database) == [2]
        last = ledger.append([fact(4)] * 5)
        await asyncio.wait_for(consumer.caught_up(last), 30)
    async with database.read() as connection:  # moved past facts of no interest, so a restart skips them
        assert await connection.scalar(select(cursors.c.seq).where(cursors.c.name == "c")) == last


async def test_what_a_failing_handler_has_stored_is_undone_and_tried_again(
    ledger: Ledger, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "_RETRY_FIRST_S", 0.01)
    failures = 2
    problems: list[str] = []

    async def handle(connection: AsyncConnection, facts: Sequence[Numbered]) -> None:
        nonlocal failures
        await store(connection, facts)
        problems.append(consumer.problem)
        if failures and any(n.seq == 3 for n in facts):
            failures -= 1
            raise RuntimeError("out of paper")

    consumer = Consumer(name="c", ledger=ledger, database=database, handle=handle, linger_s=0.01)
    last = ledger.append([fact(n) for n in range(5)])
    async with running(consumer):
        await asyncio.wait_for(consumer.caught_up(last), 30)
    assert await stored_effects(database) == [1, 2, 3, 4, 5]
    assert "c is stuck after fact 2: out of paper" in problems  # fact by fact up to the one that fails
    assert consumer.problem == ""


async def test_two_programs_with_one_cursor_double_nothing(
    ledger: Ledger, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "_RETRY_FIRST_S", 0.01)
    last = ledger.append([fact(n) for n in range(40)])
    both = [
        Consumer(name="c", ledger=ledger, database=database, handle=store, batch=4, linger_s=0)
        for _ in range(2)
    ]
    async with running(both[0]), running(both[1]):
        await asyncio.wait_for(asyncio.gather(*(c.caught_up(last) for c in both)), 20)
    assert await stored_effects(database) == list(range(1, 41))
