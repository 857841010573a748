"""SIGKILL while jobs are carried out: in the end each is done, and what it stored is there exactly once."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter

from sqlalchemy import Select, func, select, text

from core.clock import system_clock
from storage import Database
from storage.jobs.model import JobState
from storage.jobs.queue import Jobs
from storage.jobs.tables import is_open
from storage.jobs.tables import jobs as table
from tests.integration.storage.jobs.conftest import KIND
from tests.support.killed import ROOT, run_until_killed

ROUNDS = 5
EACH = 12

WORKER = """
import asyncio, random, sys
from sqlalchemy import text
from core.clock import MILLISECOND, system_clock
from storage import Database
from storage.jobs.executor import executor_of
from storage.jobs.model import Pace
from storage.jobs.queue import Jobs
from storage.jobs.runner import JobRunner
from storage.retry import Retry

async def main(url):
    database = Database(url, name="main")
    await database.open()
    jobs = Jobs(clock=system_clock)

    async def effect(work):
        print(work.job.key, flush=True)
        if work.job.payload.get("shaky") and work.job.tries == 0:
            raise RuntimeError("the first try fails")
        async with work.finish(work.job.key) as connection:
            await connection.execute(text("INSERT INTO effects (job) VALUES (:key)"), {"key": work.job.key})
            if work.job.payload.get("chain"):
                await jobs.put(connection, "report", work.job.key + "-after")
            await asyncio.sleep(0.003)  # so that many a kill finds the unit of work half done

    jobs.register("report", effect)
    quick = Retry(first=2 * MILLISECOND, most=4 * MILLISECOND, tries=500)
    runner = JobRunner(
        database=database,
        jobs=jobs,
        clock=system_clock,
        random=random.random,
        pace=Pace(retry=quick, lease=300 * MILLISECOND, look_s=0.1),
    )
    await executor_of(database=database, jobs=jobs, runner=runner, clock=system_clock).run()

asyncio.run(main(sys.argv[1]))
"""


async def test_killed_again_and_again_every_job_has_its_effect_once(
    database: Database, effects: None
) -> None:
    url = database.url.render_as_string(hide_password=False)
    jobs, chance, expected, cut_short = Jobs(clock=system_clock), random.Random(7), [], 0

    async def never_here(_: object) -> None:
        raise AssertionError

    jobs.register(KIND, never_here)
    for round_ in range(ROUNDS):
        async with database.write() as connection:
            for n in range(EACH):
                key, chain = f"{round_}-{n}", n % 5 == 0
                await jobs.put(connection, KIND, key, {"chain": chain, "shaky": n % 4 == 0})
                expected += [key, f"{key}-after"] if chain else [key]
        await run_until_killed(WORKER, url, lines=chance.randrange(1, 9), then_s=chance.uniform(0, 0.01))
        async with database.read() as connection:
            cut_short += (await jobs.standing(connection)).running
    assert cut_short, "no kill hit a job that was running"
    await _finish(url, database)
    async with database.read() as connection:
        stored = Counter((await connection.execute(text("SELECT job FROM effects"))).scalars())
        states = set((await connection.execute(select(table.c.state))).scalars())
    assert stored == Counter(expected)
    assert states == {JobState.DONE}


def _left() -> Select[tuple[int]]:
    return select(func.count()).where(is_open)


async def _finish(url: str, database: Database) -> None:
    """Let one more process do all that is left, then end it."""
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WORKER, url), stdout=asyncio.subprocess.DEVNULL, cwd=ROOT
    )
    try:
        async with asyncio.timeout(120):
            left = 1
            while left:
                await asyncio.sleep(0.05)
                async with database.read() as connection:
                    left = await connection.scalar(_left()) or 0
    finally:
        worker.kill()
        await worker.wait()
