"""Leaving the demo, and what leaves it: nothing of it stays behind."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.e2e.demo.test_demo import command, environment

pytestmark = pytest.mark.asterisk


class Performance:
    """A demo at a terminal: what it has said so far, and its process group."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[str] = []

    async def until(self, words: str, within_s: float = 60) -> None:
        """Read on until a line has these words."""
        assert self.process.stderr is not None
        async with asyncio.timeout(within_s):
            while line := (await self.process.stderr.readline()).decode():
                self.said.append(line)
                if words in line:
                    return
        raise AssertionError(f"it never said {words!r}:\n{''.join(self.said)}")

    def ctrl_c(self) -> None:
        """As a terminal does it: to everyone in the foreground."""
        os.killpg(self.process.pid, signal.SIGINT)

    async def gone(self, within_s: float = 60) -> int:
        """Its exit status."""
        rest = await asyncio.wait_for(self.process.communicate(), within_s)
        self.said.append(rest[1].decode())
        return self.process.returncode or 0


def processes_of(folder: str) -> dict[int, str]:
    """Processes that work in this folder: id → command line."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has just ended
        if folder in words:
            found[int(entry.parent.name)] = words
    return found


@asynccontextmanager
async def performance(folder: str, *arguments: str) -> AsyncIterator[Performance]:
    process = await asyncio.create_subprocess_exec(
        *command(*arguments),
        env=environment(Path(folder)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield Performance(process)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGTERM)
            await process.communicate()


@pytest.mark.parametrize("word", ["starting Asterisk", "take their seats"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_during_the_start_leaves_nothing_behind(word: str, number: signal.Signals) -> None:
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        async with performance(folder) as demo:
            await demo.until(word)
            os.killpg(demo.process.pid, number)
            status = await demo.gone()
        assert processes_of(folder) == {}
    said = "".join(demo.said)
    assert status == 130 or (word == "take their seats" and status == 1), said  # 1: it ended before any call
    assert "Traceback" not in said


async def test_ctrl_c_lets_calls_end_and_a_second_one_does_not_wait_for_them() -> None:
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        async with performance(folder) as demo:
            await demo.until("customers call")
            await asyncio.sleep(6)  # calls of 90 a minute come by the clock
            demo.ctrl_c()
            await demo.until("no new calls")
            running = processes_of(folder).values()
            assert any("asterisk.conf" in words for words in running)  # Ctrl-C was not for Asterisk
            demo.ctrl_c()
            assert await demo.gone(within_s=60) == 130
        assert processes_of(folder) == {}
    assert "Traceback" not in "".join(demo.said)


async def test_an_asterisk_that_dies_is_started_again() -> None:
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        async with performance(folder, "--no-callers") as demo:
            await demo.until("the line is yours")
            (asterisk,) = (pid for pid, words in processes_of(folder).items() if "asterisk.conf" in words)
            os.kill(asterisk, signal.SIGKILL)
            await demo.until("started again")
            await demo.until("Asterisk is back")
            demo.ctrl_c()
            assert await demo.gone() == 0
        assert processes_of(folder) == {}
