"""A web process, put together: pages, sessions and screens beside the service that handles calls.

It holds no connection to a node and writes no fact. Who is signed in comes from the database that both share,
live figures from the leader over Redis (`web.relay`); everything else it hands on (`web.forward`).
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

import structlog
from aiohttp import web

from board.service import RIGHT as BOARD_RIGHT
from board.service import TOPIC as BOARD
from core.clock import Clock
from core.errors import BadInput
from directory.book import DirectoryBook
from directory.credentials import Credentials
from directory.lookup import Directory
from directory.people import DirectoryPeople
from hotline.leader_finder import LeaderFinder
from hotline.metrics_api import MetricsApi, read_token
from hotline.parts import sessions_of, web_of
from hotline.readiness import NotReady, feed_check
from hotline.settings import Settings
from hotline.web_metrics import Served, registry_of_web
from storage import Database, StorageError, check_schema
from storage.timers import Timers
from telephony.agent_view import READ as AGENT_READ
from telephony.agent_view import RIGHT as AGENT_RIGHT
from telephony.agent_view import TOPIC as AGENT
from telephony.agent_view import may_watch
from web.counting import RequestCounts
from web.errors import Impaired, LeaderAway
from web.forward import Forward
from web.health import Check
from web.live_mirror import LiveMirror, mirrored
from web.relay import RelayIn
from web.relay_line import RelayLine

_log = structlog.get_logger("hotline.web")
_LOOK_S = 5.0
"""How late a right that was given or taken away is known here at the latest, without Redis, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebProcess:
    """Put together but not running: see `WebRunning`."""

    main: Database
    directory: DirectoryBook
    mirror: LiveMirror
    relay: RelayIn
    stale: asyncio.Event
    leader: LeaderFinder
    app: web.Application
    host: str
    port: int


def check_settings(settings: Settings) -> None:
    """`BadInput` naming the setting without which there can be no process beside the service."""
    if not settings.redis.url:
        raise BadInput("redis.url", "is empty: a web process hears live figures over a Redis; name it")
    if settings.web.leader == f"http://{settings.web.host}:{settings.web.port}":
        raise BadInput("web.leader", "is this process itself: give it another port (HOTLINE_WEB__PORT)")
    if not settings.database.main.startswith("postgresql"):
        raise BadInput("database.main", "is a file: processes share a PostgreSQL; name its URL")


async def assemble_web(
    settings: Settings, seed: Directory, credentials: Credentials, *, clock: Clock
) -> WebProcess:
    """Every part, connected; the database is open, nothing else runs yet. It is the leader who migrates."""
    check_settings(settings)
    async with AsyncExitStack() as opened:
        main = Database(settings.main_url, name="main")
        await main.open()
        opened.push_async_callback(main.close)
        await check_schema(main, "main")
        book = DirectoryBook(
            database=main, timers=Timers(clock=clock), clock=clock, seed=seed, zone=settings.zone_info
        )
        await book.refresh()
        process = _connected(settings, book, credentials, main, clock)
        opened.pop_all()
    return process


def _connected(
    settings: Settings, book: DirectoryBook, credentials: Credentials, main: Database, clock: Clock
) -> WebProcess:
    mirror = LiveMirror(clock=clock)
    mirror.declare(mirrored(BOARD, BOARD_RIGHT))
    mirror.declare(mirrored(AGENT, AGENT_RIGHT, may_watch, wider=(AGENT_READ,)))
    relay, stale = RelayIn(RelayLine(settings.redis.url, settings.redis.prefix), mirror), asyncio.Event()

    def hear(edition: int) -> None:
        if edition > book.edition:
            stale.set()

    relay.hears = hear
    people = DirectoryPeople(book.current, credentials)
    sessions = sessions_of(settings, people, main, clock)
    relay.ends = sessions.forget
    book.listen(lambda _before, _after: mirror.people_changed(people.principal))
    forward = Forward(settings.web.leader, frozenset(settings.web.origins))
    counts = RequestCounts()
    registry = registry_of_web(Served(requests=counts, mirror=mirror, relay=relay, clock=clock))
    app = web_of(
        settings,
        MetricsApi(registry, token=read_token(settings.metrics.token_file)).routes(),
        sessions=sessions,
        hub=mirror,
        checks={
            "database": _database_check(main),
            "leader": _leader_check(forward),
            "live feed": feed_check(relay),
        },
        counts=counts,
        clock=clock,
        forward=forward,
    )
    return WebProcess(
        main=main,
        directory=book,
        mirror=mirror,
        relay=relay,
        stale=stale,
        leader=LeaderFinder(settings, forward),
        app=app,
        host=settings.web.host,
        port=settings.web.port,
    )


def _database_check(main: Database) -> Check:
    async def answers() -> None:
        try:
            async with main.read() as connection:
                await connection.exec_driver_sql("SELECT 1")
        except StorageError as error:
            raise NotReady(f"nobody can sign in: {error}") from error

    return answers


def _leader_check(forward: Forward) -> Check:
    async def answers() -> None:
        try:
            await forward.reach()
        except LeaderAway as error:
            raise Impaired(str(error)) from error

    return answers


class WebRunning:
    """The process at work, as a context. `look_s`: so often the directory is looked at unasked."""

    def __init__(self, process: WebProcess, *, look_s: float = _LOOK_S) -> None:
        self._process = process
        self._look_s = look_s
        self._tasks: list[asyncio.Task[None]] = []
        self._runner = web.AppRunner(process.app, access_log=None)

    async def __aenter__(self) -> WebRunning:
        process = self._process
        await self._runner.setup()
        await web.TCPSite(self._runner, process.host, process.port).start()
        work = {
            "live-feed": process.relay.run(),
            "directory": self._follow_directory(),
            "leader": process.leader.run(),
        }
        self._tasks = [asyncio.create_task(one, name=name) for name, one in work.items()]
        _log.info("web process serves", address=f"http://{process.host}:{process.port}/")
        return self

    async def failed(self) -> None:
        """Returns only by raising: a part that should run for ever has ended."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
            raise NotReady(f"{task.get_name()} has ended although nobody stopped it")

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._runner.cleanup()
        await self._process.main.close()

    async def _follow_directory(self) -> None:
        """Take up what is changed through the leader: when it says so, and from time to time."""
        stale = self._process.stale
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._look_s):
                    await stale.wait()
            stale.clear()
            try:
                await self._process.directory.look()
            except StorageError as error:
                _log.warning("directory not looked at", problem=str(error))
