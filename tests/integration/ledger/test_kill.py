"""SIGKILL in the middle of writing: what was declared stored is there, once, without a hole (guarantee 2)."""

from __future__ import annotations

import asyncio
import random
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from ledger.ledger import Ledger
from storage import Database, migrate
from tests.support.databases import Databases

ROUNDS = {"sqlite": 12, "postgresql": 6}

WRITER = """
import asyncio, sys
from pathlib import Path
from core.facts import DeviceContactChanged
from ledger.ledger import Ledger
from storage import Database

async def main(folder, url):
    database = Database(url, name="ledger", busy_timeout_ms=10)
    await database.open()
    ledger = Ledger(database, spool=Path(folder) / "spool")
    await ledger.open()
    print("start", ledger.last, flush=True)
    while True:
        first = ledger.last + 1
        facts = [DeviceContactChanged(at=n, device="d001", reachable=True) for n in range(first, first + 40)]
        last = ledger.append(facts)
        await ledger.stored(last)
        print("stored", last, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


async def _write_until_killed(
    folder: Path, databases: Databases, after: float, *, hold: bool
) -> tuple[int, int]:
    writer = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WRITER,
        str(folder),
        databases.url("ledger", "ledger"),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    assert writer.stdout is not None
    start = int((await asyncio.wait_for(writer.stdout.readline(), 20)).split()[1])
    # The database refuses for a part of the time, so that some kills hit the spool.
    with databases.held("ledger") if hold else nullcontext():
        await asyncio.sleep(after / 2)
    await asyncio.sleep(after / 2)
    writer.kill()
    said = (await writer.stdout.read()).decode().splitlines(keepends=True)
    await writer.wait()
    # A line that the kill cut through declares nothing.
    numbers = [int(line.split()[1]) for line in said if line.startswith("stored ") and line.endswith("\n")]
    return start, max(numbers, default=start)


@pytest.mark.parametrize("hold", [False, True])
async def test_killed_again_and_again_the_ledger_keeps_its_word(
    databases: Databases, tmp_path: Path, hold: bool
) -> None:
    database = Database(databases.url("ledger", "ledger"), name="ledger")
    await database.open()
    await migrate(database, "ledger")
    chance, declared, spools, rounds = random.Random(7), 0, 0, ROUNDS[databases.kind]
    for _ in range(rounds):
        start, stored = await _write_until_killed(tmp_path, databases, chance.uniform(0.05, 0.4), hold=hold)
        assert start >= declared, "a fact that was declared stored is gone"
        declared = stored
        spools += (tmp_path / "spool").exists()
    assert (spools > 0) is hold, "the kills are to hit both ways of keeping facts"
    ledger = Ledger(database, spool=tmp_path / "spool")
    await ledger.open()
    await asyncio.wait_for(ledger.readable(ledger.last), 10)
    facts = await ledger.read(0, limit=1_000_000)
    assert ledger.last >= declared > rounds * 40
    assert [(n.seq, n.fact.at) for n in facts] == [(n, n) for n in range(1, ledger.last + 1)]
    await ledger.close()
    await database.close()
