"""`report`: how long a month of figures by queue and agent takes, beside 10 million calls in PostgreSQL.

A year of calls lies in a PostgreSQL of the bench's own (`bench.year`); the whole service, without a node,
is asked over HTTP as a leader's browser asks it, and the clock stops when the last byte is there. The figure
is the slowest of the questions, each by the median of its rounds.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web

from bench.floor_seed import LEADER, seed_text
from bench.report import Result, at_most
from bench.year import AGENTS, BUSINESSES, CALLS, FIRST_AGENT, LANGUAGES, make
from core.clock import system_clock
from core.errors import HotlineError
from directory import seed
from directory.credentials import Credentials, Login
from hotline.assembly import assemble
from hotline.serve import spare_the_collector
from hotline.settings import DatabaseSettings, Settings
from hotline.settings_sign_in import SessionSettings
from storage import Database, migrate
from tests.support.postgres import Cluster, cluster
from web.passwords import Passwords

NAME = "report"
BARS = {"seconds": at_most(2)}
ROUNDS = 3
SERVER = {"shared_buffers": "512MB", "max_wal_size": "1GB", "wal_level": "minimal", "work_mem": "16MB"}
"""Else as a test's server: a report only reads."""
_PASSWORD = "correct horse"  # noqa: S105 - of a person who lives for some minutes
_MONTH = (("from", "2026-10-01"), ("to", "2026-11-01"))
Question = tuple[tuple[str, str], ...]


class NoReport(HotlineError):
    """The service gave no report; the message has its answer."""


def questions() -> Mapping[str, tuple[str, Question]]:
    """Name → the address's end and what is asked: a month by every step, as far as one answer may be long."""
    queues = [f"{business}-{language}" for business in BUSINESSES for language in LANGUAGES]
    agents = [str(FIRST_AGENT + number) for number in range(0, AGENTS, 5)]

    def asked(by: str, step: str, *names: str, sheet: bool = False) -> tuple[str, Question]:
        given = (*_MONTH, ("by", by), ("step", step), *(("name", name) for name in names))
        return (".xlsx" if sheet else ""), given

    return {
        "queues_day": asked("queue", "day"),
        "queues_60": asked("queue", "60"),
        "ten_queues_30": asked("queue", "30", *queues[:10]),
        "five_queues_15": asked("queue", "15", *queues[:5]),
        "agents_day": asked("agent", "day"),
        "fifty_agents_60": asked("agent", "60", *agents[:50]),
        "queues_day_sheet": asked("queue", "day", sheet=True),
        "ten_queues_60_sheet": asked("queue", "60", *queues[:10], sheet=True),
        "agents_day_sheet": asked("agent", "day", sheet=True),
    }


@asynccontextmanager
async def service(
    server: Cluster, main: str, facts: str, folder: Path
) -> AsyncIterator[aiohttp.ClientSession]:
    """The whole service without a node, and a browser in which a leader is signed in."""
    settings = Settings(
        data_dir=folder,
        database=DatabaseSettings(main=server.url(main), ledger=server.url(facts)),
        session=SessionSettings(change_initial=False),
    )
    login = Login(password=Passwords(cheap=True).hash(_PASSWORD), pin_sha1="")
    people = seed.parse(seed_text(AGENTS, wrapup_s=60), "seed of the bench")
    hotline = await assemble(
        settings, people, Credentials(pin_salt="", staff={LEADER: login}), clock=system_clock
    )
    spare_the_collector()
    runner = web.AppRunner(hotline.app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    consumers = [asyncio.create_task(consumer.run()) for consumer in hotline.consumers]
    address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        jar = aiohttp.CookieJar(unsafe=True)  # of an address, not of a name
        async with aiohttp.ClientSession(address, headers={"Origin": address}, cookie_jar=jar) as client:
            async with client.post(
                "/api/session", json={"staff": LEADER, "password": _PASSWORD}
            ) as signed_in:
                signed_in.raise_for_status()
            yield client
    finally:
        for task in consumers:
            task.cancel()
        await asyncio.gather(*consumers, return_exceptions=True)
        await runner.cleanup()
        await hotline.close()


async def ask(client: aiohttp.ClientSession, ending: str, question: Question) -> tuple[float, int]:
    """Seconds until the whole answer is there, and its bytes. `NoReport` if it is none."""
    began = time.perf_counter()
    async with client.get(f"/api/reports/intervals{ending}", params=list(question)) as response:
        content = await response.read()
    took = time.perf_counter() - began
    if response.status != 200:
        raise NoReport(f"{dict(question)} was answered {response.status}: {content[:300]!r}")
    return took, len(content)


async def migrated(server: Cluster) -> tuple[str, str]:
    """The names of an empty main database and ledger with their tables."""
    names = server.create("main"), server.create("ledger")
    for name, history in zip(names, ("main", "ledger"), strict=True):
        database = Database(server.url(name), name=history)
        await database.open()
        try:
            await migrate(database, history)  # type: ignore[arg-type]
        finally:
            await database.close()
    return names


async def _asked(server: Cluster, main: str, facts: str) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in questions()}
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as folder:
        async with service(server, main, facts, Path(folder)) as client:
            for number in range(1, ROUNDS + 1):
                for name, (ending, question) in questions().items():
                    seconds, size = await ask(client, ending, question)
                    taken[name].append(seconds)
                    _say(f"round {number}, {name}: {seconds:.2f} s, {size / 1e6:.1f} MB")
    return {name: statistics.median(each) for name, each in taken.items()}


def measure() -> Result:
    """The whole bench: minutes to make the year, seconds to ask."""
    began = time.monotonic()
    with cluster(Path(tempfile.gettempdir()), SERVER) as server:
        main, facts = asyncio.run(migrated(server))
        with server.connect(main) as connection:
            make(connection)
            size = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        made_s = time.monotonic() - began
        _say(f"{CALLS} calls made in {made_s:.0f} s, {size[0] / 1e9 if size else 0:.1f} GB")
        medians = asyncio.run(_asked(server, main, facts))
    slowest = max(medians, key=lambda name: medians[name])
    return Result(
        bench=NAME,
        figures={
            "seconds": round(medians[slowest], 2),
            **{name: round(seconds, 2) for name, seconds in medians.items()},
        },
        bars=BARS,
        notes=(
            f"{CALLS} calls of a year in PostgreSQL, a month of them asked for over HTTP; slowest: {slowest}",
            f"medians of {ROUNDS} rounds; the year was made in {made_s:.0f} s",
        ),
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
