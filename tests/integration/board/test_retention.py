"""Figures over time: the old go, the young stay, and a rebuild leaves alone what it cannot count again."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, insert, select, update

from board.intervals import CONSUMER
from board.rebuild import Rebuild
from board.retention import IntervalsRetention
from board.tables import interval_agents, interval_gaps, interval_queues
from core.clock import DAY
from core.errors import BadInput
from core.facts import DeviceContactChanged, LeaveReason
from ledger import Ledger
from ledger.store import FactStore
from ledger.tables import cursors, facts, facts_removed
from storage import Database
from tests.unit.board.story import MIDNIGHT, Story


@pytest.fixture
def main(both: tuple[Database, Database]) -> Database:
    return both[0]


async def fill(main: Database, days: int) -> None:
    """One offered call and one agent's row a day, from MIDNIGHT on."""
    async with main.write() as connection:
        for day in range(days):
            for table, name in ((interval_queues, "queue"), (interval_agents, "agent")):
                row = {column.name: 1 for column in table.columns}
                row |= {"start": MIDNIGHT + day * DAY, name: "x"}
                await connection.execute(insert(table).values(**row))
        gap = {"node": "node1", "since": MIDNIGHT, "cause": "test"}
        for seq, until in ((1, MIDNIGHT + 1), (2, MIDNIGHT + 9 * DAY)):
            await connection.execute(insert(interval_gaps).values(seq=seq, until=until, **gap))


async def starts(main: Database) -> list[int]:
    async with main.read() as connection:
        found = (await connection.execute(select(interval_queues.c.start))).scalars()
        return sorted((start - MIDNIGHT) // DAY for start in found)


async def test_old_days_go_and_no_others(main: Database) -> None:
    await fill(main, 10)
    retention, before = IntervalsRetention(main), MIDNIGHT + 7 * DAY
    assert (await retention.remove(before, {}, dry=True)).removed == 7
    assert len(await starts(main)) == 10
    assert (await retention.remove(before, {}, dry=False)).removed == 7
    assert await starts(main) == [7, 8, 9]
    async with main.read() as connection:
        assert list((await connection.execute(select(interval_agents.c.start))).scalars()) == [
            MIDNIGHT + day * DAY for day in (7, 8, 9)
        ]
        assert list((await connection.execute(select(interval_gaps.c.seq))).scalars()) == [2]


async def test_a_rebuild_leaves_alone_what_lies_before_the_first_fact(
    both: tuple[Database, Database], ledger: Ledger
) -> None:
    main, book = both
    story = Story(MIDNIGHT)
    for day in (0, 5):
        story.joins(f"c{day}", day * DAY // 1_000_000 + 60)
        story.leaves(f"c{day}", day * DAY // 1_000_000 + 60, 4, LeaveReason.ABANDONED)
    told = [numbered.fact for numbered in story.told()]
    last = ledger.append([*told, DeviceContactChanged(at=MIDNIGHT + 6 * DAY, device="d001", reachable=True)])
    await ledger.stored(last)
    async with main.write() as connection:
        await connection.execute(insert(cursors).values(name=CONSUMER, seq=last))
    store = FactStore(book)
    await Rebuild(database=main, facts=store).run()
    assert await starts(main) == [0, 5]
    async with book.write() as connection:
        gone = [seq for seq, fact in enumerate(told, 1) if fact.at < MIDNIGHT + DAY]
        await connection.execute(delete(facts).where(facts.c.seq <= gone[-1]))
        mark = {"upto": gone[-1], "newest_at": MIDNIGHT + 100_000_000, "removed_at": 0}
        await connection.execute(insert(facts_removed).values(**mark))
    async with main.write() as connection:
        await connection.execute(update(interval_queues).values(offered=77))
    done = await Rebuild(database=main, facts=store).run()
    assert (done.mended, done.removed) == (1, 0)
    async with main.read() as connection:
        query = select(interval_queues.c.offered).order_by(interval_queues.c.start)
        assert list((await connection.execute(query)).scalars()) == [77, 1]
    with pytest.raises(BadInput, match=r"have been removed by retention: name a day from 2026-03-05 on"):
        await Rebuild(database=main, facts=store, since=MIDNIGHT).run()
