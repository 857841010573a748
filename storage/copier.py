"""The short way in on PostgreSQL: one COPY per batch, on a connection of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Table

from storage import postgresql
from storage.database import Database


class Copier:
    """Rows into `table`. Outside any transaction one COPY is one of its own, and spares BEGIN and COMMIT.

    psycopg's errors. The connection holds the table's claim: no other program gets one like it meanwhile.
    """

    def __init__(self, database: Database, table: Table) -> None:
        self._database = database
        self._table = table.name
        self._copy = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table.name), sql.SQL(",").join(map(sql.Identifier, table.columns.keys()))
        )
        self._connection: postgresql.PatientConnection | None = None

    async def claim(self) -> bool:
        """Whether the table is ours to append to.

        A claim of a program that has just died is waited for, until the server has noticed.
        """
        try:
            await self._connected(self._database.patience.answer_ms // 2)
        except psycopg.errors.LockNotAvailable:
            return False
        return True

    async def append(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """All of `rows` or none, and an error."""
        connection = await self._connected(self._database.patience.lock_ms)
        try:
            async with connection.cursor() as cursor, cursor.copy(self._copy) as copy:
                for row in rows:
                    await copy.write_row(row)
        except BaseException:
            await self.close()  # the next batch begins with a fresh connection
            raise

    async def close(self) -> None:
        """Let go of connection and claim."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _connected(self, claim_ms: int) -> postgresql.PatientConnection:
        if self._connection is None:
            name, patience = f"{self._database.name} appender", self._database.patience
            given = postgresql.arguments(self._database.url, name, patience)
            connection = await postgresql.connect(patience, autocommit=True, **given)
            try:
                wait = "SELECT set_config('lock_timeout', %s, false)"
                await connection.execute(wait, (str(claim_ms),))
                claim = "SELECT pg_advisory_lock(hashtextextended(%s, 0))"
                await connection.execute(claim, (f"appender of {self._table}",))
                await connection.execute(wait, (str(patience.lock_ms),))
            except BaseException:
                await connection.close()
                raise
            self._connection = connection
        return self._connection
