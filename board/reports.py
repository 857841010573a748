"""Figures over time: sums of quarter-hours, read as the board reads its day. Pure.

A report covers the intervals of one step between two borders. `Asked.periods` has their starts and, last,
the end. What is still open at `now` is added where it belongs: callers who wait, and the time agents have
spent in the state they are in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from board.figures import TOTAL, AgentInterval, QueueInterval
from board.model import LOGGED_IN, NO_AGENT_COUNTS, NO_COUNTS, AgentCounts, Counts
from board.periods import day_start
from board.rates import BUSY, IDLE, Undecided, of_legs, of_waits, ratio, whole_ms
from board.tally import Held
from core.clock import DAY, MINUTE, Duration, Instant, iso
from core.errors import BadInput
from core.facts import AgentState

MOST_PERIODS = 3_000
"""A month of quarter-hours."""


class Step(StrEnum):
    """How long the intervals of a report are, in minutes."""

    QUARTER = "15"
    HALF = "30"
    HOUR = "60"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is about. `names`: only these queues or agents; empty: all."""

    periods: tuple[Instant, ...]
    names: frozenset[str] = frozenset()

    @property
    def since(self) -> Instant:
        """The first interval's start."""
        return self.periods[0]

    @property
    def until(self) -> Instant:
        """The last interval's end."""
        return self.periods[-1]

    def bounds(self, start: Instant | None) -> tuple[str, str]:
        """Start and end of an interval, or of all, as they are written."""
        if start is None:
            return iso(self.since), iso(self.until)
        return iso(start), iso(self.periods[bisect_right(self.periods, start)])

    def start_of(self, at: Instant) -> Instant:
        """The start of the interval that contains `at`, which must be in the report."""
        return self.periods[bisect_right(self.periods, at) - 1]

    def covers(self, at: Instant, name: str) -> bool:
        """Whether something of `name` at that instant belongs into the report."""
        return self.since <= at < self.until and (not self.names or name in self.names)


@dataclass(frozen=True, slots=True)
class QueueReport:
    """`total`: one row for each interval that has begun. `rows`: one for each in which a queue had to do.
    `whole`: all intervals together, TOTAL first. The rows of each are in the order of time, then of name."""

    total: tuple[QueueInterval, ...]
    rows: tuple[QueueInterval, ...]
    whole: tuple[QueueInterval, ...]


@dataclass(frozen=True, slots=True)
class AgentReport:
    """The same of agents."""

    total: tuple[AgentInterval, ...]
    rows: tuple[AgentInterval, ...]
    whole: tuple[AgentInterval, ...]


def periods(since: Instant, until: Instant, step: Step, zone: ZoneInfo) -> tuple[Instant, ...]:
    """The starts of the intervals between two borders, and `until`.

    `BadInput` if either is not a border of that step in `zone`, or there are none or too many.
    """
    if until <= since:
        raise BadInput("query.to", "is not after `from`: the report would be empty")
    starts = [since]
    while starts[-1] < until:
        starts.append(_next(starts[-1], step, zone))
        if len(starts) > MOST_PERIODS + 1:
            raise BadInput(
                "query.to", f"is more than {MOST_PERIODS} intervals after `from`: take a longer step"
            )
    for where, at in (("query.from", since), ("query.to", until)):
        if start_of(at, step, zone) != at:
            unit = "midnight" if step is Step.DAY else f"multiple of {step} minutes after midnight"
            raise BadInput(where, f"has to be a {unit} in {zone.key}: no interval begins there")
    return tuple(starts)


def start_of(at: Instant, step: Step, zone: ZoneInfo) -> Instant:
    """The start of the interval that contains `at`. Intervals are counted from the day's midnight."""
    day = day_start(at, zone)
    return day if step is Step.DAY else at - (at - day) % (int(step) * MINUTE)


def _next(start: Instant, step: Step, zone: ZoneInfo) -> Instant:
    tomorrow = day_start(day_start(start, zone) + DAY + DAY // 2, zone)
    return tomorrow if step is Step.DAY else min(tomorrow, start + int(step) * MINUTE)


def queue_report(
    asked: Asked, counted: Iterable[tuple[Instant, str, Counts]], held: Held, now: Instant
) -> QueueReport:
    """The report of `counted`: the sums of each interval (by its start) and queue."""
    sums: defaultdict[_Key, Counts] = defaultdict(Counts)
    waits: defaultdict[_Key, Undecided] = defaultdict(Undecided)
    for start, queue, counts in counted:
        for key in _keys(start, queue):
            sums[key].add(counts)
    for wait in held.waits:
        if asked.covers(wait.joined_at, wait.queue):
            for key in _keys(asked.start_of(wait.joined_at), wait.queue):
                waits[key].add(wait.joined_at, now, wait.answer_within)

    bounds = cache(asked.bounds)  # of one interval there are as many rows as queues

    def figures(key: _Key) -> QueueInterval:
        start, end = bounds(key[0])
        undecided = waits[key]
        return QueueInterval(
            start=start,
            end=end,
            queue=key[1],
            waiting=undecided.waiting,
            **of_waits(sums[key], undecided),
            **of_legs(sums[key]),
        )

    busy = {key for key, counts in sums.items() if counts != NO_COUNTS}
    return QueueReport(*(tuple(map(figures, keys)) for keys in _laid_out(asked, busy, now)))


def agent_report(
    asked: Asked, counted: Iterable[tuple[Instant, str, AgentCounts]], held: Held, now: Instant
) -> AgentReport:
    """The report of `counted`: the sums of each interval (by its start) and agent."""
    sums: defaultdict[_Key, AgentCounts] = defaultdict(AgentCounts)
    for start, agent, counts in (*counted, *_going_on(asked, held, now)):
        for key in _keys(start, agent):
            sums[key].add(counts)

    bounds = cache(asked.bounds)

    def figures(key: _Key) -> AgentInterval:
        start, end = bounds(key[0])
        counts = sums[key]
        return AgentInterval(
            start=start,
            end=end,
            agent=key[1],
            answered=counts.rings,
            logged_in_ms=whole_ms(sum(counts.times.values())),
            **{f"{state}_ms": whole_ms(counts.times.get(state, 0)) for state in LOGGED_IN},
            occupancy=_occupancy(counts.times),
            **of_legs(counts),
        )

    busy = {key for key, counts in sums.items() if counts != NO_AGENT_COUNTS}
    return AgentReport(*(tuple(map(figures, keys)) for keys in _laid_out(asked, busy, now)))


# ------------------------------------------------------------------ inside

_Key = tuple[Instant | None, str]
"""An interval's start (None: all of the report) and a name (TOTAL: all of them)."""


def _keys(start: Instant, name: str) -> tuple[_Key, ...]:
    """Everything that something of one interval and name counts in."""
    return (start, name), (start, TOTAL), (None, name), (None, TOTAL)


def _laid_out(asked: Asked, busy: Collection[_Key], now: Instant) -> tuple[list[_Key], ...]:
    """The keys of a report's `total`, `rows` and `whole`, in order."""
    rows = sorted((start, name) for start, name in busy if start is not None and name != TOTAL)
    names = sorted(name for start, name in busy if start is None and name != TOTAL)
    return (
        [(start, TOTAL) for start in asked.periods[:-1] if start <= now],
        list(rows),
        [(None, name) for name in (TOTAL, *names)],
    )


def _going_on(asked: Asked, held: Held, now: Instant) -> Iterator[tuple[Instant, str, AgentCounts]]:
    """The time agents have spent in the state they are in, by interval: it is kept only when it ends."""
    for agent in held.agents:
        if agent.state is AgentState.LOGGED_OUT or (asked.names and agent.agent not in asked.names):
            continue
        for start, end in pairwise(asked.periods):
            passed = min(end, now) - max(start, agent.since)
            if passed > 0:
                yield start, agent.agent, AgentCounts(times={agent.state: passed})


def _occupancy(times: Mapping[AgentState, Duration]) -> float | None:
    busy = sum(times.get(state, 0) for state in BUSY)
    return ratio(busy, busy + sum(times.get(state, 0) for state in IDLE))
