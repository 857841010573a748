"""What is particular to SQLite, kept away from everybody else.

WAL lets readers go on beside the one writer. `synchronous=FULL`: a commit that was reported is on the disk
even if the power fails, at the price of one fsync per unit of work (docs/adr/0010).
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from core.errors import BadInput


def file_of(url: URL, where: str) -> Path:
    """The database file of a URL whose folder exists; `BadInput` otherwise."""
    if not url.database or url.database == ":memory:":
        raise BadInput(where, "SQLite needs a file here: sqlite+aiosqlite:////absolute/path.db")
    path = Path(url.database)
    if not path.parent.is_dir():
        raise BadInput(where, f"the folder {path.parent} does not exist: create it or name another")
    return path


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


def connect(file: Path, busy_timeout_ms: int) -> sqlite3.Connection:
    """A connection for writing outside SQLAlchemy, set up like all others."""
    connection = sqlite3.connect(file, isolation_level=None)
    for pragma in _pragmas(writes=True, busy_timeout_ms=busy_timeout_ms):
        connection.execute(pragma)
    return connection


def prepare(engine: Engine, *, writes: bool, busy_timeout_ms: int) -> None:
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
