"""`hotline jobs` on a real database: what waits, runs or was given up, and another chance."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from core.clock import MINUTE, system_clock
from hotline.__main__ import main
from storage import Database, migrate
from storage.jobs.model import Hopeless, JobState
from storage.jobs.queue import Jobs
from storage.jobs.runner import JobRunner
from storage.jobs.work import Work
from tests.support.databases import Databases


async def _hopeless(_: Work) -> None:
    raise Hopeless("there is no paper")


async def some_jobs(url: str) -> None:
    database = Database(url, name="main")
    await database.open()
    await migrate(database)
    jobs = Jobs(clock=system_clock)
    jobs.register("print", _hopeless)
    runner = JobRunner(database=database, jobs=jobs, clock=system_clock, random=lambda: 0.0)
    async with database.write() as connection:
        dead = await jobs.put(connection, "print", "dead")
        await jobs.put(connection, "print", "later", at=system_clock() + MINUTE)
    await runner.carry_out(dead)
    await database.close()


async def states(url: str) -> list[JobState]:
    database = Database(url, name="main")
    await database.open()
    async with database.read() as connection:
        found = await Jobs(clock=system_clock).listed(connection)
    await database.close()
    return [job.state for job in found]


def test_jobs_are_listed_retried_and_cancelled(
    databases: Databases, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = databases.url("main")
    (tmp_path / "own.toml").write_text(f'data_dir = "{tmp_path}"\n[database]\nmain = "{url}"\n', "utf-8")
    config = ["--config", str(tmp_path / "own.toml")]
    asyncio.run(some_jobs(url))
    capsys.readouterr()
    assert main(["jobs", *config]) == 0
    told = capsys.readouterr().out
    assert told.startswith("waiting: 1, running: 0, given up: 1\n")
    assert "  1: print dead, put 2" in told
    assert "given up, failed 1 times: there is no paper\n" in told
    assert re.search(r"  2: print later, put .*: waits until 2", told)
    assert main(["jobs", "retry", "1", *config]) == 0
    assert capsys.readouterr().out == "job 1 is tried again now\n"
    assert main(["jobs", "cancel", "2", *config]) == 0
    assert asyncio.run(states(url)) == [JobState.CANCELLED, JobState.WAITING]
    for refused in (["retry", "1"], ["cancel", "2"], ["retry"]):
        assert main(["jobs", *refused, *config]) == 2
        assert "`hotline jobs` lists th" in capsys.readouterr().err
    assert main(["jobs", "--all", *config]) == 0
    assert "  2: print later, put " in capsys.readouterr().out
