"""Sleeping and waking, on a real event loop; nothing here waits for a clock."""

from __future__ import annotations

import asyncio

from core.clock import SECOND
from storage.waker import NEVER, Waker

NOW = 1_795_276_800_000_000


async def asleep(task: asyncio.Task[None]) -> bool:
    """Whether the task still sleeps after every chance to wake."""
    for _ in range(10):
        await asyncio.sleep(0)
    return not task.done()


async def test_an_earlier_row_wakes_and_a_later_one_does_not() -> None:
    waker = Waker(clock=lambda: NOW, look_again_s=3600)
    task = asyncio.create_task(waker.sleep(NOW + 60 * SECOND, late_commits=False))
    assert await asleep(task)
    waker.tell(NOW + 61 * SECOND)
    assert await asleep(task)
    waker.tell(NOW + 59 * SECOND)
    await asyncio.wait_for(task, 30)


async def test_what_is_told_between_two_sleeps_is_not_forgotten() -> None:
    waker = Waker(clock=lambda: NOW, look_again_s=3600)
    waker.tell(NOW)  # while the task looks
    await asyncio.wait_for(waker.sleep(NEVER, late_commits=False), 30)
    task = asyncio.create_task(waker.sleep(NEVER, late_commits=False))
    assert await asleep(task)
    task.cancel()


async def test_where_commits_come_late_it_looks_again_by_itself_a_few_times() -> None:
    waker = Waker(clock=lambda: NOW, look_again_s=3600)
    waker.tell(NOW)
    await asyncio.wait_for(waker.sleep(NEVER, late_commits=True), 30)
    await asyncio.wait_for(waker.sleep(NEVER, late_commits=True), 30)  # nobody told anything
