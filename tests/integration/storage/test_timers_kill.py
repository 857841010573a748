"""SIGKILL while timers fire: in the end each effect is there exactly once."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter

from sqlalchemy import Select, func, select, text

from core.clock import MILLISECOND, system_clock
from storage import Database, migrate
from storage.timers import Timer, Timers, TimerState
from storage.timers import timers as table
from tests.support.databases import Databases
from tests.support.killed import ROOT, run_until_killed

ROUNDS = 8
EACH = 40

TICKER = """
import asyncio, random, sys
from sqlalchemy import text
from core.clock import MILLISECOND, system_clock
from storage import Database
from storage.retry import Retry
from storage.timer_runner import TimerRunner
from storage.timers import Timer, Timers

async def main(url):
    database = Database(url, name="main")
    await database.open()
    timers = Timers(clock=system_clock)

    async def effect(connection, timer):
        await connection.execute(text("INSERT INTO effects (timer) VALUES (:timer)"), {"timer": timer.name})
        if timer.payload.get("chain"):
            after = Timer(owner=timer.owner, name=f"{timer.name}-after", kind="effect", due=system_clock())
            await timers.set(connection, after)
        print(timer.name, flush=True)
        await asyncio.sleep(0.002)  # so that many a kill finds the unit of work half done
        if timer.payload.get("shaky") and timer.tries == 0:
            raise RuntimeError("the first try fails")

    timers.register("effect", effect)
    retry = Retry(first=2 * MILLISECOND, most=4 * MILLISECOND, tries=50)
    runner = TimerRunner(
        database=database, timers=timers, clock=system_clock, random=random.random, retry=retry
    )
    await runner.run()

asyncio.run(main(sys.argv[1]))
"""


async def test_killed_again_and_again_every_timer_has_its_effect_once(databases: Databases) -> None:
    url = databases.url("main")
    database = Database(url, name="main")
    await database.open()
    await migrate(database)
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE effects (timer TEXT NOT NULL)"))
    timers = Timers(clock=system_clock)

    async def never_here(*_: object) -> None:
        raise AssertionError

    timers.register("effect", never_here)
    chance, expected, cut_short = random.Random(11), [], 0
    for round_ in range(ROUNDS):
        async with database.write() as connection:
            for n in range(EACH):
                name, chain = f"{round_}-{n}", n % 5 == 0
                due = system_clock() + chance.randrange(300) * MILLISECOND
                payload = {"chain": chain, "shaky": n % 7 == 0}
                await timers.set(
                    connection, Timer(owner="test", name=name, kind="effect", due=due, payload=payload)
                )
                expected += [name, f"{name}-after"] if chain else [name]
        await run_until_killed(TICKER, url, lines=chance.randrange(1, 16), then_s=chance.uniform(0, 0.01))
        async with database.read() as connection:
            cut_short += await connection.scalar(_waiting()) > 0
    assert cut_short > ROUNDS // 2, "the kills are to hit timers that fire"
    await _finish(url, database)
    async with database.read() as connection:
        effects = Counter((await connection.execute(text("SELECT timer FROM effects"))).scalars())
        states = set((await connection.execute(select(table.c.state))).scalars())
    await database.close()
    assert effects == Counter(expected)
    assert states == {TimerState.FIRED}


def _waiting() -> Select[tuple[int]]:
    return select(func.count()).where(table.c.state == TimerState.WAITING)


async def _finish(url: str, database: Database) -> None:
    """Let one more process fire all that is left, then end it."""
    ticker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", TICKER, url), stdout=asyncio.subprocess.DEVNULL, cwd=ROOT
    )
    try:
        async with asyncio.timeout(120):
            left = 1
            while left:
                await asyncio.sleep(0.05)
                async with database.read() as connection:
                    left = await connection.scalar(_waiting()) or 0
    finally:
        ticker.kill()
        await ticker.wait()
