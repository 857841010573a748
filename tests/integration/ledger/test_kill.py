"""SIGKILL in the middle of writing: what was declared stored is there, once, without a hole (guarantee 2)."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
from pathlib import Path

import pytest

from ledger.ledger import Ledger
from storage import Database, migrate

ROUNDS = 12

WRITER = """
import asyncio, sys
from pathlib import Path
from core.facts import DeviceContactChanged
from ledger.ledger import Ledger
from storage import Database

async def main(folder):
    database = Database(f"sqlite+aiosqlite:///{folder}/ledger.db", name="ledger", busy_timeout_ms=10)
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

asyncio.run(main(sys.argv[1]))
"""


async def _write_until_killed(folder: Path, after: float, *, hold: bool) -> tuple[int, int]:
    writer = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WRITER,
        str(folder),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    assert writer.stdout is not None
    start = int((await asyncio.wait_for(writer.stdout.readline(), 20)).split()[1])
    holder = sqlite3.connect(folder / "ledger.db", isolation_level=None, timeout=5)
    if hold:  # the database refuses for a part of the time, so that some kills hit the spool
        holder.execute("BEGIN IMMEDIATE")
    await asyncio.sleep(after / 2)
    if hold:
        holder.execute("ROLLBACK")
    holder.close()
    await asyncio.sleep(after / 2)
    writer.kill()
    said = (await writer.stdout.read()).decode().splitlines()
    await writer.wait()
    numbers = [int(line.split()[1]) for line in said if line.startswith("stored ")]
    return start, max(numbers, default=start)


@pytest.mark.parametrize("hold", [False, True])
async def test_killed_again_and_again_the_ledger_keeps_its_word(tmp_path: Path, hold: bool) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/ledger.db", name="ledger")
    await database.open()
    await migrate(database, "ledger")
    chance, declared, spools = random.Random(7), 0, 0
    for _ in range(ROUNDS):
        start, stored = await _write_until_killed(tmp_path, chance.uniform(0.05, 0.4), hold=hold)
        assert start >= declared, "a fact that was declared stored is gone"
        declared = stored
        spools += (tmp_path / "spool").exists()
    assert (spools > 0) is hold, "the kills are to hit both ways of keeping facts"
    ledger = Ledger(database, spool=tmp_path / "spool")
    await ledger.open()
    await asyncio.wait_for(ledger.readable(ledger.last), 10)
    facts = await ledger.read(0, limit=1_000_000)
    assert ledger.last >= declared > ROUNDS * 40
    assert [(n.seq, n.fact.at) for n in facts] == [(n, n) for n in range(1, ledger.last + 1)]
    await ledger.close()
    await database.close()
