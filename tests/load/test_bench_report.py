"""The year of the report bench, small: its parts agree, the service answers every question about it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bench.reports import ask, migrated, questions, service
from bench.year import NotOneYear, check, make
from ledger.calls import CallBook, CallSearch
from ledger.ledger import Ledger
from storage import Database
from tests.support.postgres import Cluster, cluster

CALLS = 6_000
pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def year() -> Iterator[tuple[Cluster, str, str]]:
    with cluster() as server:
        main, facts = asyncio.run(migrated(server))
        with server.connect(main) as connection:
            make(connection, CALLS)
        yield server, main, facts


def test_intervals_that_count_other_calls_are_noticed(year: tuple[Cluster, str, str]) -> None:
    server, main, _ = year
    with server.connect(main) as connection:
        check(connection, CALLS)
        for spoilt in (
            "UPDATE interval_queues SET answered = answered + 1 WHERE queue = 'card-cmn'",
            "UPDATE interval_agents SET talk_us = talk_us + 1 WHERE agent = '20001'",
        ):
            with pytest.raises(NotOneYear, match="intervals and calls differ"):
                _spoil(connection, spoilt)
        check(connection, CALLS)


def _spoil(connection: psycopg.Connection[tuple[object, ...]], statement: str) -> None:
    with connection.transaction(force_rollback=True):
        connection.execute(statement.encode())
        check(connection, CALLS)


async def test_the_service_answers_every_question_and_reads_every_call(
    year: tuple[Cluster, str, str], tmp_path: Path
) -> None:
    server, main, facts = year
    async with service(server, main, facts, tmp_path) as client:
        for name, (ending, question) in questions().items():
            seconds, size = await ask(client, ending, question)
            assert seconds > 0
            assert size > 5_000, name
    databases = Database(server.url(main), name="main"), Database(server.url(facts), name="ledger")
    for database in databases:
        await database.open()
    ledger = Ledger(databases[1], spool=tmp_path / "ledger.spool")
    book = CallBook(ledger=ledger, database=databases[0])
    found = (await book.find_calls(CallSearch(), limit=500)).calls
    assert len(found) == 500
    assert {record.waits[0].queue for record in found} > {"card-cmn", "personal-cmn"}
    assert any(record.legs for record in found)
    for database in databases:
        await database.close()
