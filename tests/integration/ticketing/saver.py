"""A process that saves until it is killed: `python -m … FOLDER MAIN_URL LEDGER_URL FIRST`."""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from tests.integration.ticketing.conftest import desk_in
from ticketing.model import SummaryText


async def save_on(folder: Path, urls: tuple[str, str], first: int) -> None:
    async with desk_in(folder, *urls) as desk:
        person = desk.person("1001")
        for count in itertools.count(first):
            leg = await desk.talk(f"node1-1700000000.{count}")
            saved = await desk.summaries.save(
                person, leg, SummaryText(type="enquiry", content="咨询", result="答")
            )
            sys.stdout.write(saved.number + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(save_on(Path(sys.argv[1]), (sys.argv[2], sys.argv[3]), int(sys.argv[4])))
