"""What holds the processor runs in a process of its own, and ends with whoever waits for it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from storage.jobs.apart import ApartFailed, apart, tell
from storage.jobs.model import Hopeless

ROOT = Path(__file__).parents[4]
PARENT = """
import asyncio, sys
from storage.jobs.apart import apart
from tests.integration.storage.jobs.test_apart import hold
asyncio.run(apart(hold, sys.argv[1]))
"""


def add(one: int, other: int) -> tuple[int, int, int]:
    sys.stdout.write("a stray word\n")
    tell(1, 2, "half")
    return one + other, os.getpid(), os.nice(0)


def fail(how: str) -> None:
    if how == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    raise Hopeless("never") if how == "hopeless" else RuntimeError("no luck")


def hold(file: str) -> None:
    Path(file).write_text(str(os.getpid()), "ascii")
    time.sleep(300)


async def test_its_result_comes_back_from_another_process_of_low_priority() -> None:
    heard = []

    async def hear(*told: object) -> None:
        heard.append(told)

    total, process, niceness = await apart(add, 2, 3, heard=hear)
    assert (total, niceness) == (5, 19)
    assert process != os.getpid()
    assert heard == [(1, 2, "half")]


@pytest.mark.parametrize(
    ("how", "error", "says"),
    [
        ("raise", ApartFailed, "RuntimeError: no luck"),
        ("hopeless", Hopeless, "never"),
        ("die", ApartFailed, "its process ended"),
    ],
)
async def test_its_failure_comes_back(how: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        await apart(fail, how)


async def pid_in(file: Path) -> int:
    async with asyncio.timeout(60):
        while not (file.exists() and file.read_text("ascii")):  # noqa: ASYNC110, ASYNC240
            await asyncio.sleep(0.02)
    return int(file.read_text("ascii"))  # noqa: ASYNC240


async def ended(process: int) -> None:
    async with asyncio.timeout(60):
        with suppress(ProcessLookupError, FileNotFoundError):
            status = Path(f"/proc/{process}/status")
            while "\nState:\tZ" not in status.read_text("ascii"):  # noqa: ASYNC110, ASYNC240
                await asyncio.sleep(0.02)


async def test_it_ends_with_the_task_that_waits(tmp_path: Path) -> None:
    task = asyncio.create_task(apart(hold, str(tmp_path / "pid")))
    process = await pid_in(tmp_path / "pid")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not Path(f"/proc/{process}").exists()  # noqa: ASYNC240


async def test_it_ends_when_our_own_process_is_killed(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(tmp_path / "pid"), cwd=ROOT
    )
    process = await pid_in(tmp_path / "pid")
    parent.kill()
    await parent.wait()
    await ended(process)
