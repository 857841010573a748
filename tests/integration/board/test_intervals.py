"""Intervals kept in a real database: the same digits however they came about, and however often the service
that counts them was stopped."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from board import rebuild as rebuild_module
from board import report_service
from board.intervals import agent_rows, gap_rows, queue_rows, read_held
from board.rebuild import Rebuild, Rebuilt
from board.report_service import Reports
from board.tables import interval_agents, interval_gaps, interval_held, interval_queues
from board.tally import Held, Tally
from core.clock import Instant
from core.errors import NotFound
from core.facts import AgentState, Fact, GapDeclared, LeaveReason, Numbered
from ledger import Ledger
from ledger.store import FactStore
from storage import Database, migrate
from tests.unit.board.plans import Caller, plans, tell
from tests.unit.board.story import HOUR, MIDNIGHT, NOON, Story, s

Both = tuple[Database, Database]
KEYS = ("start", "queue", "agent")
Digits = tuple[list[dict[str, Any]], list[dict[str, Any]], Held]


@asynccontextmanager
async def counting(reports: Reports) -> AsyncIterator[Reports]:
    """The service that counts, for a while; leaving stops it wherever it is."""
    task = asyncio.create_task(reports.consumer.run())
    try:
        yield reports
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def service(ledger: Ledger, main: Database) -> Reports:
    return Reports(ledger=ledger, database=main, clock=lambda: NOON, linger_s=0)


async def caught_up(reports: Reports, ledger: Ledger) -> None:
    await asyncio.wait_for(reports.consumer.caught_up(ledger.last), 30)


async def digits(main: Database) -> Digits:
    """Every row that says something, and what is open."""
    async with main.read() as connection:
        found = []
        for table in (interval_queues, interval_agents):
            rows = (await connection.execute(select(table))).mappings()
            found.append(in_order(dict(row) for row in rows))
        return found[0], found[1], await read_held(connection)


def in_order(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows by their keys; a row of zeros is as good as none."""
    kept = [row for row in rows if any(value for name, value in row.items() if name not in KEYS)]
    return sorted(kept, key=lambda row: [str(row[name]) for name in KEYS if name in row])


def expected(facts: Sequence[Fact]) -> Digits:
    """What one tally over all facts makes of them."""
    tally = Tally()
    for seq, fact in enumerate(facts, 1):
        tally.count(Numbered(seq, fact))
    queues = in_order(queue_rows(tally.quarters))
    return queues, in_order(agent_rows(tally.agent_quarters)), tally.held()


def a_day(calls: int = 60, start: Instant = NOON) -> list[Fact]:
    """Calls every half minute over some quarter-hours, as one would see them at a small desk."""
    story, chance = Story(start), random.Random(4)
    for agent in range(1001, 1009):
        story.state(str(agent), -60, AgentState.READY)
    for n in range(calls):
        queue = ("card-cmn", "loss-cmn", "personal-cmn")[n % 3]
        story.joins(f"c{n}", n * 30, queue)
        if n % 4 == 0:
            story.leaves(f"c{n}", n * 30, 2 + n % 12, LeaveReason.ABANDONED, queue)
        else:
            survey = (chance.randint(1, 5), chance.randint(1, 2)) if n % 2 else None
            agent, talk = str(1001 + n % 8), chance.randint(20, 200)
            story.answers(f"c{n}", agent, n * 30, 1 + n % 15, talk, wrap=9, queue=queue, survey=survey)
    return [numbered.fact for numbered in story.told()]


async def test_what_is_counted_in_many_batches_and_lives_is_what_one_run_counts(
    both: Both, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_service, "BATCH", 7)
    main, facts = both[0], a_day()
    chance = random.Random(5)
    told = 0
    while told < len(facts):
        part = facts[told : told + chance.randint(1, 60)]
        told += len(part)
        last = ledger.append(part)
        async with counting(service(ledger, main)) as reports:  # stopped somewhere behind this number
            await asyncio.wait_for(reports.consumer.caught_up(last - chance.randint(0, len(part))), 30)
    async with counting(service(ledger, main)) as reports:
        await caught_up(reports, ledger)
    assert await digits(main) == expected(facts)


async def a_short_life(plan: list[Caller], late: list[int], cuts: list[int], folder: Path) -> None:
    """The plan told with some facts late, counted by services that are stopped in between, then again."""
    facts = [numbered.fact for numbered in tell(plan).told()]
    for where in late:
        facts.append(facts.pop(where % len(facts)))
    main = Database(f"sqlite+aiosqlite:///{folder}/main.db", name="main")
    kept = Database(f"sqlite+aiosqlite:///{folder}/ledger.db", name="ledger")
    await main.open()
    await kept.open()
    await migrate(main)
    await migrate(kept, "ledger")
    ledger = Ledger(kept, spool=folder / "ledger.spool")
    await ledger.open()
    borders = sorted({0, len(facts), *(cut % len(facts) for cut in cuts)})
    for first, last in pairwise(borders):
        ledger.append(facts[first:last])
        async with counting(service(ledger, main)) as reports:
            await caught_up(reports, ledger)
    first_time = await digits(main)
    done = await Rebuild(database=main, facts=FactStore(kept)).run()
    assert (done.mended, done.removed) == (0, 0)
    await spoil(main)
    await Rebuild(database=main, facts=FactStore(kept)).run()
    assert await digits(main) == first_time == expected(facts)
    await ledger.close()
    await main.close()
    await kept.close()


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    plan=plans, late=st.lists(st.integers(0, 500), max_size=5), cuts=st.lists(st.integers(0, 500), max_size=3)
)
def test_any_story_counted_again_has_the_same_digits(
    plan: list[Caller], late: list[int], cuts: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(a_short_life(plan, late, cuts, Path(folder)))


async def spoil(main: Database) -> None:
    """Wrong digits, a row too many, rows too few, and a wrong memory of what is open."""
    async with main.write() as connection:
        await connection.execute(update(interval_queues).values(offered=99))
        stranger = dict.fromkeys((column.name for column in interval_queues.columns), 7)
        await connection.execute(
            interval_queues.insert().values(**(stranger | {"start": MIDNIGHT - 24 * HOUR, "queue": "nobody"}))
        )
        await connection.execute(delete(interval_agents).where(interval_agents.c.start >= MIDNIGHT))
        await connection.execute(update(interval_held).values(body='{"last": 0}'))


async def rebuilt(both: Both, since: Instant | None = None) -> Rebuilt:
    store = FactStore(both[1])
    try:
        return await Rebuild(database=both[0], facts=store, since=since).run()
    finally:
        await store.close()


class MovingWorld(FactStore):
    """The ledger's facts, of which some more come, and are counted by the service, after each of the first
    pages that a rebuild reads and once more before it puts rows in place."""

    def __init__(self, database: Database, ledger: Ledger, reports: Reports, to_come: list[Fact]) -> None:
        super().__init__(database)
        self._ledger, self._reports, self.to_come = ledger, reports, to_come
        self._pages = 0

    async def read(self, after: int, limit: int = 1000, **more: Any) -> list[Numbered]:
        page = await super().read(after, limit, **more)
        self._pages += 1
        if self._pages <= 3:  # later ones are read while the cursor is held
            await self.move_on()
        return page

    async def move_on(self) -> None:
        some, self.to_come = self.to_come[:20], self.to_come[20:]
        self._ledger.append(some)
        await caught_up(self._reports, self._ledger)


class MovingRebuild(Rebuild):
    """As it is, in a world that moves on between its two parts."""

    def __init__(self, world: MovingWorld, database: Database) -> None:
        super().__init__(database=database, facts=world)
        self._world = world

    async def _days(self) -> AsyncIterator[Instant]:
        await self._world.move_on()
        async for day in super()._days():
            yield day


async def test_the_service_goes_on_counting_while_everything_is_counted_again(
    both: Both, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild_module, "_PAGE", 50)
    facts = [*a_day(40, MIDNIGHT - HOUR // 2), *a_day(40, MIDNIGHT + 20 * HOUR)]
    main, early = both[0], len(facts) - 170
    ledger.append(facts[:early])
    async with counting(service(ledger, main)) as reports:
        await caught_up(reports, ledger)
        await spoil(main)
        world = MovingWorld(both[1], ledger, reports, facts[early:])
        done = await MovingRebuild(world, main).run()
        assert done.mended > 0
        assert done.removed == 1
        assert len(world.to_come) == 170 - 4 * 20
        ledger.append(world.to_come)
        await caught_up(reports, ledger)
        await world.close()
    assert await digits(main) == expected(facts)


async def test_a_rebuild_since_a_day_leaves_the_days_before_alone(both: Both, ledger: Ledger) -> None:
    main = both[0]
    story = Story(MIDNIGHT - 30 * HOUR)
    story.state("1009", 0, AgentState.NOT_READY, reason="training")  # for longer than facts are read back
    old = [numbered.fact for numbered in story.told()]
    over_midnight = Story(MIDNIGHT)
    over_midnight.joins("m", -4)
    over_midnight.answers("m", "1001", -4, 9, 40, wrap=5)
    end = Story(MIDNIGHT + HOUR)
    end.state("1009", 0, AgentState.LOGGED_OUT)
    facts = [*old, *a_day(20, MIDNIGHT - 2 * HOUR), *[n.fact for n in over_midnight.told()]]
    facts += [*[n.fact for n in end.told()], *a_day(20, MIDNIGHT + 2 * HOUR)]
    ledger.append(facts)
    async with counting(service(ledger, main)) as reports:
        await caught_up(reports, ledger)
    right = await digits(main)
    async with main.write() as connection:
        await connection.execute(update(interval_agents).values(ready_us=5))
    done = await rebuilt(both, MIDNIGHT)
    queues, agents, held = await digits(main)
    assert (queues, held) == (right[0], right[2])
    assert [row for row in agents if row["start"] >= MIDNIGHT] == [
        row for row in right[1] if row["start"] >= MIDNIGHT
    ]
    assert {row["ready_us"] for row in agents if row["start"] < MIDNIGHT} == {5}
    assert done.mended == sum(row["start"] >= MIDNIGHT and row["ready_us"] != 5 for row in right[1])


async def test_a_rebuild_before_anything_was_counted_is_refused_with_a_reason(both: Both) -> None:
    with pytest.raises(NotFound, match="nothing has been counted in these data yet: start the service"):
        await rebuilt(both)


async def test_gaps_are_kept_once(both: Both, ledger: Ledger) -> None:
    gap = GapDeclared(at=NOON + s(60), node="node1", since=NOON, cause="not running")
    ledger.append([gap, *a_day(4)])
    async with counting(service(ledger, both[0])) as reports:
        await caught_up(reports, ledger)
    await rebuilt(both)
    async with both[0].read() as connection:
        rows = (await connection.execute(select(interval_gaps))).mappings().all()
    assert [dict(row) for row in rows] == list(gap_rows([Numbered(1, gap)]))
