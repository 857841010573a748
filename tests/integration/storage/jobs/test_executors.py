"""Our own executor and procrastinate, each at work: woken, side by side, through a stop, into other hands."""

from __future__ import annotations

import asyncio

from core.clock import MILLISECOND, SECOND, system_clock
from storage import Database
from storage.jobs.model import JobState, Pace
from storage.jobs.queue import Jobs
from storage.jobs.work import Work
from storage.retry import Retry
from tests.integration.storage.jobs.conftest import KIND, at_work
from tests.support.databases import Databases

PACE = Pace(
    retry=Retry(first=MILLISECOND, most=MILLISECOND, tries=3), lease=2 * SECOND, at_once=2, look_s=0.3
)
LAZY = Pace(lease=60 * SECOND, look_s=600)
"""Who is not woken finds nothing within the time of a test."""


async def put(database: Database, jobs: Jobs, *keys: str) -> list[int]:
    async with database.write() as connection:
        return [await jobs.put(connection, KIND, key) for key in keys]


async def over(database: Database, jobs: Jobs, numbers: list[int]) -> set[JobState]:
    """The states of these jobs once none of them is open."""
    async with asyncio.timeout(60):
        while True:
            async with database.read() as connection:
                found = [await jobs.find(connection, number) for number in numbers]
            states = {job.state for job in found if job is not None}
            if not states & {JobState.WAITING, JobState.RUNNING}:
                return states
            await asyncio.sleep(0.02)


async def test_a_job_wakes_whoever_carries_it_out(database: Database) -> None:
    jobs, began = Jobs(clock=system_clock), asyncio.Queue[str]()

    async def note(work: Work) -> None:
        began.put_nowait(work.job.key)

    jobs.register(KIND, note)
    before = await put(database, jobs, "before")
    async with at_work(database, jobs, LAZY), asyncio.timeout(60):
        assert await began.get() == "before"
        assert await over(database, jobs, before) == {JobState.DONE}
        await asyncio.sleep(0.1)  # so that it sleeps
        after = await put(database, jobs, "after")
        assert await began.get() == "after"
        assert await over(database, jobs, after) == {JobState.DONE}


async def test_so_many_run_side_by_side_and_no_more(database: Database) -> None:
    jobs, together, most = Jobs(clock=system_clock), 0, 0
    both = asyncio.Event()

    async def meet(_: Work) -> None:
        nonlocal together, most
        together += 1
        most = max(most, together)
        if together == 2:
            both.set()
        async with asyncio.timeout(30):
            await both.wait()
        await asyncio.sleep(0.02)
        together -= 1

    jobs.register(KIND, meet)
    numbers = await put(database, jobs, *"abcdef")
    async with at_work(database, jobs, PACE):
        assert await over(database, jobs, numbers) == {JobState.DONE}
    assert most == 2


async def test_what_fails_is_tried_again_and_what_has_no_handler_is_dead(database: Database) -> None:
    jobs, tries = Jobs(clock=system_clock), 0

    async def shaky(_: Work) -> None:
        nonlocal tries
        tries += 1
        if tries < PACE.retry.tries:
            raise RuntimeError("no luck")

    jobs.register(KIND, shaky)
    numbers = await put(database, jobs, "shaky")
    newer = Jobs(clock=system_clock)
    newer.register("of a newer program", shaky)
    async with database.write() as connection:
        unknown = await newer.put(connection, "of a newer program", "k")
    async with at_work(database, jobs, PACE):
        assert await over(database, jobs, numbers) == {JobState.DONE}
        assert await over(database, jobs, [unknown]) == {JobState.DEAD}
    async with database.read() as connection:
        dead = await jobs.find(connection, unknown)
    assert dead is not None
    assert "no handler for jobs of the kind 'of a newer program'" in dead.error


async def test_a_job_is_given_back_when_its_program_stops_and_taken_up_by_the_next(
    database: Database,
) -> None:
    jobs, began = Jobs(clock=system_clock), asyncio.Queue[int]()

    async def outlast(work: Work) -> None:
        began.put_nowait(work.job.turn)
        if work.job.turn == 1:
            await asyncio.Event().wait()

    jobs.register(KIND, outlast)
    numbers = await put(database, jobs, "long")
    async with asyncio.timeout(60):
        async with at_work(database, jobs, LAZY):
            assert await began.get() == 1
        async with at_work(database, jobs, LAZY):
            assert await began.get() == 2
            assert await over(database, jobs, numbers) == {JobState.DONE}
    async with database.read() as connection:
        job = await jobs.find(connection, numbers[0])
    assert job is not None
    assert (job.turn, job.tries) == (2, 0)


async def test_a_database_that_is_away_holds_jobs_up_and_ends_nothing(
    database: Database, databases: Databases
) -> None:
    jobs = Jobs(clock=system_clock)

    async def nothing(_: Work) -> None:
        return

    jobs.register(KIND, nothing)
    async with database.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE jobs RENAME TO hidden")
        if databases.kind == "postgresql":
            await connection.exec_driver_sql("ALTER SCHEMA procrastinate RENAME TO hidden")
    async with at_work(database, jobs, PACE) as executor:
        async with asyncio.timeout(60):
            while not executor.problem:  # noqa: ASYNC110  nothing tells of it
                await asyncio.sleep(0.02)
        async with database.write() as connection:
            await connection.exec_driver_sql("ALTER TABLE hidden RENAME TO jobs")
            if databases.kind == "postgresql":
                await connection.exec_driver_sql("ALTER SCHEMA hidden RENAME TO procrastinate")
        numbers = await put(database, jobs, "after")
        assert await over(database, jobs, numbers) == {JobState.DONE}
        assert executor.problem == ""
