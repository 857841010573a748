"""Who calls, within a time limit: unknown, slow and dead are all "ordinary", and no call waits for it."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import structlog

from core.clock import MINUTE, SECOND, Clock, Duration, Instant
from core.errors import BadInput, HotlineError
from customers.breaker import Breaker, State
from customers.model import Level
from customers.rules import check_number
from customers.source import CustomerSource, Known

_log = structlog.get_logger("customers")
REMEMBERED_FOR: Duration = MINUTE
MOST_REMEMBERED = 10_000


class Outcome(StrEnum):
    """How a look-up ended. All but FOUND are served as ordinary."""

    FOUND = "found"
    UNKNOWN = "unknown"
    NO_NUMBER = "no_number"
    SLOW = "slow"
    FAILED = "failed"
    LEFT_ALONE = "left_alone"
    """The breaker is open: the source was not asked."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`customer`: "" unless found. Of several who share the number the most favoured."""

    outcome: Outcome
    customer: str = ""
    level: Level = Level.ORDINARY
    language: str = ""


class Lookup:
    """Asks one source; remembers for a minute what it said of a number, and never what it failed to say.

    `limit`: an answer that takes longer is none. `counts` and `spent`: how look-ups ended, and the time in
    which the source was waited for.
    """

    def __init__(self, source: CustomerSource, *, limit: Duration, breaker: Breaker, clock: Clock) -> None:
        self.source = source.name
        self.counts: Counter[Outcome] = Counter()
        self.spent: Duration = 0
        self._source = source
        self._limit_s = limit / SECOND
        self._breaker = breaker
        self._clock = clock
        self._remembered: OrderedDict[str, tuple[Instant, Answer]] = OrderedDict()

    @property
    def left_alone(self) -> bool:
        """Whether the source has failed so often that it is asked by a probe at most."""
        return self._breaker.state(self._clock()) is not State.CLOSED

    async def find(self, written: str) -> Answer:
        """Who has the number; it raises nothing and is done within the limit."""
        answer = await self._find(written)
        self.counts[answer.outcome] += 1
        return answer

    async def _find(self, written: str) -> Answer:
        try:
            number = check_number(written, "number")
        except BadInput:
            return Answer(Outcome.NO_NUMBER)
        now = self._clock()
        until, remembered = self._remembered.get(number, (0, None))
        if remembered is not None and now < until:
            return remembered
        if not self._breaker.admits(now):
            return Answer(Outcome.LEFT_ALONE)
        answer = await self._ask(number)
        self.spent += self._clock() - now
        if answer.outcome in (Outcome.FOUND, Outcome.UNKNOWN):
            self._remember(number, answer)
        return answer

    async def _ask(self, number: str) -> Answer:
        try:
            async with asyncio.timeout(self._limit_s):
                found = await self._source.find(number)
        except asyncio.CancelledError:
            self._breaker.given_up()
            raise
        except TimeoutError:
            return self._without(Outcome.SLOW, f"no answer within {self._limit_s * 1_000:.0f} ms")
        except HotlineError as error:
            return self._without(Outcome.FAILED, str(error))
        except Exception as error:  # noqa: BLE001  whatever is wrong with a source, the caller is served
            return self._without(Outcome.FAILED, type(error).__name__)
        if self._breaker.succeeded():
            _log.info("customers.asked_again", source=self.source)
        return _of(found)

    def _without(self, outcome: Outcome, why: str) -> Answer:
        if self._breaker.failed(self._clock()):
            _log.warning("customers.left_alone", source=self.source, why=why)
        return Answer(outcome)

    def _remember(self, number: str, answer: Answer) -> None:
        self._remembered[number] = (self._clock() + REMEMBERED_FOR, answer)
        self._remembered.move_to_end(number)
        while len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)


def _of(found: Sequence[Known]) -> Answer:
    if not found:
        return Answer(Outcome.UNKNOWN)
    first = min(found, key=lambda one: (-one.level.rank, one.id))
    return Answer(Outcome.FOUND, first.id, first.level, first.language)
