"""What is old goes from the ledger's beginning and from the list of calls, unless somebody is owed it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import delete, insert, select, update

from core.clock import BANK_ZONE, DAY, Instant, instant
from core.errors import NotFound
from core.facts import DeviceContactChanged, Fact, TicketOpened
from ledger import retention, shelves
from ledger.calls import CallBook, CallSearch
from ledger.consumer import Consumer
from ledger.ledger import Ledger
from ledger.retention import FactsRetention
from ledger.retention_calls import CallsRetention
from ledger.store import FactStore
from ledger.tables import calls, cursors, legs, proved_days
from ledger.tables import facts as fact_rows
from storage import Database, DatabaseDown, partitions, upsert
from storage.retention import Outcome
from tests.support.databases import Databases
from tests.unit.ledger.samples import Story, call_id, leg_id, normal

NONE: dict[str, str] = {}


def first_of(month: int, day: int = 1) -> Instant:
    return instant(datetime(2026, month, day, tzinfo=UTC))


def told(n: int, at: Instant) -> list[Fact]:
    """A whole call, begun at `at`."""
    story = normal(n)
    shift = at - story.facts[0].at
    return [replace(fact, at=fact.at + shift) for fact in story.facts]


@pytest.fixture
def removed_by_tens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small parts and small units of work, so that some facts are many of both."""
    monkeypatch.setattr(shelves, "LEAST", 10)
    monkeypatch.setattr(shelves, "MOST", 10)
    monkeypatch.setattr(shelves, "AHEAD", 20)
    monkeypatch.setattr(retention, "_ROWS", 10)


class Old:
    """100 facts, ten a day from 1 January on, in parts of ten; every one consumed, every day proved."""

    def __init__(self, ledger: Ledger, facts: Database, main: Database) -> None:
        self.ledger, self.facts, self.main = ledger, facts, main
        self.store = FactStore(facts)
        self.retention = FactsRetention(ledger=facts, main=main, zone=BANK_ZONE, clock=lambda: first_of(9))

    async def fill(self) -> None:
        for n in range(100):
            at = first_of(1) + n // 10 * DAY + n
            self.ledger.append([DeviceContactChanged(at=at, device="d001", reachable=True)])
        await self.ledger.stored(self.ledger.last)
        days = [date(2026, 1, day) for day in range(1, 12)]
        async with self.main.write() as connection:
            await connection.execute(insert(cursors).values(name="calls", seq=100))
            rows = [{"day": day.isoformat(), "proved_at": 0, "mismatches": 0} for day in days]
            await upsert(connection, proved_days, rows)

    async def remove(self, before: Instant, owed: dict[str, str] = NONE, *, dry: bool = False) -> Outcome:
        return await self.retention.remove(before, owed, dry=dry)

    async def first(self) -> int:
        return (await self.ledger._store.read(0, 1))[0].seq


@pytest.fixture
async def old(
    removed_by_tens: None,
    databases: Databases,
    ledger_database: Database,
    main_database: Database,
    tmp_path: Path,
) -> AsyncIterator[Old]:
    if databases.kind == "postgresql":  # the migration's own part is large: begin with small ones
        databases.ask("ledger", "DROP TABLE facts_from_1")
    ledger = Ledger(ledger_database, spool=tmp_path / "old.spool")
    await ledger.open()
    await Old(ledger, ledger_database, main_database).fill()
    await ledger.close()
    again = Ledger(ledger_database, spool=tmp_path / "old.spool")  # one that remembers nothing of it
    await again.open()
    yield Old(again, ledger_database, main_database)
    await again.close()


async def test_facts_go_from_the_beginning_and_numbers_go_on(old: Old) -> None:
    outcome = await old.remove(first_of(1, 5))
    assert (outcome.removed, outcome.kept, await old.first()) == (40, (), 41)
    removed = await old.store.removed()
    assert removed is not None
    assert str(removed) == (
        "facts before number 41 (up to 2026-01-04 08:00:00) have been removed by retention"
    )
    assert await old.store.number_before(41) == 40
    assert await old.store.before(first_of(1)) == 40
    again = await old.remove(first_of(1, 5))
    assert (again.removed, again.kept) == (0, ())
    assert old.ledger.append([DeviceContactChanged(at=1, device="d001", reachable=True)]) == 101


async def test_a_dry_run_says_the_same_and_removes_nothing(old: Old) -> None:
    assert (await old.remove(first_of(1, 5), dry=True)).removed == 40
    assert await old.first() == 1
    assert await old.store.removed() is None


async def test_the_last_fact_stays_however_old(old: Old) -> None:
    await old.remove(first_of(9))
    assert await old.store.last() == 100
    assert await old.first() == (91 if not old.facts.is_sqlite else 100)


async def test_a_ledger_without_any_fact_left_goes_on_counting(old: Old) -> None:
    await old.remove(first_of(1, 5))
    async with old.facts.write() as connection:
        await connection.exec_driver_sql("DELETE FROM facts")
    assert await old.store.last() == 40


async def test_what_a_consumer_has_not_read_stays(old: Old) -> None:
    async with old.main.write() as connection:
        await connection.execute(update(cursors).values(seq=25))
    outcome = await old.remove(first_of(1, 5))
    assert outcome.kept == ("calls has come no further than fact 25",)
    assert await old.first() == (26 if old.facts.is_sqlite else 21)


async def test_a_day_without_proof_stays_and_all_after_it(old: Old) -> None:
    async with old.main.write() as connection:
        await connection.execute(proved_days.delete().where(proved_days.c.day == "2026-01-03"))
    outcome = await old.remove(first_of(1, 9))
    assert outcome.kept == ("2026-01-03 has not been proved: run `hotline proof --day 2026-01-03`",)
    assert await old.first() <= 21
    assert outcome.removed == (await old.first()) - 1


async def test_the_call_of_an_open_work_order_stays(old: Old) -> None:
    last = old.ledger.append(told(7, first_of(1, 11)))
    old.ledger.append([DeviceContactChanged(at=first_of(8), device="d001", reachable=True)])
    await old.ledger.stored(old.ledger.last)
    async with old.main.write() as connection:
        await connection.execute(update(cursors).values(seq=old.ledger.last))
    outcome = await old.remove(first_of(7), {call_id(7): "work order GD1 is open"})
    assert outcome.kept == (f"call {call_id(7)}: work order GD1 is open",)
    assert await old.first() <= 101
    assert len(await old.ledger.read(0, call=call_id(7))) == last - 100
    assert (await old.remove(first_of(7))).removed > 0


async def test_a_reader_that_begins_before_the_first_fact_is_told(
    old: Old, caplog: pytest.LogCaptureFixture
) -> None:
    await old.remove(first_of(1, 5))
    seen: list[int] = []

    async def handle(_connection: Any, batch: Any) -> None:
        seen.extend(numbered.seq for numbered in batch)

    late = Consumer(name="late", ledger=old.ledger, database=old.main, handle=handle, linger_s=0)
    task = asyncio.create_task(late.run())
    with caplog.at_level(logging.WARNING):
        await asyncio.wait_for(late.caught_up(100), 10)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert seen == list(range(41, 101))
    assert "facts before number 41" in caplog.text


# ------------------------------------------------------------------ the list of calls


@pytest.fixture
async def book(ledger: Ledger, main_database: Database) -> AsyncIterator[CallBook]:
    book = CallBook(ledger=ledger, database=main_database, linger_s=0.01)
    task = asyncio.create_task(book.consumer.run())
    for n in range(1, 13):
        ledger.append(told(n, first_of(1 + (n - 1) // 3, 5) + n))
    await asyncio.wait_for(book.consumer.caught_up(ledger.last), 10)
    yield book
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def listed(book: CallBook) -> list[str]:
    return sorted(record.call for record in (await book.find_calls(CallSearch(), limit=100)).calls)


def ids(*numbers: int) -> list[str]:
    return [call_id(n) for n in numbers]


async def legs_there(main: Database) -> list[str]:
    async with main.read() as connection:
        return sorted((await connection.execute(select(legs.c.leg))).scalars())


async def test_months_go_with_their_legs_and_months_in_need_stay(
    book: CallBook, main_database: Database
) -> None:
    owed = {call_id(5): "agent 1001 owes its summary", call_id(12): "held by 8001: court"}
    kept = CallsRetention(main_database)
    dry = await kept.remove(first_of(4), owed, dry=True)
    assert (dry.removed, await listed(book)) == (6, ids(*range(1, 13)))
    outcome = await kept.remove(first_of(4), owed, dry=False)
    assert outcome.removed == 6
    assert outcome.kept == (f"2026-02: call {call_id(5)}: agent 1001 owes its summary",)
    assert await listed(book) == ids(4, 5, 6, 10, 11, 12)
    assert await legs_there(main_database) == sorted(leg_id(n) for n in (4, 5, 6, 10, 11, 12))
    assert (await kept.remove(first_of(4), {}, dry=False)).removed == 3


async def test_a_month_that_somebody_reads_waits_for_another_night(
    book: CallBook, databases: Databases, main_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if databases.kind != "postgresql":
        pytest.skip("SQLite's readers see what was there when they began, whoever removes it")
    monkeypatch.setattr(partitions, "ALONE_MS", 50)
    kept = CallsRetention(main_database)
    async with main_database.read() as reader:
        await reader.execute(select(calls.c.call))
        with pytest.raises(DatabaseDown, match="another program holds what was asked for"):
            await kept.remove(first_of(2), {}, dry=False)
        assert len(await listed(book)) == 12
    assert (await kept.remove(first_of(2), {}, dry=False)).removed == 3


async def test_a_call_whose_facts_are_gone_is_shown_as_the_list_has_it(
    book: CallBook, ledger: Ledger, ledger_database: Database, main_database: Database, tmp_path: Path
) -> None:
    whole = await book.call_record(call_id(2))
    await ledger.close()
    async with ledger_database.write() as connection:
        await connection.execute(delete(fact_rows).where(fact_rows.c.seq < whole.seq))
    again = Ledger(ledger_database, spool=tmp_path / "again.spool")  # one that remembers nothing of it
    await again.open()
    shown = CallBook(ledger=again, database=main_database)
    assert await shown.call_record(call_id(2)) == whole
    with pytest.raises(NotFound):
        await shown.call_record(call_id(99))
    await again.close()


async def test_a_late_word_of_a_call_that_is_gone_does_not_bring_it_back(
    book: CallBook, ledger: Ledger, main_database: Database
) -> None:
    await CallsRetention(main_database).remove(first_of(2), {}, dry=False)
    late = Story(1).add(TicketOpened, agent="1001", number="GD1", summary="ZJ1", kind="help").facts[-1:]
    await asyncio.wait_for(book.consumer.caught_up(ledger.append(late)), 10)
    assert call_id(1) not in await listed(book)


async def test_a_call_whose_arrival_was_told_late_stands_in_the_list_once(
    book: CallBook, ledger: Ledger
) -> None:
    facts = told(40, first_of(5))
    await asyncio.wait_for(book.consumer.caught_up(ledger.append(facts[1:])), 10)
    await asyncio.wait_for(book.consumer.caught_up(ledger.append(facts[:1])), 10)
    found = [one for one in (await book.find_calls(CallSearch(), limit=100)).calls if one.call == call_id(40)]
    assert [one.began_at for one in found] == [first_of(5)]
