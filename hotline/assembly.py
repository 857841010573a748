"""Where everything is put together: the one place that knows every feature.

settings, directory, credentials ─► databases ─► ledger ─► telephony, board, ticketing, recordings ─► web
"""

from __future__ import annotations

from contextlib import AsyncExitStack

import structlog

from board.api import BoardApi
from board.export_api import ExportsApi
from board.report_api import ReportsApi
from board.report_service import Reports
from board.service import Board
from core.clock import Clock
from customers.service import Customers
from directory.api import directory_routes
from directory.book import DirectoryBook
from directory.changes_api import ChangesApi
from directory.credentials import Credentials
from directory.loans_api import LoansApi
from directory.lookup import Directory
from directory.people import DirectoryPeople
from directory.sheet_api import SheetsApi
from hotline.customers import customer_files_of, customer_routes, identifier_of
from hotline.due import Due, assemble_due, sms_key
from hotline.flow_guard import FlowGuard
from hotline.leading import Won
from hotline.metrics import Watched, registry_of
from hotline.metrics_api import MetricsApi, read_token
from hotline.node_upkeep import NodeUpkeep
from hotline.node_upkeep_api import NodeUpkeepApi
from hotline.notices_api import NoticesApi
from hotline.outgoing import outgoing_calls_of, outgoing_follower, outgoing_rules
from hotline.pages import page_lines, signed_in_by, stops_with
from hotline.parts import (
    callbacks_of,
    conditions_of,
    exports_of,
    followers_of,
    sessions_of,
    telephony_of,
    ticketing_routes,
    unknown_summary_fields,
    web_of,
)
from hotline.readiness import ready_checks
from hotline.retention import Retention
from hotline.running import Hotline
from hotline.settings import Settings
from hotline.sms_reports_api import SmsReportsApi
from ledger.api import CallsApi
from ledger.calls import CallBook
from ledger.ledger import Ledger
from ledger.outbox import Outbox
from recordings.api import RecordingsApi
from recordings.playback import Player
from recordings.service import Filer
from storage import Database
from storage.migrate import migrate
from telephony.agent_view import AgentView
from telephony.api import TelephonyApi
from telephony.awaited import Awaited
from telephony.command_api import CommandApi
from telephony.conference_api import ConferenceApi
from telephony.conferences import Conferences
from telephony.harassment import Harassment
from telephony.leader_api import LeaderApi
from telephony.leaders import Leaders
from telephony.order_api import OrderApi
from telephony.orders import Orders
from telephony.page_api import PageApi
from telephony.page_phones import PagePhones
from telephony.trail import Trail
from telephony.waiting_api import WaitingApi
from ticketing.bulletins import Bulletins
from ticketing.bulletins_api import BulletinsApi
from ticketing.outgoing_api import OutgoingApi
from web.audit_api import AuditApi
from web.counting import RequestCounts
from web.live import LiveHub
from web.relay import RelayOut
from web.relay_line import RelayLine

_log = structlog.get_logger("hotline")
_FACTS_ANSWER_MS = 4_000
"""Facts are in memory alone while a server hangs and nobody knows it yet."""


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
    settings: Settings,
    directory: Directory,
    credentials: Credentials,
    *,
    clock: Clock,
    won: Won | None = None,
) -> Hotline:
    """Every part, connected; databases and ledger are open, nothing else runs yet. `won`: how it leads."""
    async with AsyncExitStack() as opened:
        main, facts = await open_databases(settings)
        opened.push_async_callback(main.close)
        opened.push_async_callback(facts.close)
        lead = won.lead if won else None
        ledger = Ledger(facts, spool=settings.data_dir / "ledger.spool", lead=lead)
        await ledger.open()
        opened.push_async_callback(ledger.close)
        due = assemble_due(settings, main, lambda: book.present.calendar, clock)
        book = DirectoryBook(
            database=main, timers=due.timers, clock=clock, seed=directory, zone=settings.zone_info
        )
        await book.open()
        hotline = _connected(
            settings,
            book,
            credentials,
            clock=clock,
            main=main,
            facts=facts,
            ledger=ledger,
            due=due,
            won=won,
        )
        opened.pop_all()
    return hotline


def _connected(
    settings: Settings,
    book: DirectoryBook,
    credentials: Credentials,
    *,
    clock: Clock,
    main: Database,
    facts: Database,
    ledger: Ledger,
    due: Due,
    won: Won | None,
) -> Hotline:
    directory = book.current
    leadership = won.leadership if won else None
    upkeep = NodeUpkeep(settings, book.number, book.present, clock=clock)
    outbox = Outbox(ledger=ledger, database=main)
    calls = CallBook(ledger=ledger, database=main)
    customers = Customers(database=main, directory=directory, clock=clock, zone=settings.zone_info)
    customer_files = customer_files_of(settings, customers, directory, credentials, clock)
    identifier = identifier_of(settings.customers, customers, ledger, clock)
    callbacks = callbacks_of(
        main, ledger, due, directory=directory, rules=outgoing_rules(settings.outgoing), clock=clock
    )
    reports = Reports(ledger=ledger, database=main, clock=clock)
    hub = LiveHub(clock=clock)
    relay = _relay(settings, hub, book)
    board = Board(
        ledger=ledger,
        hub=hub,
        directory=directory(),
        clock=clock,
        conditions=lambda: conditions_of(telephony, ledger, leadership, clock()),
        heard=lambda: telephony.heard(),  # noqa: PLW0108 - it is made below, and asks the board itself
        zone=settings.zone_info,
    )
    telephony = telephony_of(
        settings, directory, ledger, clock, handling=board.handling, leadership=leadership
    )
    agents = AgentView(telephony.switchboard, hub, clock, told_of_leaders=settings.agents.told_of_leaders)
    ledger.listen(agents.hear)
    awaited = Awaited()
    ledger.listen(awaited.hear)
    trail = Trail(main, clock)
    orders = Orders(telephony, awaited=awaited, trail=trail, clock=clock)
    conferences = Conferences(telephony, awaited=awaited, trail=trail)
    harassment = Harassment(telephony, awaited=awaited, notices=due.notices, directory=directory, clock=clock)
    bulletins = Bulletins(
        database=main, timers=due.timers, notices=due.notices, directory=directory, clock=clock
    )
    leaders = Leaders(telephony, awaited=awaited, directory=directory, trail=trail)
    folders = {node.name: node.directory / "recordings" for node in settings.nodes}
    filer = Filer(database=main, outbox=outbox, folders=folders, clock=clock)
    outgoing = outgoing_calls_of(settings, main, callbacks, telephony, directory=directory, clock=clock)
    consumers = (
        calls.consumer,
        reports.consumer,
        *followers_of(ledger, main, callbacks, filer, harassment),
        outgoing_follower(ledger, main, outgoing),
    )
    retention = Retention(settings, main=main, facts=facts, folders=folders, clock=clock)
    counts = RequestCounts()
    watched = Watched(
        board=board,
        telephony=telephony,
        ledger=ledger,
        outbox=outbox,
        consumers=consumers,
        hub=hub,
        requests=counts,
        jobs=due.watch,
        retention=retention,
        clock=clock,
        calendar=lambda: directory().calendar,
        relay=relay,
        lookup=identifier.lookup,
        leadership=leadership,
    )
    people = DirectoryPeople(directory, credentials)
    sessions = sessions_of(settings, people, main, clock)
    phones = PagePhones(
        telephony,
        directory=directory,
        nodes=page_lines(settings),
        secrets=credentials.devices,
        clock=clock,
    )
    routes = [
        *PageApi(phones, directory, signed_in_by(settings, sessions)).routes(),
        *TelephonyApi(telephony, agents, directory, harassment).routes(),
        *CommandApi(telephony, agents, directory, trail).routes(),
        *LeaderApi(leaders).routes(),
        *OrderApi(orders).routes(),
        *ConferenceApi(conferences).routes(),
        *WaitingApi(orders, directory).routes(),
        *BoardApi(board, clock).routes(),
        *ReportsApi(reports, directory=directory, clock=clock, zone=settings.zone_info).routes(),
        *ExportsApi(exports_of(settings, main, due, reports, directory=directory, clock=clock)).routes(),
        *CallsApi(calls).routes(),
        *customer_routes(customers, calls, customer_files),
        *directory_routes(directory),
        *ChangesApi(book).routes(),
        *LoansApi(book).routes(),
        *SheetsApi(book).routes(),
        *NodeUpkeepApi(upkeep).routes(),
        *AuditApi(main).routes(),
        *NoticesApi(due.notices, main, clock).routes(),
        *SmsReportsApi(due.notices, main, clock, key=sms_key(settings.sms)).routes(),
        *MetricsApi(
            registry_of(watched),
            token=read_token(settings.metrics.token_file),
            before=due.watch.look,
        ).routes(),
        *ticketing_routes(main, outbox, callbacks, calls, directory=directory, clock=clock),
        *BulletinsApi(bulletins).routes(),
        *OutgoingApi(outgoing).routes(),
        *RecordingsApi(
            player=Player(database=main, folders=folders, clock=clock),
            database=main,
            folders=folders,
            clock=clock,
        ).routes(),
    ]
    book.guard(FlowGuard(settings))
    book.guard(unknown_summary_fields)
    book.listen(lambda _before, after: board.directory_changed(after))
    book.listen(lambda _before, after: upkeep.changed(book.number, after))
    book.listen(lambda _before, _after: customer_files.compare())
    book.listen(lambda before, _after: telephony.memberships_changed(before.places()))
    book.listen(lambda _before, _after: hub.people_changed(people.principal))
    if relay is not None:
        sessions.on_end(relay.session_ended)
    checks = ready_checks(ledger, telephony, relay, leadership)
    app = web_of(settings, routes, sessions=sessions, hub=hub, checks=checks, counts=counts, clock=clock)
    stops_with(app, phones)
    return Hotline(
        ledger=ledger,
        main=main,
        facts=facts,
        telephony=telephony,
        phones=phones,
        board=board,
        calls=calls,
        outbox=outbox,
        due=due,
        directory=book,
        upkeep=upkeep,
        customer_files=customer_files,
        consumers=consumers,
        filer=filer,
        identifier=identifier,
        retention=retention,
        relay=relay,
        app=app,
        host=settings.web.host,
        port=settings.web.port,
        won=won,
    )


def _relay(settings: Settings, hub: LiveHub, book: DirectoryBook) -> RelayOut | None:
    """What carries the live feed to web processes, where there is a Redis for it."""
    if not settings.redis.url:
        return None
    line = RelayLine(settings.redis.url, settings.redis.prefix)
    relay = RelayOut(line, hub, edition=lambda: book.edition)
    book.listen(lambda _before, _after: relay.edition_changed())
    return relay
