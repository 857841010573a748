"""The executor on PostgreSQL: procrastinate brings each job's number to one of the programs that listen.

It wakes them (LISTEN/NOTIFY), keeps their heartbeats, and hands what a dead one had fetched to another.
Whether there is anything to do for a number, and how it ends, is `work`'s to say: so jobs are the same on
both databases.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakSet

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ProcrastinateException

from storage import postgresql
from storage.database import Database
from storage.jobs.deliver import QUEUE, SCHEMA, TASK
from storage.jobs.runner import JobRunner
from storage.postgresql import PatientConnection

_RETRY_S = 1.0
_STOP_S = 2.0
"""A server that is alive has let the worker go by then."""
_BEATS = 3
"""So many heartbeats in a row are missing before a program counts as dead."""
logging.getLogger("procrastinate").setLevel(logging.WARNING)
_log = structlog.get_logger("storage.jobs")


class ServerExecutor:
    """`run` is the task. `problem`: what holds all of them up, "" if nothing does."""

    def __init__(self, *, database: Database, runner: JobRunner) -> None:
        self.problem = ""
        self._database, self._runner = database, runner
        self._lines: WeakSet[PatientConnection] = WeakSet()

    async def run(self) -> None:
        """Carry jobs out until cancelled; those under way are then given back."""
        while True:
            try:
                await self._serve()
                self.problem = "jobs stand still: procrastinate's worker has ended by itself"
            except Exception as error:  # noqa: BLE001  while the database is away, nothing may end this task
                self.problem = f"jobs stand still: {error}"
            _log.warning("jobs_stand_still", why=self.problem, next_try_s=_RETRY_S)
            await asyncio.sleep(_RETRY_S)

    async def _serve(self) -> None:
        app = App(connector=PsycopgConnector(**self._pool()))
        app.task(name=TASK, queue=QUEUE)(self._runner.carry_out)
        pace = self._runner.pace
        async with app.open_async():
            self.problem = ""
            work = {
                "jobs-worker": app.run_worker_async(
                    queues=[QUEUE],
                    name="hotline",
                    concurrency=pace.at_once,
                    delete_jobs="always",  # what became of a job is in our own row
                    install_signal_handlers=False,
                    shutdown_graceful_timeout=0,
                    fetch_job_polling_interval=pace.look_s / 2,
                    update_heartbeat_interval=pace.look_s,
                    stalled_worker_timeout=pace.look_s * _BEATS,
                ),
                "jobs-of-the-dead": self._take_over(app),
            }
            tasks = [asyncio.create_task(each, name=name) for name, each in work.items()]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    await task
            finally:
                await ended(tasks, self._give_up_lines)

    def _give_up_lines(self) -> None:
        """For a server that says nothing: to be told to stop makes psycopg ask it, too."""
        for line in list(self._lines):
            line.give_up()

    async def _take_over(self, app: App) -> None:
        """What a program had fetched that has died since is fetched again."""
        silent_s = self._runner.pace.look_s * _BEATS
        while True:
            for job in await app.job_manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=silent_s):
                try:
                    await app.job_manager.retry_job(job)
                except ProcrastinateException as error:  # another program was faster
                    _log.info("job_taken_over_by_another", why=str(error))
            await asyncio.sleep(self._runner.pace.look_s)

    def _pool(self) -> dict[str, Any]:
        given = postgresql.arguments(self._database.url, self._database.name, self._database.patience)
        given["application_name"] = "hotline jobs"
        given["options"] = f"{given['options']} -c search_path={SCHEMA}"
        return {
            "kwargs": given,
            "min_size": 1,
            "max_size": self._runner.pace.at_once + 2,
            "timeout": self._database.patience.answer_ms / 1000,
            "connection_class": PatientConnection,
            "configure": self._configure,
        }

    async def _configure(self, line: PatientConnection) -> None:
        line.patience_s = self._database.patience.answer_ms / 1000
        self._lines.add(line)


async def ended(
    tasks: Iterable[asyncio.Task[Any]], give_up: Callable[[], None], *, again_s: float = _STOP_S
) -> None:
    """Cancel these until they have ended, again every `again_s`, with `give_up` before each further time.

    Once is not enough: up to Python 3.11 `asyncio.wait_for`, by which procrastinate and the pool wait, keeps
    a cancellation to itself that comes in the moment in which it is done, and the task goes on for ever.
    """
    waiting = set(tasks)
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=again_s)
        if waiting:
            give_up()
    await asyncio.gather(*tasks, return_exceptions=True)
