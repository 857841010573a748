"""Whoever carries jobs out is stopped, also where a library keeps the word to itself."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from storage.jobs.server import ended


async def test_a_task_that_loses_a_cancellation_is_told_again() -> None:
    """As under `asyncio.wait_for` up to Python 3.11, when it is done in the same moment."""
    begun, lost, given_up = asyncio.Event(), list[int](), list[int]()

    async def goes_on() -> None:
        with suppress(asyncio.CancelledError):
            begun.set()
            await asyncio.Event().wait()
        lost.append(1)
        await asyncio.Event().wait()

    async def obeys() -> None:
        await asyncio.Event().wait()

    tasks = [asyncio.create_task(goes_on()), asyncio.create_task(obeys())]
    await begun.wait()
    async with asyncio.timeout(20):
        await ended(tasks, lambda: given_up.append(1), again_s=0.01)
    assert [task.cancelled() for task in tasks] == [True, True]
    assert (lost, given_up) == ([1], [1])
