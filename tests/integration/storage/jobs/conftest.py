"""Jobs on a real database, SQLite's and PostgreSQL, with a clock that tests move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import text

from core.clock import MINUTE, SECOND, Clock, Duration, Instant, system_clock
from storage import Database, migrate
from storage.jobs.executor import Executor, executor_of
from storage.jobs.model import Job, Pace
from storage.jobs.queue import Handler, Jobs
from storage.jobs.runner import JobRunner
from storage.jobs.work import Work
from storage.retry import Retry
from tests.support.databases import Databases

START = 1_795_276_800_000_000
KIND = "report"
RETRY = Retry(first=10 * SECOND, most=MINUTE, tries=3)


@dataclass
class Workshop:
    """`now`: of the clock; it stands still. `handler`: of all jobs here; tests set it."""

    database: Database
    now: Instant = START
    handler: Handler | None = None
    carried_out: list[str] = field(default_factory=list)
    jobs: Jobs = field(init=False)
    runner: JobRunner = field(init=False)

    def __post_init__(self) -> None:
        self.jobs = Jobs(clock=lambda: self.now)
        self.jobs.register(KIND, self._handle)
        self.runner = self.another()

    def another(self, lease: Duration = MINUTE) -> JobRunner:
        """As of another program."""
        pace = Pace(retry=RETRY, lease=lease)
        return JobRunner(
            database=self.database, jobs=self.jobs, clock=lambda: self.now, random=lambda: 0.0, pace=pace
        )

    async def _handle(self, work: Work) -> None:
        self.carried_out.append(work.job.key)
        if self.handler is not None:
            await self.handler(work)

    async def put(self, key: str = "2026-03", *, at: Instant | None = None, **payload: Any) -> int:
        async with self.database.write() as connection:
            return await self.jobs.put(connection, KIND, key, payload, at=at)

    async def job(self, number: int) -> Job:
        async with self.database.read() as connection:
            found = await self.jobs.find(connection, number)
        assert found is not None
        return found


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[Database]:
    database = Database(databases.url("main"), name="main")
    await database.open()
    await migrate(database)
    yield database
    await database.close()


@pytest.fixture
def workshop(database: Database) -> Workshop:
    return Workshop(database)


@pytest.fixture
async def effects(database: Database) -> None:
    """A table for what handlers do."""
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE effects (job TEXT NOT NULL)"))


@asynccontextmanager
async def at_work(
    database: Database, jobs: Jobs, pace: Pace, *, clock: Clock = system_clock
) -> AsyncIterator[Executor]:
    """The executor that fits the database, running by a clock that goes on."""
    runner = JobRunner(database=database, jobs=jobs, clock=clock, random=lambda: 0.0, pace=pace)
    executor = executor_of(database=database, jobs=jobs, runner=runner, clock=clock)
    task = asyncio.create_task(executor.run())
    try:
        yield executor
    finally:
        task.cancel()
        _, waiting = await asyncio.wait([task], timeout=60)
        assert not waiting, f"the executor did not stop: {task.get_stack()}"
