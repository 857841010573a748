"""Where a test keeps its databases: files, or a real PostgreSQL. See the fixture `databases`.

database = Database(databases.url("main"), name="main")
await database.open()
with databases.held("main"): ...  # another program is in the way
databases.ask("main", "SELECT ...")  # by a connection that is not the program's own
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from psycopg import sql

from storage import Database, migrate
from storage.migrate import History
from tests.support.postgres import Cluster


class Databases(Protocol):
    """One test's databases, by name; each is made when it is first asked for and outlives who uses it."""

    kind: str
    """`sqlite` or `postgresql`."""

    def url(self, name: str, history: History | None = "main") -> str:
        """The URL of a database that may be migrated along `history`, or is to stay empty (None)."""

    def ask(self, name: str, statement: str) -> list[tuple[Any, ...]]:
        """Carry out `statement` as another program would; its rows."""

    def held(self, name: str) -> Any:
        """A context in which nobody else can write to a database that has tables."""


class Files:
    """In a folder of the test."""

    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def url(self, name: str, _history: History | None = "main") -> str:
        return f"sqlite+aiosqlite:///{self._folder / name}.db"

    def ask(self, name: str, statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._folder / f"{name}.db", isolation_level=None)) as connection:
            return connection.execute(statement).fetchall()

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        holder = sqlite3.connect(self._folder / f"{name}.db", isolation_level=None, timeout=30)
        with closing(holder):
            holder.execute("BEGIN IMMEDIATE")
            yield
            holder.execute("ROLLBACK")


class Templates:
    """Migrated once per session; a copy of one takes a fraction of what its migrations do."""

    def __init__(self, server: Cluster) -> None:
        self._server = server
        self._made: dict[History, str] = {}

    def of(self, history: History | None) -> str:
        """The name of the database to copy."""
        if history is None:
            return "template0"
        if history not in self._made:
            name = self._server.create(f"template_{history}")
            with ThreadPoolExecutor(1) as thread:  # the test's own loop may be running in this one
                thread.submit(asyncio.run, _migrated(self._server.url(name), history)).result()
            self._made[history] = name
        return self._made[history]


class ServerDatabases:
    """On a server; `close` removes them."""

    kind = "postgresql"

    def __init__(self, server: Cluster, templates: Templates) -> None:
        self.server = server
        self._templates = templates
        self._made: dict[str, str] = {}

    def url(self, name: str, history: History | None = "main") -> str:
        if name not in self._made:
            self._made[name] = self.server.create(name, template=self._templates.of(history))
        return self.server.url(self._made[name])

    def ask(self, name: str, statement: str) -> list[tuple[Any, ...]]:
        with closing(self.server.connect(self._made[name])) as connection:
            cursor = connection.execute(statement)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        with closing(self.server.connect(self._made[name])) as holder, holder.transaction():
            tables = holder.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (table,) in tables:
                statement = sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(sql.Identifier(table))
                holder.execute(statement)
            yield

    def close(self) -> None:
        """Remove them all."""
        self.server.drop(*self._made.values())


async def _migrated(url: str, history: History) -> None:
    database = Database(url, name=history)
    await database.open()
    try:
        await migrate(database, history)
    finally:
        await database.close()
