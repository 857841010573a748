"""Carrying out one job: begun, kept alive, ended; each written down in a unit of work.

A job that is begun has a lease, renewed as long as its process lives. When it runs out, whoever looks at the
job next takes it over; what the old process still wants to store is refused (`Superseded`): its turn is past.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import structlog
from sqlalchemy import select, update

from core.clock import SECOND, Clock, Instant
from core.masking import mask_text
from storage.database import Database
from storage.jobs.model import Hopeless, Job, JobState, Pace, Superseded
from storage.jobs.queue import Jobs
from storage.jobs.rows import as_job
from storage.jobs.tables import is_open, jobs
from storage.jobs.work import Work

_LONGEST_ERROR = 500
_log = structlog.get_logger("storage.jobs")


class JobRunner:
    """`carry_out` is what an executor calls, for a number that it came by in whatever way."""

    def __init__(
        self,
        *,
        database: Database,
        jobs: Jobs,
        clock: Clock,
        random: Callable[[], float],
        pace: Pace | None = None,
    ) -> None:
        self.pace = pace or Pace()
        self._database, self._jobs, self._clock, self._random = database, jobs, clock, random

    async def carry_out(self, number: int) -> None:
        """Run the job if its time has come and nobody else does. A database that is away is the only error;
        cancelled, the job is given back.
        """
        job = await self._begin(number)
        if job is None:
            return
        work = Work(self._database, self._clock, self.pace, job)
        try:
            await self._kept_alive(work)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if work.lost and not (task is not None and task.cancelling()):
                _log.warning("job_lost", job=number, kind=job.kind)
                return
            with suppress(Exception):  # its lease runs out otherwise
                await self._end(work, state=JobState.WAITING, next_at=self._clock(), tries=job.tries)
            raise
        except Superseded:
            _log.warning("job_lost", job=number, kind=job.kind)
        except Exception as error:  # noqa: BLE001  whatever a handler has met: it is written down
            await self._failed(work, error)
        else:
            _log.info("job_done", job=number, kind=job.kind, turn=job.turn)

    async def _begin(self, number: int) -> Job | None:
        """The job, marked as running; None if there is nothing to do for us now."""
        now = self._clock()
        async with self._database.write() as connection:
            query = select(jobs).where(jobs.c.number == number, is_open)
            row = (await connection.execute(query.with_for_update())).first()
            if row is None:
                return None
            job = as_job(row)
            if job.next_at > now:
                await self._jobs.announce(connection, number, job.next_at)
                return None
            values = self._judged(job, now)
            await connection.execute(update(jobs).where(jobs.c.number == number).values(**values))
        if values["state"] != JobState.RUNNING:
            _log.error("job_dead", job=number, kind=job.kind, error=values["error"])
            return None
        return replace(job, state=JobState.RUNNING, turn=job.turn + 1)

    def _judged(self, job: Job, now: Instant) -> dict[str, Any]:
        # A lease that ran out: its process was killed, perhaps by the job itself. That counts as a try.
        tries = job.tries + (job.state is JobState.RUNNING)
        if tries >= self.pace.retry.tries:
            said = f"whoever ran it died, and it had been tried {tries} times"
            return {"state": JobState.DEAD, "ended_at": now, "tries": tries, "error": said}
        return {
            "state": JobState.RUNNING,
            "next_at": now + self.pace.lease,
            "turn": job.turn + 1,
            "tries": tries,
            "done": 0,
            "total": 0,
            "doing": "",
        }

    async def _kept_alive(self, work: Work) -> None:
        handling = asyncio.create_task(self._handle(work), name=f"job-{work.job.number}")
        keeping = asyncio.create_task(self._keep(work, handling), name=f"job-{work.job.number}-lease")
        try:
            await handling
        finally:
            for task in (handling, keeping):
                task.cancel()
            await asyncio.gather(handling, keeping, return_exceptions=True)

    async def _handle(self, work: Work) -> None:
        await self._jobs.handler(work.job.kind)(work)
        if not work.finished:
            async with work.finish():
                pass

    async def _keep(self, work: Work, handling: asyncio.Task[None]) -> None:
        """Renew the lease until cancelled; end the handling once the job may be another's."""
        until = self._clock() + self.pace.lease
        while True:
            await asyncio.sleep(self.pace.lease / 3 / SECOND)
            try:
                await work.renew()
                until = self._clock() + self.pace.lease
            except Superseded:
                break
            except Exception:  # noqa: BLE001  while the database is away, nobody else can take it over either
                if self._clock() >= until:
                    break
        if not work.finished:
            work.lost = True
            handling.cancel()

    async def _failed(self, work: Work, error: Exception) -> None:
        job = work.job
        about: dict[str, Any] = {"job": job.number, "kind": job.kind}
        tries = job.tries + 1
        wait = None if isinstance(error, Hopeless) else self.pace.retry.wait(tries, self._random())
        said = mask_text(str(error) if isinstance(error, Hopeless) else f"{type(error).__name__}: {error}")
        values: dict[str, Any] = {"tries": tries, "error": said[:_LONGEST_ERROR]}
        now = self._clock()
        if wait is None:
            _log.error("job_dead", tries=tries, exc_info=error, **about)
            values |= {"state": JobState.DEAD, "ended_at": now}
        else:
            _log.warning("job_failed", tries=tries, next_try_s=wait / SECOND, error=values["error"], **about)
            values |= {"state": JobState.WAITING, "next_at": now + wait}
        await self._end(work, **values)

    async def _end(self, work: Work, **values: Any) -> None:
        """Write down what came of this turn, if it is ours still."""
        async with self._database.write() as connection:
            changed = await connection.execute(update(jobs).where(work.mine).values(**values))
            if changed.rowcount == 1 and values["state"] == JobState.WAITING:
                await self._jobs.announce(connection, work.job.number, values["next_at"])
