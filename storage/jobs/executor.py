"""Which executor carries jobs out: the one that fits the database."""

from __future__ import annotations

from typing import Protocol

from core.clock import Clock
from storage.database import Database
from storage.jobs.embedded import EmbeddedExecutor
from storage.jobs.queue import Jobs
from storage.jobs.runner import JobRunner


class Executor(Protocol):
    """`run` is the task; `problem` what holds all jobs up, "" if nothing does."""

    problem: str

    async def run(self) -> None: ...


def executor_of(*, database: Database, jobs: Jobs, runner: JobRunner, clock: Clock) -> Executor:
    """Our own on SQLite, procrastinate on PostgreSQL."""
    if database.is_sqlite:
        return EmbeddedExecutor(database=database, jobs=jobs, runner=runner, clock=clock)
    from storage.jobs.server import ServerExecutor  # noqa: PLC0415  its library is for a server alone

    return ServerExecutor(database=database, runner=runner)
