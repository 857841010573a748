"""What is particular to SQLite, kept away from everybody else.

WAL lets readers go on beside the one writer. `synchronous=FULL`: a commit that was reported is on the disk
even if the power fails, at the price of one fsync per unit of work (docs/adr/0010).
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from core.errors import BadInput
from storage.errors import SchemaMismatch

_READERS = 4


def file_of(url: URL, where: str) -> Path:
    """The database file of a URL whose folder exists; `BadInput` otherwise."""
    path = Path(url.database or "")
    if not path.parent.is_dir():
        raise BadInput(where, f"the folder {path.parent} does not exist: create it or name another")
    return path


def engines(url: URL, busy_timeout_ms: int) -> tuple[AsyncEngine, AsyncEngine]:
    """The one writer, who switches the file to WAL, and the readers, who come after it."""
    common = {"max_overflow": 0, "hide_parameters": True, "connect_args": {"factory": _Connection}}
    writer = create_async_engine(url, pool_size=1, **common)
    reader = create_async_engine(url, pool_size=_READERS, **common)
    _prepare(writer.sync_engine, writes=True, busy_timeout_ms=busy_timeout_ms)
    _prepare(reader.sync_engine, writes=False, busy_timeout_ms=busy_timeout_ms)
    return writer, reader


def connect(file: Path, busy_timeout_ms: int) -> sqlite3.Connection:
    """A connection for writing outside SQLAlchemy, set up like all others."""
    connection = sqlite3.connect(file, isolation_level=None)
    for pragma in _pragmas(writes=True, busy_timeout_ms=busy_timeout_ms):
        connection.execute(pragma)
    return connection


@asynccontextmanager
async def reshaping(connection: AsyncConnection, name: str) -> AsyncIterator[None]:
    """A transaction that may rebuild tables: SQLite changes one by copying and dropping it.

    That would set off cascades, so references are switched off meanwhile and checked before the commit.
    """
    await _references(connection, on=False)
    try:
        async with connection.begin():
            yield
            await _check_references(connection, name)
    finally:
        await _references(connection, on=True)


class _Connection(sqlite3.Connection):
    """Ends its transaction when it is closed.

    SQLite puts closing off while a statement has rows left that somebody may still fetch (sqlite3_close_v2).
    Whoever is cancelled between two rows leaves such a statement, in a traceback, until memory is tidied up:
    nobody else could write to the file for so long.
    """

    def close(self) -> None:
        self.rollback()
        super().close()


def _pragmas(*, writes: bool, busy_timeout_ms: int) -> list[str]:
    common = [f"PRAGMA busy_timeout={busy_timeout_ms}", "PRAGMA foreign_keys=ON"]
    if not writes:
        return [*common, "PRAGMA query_only=ON"]
    # A large write must not leave a large journal behind for ever.
    return [
        *common,
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL",
        "PRAGMA journal_size_limit=67108864",
    ]


def _prepare(engine: Engine, *, writes: bool, busy_timeout_ms: int) -> None:
    """Set every connection of `engine` up, and begin its transactions in our own way.

    Readers begin deferred: each `read()` sees one unchanging state. Writers begin immediate: whoever has to
    wait does so at the door, not half way through.
    """

    @event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver must not begin or commit on its own
        cursor = connection.cursor()
        for pragma in _pragmas(writes=writes, busy_timeout_ms=busy_timeout_ms):
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


async def _references(connection: AsyncConnection, *, on: bool) -> None:
    # past SQLAlchemy, which would begin a transaction: the pragma is void inside one
    driver: Any = (await connection.get_raw_connection()).driver_connection
    await driver.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")


async def _check_references(connection: AsyncConnection, name: str) -> None:
    broken = (await connection.exec_driver_sql("PRAGMA foreign_key_check")).mappings().first()
    if broken is not None:
        raise SchemaMismatch(
            f"a migration of the {name} database would leave row {broken['rowid']} of "
            f"{broken['table']} without its row in {broken['parent']}: nothing was changed"
        )
