"""The parts that `assembly` puts together, made of the settings, the directory and the parts before."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from aiohttp import web

from board.alarms import Condition
from core.clock import MINUTE, SECOND, Clock, Duration, Instant
from directory.lookup import Directory
from directory.people import DirectoryPeople
from hotline.content import PROJECT
from hotline.due import Due
from hotline.node import read_accounts
from hotline.settings import Settings
from ledger.ledger import Ledger
from ledger.outbox import Outbox
from storage import Database
from telephony.agents import Duties
from telephony.ami.accounts import NodeAccess
from telephony.ami.link import NodeLink
from telephony.dispatch import AppQueueDispatcher
from telephony.hearing import Node
from telephony.service import Telephony
from telephony.waiting import USUAL_HANDLING
from ticketing.api import TicketingApi
from ticketing.callbacks import Callbacks
from ticketing.service import SummaryService
from ticketing.work_orders import TicketService
from web.app import WebOptions, build_app
from web.counting import RequestCounts
from web.health import Check
from web.live import LiveHub
from web.lockout import LockoutRule
from web.route import Route
from web.sessions import SessionLimits, Sessions


def telephony_of(
    settings: Settings,
    directory: Directory,
    ledger: Ledger,
    clock: Clock,
    *,
    handling: Callable[[str], Duration | None],
) -> Telephony:
    """Nodes, agents and calls. `handling`: a queue's mean handling time, None while nobody knows it."""
    names = [node.name for node in settings.nodes]
    queues = tuple(directory.queues)
    limits: dict[str, Duration] = {
        queue.name: queue.wrapup_limit_s * SECOND for queue in directory.queues.values()
    }
    bounds: dict[str, Duration] = {queue.name: queue.bound_s * SECOND for queue in directory.queues.values()}
    short = {reason.code for reason in directory.reasons.values() if reason.on_duty} | {"logged_in"}
    places = directory.places()
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


def callbacks_of(main: Database, ledger: Ledger, due: Due, directory: Directory, clock: Clock) -> Callbacks:
    """Who owes a customer a call; with the timers that remind, and the notices that tell."""
    return Callbacks(
        database=main,
        book=ledger,
        timers=due.timers,
        notices=due.notices,
        calendar=due.calendar,
        directory=lambda: directory,
        clock=clock,
    )


def ticketing_routes(
    main: Database, outbox: Outbox, callbacks: Callbacks, directory: Directory, clock: Clock
) -> list[Route]:
    """Summaries, call-backs and work orders, for the web."""
    summaries = SummaryService(
        database=main, outbox=outbox, callbacks=callbacks, directory=lambda: directory, clock=clock
    )
    tickets = TicketService(database=main, outbox=outbox, directory=lambda: directory, clock=clock)
    return TicketingApi(summaries=summaries, callbacks=callbacks, tickets=tickets, clock=clock).routes()


def sessions_of(settings: Settings, people: DirectoryPeople, main: Database, clock: Clock) -> Sessions:
    """Who is signed in, and for how long."""
    wanted = settings.session
    return Sessions(
        main,
        people,
        clock=clock,
        limits=SessionLimits(idle=wanted.idle_minutes * MINUTE, longest=wanted.longest_hours * 60 * MINUTE),
        lockout=LockoutRule(failures=wanted.failures, locked_for=wanted.lock_minutes * MINUTE),
    )


def web_of(
    settings: Settings,
    routes: Sequence[Route],
    *,
    sessions: Sessions,
    hub: LiveHub,
    checks: Mapping[str, Check],
    counts: RequestCounts,
) -> web.Application:
    """Pages and API behind one gate."""
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


def conditions_of(telephony: Telephony, ledger: Ledger, now: Instant) -> Iterable[Condition]:
    """What is wrong and no fact tells of."""
    for down in telephony.sessions_down():
        yield Condition("session_lost", down.subject, down.since, down.cause)
    if ledger.health.problem:
        yield Condition("database_down", "ledger", now, ledger.health.problem)
