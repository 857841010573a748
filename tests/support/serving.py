"""`hotline serve` as a process of its own beside a floor's Asterisk: it can be killed and frozen."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.floor import Floor

ROOT = Path(__file__).parents[2]


def environment(hotline: Floor, **given: str) -> dict[str, str]:
    """The floor's settings as a service of its own finds them; `given`: others, by their names."""
    settings = hotline.settings
    found = {
        "DATA_DIR": str(settings.data_dir),
        "CREDENTIALS": str(settings.data_dir.parent / "credentials.json"),
        "DATABASE__MAIN": settings.main_url,
        "DATABASE__LEDGER": settings.ledger_url,
        "WEB__PORT": str(settings.web.port),
        "SESSION__CHANGE_INITIAL": "false",
        "NODES": json.dumps([node.model_dump(mode="json") for node in settings.nodes]),
        "LOG__LEVEL": "info",
        "LOG__FORM": "json",
    }
    return os.environ | {f"HOTLINE_{name}": value for name, value in (found | given).items()}


class Serving:
    """A service's process, and all that it says from when it was connected to the node."""

    def __init__(self, process: asyncio.subprocess.Process, said: asyncio.Task[bytes]) -> None:
        self.process = process
        self._said = said

    async def ends(self) -> tuple[int, str]:
        """Its status and its last words, once it has ended."""
        async with asyncio.timeout(60):
            status = await self.process.wait()
            return status, (await self._said).decode()


@asynccontextmanager
async def serving(environment: Mapping[str, str]) -> AsyncIterator[Serving]:
    """One that serves and is connected to the node; gone afterwards, if it is not before."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hotline", "serve"),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    said: asyncio.Task[bytes] | None = None
    try:
        assert process.stderr is not None
        before = []
        async with asyncio.timeout(60):
            while b"telephony.reconciled" not in (line := await process.stderr.readline()):
                before.append(line.decode())
                assert line, "".join(before)
        said = asyncio.create_task(process.stderr.read())
        yield Serving(process, said)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        if said is not None:
            await said
