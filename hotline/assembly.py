"""Where everything is put together: the one place that knows every feature.

settings, directory, credentials ─► databases ─► ledger ─► telephony, board, ticketing, recordings ─► web
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import structlog
from aiohttp import web

from board.alarms import Condition
from board.api import BoardApi
from board.report_api import ReportsApi
from board.report_service import Reports
from board.service import Board
from core.clock import MINUTE, SECOND, Clock, Duration, Instant
from directory.api import directory_routes
from directory.credentials import Credentials
from directory.lookup import Directory
from directory.model import Membership
from directory.people import DirectoryPeople
from hotline.content import PROJECT, read_calendar
from hotline.due import Due, assemble_due
from hotline.metrics import Watched, registry_of
from hotline.metrics_api import MetricsApi, read_token
from hotline.node import read_accounts
from hotline.readiness import NotReady, ready_checks
from hotline.settings import Settings
from ledger.api import CallsApi
from ledger.calls import CallBook
from ledger.consumer import Consumer
from ledger.ledger import Ledger
from ledger.outbox import Outbox
from recordings import service as recordings_service
from recordings.api import RecordingsApi
from recordings.playback import Player
from recordings.service import Filer
from storage import Database
from storage.migrate import migrate
from telephony.agent_view import AgentView
from telephony.agents import Duties
from telephony.ami.accounts import NodeAccess
from telephony.ami.link import NodeLink
from telephony.api import TelephonyApi
from telephony.dispatch import AppQueueDispatcher
from telephony.hearing import Node
from telephony.service import Telephony
from telephony.waiting import USUAL_HANDLING
from ticketing import duties
from ticketing.api import TicketingApi
from ticketing.service import SummaryService
from ticketing.work_orders import TicketService
from web.app import WebOptions, build_app
from web.audit_api import AuditApi
from web.counting import RequestCounts
from web.health import Check
from web.live import LiveHub
from web.lockout import LockoutRule
from web.route import Route
from web.sessions import SessionLimits, Sessions

_log = structlog.get_logger("hotline")
_DUTIES_LINGER_S = 0.25
"""An agent writes for seconds; that a summary is owed may be known a quarter of a second later."""
_FACTS_ANSWER_MS = 4_000
"""Facts are in memory alone while a server hangs and nobody knows it yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hotline:
    """The whole program, put together but not running: see `running`."""

    ledger: Ledger
    main: Database
    facts: Database
    telephony: Telephony
    board: Board
    calls: CallBook
    outbox: Outbox
    due: Due
    consumers: tuple[Consumer, ...]
    filer: Filer
    app: web.Application
    host: str
    port: int

    @property
    def address(self) -> str:
        """Where a browser finds the pages."""
        return f"http://{self.host}:{self.port}/"

    async def close(self) -> None:
        """Let go of ledger and databases; `Running` does it for a program that runs."""
        await self.ledger.close()
        await self.main.close()
        await self.facts.close()


async def open_databases(settings: Settings) -> tuple[Database, Database]:
    """The main database and the ledger's, migrated."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o750)
    main = Database(settings.main_url, name="main")
    facts = Database(settings.ledger_url, name="ledger", answer_timeout_ms=_FACTS_ANSWER_MS)
    async with AsyncExitStack() as opened:
        for database in (main, facts):
            await database.open()
            opened.push_async_callback(database.close)
        await migrate(main, "main")
        await migrate(facts, "ledger")
        opened.pop_all()
    return main, facts


async def assemble(
    settings: Settings, directory: Directory, credentials: Credentials, *, clock: Clock
) -> Hotline:
    """Every part, connected; databases and ledger are open, nothing else runs yet."""
    token = read_token(settings.metrics.token_file)
    main, facts = await open_databases(settings)
    ledger = Ledger(facts, spool=settings.data_dir / "ledger.spool")
    await ledger.open()
    outbox = Outbox(ledger=ledger, database=main)
    due = assemble_due(settings, main, read_calendar(settings), clock)
    calls = CallBook(ledger=ledger, database=main)
    reports = Reports(ledger=ledger, database=main, clock=clock)
    hub = LiveHub(clock=clock)
    board = Board(
        ledger=ledger,
        hub=hub,
        directory=directory,
        clock=clock,
        conditions=lambda: _conditions(telephony, ledger, clock()),
        heard=lambda: telephony.heard(),  # noqa: PLW0108 - it is made below, and asks the board itself
        zone=settings.zone_info,
    )
    telephony = _telephony(settings, directory, ledger, clock, handling=board.handling)
    agents = AgentView(telephony.switchboard, hub, clock)
    ledger.listen(agents.hear)
    folders = {node.name: node.directory / "recordings" for node in settings.nodes}
    filer = Filer(database=main, outbox=outbox, folders=folders, clock=clock)
    consumers = (
        calls.consumer,
        reports.consumer,
        Consumer(
            name=duties.CONSUMER,
            ledger=ledger,
            database=main,
            handle=duties.follow,
            kinds=duties.KINDS,
            linger_s=_DUTIES_LINGER_S,
        ),
        Consumer(
            name=recordings_service.CONSUMER,
            ledger=ledger,
            database=main,
            handle=filer.handle,
            kinds=recordings_service.KINDS,
            linger_s=recordings_service.LINGER_S,
        ),
    )
    counts = RequestCounts()
    watched = Watched(
        board=board,
        telephony=telephony,
        ledger=ledger,
        outbox=outbox,
        consumers=consumers,
        hub=hub,
        requests=counts,
        clock=clock,
    )
    routes = [
        *TelephonyApi(telephony, agents, lambda: directory).routes(),
        *BoardApi(board, clock).routes(),
        *ReportsApi(reports, directory=directory, clock=clock, zone=settings.zone_info).routes(),
        *CallsApi(calls).routes(),
        *directory_routes(directory),
        *AuditApi(main).routes(),
        *MetricsApi(registry_of(watched), token=token).routes(),
        *_ticketing(main, outbox, directory, clock),
        *RecordingsApi(
            player=Player(database=main, folders=folders, clock=clock),
            database=main,
            folders=folders,
            clock=clock,
        ).routes(),
    ]
    sessions = _sessions(settings, DirectoryPeople(directory, credentials), main, clock)
    checks = ready_checks(ledger, telephony)
    app = _web(settings, routes, sessions=sessions, hub=hub, checks=checks, counts=counts)
    return Hotline(
        ledger=ledger,
        main=main,
        facts=facts,
        telephony=telephony,
        board=board,
        calls=calls,
        outbox=outbox,
        due=due,
        consumers=consumers,
        filer=filer,
        app=app,
        host=settings.web.host,
        port=settings.web.port,
    )


def _telephony(
    settings: Settings,
    directory: Directory,
    ledger: Ledger,
    clock: Clock,
    *,
    handling: Callable[[str], Duration | None],
) -> Telephony:
    names = [node.name for node in settings.nodes]
    queues = tuple(directory.queues)
    limits: dict[str, Duration] = {
        queue.name: queue.wrapup_limit_s * SECOND for queue in directory.queues.values()
    }
    bounds: dict[str, Duration] = {queue.name: queue.bound_s * SECOND for queue in directory.queues.values()}
    short = {reason.code for reason in directory.reasons.values() if reason.on_duty} | {"logged_in"}
    places: dict[str, tuple[Membership, ...]] = {
        person.number: directory.memberships(person.number) for person in directory.agents()
    }
    nodes = [
        Node(
            name=node.name,
            link=NodeLink(
                NodeAccess(host=node.host, port=node.port, secrets=read_accounts(node.accounts)),
                queues=lambda: queues,
                clock=clock,
                random=random.random,
            ),
            directory=node.directory,
        )
        for node in settings.nodes
    ]
    return Telephony(
        nodes=nodes,
        book=ledger,
        duties=Duties(
            memberships=lambda number: places.get(number, ()),
            wrapup_limit=lambda queue: limits.get(queue, MINUTE),
            nodes=tuple(names),
        ),
        dispatcher=AppQueueDispatcher(
            memberships=lambda number: places.get(number, ()),
            short_pause=lambda reason: reason in short,
            handling=lambda queue: handling(queue) or USUAL_HANDLING,
            bound=lambda queue: bounds.get(queue, MINUTE),
            queues=queues,
        ),
        clock=clock,
    )


def _ticketing(main: Database, outbox: Outbox, directory: Directory, clock: Clock) -> list[Route]:
    summaries = SummaryService(database=main, outbox=outbox, directory=lambda: directory, clock=clock)
    tickets = TicketService(database=main, outbox=outbox, directory=lambda: directory, clock=clock)
    return TicketingApi(summaries=summaries, tickets=tickets, clock=clock).routes()


def _sessions(settings: Settings, people: DirectoryPeople, main: Database, clock: Clock) -> Sessions:
    wanted = settings.session
    return Sessions(
        main,
        people,
        clock=clock,
        limits=SessionLimits(idle=wanted.idle_minutes * MINUTE, longest=wanted.longest_hours * 60 * MINUTE),
        lockout=LockoutRule(failures=wanted.failures, locked_for=wanted.lock_minutes * MINUTE),
    )


def _web(
    settings: Settings,
    routes: Sequence[Route],
    *,
    sessions: Sessions,
    hub: LiveHub,
    checks: Mapping[str, Check],
    counts: RequestCounts,
) -> web.Application:
    pages: Mapping[str, Path] = MappingProxyType({"/board": PROJECT / "frontend" / "board"})
    return build_app(
        routes,
        sessions=sessions,
        hub=hub,
        options=WebOptions(
            origins=frozenset(settings.web.origins),
            secure_cookies=settings.web.secure_cookie,
            body_limit=settings.web.body_limit_kib * 1024,
            pages=pages,
            home="/board/",
            checks=checks,
            counts=counts,
        ),
    )


def _conditions(telephony: Telephony, ledger: Ledger, now: Instant) -> Iterable[Condition]:
    for down in telephony.sessions_down():
        yield Condition("session_lost", down.subject, down.since, down.cause)
    if ledger.health.problem:
        yield Condition("database_down", "ledger", now, ledger.health.problem)


class Running:
    """The program at work, as a context: entered when it serves, left when all of it has stopped in order."""

    def __init__(self, hotline: Hotline) -> None:
        self._hotline = hotline
        self._tasks: list[asyncio.Task[None]] = []
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Running:
        hotline = self._hotline
        await hotline.telephony.start()
        await hotline.board.start()
        self._runner = web.AppRunner(hotline.app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, hotline.host, hotline.port).start()
        work = {
            "telephony": hotline.telephony.run(),
            "board": hotline.board.run(),
            "outbox": hotline.outbox.run(),
            "filer": hotline.filer.run(),
            **hotline.due.work(),
            **{consumer.name: consumer.run() for consumer in hotline.consumers},
        }
        self._tasks = [asyncio.create_task(coroutine, name=name) for name, coroutine in work.items()]
        _log.info("hotline serves", address=hotline.address)
        return self

    async def failed(self) -> None:
        """Returns only by raising: a part that should run for ever has ended."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
            raise NotReady(f"{task.get_name()} has ended although nobody stopped it")

    async def __aexit__(self, *_: object) -> None:
        hotline = self._hotline
        await hotline.telephony.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()
        await hotline.close()
