"""`timers`: how late timers fire, and whether each does so once, while the service is killed ten times.

100,000 timers come due over a settable span. The effect of each is a row of its own, every tenth tells a
person by text message as well. The service is a process of its own and is killed by SIGKILL at random
moments, one in each tenth of the span, and started again at once. Afterwards the database says what was lost
or happened twice.

How late: until the moment in which another process, this one, sees the effect committed. `late_due` counts
from the instant that a timer is due. `late` leaves out what no program can do anything about while it is not
running: what comes due between a kill and the moment in which the new process serves counts from then on.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from sqlalchemy import func, insert, select

from bench.board import percentile
from bench.report import Result, at_most
from bench.site import BenchFailed
from bench.sms_centre import SmsCentre, sms_centre
from bench.stores import Kind, stores
from bench.timers_process import TimersProcess, prepared
from bench.timers_service import KIND, effects
from core.clock import MILLISECOND, SECOND, Instant, system_clock
from hotline.settings import DatabaseSettings, Settings
from storage import Database, migrate
from storage.notices.model import ChannelName, NoticeState, Quiet, Way
from storage.notices.preferences import set_quiet, set_way
from storage.notices.tables import notices
from storage.timers import TimerState, timers

NAME = "timers"
BARS = {"late_p99_ms": at_most(1_000), "lost": at_most(0), "doubled": at_most(0)}
SPAN_S = 600.0
_COUNT, _TELLING = 100_000, 10
_KILLS, _SEED = 10, 95559
_LOOK_S, _AHEAD_S, _SETTLE_S = 0.02, 20.0, 300.0
_PEOPLE = {f"{1001 + n}": f"138000011{n:02}" for n in range(20)}
_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """`count` timers due over `span_s`, every `telling`-th with a notice; killed `kills` times."""

    span_s: float = SPAN_S
    count: int = _COUNT
    telling: int = _TELLING
    kills: int = _KILLS
    seed: int = _SEED

    def dues(self, begins: Instant) -> list[Instant]:
        """When each is due: anywhere in the span, by chance."""
        chance = random.Random(self.seed)
        return [begins + round(chance.random() * self.span_s * SECOND) for _ in range(self.count)]

    def kill_times(self) -> list[float]:
        """Seconds into the span: somewhere in each of as many parts of it as there are kills."""
        chance, part = random.Random(self.seed + 1), self.span_s / max(1, self.kills)
        return [(number + chance.random()) * part for number in range(self.kills)]

    def tells(self, number: int) -> bool:
        """Whether timer `number` puts a notice."""
        return number % self.telling == 0


@dataclass(slots=True)
class Seen:
    """What another process sees: `last` rising numbers of effects, and `at` which instant each was there."""

    last: list[int] = field(default_factory=list)
    at: list[Instant] = field(default_factory=list)

    def note(self, last: int, at: Instant) -> None:
        """Effects up to number `last` are there at `at`."""
        if last > (self.last[-1] if self.last else 0):
            self.last.append(last)
            self.at.append(at)

    def when(self, number: int) -> Instant:
        """When effect `number` was seen first."""
        return self.at[bisect_left(self.last, number)]

    async def look(self, database: Database) -> None:
        """Look once."""
        async with database.read() as connection:
            last = await connection.scalar(select(func.max(effects.c.id)))
        self.note(last or 0, system_clock())

    async def watch(self, database: Database) -> None:
        """Look again and again until cancelled."""
        while True:
            await self.look(database)
            await asyncio.sleep(_LOOK_S)


@dataclass(frozen=True, slots=True)
class Outage:
    """The service was killed at `since` and served again at `until`."""

    since: Instant
    until: Instant


def begins_to_count(due: Instant, outages: Sequence[Outage]) -> Instant:
    """From when on a timer that was due then is late: at once, or when there was a service again."""
    return next((one.until for one in outages if one.since <= due < one.until), due)


@dataclass(frozen=True, slots=True)
class Watched:
    """`dues`: when each timer was due, by name."""

    dues: Mapping[str, Instant]
    outages: Sequence[Outage]
    seen: Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What the database and the gateway say in the end. `late`, `late_due`: ms, rising, one for each timer
    that fired; `told_late` from the due time until the gateway had the message.
    """

    late: Sequence[float]
    late_due: Sequence[float]
    told_late: Sequence[float]
    lost: int
    doubled: int
    resent: int


async def _set_up(database: Database, load: Load) -> dict[str, Instant]:
    """People to be told, and all timers; when each is due, by name."""
    async with database.write() as connection:
        await connection.run_sync(effects.metadata.create_all)
        for person, number in _PEOPLE.items():
            await set_way(connection, person, ChannelName.SMS, Way(number), clock=system_clock)
            await set_quiet(connection, person, Quiet(since=0, until=0), clock=system_clock)
    dues = load.dues(system_clock() + round(_AHEAD_S * SECOND))
    rows = [_row(number, due, tells=load.tells(number)) for number, due in enumerate(dues)]
    for start in range(0, len(rows), _AT_ONCE):
        async with database.write() as connection:
            await connection.execute(insert(timers), rows[start : start + _AT_ONCE])
    return {str(row["name"]): due for row, due in zip(rows, dues, strict=True)}


def _row(number: int, due: Instant, *, tells: bool) -> dict[str, object]:
    """As `Timers.set` writes it; one by one, setting them would take longer than some of them have."""
    people = list(_PEOPLE)
    payload = {"person": people[number // 10 % len(people)], "urgent": number % 3 == 0} if tells else {}
    return {
        "owner": f"bench:{number}",
        "name": f"n{number:06}",
        "kind": KIND,
        "due_at": due,
        "next_at": due,
        "payload": msgspec.json.encode(payload).decode(),
        "state": TimerState.WAITING,
        "tries": 0,
        "error": "",
        "set_at": due,
        "ended_at": None,
    }


async def _killing(service: TimersProcess, load: Load, begins: Instant) -> list[Outage]:
    """Kill it at its times and start it again."""
    outages = []
    for at in load.kill_times():
        await asyncio.sleep(max(0.0, at - (system_clock() - begins) / SECOND))
        await service.kill()
        killed = system_clock()
        await service.start()
        await service.ready()
        outages.append(Outage(killed, system_clock()))
    return outages


async def _settled(database: Database, service: TimersProcess) -> None:
    """Until nothing waits any more; what still does after minutes is lost."""
    still = (
        select(func.count()).select_from(timers).where(timers.c.state == TimerState.WAITING),
        select(func.count()).select_from(notices).where(notices.c.state == NoticeState.WAITING),
    )
    until = time.monotonic() + _SETTLE_S
    while time.monotonic() < until:
        service.check()
        async with database.read() as connection:
            if not sum([await connection.scalar(query) or 0 for query in still]):
                return
        await asyncio.sleep(0.2)


async def counted(database: Database, load: Load, watched: Watched, centre: SmsCentre) -> Count:
    async with database.read() as connection:
        rows = (await connection.execute(select(effects.c.id, effects.c.timer))).all()
        query = select(notices.c.key, notices.c.channel, notices.c.repeats, notices.c.provider_id)
        told = (await connection.execute(query)).all()
    dues, fired = watched.dues, dict[str, int]()
    for row in rows:
        fired.setdefault(row.timer, row.id)
    telling = {name for number, name in enumerate(dues) if load.tells(number)}
    arrived = {row.key: centre.taken[row.provider_id] for row in told if row.provider_id in centre.taken}
    # A second effect put its notice again: that is counted in the row of the first.
    twice = sum(row.repeats > 0 for row in told if row.channel == ChannelName.PAGE)
    when = [(dues[name], watched.seen.when(number)) for name, number in fired.items()]
    return Count(
        late=sorted((at - begins_to_count(due, watched.outages)) / MILLISECOND for due, at in when),
        late_due=sorted((at - due) / MILLISECOND for due, at in when),
        told_late=sorted((at - dues[key]) / MILLISECOND for key, at in arrived.items()),
        lost=len(dues.keys() - fired.keys()) + len(telling - arrived.keys()),
        doubled=len(rows) - len(fired) + twice + len(centre.taken) - len(arrived),
        resent=centre.dropped,
    )


async def _measure(load: Load, settings: Settings, centre: SmsCentre, folder: Path) -> Result:
    database, seen = Database(settings.main_url, name="main"), Seen()
    service = TimersProcess(settings, folder)
    await database.open()
    try:
        await migrate(database)
        dues = await _set_up(database, load)
        begins = min(dues.values())
        await service.start()
        await service.ready()
        if system_clock() > begins:
            raise BenchFailed(
                "the service was not ready when the first timer came due: the machine is too busy"
            )
        watching = asyncio.create_task(seen.watch(database))
        try:
            outages = await _killing(service, load, begins)
            await asyncio.sleep(max(0.0, load.span_s - (system_clock() - begins) / SECOND))
            await _settled(database, service)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        await seen.look(database)
        count = await counted(database, load, Watched(dues, outages, seen), centre)
    finally:
        await service.stop()
        await database.close()
    back = sorted((one.until - one.since) / MILLISECOND for one in outages)
    return _result(load, database, count, back)


def _result(load: Load, database: Database, count: Count, back: Sequence[float]) -> Result:
    figures = {
        "late_p99_ms": round(percentile(count.late, 0.99), 1),
        "lost": count.lost,
        "doubled": count.doubled,
        "late_p50_ms": round(percentile(count.late, 0.5), 1),
        "longest_ms": round(count.late[-1], 1),
        "late_due_p99_ms": round(percentile(count.late_due, 0.99), 1),
        "late_due_longest_ms": round(count.late_due[-1], 1),
        "back_ms": round(percentile(back, 0.5), 1) if back else 0.0,
        "notice_p50_ms": round(percentile(count.told_late, 0.5), 1),
        "notice_p99_ms": round(percentile(count.told_late, 0.99), 1),
        "resent": count.resent,
    }
    kind = "SQLite" if database.is_sqlite else "PostgreSQL"
    note = (
        f"{load.count} timers over {load.span_s:g} s, each {load.telling}th with a notice, "
        f"{load.kills} kills, {kind}"
    )
    return Result(bench=NAME, figures=figures, bars=BARS, notes=(note,))


async def _all(load: Load, folder: Path, database: DatabaseSettings) -> Result:
    async with sms_centre() as centre:
        return await _measure(load, prepared(folder, centre.url, database), centre, folder)


def measure(span_s: float = SPAN_S, kind: Kind = Kind.SQLITE) -> Result:
    """The whole bench."""
    print(f"timers: {_COUNT} over {span_s:g} s", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as folder, stores(kind) as there:
        return asyncio.run(_all(Load(span_s=span_s), Path(folder), there.settings))
