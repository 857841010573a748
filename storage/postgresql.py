"""What is particular to PostgreSQL, kept away from everybody else (docs/adr/0020).

Readers begin REPEATABLE READ READ ONLY: each `read()` sees one unchanging state. Writers begin READ COMMITTED
and take turns only where they have to (`storage.turns`). Nothing waits for ever: see `Patience`.
"""

from __future__ import annotations

import asyncio
import math
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from core.errors import BadInput
from storage.turns import take_turn

RV = TypeVar("RV")
_WRITERS, _READERS = 8, 4
_GRACE_S = 1.0
"""A server that is alive has ended an overlong statement itself by then."""
_MIGRATIONS = "migrations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long, in ms, a lock and the answer to one statement are waited for. A server that has said nothing
    for a second longer than that counts as down."""

    lock_ms: int
    answer_ms: int


class ServerSilent(psycopg.OperationalError):
    """The server holds the connection, or takes one, and says nothing."""


class PatientConnection(psycopg.AsyncConnection[Any]):
    """A connection that gives up a server which says nothing for `patience_s` (None: never).

    The socket is shut down under whoever waits, who then hears what a lost connection sounds like. Cancelling
    the waiting task instead would make psycopg ask the silent server to cancel, and wait for that.
    """

    patience_s: float | None = None
    _gave_up = False

    async def wait(self, gen: PQGen[RV], *args: Any, **kwargs: Any) -> RV:
        """psycopg's one way of waiting for the server."""
        if self.patience_s is None:
            return await super().wait(gen, *args, **kwargs)
        timer = asyncio.get_running_loop().call_later(self.patience_s, self.give_up)
        try:
            return await super().wait(gen, *args, **kwargs)
        except psycopg.OperationalError as error:
            if self._gave_up:
                problem = f"the server has said nothing for {self.patience_s:g} s"
                raise ServerSilent(problem) from error
            raise
        finally:
            timer.cancel()

    def give_up(self) -> None:
        """Hear no more of a server that says nothing; whoever waits for it is told so."""
        self._gave_up = True
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self.pgconn.socket)) as line:
            line.shutdown(socket.SHUT_RDWR)


def engines(url: URL, name: str, patience: Patience) -> tuple[AsyncEngine, AsyncEngine]:
    """Writers and readers; `name` shows in pg_stat_activity."""
    made = [
        create_async_engine(
            url,
            connect_args={
                **arguments(url, name, patience),
                "async_creator_fn": partial(connect, patience, reads=reads),
            },
            pool_size=size,
            max_overflow=0,
            pool_timeout=patience.answer_ms / 1000,
            pool_pre_ping=True,  # a server that was restarted has left dead connections behind
            use_native_hstore=False,
            hide_parameters=True,  # what people said about customers stays out of messages and logs
        )
        for size, reads in ((_WRITERS, False), (_READERS, True))
    ]
    return made[0], made[1]


async def connect(patience: Patience, *, reads: bool = False, **given: Any) -> PatientConnection:
    """A connection of libpq's arguments. psycopg's errors.

    How readers begin is psycopg's word, not the session's default: a session that is read-only by default
    would be taken for a standby by a URL that asks for `target_session_attrs=read-write`.
    """
    patience_s = patience.answer_ms / 1000 + _GRACE_S
    try:
        async with asyncio.timeout(patience_s):  # libpq's own leaves out the search for the host's address
            connection = await PatientConnection.connect(**given)
    except TimeoutError as error:
        raise ServerSilent(f"connection timeout: nothing for {patience_s:g} s") from error
    connection.patience_s = patience_s
    if reads:
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(True)
    return connection


def arguments(url: URL, name: str, patience: Patience) -> dict[str, Any]:
    """libpq's arguments for `url`; what the URL says itself wins."""
    _, said = url.get_dialect()().create_connect_args(url)
    session = {
        "lock_timeout": patience.lock_ms,
        "statement_timeout": patience.answer_ms,
        "idle_in_transaction_session_timeout": 60_000,  # ms; a unit of work ours forgot must let go
        "tcp_keepalives_idle": 10,  # s; so must one whose machine has died
        "tcp_keepalives_interval": 5,
        "tcp_keepalives_count": 3,
    }
    ours = {
        "application_name": f"hotline {name}",
        "client_encoding": "utf8",
        "connect_timeout": max(2, math.ceil(patience.answer_ms / 2000)),
        "keepalives_idle": 30,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": patience.answer_ms,
    }
    options = " ".join(f"-c {setting}={value}" for setting, value in session.items())
    return {**ours, **said, "options": f"{options} {said.get('options', '')}".strip()}


def is_silence(error: BaseException | None) -> bool:
    """Whether it was found out by waiting in vain, which the next one should be spared."""
    return isinstance(error, ServerSilent | psycopg.errors.ConnectionTimeout)


async def check(connection: AsyncConnection, name: str) -> None:
    """`BadInput` if the database cannot hold what people write."""
    encoding = (await connection.exec_driver_sql("SHOW server_encoding")).scalar_one()
    if encoding != "UTF8":
        raise BadInput(
            f"URL of the {name} database",
            f"that database keeps its text in {encoding}: make one with ENCODING 'UTF8' (docs/operations.md)",
        )


@asynccontextmanager
async def reshaping(connection: AsyncConnection, _name: str) -> AsyncIterator[None]:
    """A transaction that may change tables, however long it takes, and that no other program is in."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    patience_s, driver.patience_s = driver.patience_s, None
    try:
        async with connection.begin():
            for setting in ("statement_timeout", "lock_timeout"):
                await connection.exec_driver_sql(f"SET LOCAL {setting} = 0")
            await take_turn(connection, _MIGRATIONS)
            yield
    finally:
        driver.patience_s = patience_s
