"""What the port promises, on both databases: once per key, tries, leases, progress, who may still store."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from core.clock import DAY, MILLISECOND, MINUTE, SECOND
from core.errors import BadInput
from storage.jobs.model import Hopeless, JobState, Pace, Superseded
from storage.jobs.work import Work
from tests.integration.storage.jobs.conftest import KIND, RETRY, Workshop
from tests.support.databases import Databases

CARD = "6222021234567890123"


async def test_what_is_put_is_carried_out_with_what_it_was_given(workshop: Workshop) -> None:
    given = []

    async def keep(work: Work) -> None:
        given.append(dict(work.job.payload))

    workshop.handler = keep
    number = await workshop.put(by="8001", rows=3)
    assert (await workshop.job(number)).state is JobState.WAITING
    await workshop.runner.carry_out(number)
    job = await workshop.job(number)
    assert (job.state, job.turn, job.tries, job.ended_at) == (JobState.DONE, 1, 0, workshop.now)
    assert given == [{"by": "8001", "rows": 3}]
    await workshop.runner.carry_out(number)  # told of it twice
    assert workshop.carried_out == ["2026-03"]


async def test_a_job_of_work_that_is_undone_never_was(workshop: Workshop, databases: Databases) -> None:
    with pytest.raises(ZeroDivisionError):
        async with workshop.database.write() as connection:
            number = await workshop.jobs.put(connection, KIND, "2026-03")
            raise ZeroDivisionError
    async with workshop.database.read() as connection:
        assert await workshop.jobs.find(connection, number) is None
    if databases.kind == "postgresql":
        assert databases.ask("main", "SELECT count(*) FROM procrastinate.procrastinate_jobs") == [(0,)]


async def test_the_same_is_done_once_while_it_waits_or_runs(workshop: Workshop) -> None:
    again = []

    async def put_again(_: Work) -> None:
        again.append(await workshop.put())

    workshop.handler = put_again
    number = await workshop.put()
    assert await workshop.put() == number
    assert await workshop.put("2026-04") != number
    await workshop.runner.carry_out(number)
    assert again == [number]
    assert await workshop.put() > number


async def test_two_that_put_the_same_at_one_moment_get_one_number(workshop: Workshop) -> None:
    numbers = await asyncio.gather(*(workshop.put() for _ in range(6)))
    assert len(set(numbers)) == 1


async def test_what_is_put_for_later_waits_for_its_time(workshop: Workshop) -> None:
    number = await workshop.put(at=workshop.now + MINUTE)
    await workshop.runner.carry_out(number)
    assert workshop.carried_out == []
    workshop.now += MINUTE
    await workshop.runner.carry_out(number)
    assert (await workshop.job(number)).state is JobState.DONE


async def test_what_fails_is_tried_again_with_growing_steps_then_dead_and_revived(workshop: Workshop) -> None:
    async def fail(work: Work) -> None:
        async with work.finish("half") as connection:
            await connection.execute(text("DELETE FROM jobs"))  # must be undone with it
            raise RuntimeError(f"no luck with card {CARD}")

    workshop.handler = fail
    number = await workshop.put()
    for tries, wait in ((1, 5 * SECOND), (2, 10 * SECOND)):
        await workshop.runner.carry_out(number)
        job = await workshop.job(number)
        assert (job.state, job.tries, job.next_at) == (JobState.WAITING, tries, workshop.now + wait)
        assert job.error.startswith("RuntimeError: no luck with card ***")
        assert CARD not in job.error
        await workshop.runner.carry_out(number)  # not yet
        workshop.now += wait
    await workshop.runner.carry_out(number)
    assert (await workshop.job(number)).state is JobState.DEAD
    assert len(workshop.carried_out) == RETRY.tries
    workshop.handler = None
    async with workshop.database.write() as connection:
        assert await workshop.jobs.again(connection, number) == number
        assert await workshop.jobs.again(connection, number) is None
    await workshop.runner.carry_out(number)
    job = await workshop.job(number)
    assert (job.state, job.error, job.result) == (JobState.DONE, "", "")


async def test_a_dead_one_that_was_put_again_meanwhile_is_not_done_twice(workshop: Workshop) -> None:
    async def hopeless(_: Work) -> None:
        raise Hopeless("there are too many rows: name queues")

    workshop.handler = hopeless
    number = await workshop.put()
    await workshop.runner.carry_out(number)
    job = await workshop.job(number)
    assert (job.state, job.error) == (JobState.DEAD, "there are too many rows: name queues")
    newer = await workshop.put()
    async with workshop.database.write() as connection:
        assert await workshop.jobs.again(connection, number) == newer
    assert (await workshop.job(number)).state is JobState.CANCELLED


async def test_only_what_waits_or_is_dead_can_be_cancelled(workshop: Workshop) -> None:
    async def cancelled(number: int) -> bool:
        async with workshop.database.write() as connection:
            return await workshop.jobs.cancel(connection, number)

    tried = []

    async def cancel_itself(work: Work) -> None:
        tried.append(await cancelled(work.job.number))

    workshop.handler = cancel_itself
    waits, runs = await workshop.put("waits"), await workshop.put("runs")
    assert await cancelled(waits)
    for number in (waits, runs):
        await workshop.runner.carry_out(number)
    assert workshop.carried_out == ["runs"]
    assert tried == [False]
    assert not await cancelled(runs)


async def test_the_job_of_a_dead_process_is_taken_over_and_its_ghost_stores_nothing(
    workshop: Workshop, effects: None
) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def effect(work: Work) -> None:
        if work.job.turn == 1:
            began.set()
            await go_on.wait()
            with pytest.raises(Superseded):
                await work.progress(1, 2)
        async with work.finish() as connection:
            statement = text("INSERT INTO effects (job) VALUES (:turn)")
            await connection.execute(statement, {"turn": str(work.job.turn)})

    workshop.handler = effect
    number = await workshop.put()
    ghost = asyncio.create_task(workshop.runner.carry_out(number))
    await asyncio.wait_for(began.wait(), 30)
    await workshop.another().carry_out(number)  # its lease holds: nobody touches it
    assert (await workshop.job(number)).turn == 1
    workshop.now += MINUTE
    await workshop.another().carry_out(number)
    go_on.set()
    await asyncio.wait_for(ghost, 30)
    job = await workshop.job(number)
    assert (job.state, job.turn, job.tries) == (JobState.DONE, 2, 1)
    async with workshop.database.read() as connection:
        assert list((await connection.execute(text("SELECT job FROM effects"))).scalars()) == ["2"]


async def test_a_job_that_takes_long_keeps_its_lease_as_long_as_its_process_lives(workshop: Workshop) -> None:
    began, release = asyncio.Event(), asyncio.Event()

    async def outlast(_: Work) -> None:
        began.set()
        await release.wait()

    workshop.handler = outlast
    number, lease = await workshop.put(), 60 * MILLISECOND
    task = asyncio.create_task(workshop.another(lease).carry_out(number))
    async with asyncio.timeout(30):
        await began.wait()
        for _ in range(3):
            workshop.now += lease - 1
            while (await workshop.job(number)).next_at != workshop.now + lease:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await workshop.another().carry_out(number)  # nothing to do for it
        release.set()
        await task
    job = await workshop.job(number)
    assert (job.state, job.turn) == (JobState.DONE, 1)


async def test_a_job_that_kills_whoever_runs_it_is_given_up(workshop: Workshop) -> None:
    release, dying = asyncio.Event(), []

    async def hang(_: Work) -> None:
        await release.wait()

    workshop.handler = hang
    number = await workshop.put()
    for turn in range(1, RETRY.tries + 1):
        dying.append(asyncio.create_task(workshop.another().carry_out(number)))
        async with asyncio.timeout(30):
            while (await workshop.job(number)).turn < turn:  # noqa: ASYNC110  nothing tells of it
                await asyncio.sleep(0.01)
        workshop.now += MINUTE
    await workshop.another().carry_out(number)
    job = await workshop.job(number)
    assert (job.state, job.tries) == (JobState.DEAD, RETRY.tries)
    assert "whoever ran it died" in job.error
    release.set()
    await asyncio.gather(*dying)
    assert (await workshop.job(number)).state is JobState.DEAD


async def test_what_is_stopped_in_order_is_given_back_and_costs_no_try(workshop: Workshop) -> None:
    began = asyncio.Event()

    async def wait(_: Work) -> None:
        began.set()
        await asyncio.Event().wait()

    workshop.handler = wait
    number = await workshop.put()
    task = asyncio.create_task(workshop.runner.carry_out(number))
    await asyncio.wait_for(began.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    job = await workshop.job(number)
    assert (job.state, job.tries, job.next_at) == (JobState.WAITING, 0, workshop.now)


async def test_progress_and_result_are_seen(workshop: Workshop) -> None:
    seen = []

    async def count(work: Work) -> None:
        for done in range(101):
            await work.progress(done, 100, f"第 {done} 行")
            workshop.now += SECOND // 10
            job = await workshop.job(work.job.number)
            seen.append((job.done, job.total, job.doing))
        async with work.finish("report-1.xlsx"):
            pass

    workshop.handler = count
    number = await workshop.put()
    await workshop.runner.carry_out(number)
    assert seen[0] == (0, 100, "第 0 行")
    assert seen[-1] == (100, 100, "第 100 行")
    assert 15 < len(set(seen)) < 30  # not every one is a unit of work of its own
    assert (await workshop.job(number)).result == "report-1.xlsx"


async def test_how_the_queue_stands_and_that_old_rows_go(workshop: Workshop) -> None:
    async def hopeless(_: Work) -> None:
        raise Hopeless("never")

    first, later = await workshop.put("1"), await workshop.put("2", at=workshop.now + MINUTE)
    dead, done = await workshop.put("3"), await workshop.put("4")
    await workshop.runner.carry_out(done)
    workshop.handler = hopeless
    await workshop.runner.carry_out(dead)
    workshop.handler = None
    async with workshop.database.read() as connection:
        standing = await workshop.jobs.standing(connection)
        listed = await workshop.jobs.listed(connection, states=[JobState.WAITING])
    assert (standing.waiting, standing.running, standing.dead) == (2, 0, 1)
    assert standing.oldest_due == workshop.now
    assert [job.number for job in listed] == [later, first]
    workshop.now += Pace().keep + DAY
    await workshop.runner.carry_out(first)
    async with workshop.database.read() as connection:
        left = {job.number for job in await workshop.jobs.listed(connection)}
    assert left == {first, later, dead}


async def test_what_cannot_be_put_is_refused(workshop: Workshop) -> None:
    async with workshop.database.write() as connection:
        with pytest.raises(LookupError, match="no handler for jobs of the kind 'dance'"):
            await workshop.jobs.put(connection, "dance", "k")
        with pytest.raises(BadInput, match="120 is the most"):
            await workshop.jobs.put(connection, KIND, "k" * 121)
    with pytest.raises(ValueError, match="have a handler already"):
        workshop.jobs.register(KIND, workshop._handle)
