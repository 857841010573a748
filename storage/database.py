"""One database: many readers, units of work, and errors that say what to do.

    async with database.read() as connection:      # one unchanging state
        rows = (await connection.execute(select(...))).all()
    async with database.write() as connection:     # one transaction: all of it or nothing
        await connection.execute(insert(...))

SQLite or PostgreSQL, by its URL. Units of work come one at a time on SQLite, side by side on PostgreSQL:
whoever decides by what they read there takes a turn first (`storage.turns`) or locks the row.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage import postgresql, sqlite
from storage.errors import DatabaseDown, DatabaseNotOpen, translated
from storage.silence import Silence
from storage.urls import database_url, place_of

_AFTERWARDS = "hotline.after_commit"


class Database:
    """`name` appears in messages (`main`, `ledger`); `url` as SQLAlchemy takes it.

    `BadInput` at once for a URL that cannot work. `busy_timeout_ms`: how long a unit of work waits for
    another program that holds the file or the row, before it is `DatabaseDown`. `answer_timeout_ms`: how
    long a server may take over one statement; what says nothing for a second more counts as down.
    """

    def __init__(
        self, url: str, *, name: str, busy_timeout_ms: int = 5_000, answer_timeout_ms: int = 10_000
    ) -> None:
        self.name = name
        self.busy_timeout_ms = busy_timeout_ms
        self.patience = postgresql.Patience(lock_ms=busy_timeout_ms, answer_ms=answer_timeout_ms)
        self.url: URL = database_url(url, self._setting)
        """With its password: for connections, never for people (`place`)."""
        if self.is_sqlite:
            sqlite.file_of(self.url, self._setting)
        self._one_writer = asyncio.Lock()
        self._silence = Silence(answer_timeout_ms / 2000)
        self._reader: AsyncEngine | None = None
        self._writer: AsyncEngine | None = None
        self._returning: set[asyncio.Task[None]] = set()

    @property
    def is_sqlite(self) -> bool:
        """Whether writers have to queue up in this program."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def is_open(self) -> bool:
        """Between open() and close()."""
        return self._writer is not None

    @property
    def file(self) -> Path:
        """The database file of SQLite."""
        return sqlite.file_of(self.url, self._setting)

    @property
    def place(self) -> str:
        """Where the database is, without its password."""
        return place_of(self.url)

    @property
    def _setting(self) -> str:
        return f"URL of the {self.name} database"

    async def open(self) -> None:
        """Connect once, so that a wrong path or password is known now. `DatabaseDown` if it fails."""
        if self._writer is not None:
            return
        if self.is_sqlite:
            self._writer, self._reader = sqlite.engines(self.url, self.busy_timeout_ms)
        else:
            self._writer, self._reader = postgresql.engines(self.url, self.name, self.patience)
        try:
            async with self.write() as connection:
                await connection.exec_driver_sql("SELECT 1")
                if not self.is_sqlite:
                    await postgresql.check(connection, self.name)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of every connection; a second call does nothing.

        Whoever still reads may read on: that connection ends when they are done with it.
        """
        writer, reader = self._writer, self._reader
        self._writer = self._reader = None
        if self._returning:
            await asyncio.wait(self._returning)
        if reader is not None:
            await reader.dispose()
        if writer is not None:
            async with self._one_writer:
                await writer.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading; everything read through it belongs to one state of the database."""
        async with self._connected(self._reader) as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A unit of work: committed when the block ends well, undone when it raises or is cancelled."""
        calls: list[Callable[[], None]] = []
        async with self._turn(), self._connected(self._writer) as connection:
            connection.info[_AFTERWARDS] = calls
            async with connection.begin():
                yield connection
        for call in calls:
            call()

    @asynccontextmanager
    async def reshape(self) -> AsyncIterator[AsyncConnection]:
        """A unit of work that may rebuild tables, for migrations only: one program at a time.

        `SchemaMismatch` if it leaves a reference broken.
        """
        reshaping = sqlite.reshaping if self.is_sqlite else postgresql.reshaping
        async with (
            self._turn(),
            self._connected(self._writer) as connection,
            reshaping(connection, self.name),
        ):
            yield connection

    def _turn(self) -> AbstractAsyncContextManager[None]:
        return self._one_writer if self.is_sqlite else nullcontext()

    @asynccontextmanager
    async def _connected(self, engine: AsyncEngine | None) -> AsyncIterator[AsyncConnection]:
        if engine is None:
            raise DatabaseNotOpen(f"the {self.name} database is not open: call open() first")
        try:
            async with AsyncExitStack() as stack:
                with self._silence.asking():
                    connection = await self._take(stack, engine)
                yield connection
        except DBAPIError as error:
            ours = translated(error, self.name, self.place)
            if ours is None:
                raise
            if postgresql.is_silence(error.orig):
                self._silence.met(str(ours))
            raise ours from error

    async def _take(self, stack: AsyncExitStack, engine: AsyncEngine) -> AsyncConnection:
        try:
            connection = await engine.connect()
        except (OSError, PoolTimeout) as error:
            problem = f"the {self.name} database ({self.place}) does not answer: {error}"
            raise DatabaseDown(problem) from error
        stack.push_async_callback(self._give_back, engine, connection)
        return connection

    async def _give_back(self, engine: AsyncEngine, connection: AsyncConnection) -> None:
        task = asyncio.create_task(self._returned(engine, connection))
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)
        await asyncio.shield(task)  # whoever is cancelled has had it all the same

    async def _returned(self, engine: AsyncEngine, connection: AsyncConnection) -> None:
        # The pool of an engine that was let go of is nobody's: what came back to it would never be closed.
        if engine not in (self._reader, self._writer):
            await connection.invalidate()
        await connection.close()


@asynccontextmanager
async def part(connection: AsyncConnection) -> AsyncIterator[None]:
    """Within a unit of work: a part that is undone by itself when it raises, with what it put off until after
    the commit. The rest stays as it was before, and may go on.
    """
    calls: list[Callable[[], None]] = connection.info[_AFTERWARDS]
    before = len(calls)
    try:
        async with connection.begin_nested():
            yield
    except BaseException:
        del calls[before:]
        raise


def after_commit(connection: AsyncConnection, call: Callable[[], None]) -> None:
    """Have `call` called once the unit of work of `connection` is committed and seen by everybody else.

    It must not raise, and is forgotten if the unit of work is undone.
    """
    connection.info[_AFTERWARDS].append(call)
