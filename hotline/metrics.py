"""The figures that operation watches, in Prometheus' terms; read from the parts when somebody asks.

Nothing is counted here: board, telephony, ledger, consumers and the web edge know their figures anyway; how
jobs stand is asked of their database by whoever shows the figures, just before.
Durations are in seconds. Counters of queues and calls begin anew at midnight of the bank's zone, as the board
does; `rate()` and `increase()` take that for a restart, which it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from board.service import Board
from core.calendar import WorkingCalendar
from core.clock import SECOND, Clock, Duration, Instant, local_day
from core.facts import AgentState
from customers.lookup import Lookup
from directory.alarms import ALARMS
from hotline.metrics_customers import lookup_figures
from hotline.metrics_family import Family
from hotline.metrics_lease import lease_figures
from hotline.metrics_queues import queue_figures
from hotline.retention import Retention
from ledger.consumer import Consumer
from ledger.ledger import Ledger, LedgerHealth
from ledger.outbox import Outbox
from storage.jobs.watch import JobsWatch
from storage.leadership import Leadership
from telephony.ami.session import State
from telephony.service import Telephony
from telephony.standing import NodeStanding
from web.counting import RequestCounts
from web.live import LiveHub
from web.relay import RelayOut

_log = structlog.get_logger("hotline.metrics")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is looked at."""

    board: Board
    telephony: Telephony
    ledger: Ledger
    outbox: Outbox
    consumers: Sequence[Consumer]
    hub: LiveHub
    requests: RequestCounts
    jobs: JobsWatch
    retention: Retention
    clock: Clock
    calendar: Callable[[], WorkingCalendar]
    relay: RelayOut | None = None
    lookup: Lookup | None = None
    leadership: Leadership | None = None


def registry_of(watched: Watched) -> CollectorRegistry:
    """A registry of our own with everything in it, the process included."""
    registry = CollectorRegistry()
    registry.register(HotlineCollector(watched))
    for collector in (ProcessCollector, GCCollector, PlatformCollector):
        collector(registry=registry)
    return registry


class HotlineCollector(Collector):
    """All figures of the program; a part whose figures cannot be had leaves those of the others whole."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched

    def collect(self) -> Iterator[Metric]:
        """Every family, part by part."""
        failed: dict[str, bool] = {}
        for name, part in _PARTS.items():
            try:
                metrics = list(part(self._watched))
            except Exception:  # noqa: BLE001  a part that fails must not blind us to the others
                _log.exception("figures cannot be had", part=name)
                metrics, failed[name] = [], True
            yield from metrics
        yield FAILED.of(((name,), failed.get(name, False)) for name in _PARTS)


FAILED = Family("hotline_metrics_failed", "1: the figures of this part could not be had", ("part",))

# ------------------------------------------------------------------ the board

AGENTS = Family("hotline_agents", "Agents by state", ("state",))
CALLS = Family("hotline_calls", "Calls in progress, by what the customer is doing", ("phase",))
ARRIVED = Family("hotline_calls_arrived_total", "Calls that arrived today")
STANDING = Family("hotline_alarms", "Alarms that stand, by kind", ("alarm",))
BOARD_AGE = Family("hotline_board_age_seconds", "How old the live figures are")
SCREENS = Family("hotline_live_readers", "Open live connections of screens and desks")
FEED = Family("hotline_live_feed_up", "1: the line to Redis stands, by which web processes are told")


def _board(watched: Watched) -> Iterator[Metric]:
    figures = watched.board.figures()
    yield from queue_figures(figures.queues)
    states = Counter(agent.state for agent in figures.agents)
    yield AGENTS.of(((state.value,), states[state.value]) for state in AgentState)
    calls = figures.calls
    phases = {
        "menu": calls.in_menu,
        "waiting": figures.total.waiting,
        "talking": calls.talking,
        "outside": calls.outside,
        "survey": calls.in_survey,
    }
    yield CALLS.of(((phase,), count) for phase, count in phases.items())
    yield ARRIVED.single(calls.arrived)
    standing = Counter(alarm.alarm for alarm in figures.alarms)
    yield STANDING.of(((alarm,), standing[alarm]) for alarm in ALARMS)
    yield BOARD_AGE.single(_age(watched.board.known_until() or None, watched.clock()))
    yield SCREENS.single(watched.hub.readers)
    yield FEED.single(None if watched.relay is None else not watched.relay.problem)


# ------------------------------------------------------------------ the nodes

_OF_NODE: tuple[tuple[Family, Callable[[NodeStanding, Instant], float | None]], ...] = (
    (
        Family("hotline_node_connected", "1: the node is booted and tells us its events", ("node",)),
        lambda node, _now: node.connected,
    ),
    (
        Family("hotline_ami_silence_seconds", "Since the node last sent anything", ("node",)),
        lambda node, now: _age(node.heard_at, now),
    ),
    (
        Family("hotline_ami_event_age_seconds", "Of the latest event, when it came in", ("node",)),
        lambda node, _now: _seconds(node.event_age),
    ),
    (
        Family("hotline_ami_round_trip_seconds", "Of the latest ping of the events session", ("node",)),
        lambda node, _now: _seconds(node.round_trip),
    ),
    (
        Family("hotline_ami_unread_items", "Events that came in and were not read yet", ("node",)),
        lambda node, _now: node.unread,
    ),
)
SESSIONS = Family(
    "hotline_ami_session_state", "1 for the state that a session is in", ("node", "role", "state")
)
COMMANDS = Family(
    "hotline_commands_total", "Commands to a node, by how they ended", ("node", "command", "outcome")
)
BAD_EVENTS = Family("hotline_bad_events_total", "Events that could not be understood or folded")


def _nodes(watched: Watched) -> Iterator[Metric]:
    now, nodes = watched.clock(), watched.telephony.standings()
    for family, figure in _OF_NODE:
        yield family.of(((node.node,), figure(node, now)) for node in nodes)
    yield SESSIONS.of(
        ((node.node, role.value, state.value), state is stands)
        for node in nodes
        for role, stands in node.sessions.items()
        for state in State
    )
    yield COMMANDS.of(
        ((node.node, command, outcome.value), count)
        for node in nodes
        for (command, outcome), count in node.outcomes.items()
    )
    yield BAD_EVENTS.single(watched.telephony.bad_events)


# ------------------------------------------------------------------ ledger, consumers, web

_OF_LEDGER: tuple[tuple[Family, Callable[[LedgerHealth], float]], ...] = (
    (Family("hotline_ledger_facts_total", "Number of the last fact"), lambda health: health.last),
    (
        Family("hotline_ledger_stored_facts_total", "Number of the last fact in the database"),
        lambda health: health.last_stored,
    ),
    (
        Family("hotline_ledger_memory_facts", "Facts that would be lost with the process"),
        lambda health: health.in_memory,
    ),
    (Family("hotline_ledger_spooled_facts", "Facts that wait in the spool"), lambda health: health.spooled),
    (
        Family("hotline_ledger_set_aside_facts", "Facts after which another has led; look at their files"),
        lambda health: health.set_aside,
    ),
    (
        Family("hotline_ledger_problem", "1: the ledger does not reach its database"),
        lambda health: bool(health.problem),
    ),
)
LAG = Family("hotline_consumer_lag_facts", "Stored facts whose effects are not", ("consumer",))
STUCK = Family("hotline_consumer_problem", "1: a fact is tried again and again", ("consumer",))
OUTBOX = Family("hotline_outbox_problem", "1: facts of transactions do not reach the ledger")
REQUESTS = Family("hotline_http_requests_total", "Answers by route and status", ("method", "route", "status"))
TIME = Family("hotline_http_request_seconds_total", "Time they took", ("method", "route", "status"))


def _ledger(watched: Watched) -> Iterator[Metric]:
    health = watched.ledger.health
    for family, figure in _OF_LEDGER:
        yield family.single(figure(health))
    behind = {one.name: max(0, health.last_stored - one.position) for one in watched.consumers}
    yield LAG.of(((name,), lag) for name, lag in behind.items())
    yield STUCK.of(((one.name,), bool(one.problem)) for one in watched.consumers)
    yield OUTBOX.single(bool(watched.outbox.problem))
    yield from lease_figures(watched.leadership)


YEAR = Family(
    "hotline_calendar_year_lacking", "1: it is time, and nobody has entered that year's holidays", ("year",)
)


def _calendar(watched: Watched) -> Iterator[Metric]:
    calendar = watched.calendar()
    today = local_day(watched.clock(), calendar.zone)
    lacking = calendar.year_lacking(today)
    yield YEAR.of(((str(year),), year == lacking) for year in (today.year, today.year + 1))


def _web(watched: Watched) -> Iterator[Metric]:
    yield from served_of(watched.requests)


def served_of(requests: RequestCounts) -> Iterator[Metric]:
    """What was answered, and how long it took."""
    served = {(method, path, str(status)): one for (method, path, status), one in requests.by.items()}
    yield REQUESTS.of((key, one.count) for key, one in served.items())
    yield TIME.of((key, one.seconds) for key, one in served.items())


# ------------------------------------------------------------------ jobs

JOBS = Family("hotline_jobs", "Jobs that wait, run or were given up", ("state",))
OVERDUE = Family("hotline_jobs_oldest_due_seconds", "Since when the longest due of those that wait could run")
HELD_UP = Family("hotline_jobs_problem", "1: nothing is carried out just now")


def _jobs(watched: Watched) -> Iterator[Metric]:
    yield HELD_UP.single(bool(watched.jobs.problem))
    standing = watched.jobs.standing
    if standing is not None:
        counts = {"waiting": standing.waiting, "running": standing.running, "dead": standing.dead}
        yield JOBS.of(((state,), count) for state, count in counts.items())
        yield OVERDUE.single(_age(standing.oldest_due, watched.clock()) or 0)


RETENTION = Family("hotline_retention_problem", "1: what should be gone is not, since the last night or run")

_PARTS: Mapping[str, Callable[[Watched], Iterator[Metric]]] = {
    "board": _board,
    "nodes": _nodes,
    "ledger": _ledger,
    "calendar": _calendar,
    "jobs": _jobs,
    "retention": lambda watched: iter([RETENTION.single(bool(watched.retention.problem))]),
    "customers": lambda watched: lookup_figures(watched.lookup),
    "web": _web,
}


def _age(at: Instant | None, now: Instant) -> float | None:
    return None if at is None else _seconds(max(0, now - at))


def _seconds(duration: Duration | None) -> float | None:
    return None if duration is None else duration / SECOND
