"""The board at work: rebuilt from the ledger, kept up by every new fact, told to the screens, alarms raised.

Where rules meet I/O: the fold, the readings and the alarms are pure; here are the ledger, the live hub and
the clock. Figures may run ahead of what is stored: every message says both numbers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import structlog

from board.alarms import Condition, due, is_news
from board.drill import Behind, calls_behind
from board.figures import AlarmFigures, BoardFigures
from board.fold import reduce
from board.periods import day_start
from board.picture import Picture
from board.reading import Reading
from board.roster import labels_of, roster_of
from board.state import BoardState
from core.clock import BANK_ZONE, DAY, MILLISECOND, MINUTE, SECOND, Clock, Duration, Instant
from core.facts import AlarmAcknowledged, Fact, Numbered
from directory.lookup import Directory
from web.live import LiveHub, Topic

TOPIC = "board"
RIGHT = "board.read"
PACE_S = 0.05
"""Changes of this long are told together while somebody watches."""
IDLE_PACE_S = 0.5
"""And while nobody does."""
BEAT_S = 0.5
"""How often alarms that come with time alone are looked for."""
GROWTH = SECOND
"""How often waits that grow are told, and that we are alive."""
SWEEP = 5 * SECOND
"""How often everything is worked out anew: occupancy and sliding windows move without facts."""
LONGEST_CALL = 120 * MINUTE
"""Before midnight, so far back the facts of today's calls may begin."""
_STANDING = frozenset(
    {
        "AgentStateChanged",
        "HelpRaised",
        "HelpEnded",
        "DeviceContactChanged",
        "NodeConnected",
        "NodeLost",
        "AlarmRaised",
        "AlarmAcknowledged",
        "AlarmCleared",
    }
)
"""Facts that say how something stands until further notice: these are read a day further back."""
_ENOUGH_TALKS = 10
"""One long call of a quiet queue says little about the next."""
_PAGE = 1000
_log = structlog.get_logger("board")


class Book(Protocol):
    """What the board asks of the ledger."""

    last: int

    @property
    def last_stored(self) -> int: ...
    def append(self, facts: Sequence[Fact]) -> int: ...
    def listen(self, listener: Callable[[Sequence[Numbered]], None]) -> Callable[[], None]: ...
    async def stored(self, seq: int) -> None: ...
    async def before(self, at: Instant) -> int: ...
    async def readable(self, seq: int) -> None: ...
    async def read(
        self, after: int, limit: int = ..., *, kinds: Collection[str] | None = ...
    ) -> list[Numbered]: ...


class Board:
    """`conditions`: what is wrong and no fact tells of (sessions, database); each counts from the earliest
    `since` it was given with as long as it is given without a break. `heard`: the instant up to which every
    node has been heard; without it the figures are as fresh as the message, unless all nodes are lost."""

    def __init__(
        self,
        *,
        ledger: Book,
        hub: LiveHub,
        directory: Directory,
        clock: Clock,
        conditions: Callable[[], Iterable[Condition]] = tuple,
        heard: Callable[[], Instant] | None = None,
        zone: ZoneInfo = BANK_ZONE,
    ) -> None:
        self._ledger, self._hub, self._clock = ledger, hub, clock
        self._conditions, self._heard = conditions, heard
        self._take(directory)
        self._state = BoardState(zone)
        self._picture = Picture()
        self._wrong: dict[tuple[str, str], Condition] = {}
        self._early: list[Numbered] | None = None
        self._deaf: Callable[[], None] = lambda: None
        self._wake = asyncio.Event()
        self._ticked = 0.0
        self._grown: Instant = 0
        self._swept: Instant = 0
        hub.declare(Topic(name=TOPIC, right=RIGHT, snapshot=self._snapshot, fresh=self.known_until))

    # -------------------------------------------------------------- what the directory says

    def directory_changed(self, directory: Directory) -> None:
        """Other people, queues, names or thresholds: every screen is told anew."""
        self._take(directory)
        self._hub.reset(TOPIC)
        self._wake.set()

    def _take(self, directory: Directory) -> None:
        self._thresholds = directory.thresholds
        self._roster, self._labels = roster_of(directory), labels_of(directory)

    # -------------------------------------------------------------- life

    async def start(self) -> None:
        """Listen, then fold what the ledger has of today; live facts wait until that is done."""
        self._early = []
        self._deaf = self._ledger.listen(self._hear)
        try:
            await self._rebuild()
        except BaseException:
            self._deaf()
            raise
        early, self._early = self._early, None
        self._fold(early)
        self._sweep()
        self._hub.reset(TOPIC)
        _log.info("board rebuilt", action="rebuilt", last=self._state.last)

    async def run(self) -> None:
        """Tell changes and raise alarms until cancelled."""
        try:
            while True:
                await self._until_due()
                try:
                    self.tick()
                except Exception:  # noqa: BLE001  one figure that cannot be worked out must not end the board
                    _log.exception("board tick failed", action="tick_failed", last=self._state.last)
        finally:
            self._deaf()

    def tick(self) -> None:
        """Look for alarms, then tell what has changed."""
        self._ticked = asyncio.get_running_loop().time()
        now = self._clock()
        facts = due(
            self._state,
            now,
            thresholds=self._thresholds,
            roster=self._roster,
            conditions=self._standing_conditions(),
        )
        if facts:
            self._ledger.append(facts)
        self._tell(now)

    # -------------------------------------------------------------- what is asked

    def known_until(self) -> Instant:
        """The instant up to which the figures are known."""
        now = self._clock()
        if self._heard is not None:
            return min(now, self._heard())
        nodes = self._state.nodes.values()
        if nodes and not any(node.connected for node in nodes):
            return min(now, max(node.since for node in nodes))
        return now

    def numbers(self) -> tuple[int, int]:
        """The number of the last fact in the figures, and of the last that is stored."""
        return self._state.last, self._ledger.last_stored

    def figures(self) -> BoardFigures:
        """All figures now."""
        return Reading(self._state, self._clock(), self._roster).all()

    def handling(self, queue: str) -> Duration | None:
        """Mean handling time of this queue's calls today; None until enough of them have been handled."""
        figures = Reading(self._state, self._clock(), self._roster).queue(queue)
        if figures.handling_mean_ms is None or figures.talks < _ENOUGH_TALKS:
            return None
        return figures.handling_mean_ms * MILLISECOND

    def calls_behind(self, figure: str, queue: str) -> Behind:
        """The calls that a figure counts (guarantee 3); `NotFound` if it counts none."""
        return calls_behind(self._state, figure, queue, self._clock())

    # -------------------------------------------------------------- what is done

    async def acknowledge(self, alarm: str, subject: str, *, by: str, note: str = "") -> AlarmFigures:
        """A standing alarm becomes that of `by`; returns once that survives a crash.

        Again by the same person changes nothing. `Conflict` if it does not stand, or is another's already.
        """
        fact = AlarmAcknowledged(at=self._clock(), alarm=alarm, subject=subject, by=by, note=note)
        if is_news(self._state, self._roster, fact):
            self._ledger.append([fact])
        standing = self._state.alarms[alarm, subject]  # by the time the fact is stored it may be over
        figures = Reading(self._state, self._clock(), self._roster).alarm(standing)
        await self._ledger.stored(self._ledger.last)
        return figures

    # -------------------------------------------------------------- inside

    async def _rebuild(self) -> None:
        await self._ledger.readable(self._ledger.last)
        midnight = day_start(self._clock(), self._state.zone)
        first = await self._ledger.before(midnight - LONGEST_CALL)
        async for page in self._pages(await self._ledger.before(midnight - DAY), first, _STANDING):
            self._fold(page)
        async for page in self._pages(first, None, None):
            self._fold(page)

    async def _pages(
        self, after: int, upto: int | None, kinds: Collection[str] | None
    ) -> AsyncIterator[list[Numbered]]:
        while page := await self._ledger.read(after, _PAGE, kinds=kinds):
            after = page[-1].seq
            yield [each for each in page if upto is None or each.seq <= upto]
            if upto is not None and after >= upto:
                return

    def _standing_conditions(self) -> Iterable[Condition]:
        found = {(each.alarm, each.subject): each for each in self._conditions()}
        for key, each in found.items():
            known = self._wrong.get(key, each)
            found[key] = replace(each, since=min(each.since, known.since))
        self._wrong = found
        return found.values()

    def _hear(self, facts: Sequence[Numbered]) -> None:
        if self._early is not None:
            self._early.extend(facts)
            return
        self._fold(facts)
        self._wake.set()

    def _fold(self, facts: Iterable[Numbered]) -> None:
        for numbered in facts:
            try:
                reduce(self._state, numbered)
            except Exception:  # noqa: BLE001  a fact we cannot count must not take those after it along
                _log.exception("fact not counted", action="fact_not_counted", seq=numbered.seq)

    async def _until_due(self) -> None:
        loop = asyncio.get_running_loop()
        pace = PACE_S if self._hub.watched(TOPIC) else IDLE_PACE_S
        await asyncio.sleep(max(0.0, self._ticked + pace - loop.time()))
        with suppress(TimeoutError):  # wait_for would swallow a cancellation that comes with the wake-up
            async with asyncio.timeout_at(self._ticked + BEAT_S):
                await self._wake.wait()
        self._wake.clear()

    def _tell(self, now: Instant) -> None:
        changes = self._sweep() if now - self._swept >= SWEEP else self._touched(now)
        grown = now - self._grown >= GROWTH
        if changes or (grown and self._hub.watched(TOPIC)):
            self._grown = now if grown else self._grown
            self._hub.publish(TOPIC, self._headed(changes), at=self.known_until())

    def _touched(self, now: Instant) -> dict[str, Any]:
        queues, agents, rest = self._state.take_touched()
        entries = self._roster.agents
        queues = queues.union(*(entries[agent].queues for agent in agents if agent in entries))
        if now - self._grown >= GROWTH:
            queues.update(queue for queue, waits in self._state.queue_waiting.items() if waits)
        if not (queues or agents or rest):
            return {}
        reading = Reading(self._state, now, self._roster)
        return self._picture.update(reading, queues, agents, rest=rest)

    def _sweep(self) -> dict[str, Any]:
        self._swept = now = self._clock()
        self._state.take_touched()
        reading = Reading(self._state, now, self._roster)
        queues = {**dict.fromkeys(reading.queue_names()), **dict.fromkeys(self._picture.queues)}
        return self._picture.update(reading, queues, reading.agent_names(), rest=True)

    def _snapshot(self, _key: str) -> dict[str, Any]:
        # What is shown, brought up to date first: the next change is told relative to this.
        changes = self._sweep()
        if changes:  # also while nobody watches: someone may come back and go on from an older number
            self._hub.publish(TOPIC, self._headed(changes), at=self.known_until())
        return self._headed({**self._picture.whole(), "names": self._labels})

    def _headed(self, body: dict[str, Any]) -> dict[str, Any]:
        folded, stored = self.numbers()
        return {"folded": folded, "stored": stored, **body}
