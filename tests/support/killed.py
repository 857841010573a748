"""A program of its own that gets SIGKILL in the middle of what it does: from us, or by its own hand."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


async def run_until_killed(program: str, *arguments: str, lines: int, then_s: float) -> None:
    """Run `program`, Python text; kill it `then_s` seconds after it has printed so many lines."""
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, *arguments), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert running.stdout is not None
    try:
        async with asyncio.timeout(60):
            for _ in range(lines):
                assert await running.stdout.readline(), "the process ended by itself"
        await asyncio.sleep(then_s)
    finally:
        running.kill()
        await running.wait()


async def killed_by_itself(module: str, *arguments: str) -> None:
    """Run this module, which kills itself at a step of its own; returns once it is dead."""
    running = await asyncio.create_subprocess_exec(sys.executable, "-m", module, *arguments, cwd=ROOT)
    try:
        assert await asyncio.wait_for(running.wait(), 60) == -9
    finally:
        if running.returncode is None:
            running.kill()
