"""The executor of our own, for SQLite: a few lanes that look for the job whose turn it is."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy import func, select

from core.clock import Clock, Instant
from storage.database import Database
from storage.jobs.queue import Jobs
from storage.jobs.runner import JobRunner
from storage.jobs.tables import is_open, jobs
from storage.waker import NEVER, Waker

_RETRY_S = 1.0
_log = structlog.get_logger("storage.jobs")


class EmbeddedExecutor:
    """`run` is the task. `problem`: what holds all of them up, "" if nothing does."""

    def __init__(self, *, database: Database, jobs: Jobs, runner: JobRunner, clock: Clock) -> None:
        self.problem = ""
        self._database, self._jobs, self._runner, self._clock = database, jobs, runner, clock

    async def run(self) -> None:
        """Carry jobs out until cancelled; those under way are then given back."""
        pace = self._runner.pace
        async with asyncio.TaskGroup() as lanes:
            for number in range(pace.at_once):
                waker = Waker(clock=self._clock, look_again_s=pace.look_s)
                self._jobs.wakers.append(waker)
                lanes.create_task(self._lane(waker), name=f"jobs-{number}")

    async def work_off(self) -> Instant:
        """Carry out all whose time has come, one after the other; when the next one's will, `NEVER` if none
        waits.
        """
        while True:
            number, upcoming = await self._look()
            if number is None:
                return upcoming
            await self._runner.carry_out(number)

    async def _lane(self, waker: Waker) -> None:
        while True:
            try:
                upcoming = await self.work_off()
                self.problem = ""
            except Exception as error:  # noqa: BLE001  while the database is away, nothing may end this task
                self.problem = f"jobs stand still: {error}"
                _log.warning("jobs_stand_still", why=self.problem, next_try_s=_RETRY_S)
                await asyncio.sleep(_RETRY_S)
                continue
            await waker.sleep(upcoming, late_commits=False)

    async def _look(self) -> tuple[int | None, Instant]:
        now = self._clock()
        query = select(jobs.c.number).where(is_open, jobs.c.next_at <= now)
        async with self._database.read() as connection:
            number = await connection.scalar(query.order_by(jobs.c.next_at, jobs.c.number).limit(1))
            if number is not None:
                return int(number), now
            later = select(func.min(jobs.c.next_at)).where(is_open)
            return None, await connection.scalar(later) or NEVER
