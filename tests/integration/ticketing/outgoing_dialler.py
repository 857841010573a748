"""A process that is killed right after it has dialled: `python -m … FOLDER MAIN_URL LEDGER_URL SUMMARY`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from tests.integration.ticketing.conftest import desk_in
from tests.integration.ticketing.test_outgoing import outgoing_of
from ticketing.outgoing_rules import About


async def dial_and_die(folder: Path, urls: tuple[str, str], summary: str) -> None:
    """The customer's telephone rings; nobody is left to say so."""

    async def dial(*, number: str, **_about: object) -> NoReturn:
        with (folder / "dialled").open("a", encoding="ascii") as line:
            line.write(number + "\n")
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("killed")

    async with desk_in(folder, *urls) as desk:
        await outgoing_of(desk, dial).begin(desk.person("1001"), About.SUMMARY, summary)


if __name__ == "__main__":
    asyncio.run(dial_and_die(Path(sys.argv[1]), (sys.argv[2], sys.argv[3]), sys.argv[4]))
