"""`hotline intervals rebuild` as an operator types it, beside a service that holds the ledger."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from board.report_service import Reports
from board.tables import interval_queues
from core.facts import LeaveReason
from ledger import Ledger
from storage import Database, migrate
from tests.unit.board.story import MIDNIGHT, NOON, Story

PROJECT = Path(__file__).parents[3]


@pytest.fixture
async def main(tmp_path: Path) -> AsyncIterator[Database]:
    """The main database of a service that has counted ten calls and goes on running."""
    (tmp_path / "hotline.toml").write_text(f'data_dir = "{tmp_path}"\n', encoding="utf-8")
    main = Database(f"sqlite+aiosqlite:///{tmp_path}/hotline.db", name="main")
    facts = Database(f"sqlite+aiosqlite:///{tmp_path}/ledger.db", name="ledger")
    await main.open()
    await facts.open()
    await migrate(main)
    await migrate(facts, "ledger")
    ledger = Ledger(facts, spool=tmp_path / "ledger.spool")
    await ledger.open()
    reports = Reports(ledger=ledger, database=main, clock=lambda: NOON, linger_s=0)
    running = asyncio.create_task(reports.consumer.run())
    for start in (NOON, MIDNIGHT):
        story = Story(start)
        for n in range(5):
            story.joins(f"{start}-{n}", n)
            story.leaves(f"{start}-{n}", n, 4, LeaveReason.ABANDONED)
        ledger.append([each.fact for each in story.told()])
    await asyncio.wait_for(reports.consumer.caught_up(ledger.last), 30)
    yield main
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await ledger.close()
    await main.close()
    await facts.close()


async def typed(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit status and everything that was said."""
    command = [sys.executable, "-m", "hotline", "intervals", "rebuild", *arguments]
    process = await asyncio.create_subprocess_exec(
        *command,
        *("--config", str(folder / "hotline.toml")),
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode or 0, said.decode()


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def offered(main: Database) -> list[int]:
    async with main.read() as connection:
        query = select(interval_queues.c.offered).order_by(interval_queues.c.start)
        return list((await connection.execute(query)).scalars())


async def test_it_mends_what_is_wrong_says_how_far_it_is_and_what_it_found(
    main: Database, tmp_path: Path
) -> None:
    status, said = await typed(tmp_path)
    assert (status, "0 of them were missing or wrong, 0 were too many" in said) == (0, True), said
    async with main.write() as connection:
        await connection.execute(update(interval_queues).values(offered=77))
    status, said = await typed(tmp_path, "--since", "2026-03-03")
    assert (status, await offered(main)) == (0, [77, 5]), said
    assert "1 rows are right, 1 of them were missing or wrong" in said
    status, said = await typed(tmp_path)
    assert (status, await offered(main)) == (0, [5, 5]), said
    assert "(100%)" in said


async def test_a_date_that_is_none_is_refused(main: Database, tmp_path: Path) -> None:
    assert main.is_open
    status, said = await typed(tmp_path, "--since", "last week")
    assert (status, "--since: 'last week' is no date: write it as 2026-03-02" in said) == (2, True)


async def test_where_no_service_has_been_nothing_is_made(tmp_path: Path) -> None:
    (tmp_path / "hotline.toml").write_text(f'data_dir = "{tmp_path}"\n', encoding="utf-8")
    status, said = await typed(tmp_path)
    assert (status, "hotline.db is not there" in said) == (2, True), said
    assert names(tmp_path) == ["hotline.toml"]
