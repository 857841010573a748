"""How the job queue stands, for those who watch it: asked of the database, never waiting for it long."""

from __future__ import annotations

import asyncio

from storage.database import Database
from storage.jobs.executor import Executor
from storage.jobs.model import Standing
from storage.jobs.queue import Jobs

_PATIENCE_S = 1.0


class JobsWatch:
    """`standing`: at the last look; None: nobody knows, the database did not answer in time."""

    def __init__(self, *, database: Database, jobs: Jobs, executor: Executor) -> None:
        self.standing: Standing | None = None
        self._database, self._jobs, self._executor = database, jobs, executor
        self._asking: asyncio.Task[Standing] | None = None

    @property
    def problem(self) -> str:
        """What holds all jobs up, "" if nothing does."""
        return self._executor.problem

    async def look(self) -> None:
        """See how it stands now. A question that takes too long goes on, and is not asked a second time."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), name="jobs-watch")
        done, _ = await asyncio.wait({self._asking}, timeout=_PATIENCE_S)
        self.standing = None
        if done:
            asked, self._asking = self._asking, None
            if not asked.cancelled() and asked.exception() is None:
                self.standing = asked.result()

    async def _ask(self) -> Standing:
        async with self._database.read() as connection:
            return await self._jobs.standing(connection)
