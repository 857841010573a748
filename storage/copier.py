"""The short way in on PostgreSQL: one COPY per batch, on a connection of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Table

from storage import postgresql
from storage.database import Database
from storage.lease import Tenure, require_tenure

_LOCK = "SELECT pg_advisory_lock(hashtextextended(%s, 0))"
# Whoever holds the claim, or waits for it, of our own role: a program that is frozen would do so for ever.
_EVICT = """
SELECT pg_terminate_backend(locks.pid) FROM pg_locks AS locks JOIN pg_stat_activity AS who USING (pid)
WHERE locks.locktype = 'advisory' AND locks.objsubid = 1 AND who.usename = current_user
    AND locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (locks.classid::bigint << 32 | locks.objid::bigint) = hashtextextended(%s, 0)
    AND locks.pid <> pg_backend_pid()"""
_EVICTIONS = 3
"""One that was about to wait for the claim is not among those that hold it, or wait, the first time."""


class Copier:
    """Rows into `table`. Outside any transaction one COPY is one of its own, and spares BEGIN and COMMIT.

    psycopg's errors. The connection holds the table's claim: no other program gets one like it meanwhile.
    With a `tenure`, every new connection is `Superseded` once somebody else leads: before it asks for the
    claim, so as not to wait for it, and when it has it, as the next leader may have come meanwhile. From then
    on whoever takes over has to end this connection first, to get the claim.
    """

    def __init__(self, database: Database, table: Table, tenure: Tenure | None = None) -> None:
        self._database = database
        self._claim = f"appender of {table.name}"
        self._tenure = tenure
        self._copy = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table.name), sql.SQL(",").join(map(sql.Identifier, table.columns.keys()))
        )
        self._connection: postgresql.PatientConnection | None = None

    async def claim(self) -> bool:
        """Whether the table is ours to append to.

        A claim of a program that has just died is waited for, until the server has noticed; whoever leads
        ends the connection of a claim that it still finds.
        """
        for _ in range(1 if self._tenure is None else _EVICTIONS):
            try:
                await self._connected(self._database.patience.answer_ms // 2, evict=self._tenure is not None)
            except psycopg.errors.LockNotAvailable:
                continue
            return True
        return False

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

    async def _connected(self, claim_ms: int, *, evict: bool = False) -> postgresql.PatientConnection:
        if self._connection is None:
            name, patience = f"{self._database.name} appender", self._database.patience
            given = postgresql.arguments(self._database.url, name, patience)
            connection = await postgresql.connect(patience, autocommit=True, **given)
            try:
                await self._require_tenure(connection)
                if evict:
                    await connection.execute(_EVICT, (self._claim,))
                wait = "SELECT set_config('lock_timeout', %s, false)"
                await connection.execute(wait, (str(claim_ms),))
                await connection.execute(_LOCK, (self._claim,))
                await connection.execute(wait, (str(patience.lock_ms),))
                await self._require_tenure(connection)
            except BaseException:
                await connection.close()
                raise
            self._connection = connection
        return self._connection

    async def _require_tenure(self, connection: postgresql.PatientConnection) -> None:
        if self._tenure is not None:
            await require_tenure(connection, self._tenure)
