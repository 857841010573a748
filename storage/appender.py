"""The short way in for a table that only ever grows.

A unit of work through SQLAlchemy costs about 0.5 ms of processor time before its first row. A writer that
commits fifty times a second cannot afford that: on SQLite the rows go in by one call on one thread, which is
a seventh of it (docs/adr/0010). Other databases take the ordinary way.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Table, insert
from sqlalchemy.exc import DBAPIError

from storage import sqlite
from storage.database import Database
from storage.errors import DatabaseNotOpen, RowsRefused, translated_cause


class Appender:
    """Appends rows, given as tuples in the order of the table's columns, each batch one transaction."""

    def __init__(self, database: Database, table: Table) -> None:
        self._database = database
        self._table = table
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None
        marks = ",".join("?" * len(table.columns))
        self._statement = f"INSERT INTO {table.name} VALUES ({marks})"  # noqa: S608 - a name of ours

    async def append(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """All of `rows`, durably, or none and an error (`StorageError`).

        When the error comes from the commit itself, the rows may have been kept: look before trying again.
        """
        if not self._database.is_open:
            raise DatabaseNotOpen(f"the {self._database.name} database is not open: call open() first")
        if not self._database.is_sqlite:
            await self._append_anywhere(rows)
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"{self._database.name}-appender")
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._append, rows)
        except sqlite3.Error as error:
            ours = translated_cause(error, self._database.name, self._database.place)
            raise ours or self._refused(error) from error

    async def close(self) -> None:
        """Finish what is under way and let go of the file; a later append opens it again."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self._disconnect)
            thread.shutdown()

    async def _append_anywhere(self, rows: Sequence[tuple[Any, ...]]) -> None:
        names = self._table.columns.keys()
        try:
            async with self._database.write() as connection:
                await connection.execute(
                    insert(self._table), [dict(zip(names, row, strict=True)) for row in rows]
                )
        except DBAPIError as error:
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> RowsRefused:
        return RowsRefused(
            f"{self._table.name} in the {self._database.name} database takes no such rows: {error}"
        )

    def _append(self, rows: Sequence[tuple[Any, ...]]) -> None:
        if self._connection is None:
            self._connection = sqlite.connect(self._database.file, self._database.busy_timeout_ms)
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(self._statement, rows)
            connection.execute("COMMIT")
        except BaseException:
            self._disconnect()  # undoes what is not committed; the next batch begins with a fresh connection
            raise

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
