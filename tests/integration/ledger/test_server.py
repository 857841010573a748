"""The ledger on a PostgreSQL that stops, comes back, hangs, or is written by somebody else (guarantee 2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.facts import SummarySaved
from ledger.errors import LedgerTaken
from ledger.ledger import Ledger
from ledger.outbox import Outbox
from storage import Database
from tests.integration.ledger.test_ledger import arrived
from tests.support.databases import ServerDatabases
from tests.support.postgres import Cluster

pytestmark = pytest.mark.postgresql


@pytest.fixture
async def on_server(server_databases: ServerDatabases) -> AsyncIterator[Database]:
    url = server_databases.url("ledger", "ledger")
    database = Database(url, name="ledger", busy_timeout_ms=200, answer_timeout_ms=1_000)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def book(on_server: Database, tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger = Ledger(on_server, spool=tmp_path / "spool")
    await ledger.open()
    yield ledger
    await ledger.close()


async def told(ledger: Ledger) -> list[tuple[int, int]]:
    """Number and time of every stored fact."""
    return [(numbered.seq, numbered.fact.at) for numbered in await ledger.read(0, limit=100_000)]


async def test_while_the_server_is_stopped_facts_wait_in_the_spool_and_follow_in_order(
    book: Ledger, server: Cluster, tmp_path: Path
) -> None:
    book.append([arrived(1)])
    await asyncio.wait_for(book.readable(1), 20)
    with server.stopped():
        for at in (2, 3, 4):
            await asyncio.wait_for(book.stored(book.append([arrived(at)])), 20)
        assert book.last_stored == 1
        assert book.health.spooled == 3
        assert "does not serve" in book.health.problem
        assert (tmp_path / "spool").exists()
    book.append([arrived(5)])
    await asyncio.wait_for(book.readable(5), 30)
    book.append([arrived(6)])  # the spool is cut before the next fact is written
    await asyncio.wait_for(book.readable(6), 20)
    assert not (tmp_path / "spool").exists()
    assert book.health.problem == ""
    assert await told(book) == [(n, n) for n in range(1, 7)]


async def test_a_server_stopped_in_the_middle_of_a_flood_loses_and_doubles_nothing(
    book: Ledger, server: Cluster
) -> None:
    for round_ in range(3):
        for n in range(40):
            book.append([arrived(round_ * 2000 + n * 50 + k + 1) for k in range(50)])
            await asyncio.sleep(0)
        with server.stopped():
            await asyncio.wait_for(book.stored(book.last), 30)
    await asyncio.wait_for(book.readable(book.last), 60)
    assert await told(book) == [(n, n) for n in range(1, 6001)]


async def test_a_server_that_hangs_is_a_server_that_is_down(book: Ledger, server: Cluster) -> None:
    book.append([arrived(1)])
    await asyncio.wait_for(book.readable(1), 20)
    with server.frozen():
        book.append([arrived(2)])
        await asyncio.wait_for(book.stored(2), 30)
        assert book.health.spooled == 1
        assert "said nothing" in book.health.problem
    await asyncio.wait_for(book.readable(2), 60)
    assert await told(book) == [(1, 1), (2, 2)]


async def test_a_spool_left_while_the_server_was_down_is_stored_by_the_next_run(
    on_server: Database, server: Cluster, tmp_path: Path
) -> None:
    first = Ledger(on_server, spool=tmp_path / "spool")
    await first.open()
    with server.stopped():
        first.append([arrived(1), arrived(2)])
        await first.close()
    second = Ledger(on_server, spool=tmp_path / "spool")
    await second.open()
    assert second.append([arrived(3)]) == 3
    await asyncio.wait_for(second.readable(3), 30)
    assert await told(second) == [(1, 1), (2, 2), (3, 3)]
    await second.close()


async def test_a_second_writer_on_another_machine_is_refused(
    book: Ledger, on_server: Database, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    for _ in range(2):
        with pytest.raises(LedgerTaken, match="another program stores facts in postgresql"):
            await Ledger(on_server, spool=tmp_path / "elsewhere/spool").open()
    assert book.append([arrived(1)]) == 1
    await asyncio.wait_for(book.readable(1), 20)


async def test_facts_of_a_unit_of_work_follow_it_over_a_stop_of_the_server(
    book: Ledger, server_databases: ServerDatabases, server: Cluster
) -> None:
    main = Database(server_databases.url("main"), name="main")
    await main.open()
    outbox = Outbox(ledger=book, database=main)
    fact = SummarySaved(at=1, call="c", leg="1.1", agent="1001", queue="card-cmn", number="ZJ1", type="t")
    async with main.write() as connection:
        await outbox.put(connection, fact, origin="summary:ZJ1")
    carrying = asyncio.create_task(outbox.run())
    with server.stopped():
        async with asyncio.timeout(20):
            while not outbox.problem and not book.last:  # noqa: ASYNC110 - states, not events
                await asyncio.sleep(0.01)
    await asyncio.wait_for(outbox.emptied(), 30)
    carrying.cancel()
    await asyncio.gather(carrying, return_exceptions=True)
    await asyncio.wait_for(book.readable(book.last), 30)
    assert [numbered.fact for numbered in await book.read(0)] == [fact]
    assert server_databases.ask("main", "SELECT count(*) FROM outbox") == [(0,)]
    await main.close()
