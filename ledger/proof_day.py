"""A day of the ledger proved: its numbers, and each call that arrived on it, against each node's queue log.

It reads what is stored, in pages, and takes no lock: it may run beside the service. A call belongs to the day
on which it arrived, wherever its facts stand in the ledger: one that goes on over midnight is proved whole,
and so is one that was given back from Asterisk's own files the next morning. A call in progress, or one that
has only just ended, is left out and counted: something of it may still be written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.clock import MINUTE, SECOND, Instant, instant, moment
from core.errors import BadInput
from core.facts import CallEnded, OutgoingEnded
from ledger.call_facts import CallFacts, gather
from ledger.proof import hole, prove_call, unknown_channel
from ledger.proof_calls import Mismatch
from ledger.queue_logs import SLACK, QueueLogs, born
from ledger.store import FactStore

LONGEST_CALL = 240 * MINUTE
"""A call of which nothing was heard for so long is not in progress: its end was missed."""
SETTLED = MINUTE
"""So long after its end everything that belongs to a call is written."""
KEPT = 1_000
"""Mismatches kept one by one; beyond it they are counted. Whoever finds a thousand looks for one cause."""
_PAGE = 5_000
_CALLS = 200


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` on, before `until`."""

    since: Instant
    until: Instant


def day_of(day: date, zone: ZoneInfo) -> Period:
    """A day of the bank's zone, midnight to midnight."""
    midnights = (datetime.combine(each, time(), zone) for each in (day, day + timedelta(days=1)))
    return Period(*map(instant, midnights))


@dataclass(frozen=True, slots=True)
class DayLogs:
    """A period, and the queue log of each node over it."""

    period: Period
    by_node: Mapping[str, QueueLogs]


@dataclass(slots=True)
class Found:
    """Mismatches: the first of them as they are, and how many there are of each rule."""

    kept: list[Mismatch] = field(default_factory=list)
    by_rule: Counter[str] = field(default_factory=Counter)

    def add(self, mismatches: Iterable[Mismatch]) -> None:
        """Take them up."""
        for mismatch in mismatches:
            self.by_rule[mismatch.rule] += 1
            if len(self.kept) < KEPT:
                self.kept.append(mismatch)

    def unreadable(self, problem: BadInput) -> None:
        """A line of a queue log that app_queue never wrote."""
        self.add(
            [
                Mismatch(
                    subject=problem.where,
                    rule="log_line",
                    ledger="nothing of this line",
                    witness=problem.problem,
                    explanation="a full disk or another program has written there; the call of it is proved "
                    "without it",
                )
            ]
        )

    @property
    def total(self) -> int:
        """How many there are."""
        return self.by_rule.total()


class DayProof:
    """What is found goes to `found`. `node`: prove the calls of this one alone."""

    def __init__(
        self, store: FactStore, logs: DayLogs, found: Found, *, now: Instant, node: str = ""
    ) -> None:
        self._store, self._found = store, found
        self._period, self._logs = logs.period, logs.by_node
        self._now, self._node = now, node
        self._unwitnessed: Counter[str] = Counter()
        self.first = self.last = 0
        """Numbers of the first and last fact of the day; 0 of a day without any."""
        self.proved = self.left_out = 0

    async def calls(self) -> AsyncIterator[list[CallFacts]]:
        """The day's calls, some hundred at a time, once they are proved; exhaust it to prove all."""
        span = await self._store.span(self._period.since, self._period.until)
        if span is not None:
            self.first, self.last = span
            async for names in self._names():
                yield self._prove(gather(await self._store.of_calls(names)).values())
        await self._prove_the_rest()

    async def _names(self) -> AsyncIterator[list[str]]:
        """Every call that has a fact among the numbers of the day, once; holes in the numbers are found."""
        seen: set[str] = set()
        fresh: list[str] = []
        before = await self._store.number_before(self.first)
        while page := await self._store.numbers(before, self.last, _PAGE):
            for seq, call in page:
                if seq != before + 1:
                    self._found.add([hole(before, seq)])
                before = seq
                if call and call not in seen:
                    seen.add(call)
                    fresh.append(call)
            while len(fresh) >= _CALLS:
                yield fresh[:_CALLS]
                del fresh[:_CALLS]
        if fresh:
            yield fresh

    def _prove(self, stories: Iterable[CallFacts]) -> list[CallFacts]:
        proved = []
        for story in stories:
            if not self._period.since <= story.arrived_at < self._period.until:
                continue
            if self._node and story.node != self._node:
                continue
            if self._may_go_on(story):
                self.left_out += 1
                continue
            self._found.add(self._of_call(story))
            proved.append(story)
        self.proved += len(proved)
        return proved

    def _may_go_on(self, story: CallFacts) -> bool:
        ends = [fact.at for fact in story.facts if isinstance(fact, CallEnded | OutgoingEnded)]
        return self._now < (ends[-1] + SETTLED if ends else story.facts[-1].at + LONGEST_CALL)

    def _of_call(self, story: CallFacts) -> list[Mismatch]:
        log = self._logs.get(story.node)
        joined = story.turns[0].joined.at if story.turns else None
        if joined is not None and (log is None or _begins_after(log, joined)):
            self._unwitnessed[story.node] += 1
            return prove_call(story, None)
        if log is None:
            return prove_call(story, None)
        log.read_up_to(story.ends_by)
        return prove_call(story, log.take(story.channel), log.restarts)

    async def _prove_the_rest(self) -> None:
        """What the logs alone know, and calls of which no log tells."""
        settled = self._now - SETTLED
        for log in self._logs.values():
            log.read_up_to(min(self._period.until + LONGEST_CALL, settled))
            for channel, lines in log.left().items():
                since = born(channel) or lines[0].at * SECOND - LONGEST_CALL
                upto = lines[-1].at * SECOND + SLACK
                if not await self._store.arrived_on(channel, since - SLACK, upto):
                    self._found.add([unknown_channel(channel, lines)])
        for node, calls in sorted(self._unwitnessed.items()):
            self._found.add([self._no_log(node, calls)])

    def _no_log(self, node: str, calls: int) -> Mismatch:
        log = self._logs.get(node)
        begins = log.begins_at if log else None
        where = f"in {log.folder} " if log else ""
        return Mismatch(
            subject=f"node {node}",
            rule="queue_log",
            ledger=f"{calls} calls joined a queue",
            witness=f"the queue log begins at {moment(begins):%F %T}" if begins else "no queue log",
            explanation=f"these calls have no second witness: look {where}for that day's log, or in a backup",
        )


def _begins_after(log: QueueLogs, at: Instant) -> bool:
    # The log's first line may be that of this very joining, told in whole seconds.
    return log.begins_at is None or log.begins_at > at + 2 * SECOND
