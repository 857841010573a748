from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from core.facts import SummarySaved
from tests.integration.ticketing.conftest import desk_in
from ticketing.tables import summaries, summary_duties

ROOT = Path(__file__).parents[3]


@pytest.mark.rule("SUMMARY-01", "SUMMARY-02")
async def test_a_killed_process_leaves_each_summary_with_one_number_and_one_fact(
    tmp_path: Path, urls: tuple[str, str]
) -> None:
    promised: list[str] = []
    for round_, lines in enumerate((1, 4, 9)):
        saver = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.integration.ticketing.saver"),
            *(str(tmp_path), *urls, str(1000 * round_)),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        assert saver.stdout is not None
        try:
            async with asyncio.timeout(30):
                promised += [(await saver.stdout.readline()).decode().strip() for _ in range(lines)]
        finally:
            saver.kill()
            await saver.wait()
    async with desk_in(tmp_path, *urls) as desk:
        told = [fact.number for fact in await desk.told("SummarySaved") if isinstance(fact, SummarySaved)]
        async with desk.main.read() as connection:
            kept = list((await connection.execute(select(summaries.c.number))).scalars())
            unsettled = select(summary_duties.c.leg).where(
                summary_duties.c.summary.is_(None), summary_duties.c.leg.in_(select(summaries.c.leg))
            )
            assert (await connection.execute(unsettled)).all() == []
    assert len(promised) == 14
    assert set(promised) <= set(kept)
    assert sorted(told) == sorted(kept)
    assert sorted(kept) == [f"ZJ20261122-{count:06d}" for count in range(1, len(kept) + 1)]
