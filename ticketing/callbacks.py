"""Call-backs: who owes a customer a call, by when, and what came of it (CALL-13, SURVEY-08).

A promise in a summary, a poor rating and a caller who would not go on waiting lead to the same kind of task.
Its timer reminds the owner when the time has come; whoever has called writes down what came of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from core.calendar import WorkingCalendar
from core.clock import MINUTE, Clock, Duration, Instant
from core.errors import Conflict, NotFound
from core.facts import CallArrived, CallbackPlaceEnded, CallbackRequested, Fact, Numbered, SurveyAnswered
from core.names import asked_callback
from directory.lookup import Directory
from storage import Database
from storage.notices.model import Notice
from storage.notices.outbox import Notices
from storage.timers import Timer, Timers
from ticketing import store
from ticketing.errors import NotYours
from ticketing.model import CallbackCause, CallbackTask
from ticketing.outgoing_rules import OutgoingRules
from ticketing.rules import is_poor, repairer, responsible
from web.route import Principal

CONSUMER = "ticketing.callbacks"
KINDS = frozenset({"SurveyAnswered", "CallbackRequested", "CallbackPlaceEnded"})
LINGER_S = 0.25
"""The program itself calls back a customer who asked for it, and looks for the record."""
REACHED = "已接通"
"""What came of a call-back that was made from here: what was said stands in the summary of that call."""
ASKED_AGAIN = "客户再次要求回电"
"""Of one that its customer has asked for before: the latest is the one that is owed."""
_TIMER, _NAME = "callback.due", "due"
_REPAIR_DAYS = 1
"""Working days within which a customer who rated poorly is called."""
_ASKED_WITHIN: Duration = 30 * MINUTE
"""In which a customer who asked for it while waiting is called; outside the hours, as soon as they begin."""


class Book(Protocol):
    """The ledger, where a rating's call is looked up."""

    async def read(self, after: int, limit: int = ..., *, call: str | None = None) -> list[Numbered]: ...


class Callbacks:
    """Use cases of the call-back. `directory()`, `calendar()`: as they stand now. `rules`: when customers are
    called at all.

    A task keeps the time it was given, whatever the calendar says later: its owner has been told it.
    """

    def __init__(
        self,
        *,
        database: Database,
        book: Book,
        timers: Timers,
        notices: Notices,
        calendar: Callable[[], WorkingCalendar],
        directory: Callable[[], Directory],
        rules: OutgoingRules,
        clock: Clock,
    ) -> None:
        self._database = database
        self._book = book
        self._timers = timers
        self._notices = notices
        self._calendar = calendar
        self._directory = directory
        self._rules = rules
        self._clock = clock
        timers.register(_TIMER, self._remind)

    async def owed(self, owner: str) -> list[CallbackTask]:
        """What this person still owes, the most urgent first."""
        async with self._database.read() as connection:
            return await store.callbacks_of(connection, owner)

    async def owe(self, connection: AsyncConnection, task: CallbackTask) -> None:
        """A task, or another time for one that is not done; in the unit of work that leads to it."""
        if await store.put_callback(connection, task):
            await self._timers.set(
                connection, Timer(owner=_owner(task.id), name=_NAME, kind=_TIMER, due=task.due_at)
            )

    async def done(self, person: Principal, id_: str, outcome: str) -> CallbackTask:
        """The customer was called, or cannot be; `outcome` says which.

        `NotFound`: no such task. `NotYours`: another's, without the right `summaries.correct`. `Conflict`: it
        is done already.
        """
        async with self._database.write() as connection:
            task = await store.load_callback(connection, id_)
            if task is None:
                raise NotFound(f"there is no call-back {id_}")
            if task.owner != person.staff and not person.may_of("summaries.correct", task.owner):
                raise NotYours(f"call-back {id_} is {task.owner}'s: ending it needs 'summaries.correct'")
            ended = await self._over(connection, id_, at=self._clock(), by=person.staff, outcome=outcome)
            if ended is None:
                raise Conflict(f"call-back {id_} was ended before, by {task.done_by or 'somebody'}")
        return ended

    async def reached(self, connection: AsyncConnection, id_: str, *, at: Instant, by: str) -> None:
        """The customer was called from here and answered; a task that is done already stays as it is."""
        await self._over(connection, id_, at=at, by=by, outcome=REACHED)

    async def _over(
        self, connection: AsyncConnection, id_: str, *, at: Instant, by: str, outcome: str
    ) -> CallbackTask | None:
        """End it, and what would remind of it; None if it is done already."""
        ended = await store.end_callback(connection, id_, at=at, by=by, outcome=outcome)
        if ended is not None:
            await self._timers.cancel(connection, _owner(id_), _NAME)
        return ended

    def concerns(self, fact: Fact) -> bool:
        """Whether anything follows from it: most customers are pleased, and have waited."""
        match fact:
            case CallbackRequested():
                return True
            case CallbackPlaceEnded():
                return bool(fact.spoken_in)
            case SurveyAnswered():
                return is_poor(fact, self._directory().survey)
            case _:
                return False

    async def follow(self, connection: AsyncConnection, batch: Sequence[Numbered]) -> None:
        """A ledger consumer's handler: a poor rating is a chance for repair (SURVEY-08)."""
        for numbered in batch:
            fact = numbered.fact
            if isinstance(fact, SurveyAnswered) and is_poor(fact, self._directory().survey):
                await self._repair(connection, fact)
            elif isinstance(fact, CallbackRequested):
                await self._asked(connection, fact)
            elif isinstance(fact, CallbackPlaceEnded) and fact.spoken_in:
                id_, call, agent = asked_callback(fact.call), fact.spoken_in, fact.spoken_by
                await store.note_spoken(connection, id_, call=call, agent=agent, at=fact.at)

    async def _repair(self, connection: AsyncConnection, fact: SurveyAnswered) -> None:
        directory = self._directory()
        facts = [numbered.fact for numbered in await self._book.read(0, call=fact.call)]
        caller = next((one.caller for one in facts if isinstance(one, CallArrived)), "")
        owner = repairer(directory, fact.agent)
        task = CallbackTask(
            id=f"rating:{fact.leg}",
            cause=CallbackCause.POOR_RATING,
            call=fact.call,
            leg=fact.leg,
            owner=owner,
            number=caller,
            due_at=self._calendar().deadline(fact.at, _REPAIR_DAYS).at,
            created_at=fact.at,
        )
        await self.owe(connection, task)
        await self._notices.put(
            connection,
            Notice(
                person=owner,
                subject="客户评价不满意,请安排回访",
                text=f"坐席 {fact.agent} 的通话评分为 {fact.answer} 分。回访任务:{task.id}",
                key=task.id,
                cause=f"call:{fact.call}",
            ),
        )

    async def _asked(self, connection: AsyncConnection, fact: CallbackRequested) -> None:
        owner = responsible(self._directory(), fact.queue)
        task = CallbackTask(
            id=asked_callback(fact.call),
            cause=CallbackCause.ASKED,
            call=fact.call,
            leg="",
            owner=owner,
            number=fact.number,
            due_at=self._rules.within_hours(fact.at + _ASKED_WITHIN, self._calendar()),
            created_at=fact.at,
        )
        for before in await store.asked_before(connection, task):
            await self._over(connection, before, at=fact.at, by="", outcome=ASKED_AGAIN)
        await self.owe(connection, task)
        await self._notices.put(
            connection,
            Notice(
                person=owner,
                subject="排队客户要求回电",
                text=f"客户在 {fact.queue} 排队时要求回电。回电任务:{task.id}",
                key=task.id,
                cause=f"call:{fact.call}",
                urgent=True,
            ),
        )

    async def _remind(self, connection: AsyncConnection, timer: Timer) -> None:
        task = await store.load_callback(connection, timer.owner.partition(":")[2])
        if task is None or task.done_at is not None:
            return
        spoken = f"客户已再次来电,由 {task.spoken_by} 接听,请确认后办结。"
        await self._notices.put(
            connection,
            Notice(
                person=task.owner,
                subject="回电时间已到",
                text=f"{spoken if task.spoken_in else '应回电的客户尚未联系。'}任务:{task.id}",
                key=f"due:{task.id}:{task.due_at}",
                cause=f"call:{task.call}",
                urgent=True,
            ),
        )


def _owner(task: str) -> str:
    return f"callback:{task}"
