"""The parts that `assembly` puts together, made of the settings, the directory and the parts before."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from aiohttp import web

from board.alarms import Condition
from board.exports import Exports
from board.report_service import Reports
from core.clock import HOUR, MINUTE, SECOND, Clock, Duration, Instant
from core.facts import USUAL_ANSWER_WITHIN
from core.names import QueueName
from directory.errors import Problem
from directory.lookup import Directory
from directory.model import Membership
from directory.people import DirectoryPeople
from hotline.content import PROJECT
from hotline.due import Due
from hotline.node import read_accounts
from hotline.outgoing import customer_lines
from hotline.settings import Settings
from hotline.sign_in import password_rule, provider_of
from ledger.calls import CallBook
from ledger.consumer import Consumer
from ledger.ledger import Ledger
from ledger.outbox import Outbox
from recordings import service as recordings_service
from recordings.service import Filer
from storage import Database
from storage.leadership import Leadership
from telephony import harassment
from telephony.agents import LOGIN_REASON, Duties
from telephony.ami.accounts import NodeAccess
from telephony.ami.link import NodeLink
from telephony.dispatch import AppQueueDispatcher
from telephony.harassment import Harassment
from telephony.hearing import Node
from telephony.kept import KeptPlaces
from telephony.presence import never_away
from telephony.service import Telephony, alone
from telephony.waiting import USUAL_HANDLING
from ticketing import callbacks as callback_tasks
from ticketing import duties
from ticketing.api import TicketingApi
from ticketing.callbacks import Callbacks
from ticketing.outgoing_rules import OutgoingRules
from ticketing.rules import SUMMARY_FIELDS, fields_unknown
from ticketing.service import SummaryService
from ticketing.work_orders import TicketService
from web.app import WebOptions, build_app
from web.counting import RequestCounts
from web.forward import Forward
from web.health import Check
from web.live_topics import LiveTopics
from web.lockout import LockoutRule
from web.route import Route
from web.session import SessionLimits
from web.sessions import Sessions

_DUTIES_LINGER_S = 0.25
"""An agent writes for seconds; that a summary is owed may be known a quarter of a second later."""


class Places:
    """The queues of every agent and the figures of every queue, worked out once for each directory."""

    def __init__(self, directory: Callable[[], Directory]) -> None:
        self._directory = directory
        self._of: Directory | None = None
        self._places: Mapping[str, tuple[Membership, ...]] = {}

    def memberships(self, number: str) -> tuple[Membership, ...]:
        """Of one agent; none for those who take no calls."""
        return self.all().get(number, ())

    def all(self) -> Mapping[str, tuple[Membership, ...]]:
        """Of all agents, by number."""
        directory = self._directory()
        if directory is not self._of:
            self._of, self._places = directory, directory.places()
        return self._places

    def seconds(self, queue: str, figure: str, otherwise: Duration) -> Duration:
        """A queue's figure in seconds as a duration; `otherwise` for a queue that is gone."""
        found = self._directory().queues.get(QueueName(queue))
        return otherwise if found is None else getattr(found, figure) * SECOND


def telephony_of(
    settings: Settings,
    directory: Callable[[], Directory],
    ledger: Ledger,
    clock: Clock,
    *,
    handling: Callable[[str], Duration | None],
    leadership: Leadership | None = None,
) -> Telephony:
    """Nodes, agents and calls. `handling`: a queue's mean handling time, None while nobody knows it.
    `leadership`: asked before every command, where another program may lead."""
    names = [node.name for node in settings.nodes]
    places = Places(directory)

    def queues() -> tuple[str, ...]:
        return tuple(directory().queues)

    def short_pause(reason: str) -> bool:
        found = directory().reasons.get(reason)
        return reason == LOGIN_REASON or (found is not None and found.on_duty)

    nodes = [
        Node(
            name=node.name,
            link=NodeLink(
                NodeAccess(host=node.host, port=node.port, secrets=read_accounts(node.accounts)),
                queues=queues,
                clock=clock,
                random=random.random,
            ),
            directory=node.directory,
        )
        for node in settings.nodes
    ]
    outgoing = {node.name: trunk.shown for node in settings.nodes for trunk in node.trunks if trunk.outgoing}

    def bound(queue: str) -> Duration:
        return places.seconds(queue, "bound_s", MINUTE)

    keeps = settings.outgoing.keep_place_min * MINUTE if outgoing else 0
    return Telephony(
        outgoing=outgoing,
        customer_first=customer_lines(settings),
        kept=KeptPlaces(keeps=keeps, bound=bound),
        nodes=nodes,
        book=ledger,
        duties=Duties(
            memberships=places.memberships,
            wrapup_limit=lambda queue: places.seconds(queue, "wrapup_limit_s", MINUTE),
            nodes=tuple(names),
            answer_within=lambda queue: places.seconds(queue, "service_level_s", USUAL_ANSWER_WITHIN),
        ),
        dispatcher=AppQueueDispatcher(
            memberships=places.memberships,
            short_pause=short_pause,
            handling=lambda queue: handling(queue) or USUAL_HANDLING,
            bound=bound,
            offers_callback=lambda node, queue: (
                places.seconds(queue, "callback_after_s", 0) if node in outgoing else 0
            ),
            queues=queues,
        ),
        clock=clock,
        sure=alone if leadership is None else leadership.drives,
        away=never_away if leadership is None else lambda: leadership.cut_off,
    )


def callbacks_of(
    main: Database,
    ledger: Ledger,
    due: Due,
    *,
    directory: Callable[[], Directory],
    rules: OutgoingRules,
    clock: Clock,
) -> Callbacks:
    """Who owes a customer a call; with the timers that remind, and the notices that tell."""
    return Callbacks(
        database=main,
        book=ledger,
        timers=due.timers,
        notices=due.notices,
        calendar=due.calendar,
        directory=directory,
        rules=rules,
        clock=clock,
    )


def ticketing_routes(
    main: Database,
    outbox: Outbox,
    callbacks: Callbacks,
    calls: CallBook,
    *,
    directory: Callable[[], Directory],
    clock: Clock,
) -> list[Route]:
    """Summaries, call-backs and work orders, for the web."""
    summaries = SummaryService(
        database=main, outbox=outbox, callbacks=callbacks, directory=directory, clock=clock
    )
    tickets = TicketService(database=main, outbox=outbox, directory=directory, clock=clock)
    return TicketingApi(
        summaries=summaries, callbacks=callbacks, tickets=tickets, calls=calls, clock=clock
    ).routes()


def unknown_summary_fields(_before: Directory, after: Directory) -> list[Problem]:
    """A `directory.book.Guard`: a call type that demands a field no summary has could never be written up."""
    known = ", ".join(sorted(SUMMARY_FIELDS))
    return [
        Problem(f"call_types {code}", "mandatory", f"a summary has no field {name!r}; it has {known}")
        for code, name in fields_unknown(after.call_types.values())
    ]


def exports_of(
    settings: Settings,
    main: Database,
    due: Due,
    reports: Reports,
    *,
    directory: Callable[[], Directory],
    clock: Clock,
) -> Exports:
    """Reports that are made aside, in `exports` of the data folder."""
    return Exports(
        database=main,
        jobs=due.jobs,
        reports=reports,
        directory=directory,
        folder=settings.data_dir / "exports",
        clock=clock,
        zone=settings.zone_info,
        keep=settings.jobs.exports_hours * HOUR,
    )


def followers_of(
    ledger: Ledger, main: Database, callbacks: Callbacks, filer: Filer, reports: Harassment
) -> tuple[Consumer, ...]:
    """What summaries and call-backs are owed, which recordings there are, what leaders are to be told: by
    what calls have become."""
    return (
        Consumer(
            name=duties.CONSUMER,
            ledger=ledger,
            database=main,
            handle=duties.follow,
            kinds=duties.KINDS,
            linger_s=_DUTIES_LINGER_S,
        ),
        Consumer(
            name=callback_tasks.CONSUMER,
            ledger=ledger,
            database=main,
            handle=callbacks.follow,
            kinds=callback_tasks.KINDS,
            wants=callbacks.concerns,
            linger_s=callback_tasks.LINGER_S,
        ),
        Consumer(
            name=recordings_service.CONSUMER,
            ledger=ledger,
            database=main,
            handle=filer.handle,
            kinds=recordings_service.KINDS,
            linger_s=recordings_service.LINGER_S,
        ),
        Consumer(
            name=harassment.CONSUMER,
            ledger=ledger,
            database=main,
            handle=reports.follow,
            kinds=harassment.KINDS,
        ),
    )


def sessions_of(settings: Settings, people: DirectoryPeople, main: Database, clock: Clock) -> Sessions:
    """Who is signed in, and for how long."""
    wanted = settings.session
    return Sessions(
        main,
        people,
        clock=clock,
        limits=SessionLimits(idle=wanted.idle_minutes * MINUTE, longest=wanted.longest_hours * 60 * MINUTE),
        lockout=LockoutRule(failures=wanted.failures, locked_for=wanted.lock_minutes * MINUTE),
        rule=password_rule(settings),
    )


def web_of(
    settings: Settings,
    routes: Sequence[Route],
    *,
    sessions: Sessions,
    hub: LiveTopics,
    checks: Mapping[str, Check],
    counts: RequestCounts,
    clock: Clock,
    forward: Forward | None = None,
) -> web.Application:
    """Pages and API behind one gate; with `forward`, of a web process."""
    pages: Mapping[str, Path] = MappingProxyType(
        {f"/{name}": PROJECT / "frontend" / name for name in ("board", "agent")}
    )
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
            provider=provider_of(settings, clock),
            forward=forward,
        ),
    )


def conditions_of(
    telephony: Telephony, ledger: Ledger, leadership: Leadership | None, now: Instant
) -> Iterable[Condition]:
    """What is wrong and no fact tells of."""
    for down in telephony.sessions_down():
        yield Condition("session_lost", down.subject, down.since, down.cause)
    if ledger.health.problem:
        yield Condition("database_down", "ledger", now, ledger.health.problem)
    if leadership is not None and leadership.cut_off:
        told = "another program may lead: the telephones are told nothing, callers are served by the dialplan"
        yield Condition("database_down", "lease", now, told)
