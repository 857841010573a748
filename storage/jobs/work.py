"""One job while it runs: what its handler says and stores; refused (`Superseded`) once its turn is past."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import structlog
from sqlalchemy import ColumnElement, and_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import SECOND, Clock, Instant
from storage.database import Database
from storage.jobs.apart import apart
from storage.jobs.model import Job, JobState, Pace, Superseded
from storage.jobs.rows import forget
from storage.jobs.tables import jobs, running

R = TypeVar("R")
_LONGEST_ERROR = 500
_BETWEEN_NOTES = SECOND // 2
"""A bar on a screen need not move oftener; each note is a unit of work."""
_log = structlog.get_logger("storage.jobs")


class Work:
    """One job while it runs, as its handler has it."""

    def __init__(self, database: Database, clock: Clock, pace: Pace, job: Job) -> None:
        self.job = job
        self.finished = False
        self.lost = False
        self._database, self._clock, self._pace = database, clock, pace
        self._noted_at: Instant = 0

    @property
    def mine(self) -> ColumnElement[bool]:
        """The job's row, as long as it is ours."""
        return and_(jobs.c.number == self.job.number, jobs.c.turn == self.job.turn, running)

    async def progress(self, done: int, total: int, doing: str = "") -> None:
        """Say how far it is, for whoever waits; notes that come fast are left out, the last one (`done` of
        `total`) never is. `Superseded`: the job is another's by now.
        """
        now = self._clock()
        if done < total and now - self._noted_at < _BETWEEN_NOTES and self._noted_at <= now:
            return
        self._noted_at = now
        async with self._database.write() as connection:
            await self._change(connection, done=done, total=total, doing=doing)

    @asynccontextmanager
    async def finish(self, result: str = "") -> AsyncIterator[AsyncConnection]:
        """The unit of work that marks the job done, for what its handler has to store: both or neither."""
        now = self._clock()
        async with self._database.write() as connection:
            ended = {"state": JobState.DONE, "ended_at": now, "result": result, "error": ""}
            await self._change(connection, **ended, done=jobs.c.total)
            await forget(connection, now - self._pace.keep)
            yield connection
        self.finished = True

    async def apart(self, function: Callable[..., R], *arguments: Any) -> R:
        """What holds the processor, in a process of its own: `function` is one of a module, and what it is
        given and returns can be pickled. What it says by `storage.jobs.apart.tell` is the job's progress.
        """
        return await apart(function, *arguments, heard=self.progress)

    async def renew(self) -> None:
        """A sign of life."""
        async with self._database.write() as connection:
            await self._change(connection, next_at=self._clock() + self._pace.lease)

    async def _change(self, connection: AsyncConnection, **values: Any) -> None:
        changed = await connection.execute(update(jobs).where(self.mine).values(**values))
        if changed.rowcount != 1:
            raise Superseded(f"job {self.job.number} was taken for that of a dead process, and is another's")
