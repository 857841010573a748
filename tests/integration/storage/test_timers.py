"""Durable timers on a real SQLite file: order, moving, failing, waking."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import MINUTE, SECOND, Instant, system_clock
from storage import Database, migrate
from storage.retry import Retry
from storage.timer_runner import TimerRunner
from storage.timers import Timer, Timers, TimerState
from storage.timers import timers as table
from storage.waker import NEVER, Waker

START = 1_795_276_800_000_000
OWNER = "ticket:GD1"


@dataclass
class Clockwork:
    """Timers whose handler writes down what it fired. `now`: of the clock; `fails`: by name, how often."""

    database: Database
    now: Instant = START
    fired: list[str] = field(default_factory=list)
    fails: dict[str, int] = field(default_factory=dict)
    timers: Timers = field(init=False)
    runner: TimerRunner = field(init=False)

    def __post_init__(self) -> None:
        self.timers = Timers(clock=lambda: self.now)
        self.timers.register("note", self._note)
        retry = Retry(first=10 * SECOND, most=MINUTE, tries=4)
        self.runner = TimerRunner(
            database=self.database,
            timers=self.timers,
            clock=lambda: self.now,
            random=lambda: 0.0,
            retry=retry,
        )

    async def _note(self, connection: AsyncConnection, timer: Timer) -> None:
        # A change of its own that must vanish with a failure.
        await self.timers.set(connection, note(f"{timer.name}-after", START + 1000 * MINUTE, owner="effect"))
        if self.fails.get(timer.name, 0) > 0:
            self.fails[timer.name] -= 1
            raise RuntimeError(f"no luck with card 6222021234567890123 of {timer.name}")
        self.fired.append(timer.name)

    async def set(self, *timers: Timer) -> None:
        async with self.database.write() as connection:
            for timer in timers:
                await self.timers.set(connection, timer)

    async def of(self, owner: str = OWNER) -> dict[str, Timer]:
        async with self.database.read() as connection:
            return {timer.name: timer for timer in await self.timers.of_owner(connection, owner)}


def note(name: str, due: Instant, *, owner: str = OWNER, **payload: Any) -> Timer:
    return Timer(owner=owner, name=name, kind="note", due=due, payload=payload)


@pytest.fixture
async def clockwork(tmp_path: Path) -> AsyncIterator[Clockwork]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/main.db", name="main")
    await database.open()
    await migrate(database)
    yield Clockwork(database)
    await database.close()


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(dues=st.lists(st.integers(0, 20), max_size=12), step=st.integers(1, 7))
async def test_they_fire_in_the_order_they_are_due_and_never_before(
    clockwork: Clockwork, dues: list[int], step: int
) -> None:
    clockwork.now, clockwork.fired = START, []
    async with clockwork.database.write() as connection:
        await connection.execute(delete(table))
    await clockwork.set(*(note(f"{n}", START + due * SECOND) for n, due in enumerate(dues)))
    expected = [f"{n}" for n, _ in sorted(enumerate(dues), key=lambda pair: pair[1])]
    while clockwork.now <= START + 20 * SECOND:
        upcoming = await clockwork.runner.fire_due()
        due_by_now = [due for due in dues if START + due * SECOND <= clockwork.now]
        assert clockwork.fired == expected[: len(due_by_now)]
        left = [START + due * SECOND for due in dues if START + due * SECOND > clockwork.now]
        assert upcoming == min(left, default=START + 1000 * MINUTE if dues and due_by_now else NEVER)
        clockwork.now += step * SECOND
    await clockwork.runner.fire_due()
    assert clockwork.fired == expected


async def test_one_that_is_moved_or_cancelled_is_so_until_it_has_fired(clockwork: Clockwork) -> None:
    await clockwork.set(*(note(name, START + MINUTE) for name in ("earlier", "later", "never", "fired")))
    timers = clockwork.timers
    async with clockwork.database.write() as connection:
        assert await timers.move(connection, OWNER, "earlier", START)
        assert await timers.move(connection, OWNER, "later", START + 9 * MINUTE)
        assert await timers.cancel(connection, OWNER, "never")
        assert not await timers.cancel(connection, OWNER, "unheard of")
    await clockwork.runner.fire_due()
    assert clockwork.fired == ["earlier"]
    clockwork.now += MINUTE
    await clockwork.runner.fire_due()
    assert clockwork.fired == ["earlier", "fired"]
    async with clockwork.database.write() as connection:
        assert not await timers.cancel(connection, OWNER, "fired")
        assert not await timers.move(connection, OWNER, "fired", START)
        assert await timers.cancel_all(connection, OWNER) == 1
    states = {name: timer.state for name, timer in (await clockwork.of()).items()}
    assert states == {
        "earlier": TimerState.FIRED,
        "fired": TimerState.FIRED,
        "later": TimerState.CANCELLED,
        "never": TimerState.CANCELLED,
    }


async def test_set_again_it_replaces_what_was_there_even_after_it_fired(clockwork: Clockwork) -> None:
    await clockwork.set(note("limit", START, percent=80), note("limit", START + SECOND, percent=100))
    await clockwork.runner.fire_due()
    assert clockwork.fired == []
    clockwork.now += SECOND
    await clockwork.runner.fire_due()
    await clockwork.set(note("limit", START + 2 * SECOND, percent=120))
    assert (await clockwork.of())["limit"].payload == {"percent": 120}
    clockwork.now += SECOND
    await clockwork.runner.fire_due()
    assert clockwork.fired == ["limit", "limit"]


async def test_a_handler_may_set_its_own_timer_anew(clockwork: Clockwork) -> None:
    async def daily(connection: AsyncConnection, timer: Timer) -> None:
        clockwork.fired.append(timer.name)
        again = Timer(owner=timer.owner, name=timer.name, kind="daily", due=timer.due + MINUTE)
        await clockwork.timers.set(connection, again)

    clockwork.timers.register("daily", daily)
    await clockwork.set(Timer(owner=OWNER, name="report", kind="daily", due=START))
    for _ in range(3):
        await clockwork.runner.fire_due()
        clockwork.now += MINUTE
    assert clockwork.fired == ["report"] * 3
    assert (await clockwork.of())["report"].state is TimerState.WAITING


async def test_a_failure_undoes_its_effects_and_is_tried_again_ever_later(clockwork: Clockwork) -> None:
    clockwork.fails = {"shaky": 2}
    await clockwork.set(note("shaky", START), note("sound", START + 1))
    clockwork.now += 1
    waits = []
    for _ in range(2):
        before = clockwork.now
        upcoming = await clockwork.runner.fire_due()
        waits.append(upcoming - before)
        assert (await clockwork.of("effect")).keys() == {"sound-after"}
        clockwork.now = upcoming
    assert waits == [5 * SECOND, 10 * SECOND]  # the lower ends of 10 and 20 seconds
    assert clockwork.fired == ["sound"], "one that fails holds up no other"
    await clockwork.runner.fire_due()
    assert clockwork.fired == ["sound", "shaky"]
    assert (await clockwork.of())["shaky"].error == ""
    assert (await clockwork.of("effect")).keys() == {"sound-after", "shaky-after"}


async def test_after_its_last_try_it_is_dead_with_its_error_until_someone_revives_it(
    clockwork: Clockwork,
) -> None:
    clockwork.fails = {"cursed": 4}
    await clockwork.set(note("cursed", START))
    while (upcoming := await clockwork.runner.fire_due()) != NEVER:
        clockwork.now = upcoming
    async with clockwork.database.read() as connection:
        dead = await clockwork.timers.dead(connection)
    assert [(timer.name, timer.tries, timer.state) for timer in dead] == [("cursed", 4, TimerState.DEAD)]
    assert dead[0].error == "RuntimeError: no luck with card ***************0123 of cursed"
    async with clockwork.database.write() as connection:
        assert await clockwork.timers.again(connection, OWNER, "cursed")
        assert not await clockwork.timers.again(connection, OWNER, "cursed")
    await clockwork.runner.fire_due()
    assert clockwork.fired == ["cursed"]


async def test_a_kind_that_nobody_handles_is_refused_or_dies_with_a_sentence(clockwork: Clockwork) -> None:
    stranger = Timer(owner=OWNER, name="x", kind="unknown", due=START)
    with pytest.raises(LookupError, match="no handler for timers of the kind 'unknown'"):
        await clockwork.set(stranger)
    with pytest.raises(ValueError, match="have a handler already"):
        clockwork.timers.register("note", clockwork.timers.handler("note"))
    other = Timers(clock=lambda: START)  # a newer program, say, that had one
    other.register("unknown", clockwork.timers.handler("note"))
    async with clockwork.database.write() as connection:
        await other.set(connection, stranger)
    while (upcoming := await clockwork.runner.fire_due()) != NEVER:
        clockwork.now = upcoming
    assert "no handler for timers of the kind 'unknown'" in (await clockwork.of())["x"].error


async def test_the_task_sleeps_until_one_is_due_or_an_earlier_one_is_set(tmp_path: Path) -> None:
    """With the real clock: nothing but the timers themselves can wake the task in the time there is."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/main.db", name="main")
    await database.open()
    await migrate(database)
    waker = Waker(clock=system_clock, look_again_s=3600)
    timers, fired = Timers(clock=system_clock, waker=waker), asyncio.Queue[str]()

    async def tell(_: AsyncConnection, timer: Timer) -> None:
        fired.put_nowait(timer.name)

    timers.register("note", tell)
    runner = TimerRunner(database=database, timers=timers, clock=system_clock, random=lambda: 0.5)
    task = asyncio.create_task(runner.run())
    try:
        for name, delay in (("far", 3600 * SECOND), ("near", SECOND // 5), ("now", 0)):
            async with database.write() as connection:
                await timers.set(connection, note(name, system_clock() + delay))
        async with asyncio.timeout(30):
            assert {await fired.get(), await fired.get()} == {"near", "now"}
            async with database.write() as connection:
                assert await timers.move(connection, OWNER, "far", system_clock())
            assert await fired.get() == "far"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await database.close()


async def test_the_task_outlives_a_database_that_does_not_serve(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/main.db", name="main")
    await database.open()
    timers, fired = Timers(clock=system_clock), asyncio.Event()

    async def tell(_: AsyncConnection, timer: Timer) -> None:
        fired.set()

    timers.register("note", tell)
    runner = TimerRunner(database=database, timers=timers, clock=system_clock, random=lambda: 0.5)
    task = asyncio.create_task(runner.run())
    try:
        async with asyncio.timeout(30):
            while not runner.problem:  # noqa: ASYNC110 - a problem is a state, not an event
                await asyncio.sleep(0.01)
            assert "run the migrations" in runner.problem
            await migrate(database)
            async with database.write() as connection:
                await timers.set(connection, note("late", system_clock()))
            await fired.wait()
            while runner.problem:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await database.close()


def test_on_a_server_rows_that_another_program_fires_are_gone_past() -> None:
    statement = str(TimerRunner.next_due(START).compile(dialect=postgresql.dialect()))
    assert statement.endswith("FOR UPDATE SKIP LOCKED")
