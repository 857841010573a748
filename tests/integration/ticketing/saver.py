"""A process that saves until it is killed: `python -m tests.integration.ticketing.saver FOLDER FIRST`."""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from tests.integration.ticketing.conftest import desk_in
from ticketing.model import SummaryText


async def save_on(folder: Path, first: int) -> None:
    async with desk_in(folder) as desk:
        person = desk.person("1001")
        for count in itertools.count(first):
            leg = await desk.talk(f"node1-1700000000.{count}")
            saved = await desk.summaries.save(
                person, leg, SummaryText(type="enquiry", content="咨询", result="答")
            )
            sys.stdout.write(saved.number + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(save_on(Path(sys.argv[1]), int(sys.argv[2])))
