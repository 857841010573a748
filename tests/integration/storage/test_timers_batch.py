"""Many timers in one unit of work, on SQLite and PostgreSQL: as if each had been fired by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import MINUTE, SECOND, Instant
from storage import Database, after_commit, migrate
from storage.retry import Retry
from storage.timer_runner import Batch, TimerRunner
from storage.timers import Timer, Timers, TimerState
from tests.support.databases import Databases
from tests.support.statements import sent_for

START = 1_795_276_800_000_000
OWNER = "batch:1"
effects = Table(
    "effects",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("timer", String(40), nullable=False),
)


@dataclass
class Firing:
    """`does`: what a timer's handler does besides leaving its row, by name. `committed`: told after it."""

    database: Database
    now: Instant = START
    does: dict[str, Any] = field(default_factory=dict)
    committed: list[str] = field(default_factory=list)
    handled: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.timers = Timers(clock=lambda: self.now)
        self.timers.register("effect", self._effect)

    def runner(self, most: int = 100) -> TimerRunner:
        return TimerRunner(
            database=self.database,
            timers=self.timers,
            clock=lambda: self.now,
            random=lambda: 0.0,
            retry=Retry(first=10 * SECOND, most=MINUTE, tries=3),
            batch=Batch(most=most),
        )

    async def _effect(self, connection: AsyncConnection, timer: Timer) -> None:
        self.handled.append(timer.name)
        await connection.execute(insert(effects), {"timer": timer.name + timer.payload.get("suffix", "")})
        after_commit(connection, lambda: self.committed.append(timer.name))
        if does := self.does.get(timer.name):
            await does(connection)

    async def set(self, *names: str, due: Instant = START) -> None:
        async with self.database.write() as connection:
            for name in names:
                await self.timers.set(connection, one(name, due))

    async def rows(self) -> list[str]:
        async with self.database.read() as connection:
            return list((await connection.execute(select(effects.c.timer).order_by(effects.c.id))).scalars())

    async def states(self) -> dict[str, TimerState]:
        async with self.database.read() as connection:
            return {timer.name: timer.state for timer in await self.timers.of_owner(connection, OWNER)}


def one(name: str, due: Instant = START, **payload: Any) -> Timer:
    return Timer(owner=OWNER, name=name, kind="effect", due=due, payload=payload)


def names(count: int) -> list[str]:
    return [f"t{number:03}" for number in range(count)]


@pytest.fixture
async def firing(databases: Databases) -> AsyncIterator[Firing]:
    database = Database(databases.url("main"), name="main")
    await database.open()
    await migrate(database)
    async with database.write() as connection:
        await connection.run_sync(effects.metadata.create_all)
    yield Firing(database)
    await database.close()


async def fails(_: AsyncConnection) -> None:
    raise RuntimeError("no luck")


async def test_one_that_fails_in_the_middle_undoes_and_holds_up_no_other(firing: Firing) -> None:
    await firing.set(*names(20))
    firing.does = {"t007": fails, "t013": fails}
    await firing.runner().fire_due()
    sound = [name for name in names(20) if name not in firing.does]
    assert await firing.rows() == sound
    assert firing.committed == sound
    waiting = {name for name, state in (await firing.states()).items() if state is TimerState.WAITING}
    assert waiting == {"t007", "t013"}
    assert firing.handled.count("t007") == firing.handled.count("t013") == 1


async def test_one_that_breaks_a_rule_of_the_database_undoes_no_other(firing: Firing) -> None:
    async def breaks(connection: AsyncConnection) -> None:
        await connection.execute(insert(effects), {"timer": None})

    await firing.set(*names(5))
    firing.does = {"t003": breaks}
    await firing.runner().fire_due()
    assert await firing.rows() == ["t000", "t001", "t002", "t004"]
    async with firing.database.read() as connection:
        (failed,) = [one for one in await firing.timers.of_owner(connection, OWNER) if one.name == "t003"]
    assert (failed.tries, failed.state) == (1, TimerState.WAITING)
    assert "IntegrityError" in failed.error


async def test_one_that_failed_before_is_tried_with_its_own_count_and_dies_alone(firing: Firing) -> None:
    await firing.set("cursed", "t0")
    firing.does = {"cursed": fails}
    for round_ in range(3):
        await firing.set(f"sound{round_}", due=firing.now)
        await firing.runner().fire_due()
        firing.now += MINUTE
    assert await firing.rows() == ["t0", "sound0", "sound1", "sound2"]
    assert (await firing.states())["cursed"] is TimerState.DEAD
    assert firing.handled.count("cursed") == 3
    assert len(firing.handled) == 7, "what fails again makes nobody else be fired twice"


async def test_what_one_cancels_moves_or_sets_anew_of_those_due_with_it_holds(firing: Firing) -> None:
    async def meddles(connection: AsyncConnection) -> None:
        assert await firing.timers.cancel(connection, OWNER, "t001")
        assert await firing.timers.move(connection, OWNER, "t002", START + MINUTE)
        await firing.timers.set(connection, one("t003", START + MINUTE))
        await firing.timers.set(connection, one("t004", START, suffix=" anew"))

    await firing.set(*names(6))
    firing.does = {"t000": meddles}
    await firing.runner().fire_due()
    assert await firing.rows() == ["t000", "t004 anew", "t005"]
    assert (await firing.states())["t001"] is TimerState.CANCELLED
    firing.now += MINUTE
    await firing.runner().fire_due()
    assert await firing.rows() == ["t000", "t004 anew", "t005", "t002", "t003"]


async def test_one_that_is_set_meanwhile_and_due_before_the_rest_is_fired_before_it(firing: Firing) -> None:
    async def calls_in(connection: AsyncConnection) -> None:
        await firing.timers.set(connection, one("between", START + SECOND))

    await firing.set("first", due=START)
    await firing.set("second", due=START + 2 * SECOND)
    firing.now += MINUTE
    firing.does = {"first": calls_in}
    await firing.runner().fire_due()
    assert await firing.rows() == ["first", "between", "second"]


async def test_another_writer_has_its_turn_between_two_batches(firing: Firing) -> None:
    await firing.set(*names(9))
    began, wrote, in_turn = asyncio.Event(), asyncio.Event(), list[bool]()

    async def tells(_: AsyncConnection) -> None:
        began.set()

    async def writes() -> None:
        await began.wait()
        async with firing.database.write() as connection:
            await connection.execute(insert(effects), {"timer": "another's"})
        wrote.set()

    async def ends(_: AsyncConnection) -> None:
        # However slow the machine: the last batch is not over before the other has had its turn.
        with suppress(TimeoutError):
            await asyncio.wait_for(wrote.wait(), 20)
        in_turn.append(wrote.is_set())

    firing.does = {"t000": tells, "t008": ends}
    other = asyncio.create_task(writes())
    await firing.runner(most=3).fire_due()
    await other
    assert in_turn == [True], "it had to wait for all of them"
    assert sorted(await firing.rows()) == sorted([*names(9), "another's"])


async def test_a_unit_of_work_that_has_lasted_long_enough_ends(firing: Firing) -> None:
    committed_before = []

    async def takes_long(_: AsyncConnection) -> None:
        committed_before.append(len(firing.committed))
        firing.now += SECOND

    await firing.set(*names(4))
    firing.does = dict.fromkeys(names(4), takes_long)
    await firing.runner().fire_due()
    assert committed_before == [0, 1, 2, 3]
    assert await firing.rows() == names(4)


async def test_two_programs_on_one_database_fire_each_once(firing: Firing) -> None:
    other = Firing(firing.database)
    await firing.set(*names(60))
    await asyncio.gather(firing.runner(most=7).fire_due(), other.runner(most=7).fire_due())
    assert sorted(await firing.rows()) == names(60)
    assert sorted(firing.committed + other.committed) == names(60)


async def test_a_server_can_tell_from_the_words_alone_which_index_to_use(firing: Firing) -> None:
    """Of a prepared statement it does not know the values: those of a partial index must stand in it."""
    async with firing.database.write() as connection:
        assert "state = 'waiting'" in await sent_for(connection, TimerRunner.next_due(START, 5))
