"""Room for facts is made ahead of the writer, however long the service was off."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from core.facts import DeviceContactChanged
from ledger import shelves
from ledger.ledger import Ledger
from ledger.tables import facts
from storage import Database
from storage.partitions import Part, parts_of
from tests.support.databases import Databases


async def parts(database: Database) -> list[Part]:
    async with database.read() as connection:
        return await parts_of(connection, facts)


def some(first: int, count: int) -> list[DeviceContactChanged]:
    return [DeviceContactChanged(at=n, device="d001", reachable=True) for n in range(first, first + count)]


async def test_parts_follow_each_other_without_gap_and_take_every_fact(
    databases: Databases, ledger: Ledger, ledger_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "LEAST", 400)
    monkeypatch.setattr(shelves, "AHEAD", 1_000_000 + 1_500)  # the first part is the migration's
    for batch in range(6):
        await ledger.stored(ledger.append(some(batch * 100, 100)))
    assert len(await ledger.read(0)) == 600
    if databases.kind == "postgresql":
        there = await parts(ledger_database)
        assert len(there) > 3
        assert all(one.end == two.first for one, two in pairwise(there))
        assert there[-1].end > 1_000_000 + 1_500 + 600


async def test_numbers_beyond_all_parts_find_their_room(ledger_database: Database, tmp_path: Path) -> None:
    far = 9_000_000
    book = Ledger(ledger_database, spool=tmp_path / "spool")
    await book.open()
    book.last = far  # as after a spool of millions
    last = book.append(some(1, 3))
    await book.stored(last)
    assert [numbered.seq for numbered in await book.read(0)] == [far + 1, far + 2, far + 3]
    await book.close()
    again = Ledger(ledger_database, spool=tmp_path / "spool")
    await again.open()
    assert again.last == far + 3
    await again.close()
