"""Calls to customers from a call-back, a work order or a summary (CALL-05, CALL-13, SURVEY-08, SEC-11).

The number comes from the record, never from whoever asks. The call is written down before anybody is dialled,
and what is under way, or may be, keeps a second one from being made: a service that dies in between leaves a
row of which nobody knows the end, and a customer who was dialled once at most.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from core.calendar import WorkingCalendar
from core.clock import MINUTE, Clock, Duration, Instant
from core.dialling import plain
from core.errors import Conflict, NotFound
from core.facts import Numbered, OutgoingEnded, OutgoingOutcome, OutgoingStarted
from core.names import asked_callback
from storage import Database
from ticketing import outgoing_store, store
from ticketing.callbacks import Callbacks
from ticketing.errors import NotYours
from ticketing.numbers import Series, check_number
from ticketing.outgoing_rules import About, OutgoingRules, may_have_been_dialled
from ticketing.outgoing_store import OutgoingCall
from web.route import Principal

CONSUMER = "ticketing.outgoing"
KINDS = frozenset({"OutgoingStarted", "OutgoingEnded"})
LINGER_S = 0.25
"""An agent waits for what came of a call."""
UNHEARD_AFTER: Duration = 2 * MINUTE
"""The ledger hears of a call in the same moment; of one this old it never will: the service died there."""


class Dialler(Protocol):
    """What makes the call: `telephony`. `Conflict` if the agent cannot; then nobody was dialled."""

    async def __call__(
        self, *, call: str, agent: str, number: str, about: str, record: str, held: bool = False
    ) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A call that is being made, for the agent's page. `greeting`: what the agent says first (CALL-05)."""

    call: OutgoingCall
    tries_left: int
    greeting: str


class OutgoingCalls:
    """Use cases of the calls that we make."""

    def __init__(
        self,
        *,
        database: Database,
        callbacks: Callbacks,
        dial: Dialler,
        rules: OutgoingRules,
        calendar: Callable[[], WorkingCalendar],
        clock: Clock,
    ) -> None:
        self._database = database
        self._callbacks = callbacks
        self._dial = dial
        self._rules = rules
        self._calendar = calendar
        self._clock = clock

    async def begin(self, person: Principal, about: About, record: str) -> Begun:
        """Ring this person's telephone, then the customer of the record.

        `NotFound`: no such record. `NotYours`: another's, without the right `summaries.correct`. `BadInput`:
        its number cannot be dialled. `Conflict`: it may not be, not now, not once more, or the agent cannot.
        """
        now = self._clock()
        async with self._database.write() as connection:
            number = plain(await self._number(connection, person, about, record))
            self._rules.require_allowed(number)
            self._rules.require_hours(now, self._calendar())
            await outgoing_store.give_up_unheard(connection, about, record, now - UNHEARD_AFTER, now)
            before = await outgoing_store.of_record(connection, about, record)
            left = self._rules.tries_left([one.outcome for one in before])
            call = OutgoingCall(
                call=str(uuid.uuid4()),
                about=about,
                record=record,
                agent=person.staff,
                number=number,
                begun_at=now,
            )
            if any(one.outcome is None for one in before):
                raise Conflict(f"the customer of {about.value} {record} is being called, or was just now")
            if not left:
                raise Conflict(f"the customer of {about.value} {record} was tried {self._rules.tries} times")
            if not await outgoing_store.begin(connection, call):
                raise Conflict(f"the customer of {about.value} {record} is called by somebody else just now")
        await self._make(call)
        return Begun(call=call, tries_left=left - 1, greeting=self._rules.greeting.format(agent=person.staff))

    def within_hours(self, now: Instant) -> bool:
        """Whether customers are called now."""
        return self._rules.within_hours(now, self._calendar()) == now

    async def call_back(self, *, call: str, agent: str, asked_in: str) -> bool:
        """Call the customer who asked for it in the call `asked_in`; by itself the program does so once.

        True: `agent`, who is held for it, is rung. False: it never will, since on account of this record the
        customer was dialled, or may have been, or the call-back is done, or its number may not be dialled.
        `HotlineError`: not now.
        """
        now, about, record = self._clock(), About.CALLBACK, asked_callback(asked_in)
        async with self._database.write() as connection:
            task = await store.load_callback(connection, record)
            if task is None:
                raise NotFound(f"there is no call-back {record} yet")
            await outgoing_store.give_up_unheard(connection, about, record, now - UNHEARD_AFTER, now)
            before = [one.outcome for one in await outgoing_store.of_record(connection, about, record)]
            if task.done_at is not None or may_have_been_dialled(before):
                return False
            if None in before:
                raise Conflict(f"the customer of {record} is being called, or was just now")
            number = self._rules.to_dial(task.number)
            if number is None:
                return False
            self._rules.require_hours(now, self._calendar())
            made = OutgoingCall(
                call=call, about=about, record=record, agent=agent, number=number, begun_at=now
            )
            if not await outgoing_store.begin(connection, made):
                raise Conflict(f"the customer of {record} is called by somebody else just now")
        await self._make(made, held=True)
        return True

    async def _make(self, call: OutgoingCall, *, held: bool = False) -> None:
        try:
            await self._dial(
                call=call.call,
                agent=call.agent,
                number=call.number,
                about=call.about.value,
                record=call.record,
                held=held,
            )
        except Conflict:
            async with self._database.write() as connection:
                outcome = OutgoingOutcome.NOT_DIALLED
                await outgoing_store.ended(connection, call.call, outcome, self._clock())
            raise

    async def attempts(self, person: Principal, about: About, record: str) -> tuple[list[OutgoingCall], int]:
        """Every attempt on account of one's own record, in order, and how many more there may be."""
        async with self._database.read() as connection:
            await self._number(connection, person, about, record, done=True)
            made = await outgoing_store.of_record(connection, about, record)
        return made, self._rules.tries_left([one.outcome for one in made])

    async def follow(self, connection: AsyncConnection, batch: Sequence[Numbered]) -> None:
        """A ledger consumer's handler: what came of each call is written back to its record."""
        for numbered in batch:
            fact = numbered.fact
            if isinstance(fact, OutgoingStarted):
                await outgoing_store.started(connection, fact.call, fact.at)
            elif isinstance(fact, OutgoingEnded):
                await self._over(connection, fact)

    async def _over(self, connection: AsyncConnection, fact: OutgoingEnded) -> None:
        call = await outgoing_store.ended(connection, fact.call, fact.outcome, fact.at)
        if call is None or fact.outcome is not OutgoingOutcome.REACHED or call.about is not About.CALLBACK:
            return
        await self._callbacks.reached(connection, call.record, at=fact.at, by=fact.agent)

    async def _number(
        self,
        connection: AsyncConnection,
        person: Principal,
        about: About,
        record: str,
        *,
        done: bool = False,
    ) -> str:
        """The customer's number as the record has it. `done`: a call-back that is over will do."""
        match about:
            case About.CALLBACK:
                task = await store.load_callback(connection, record)
                if task is None:
                    raise NotFound(f"there is no call-back {record[:60]}")
                _own(person, task.owner, record)
                if task.done_at is not None and not done:
                    raise Conflict(f"call-back {task.id} is done: {task.outcome}")
                return task.number
            case About.TICKET:
                check_number(Series.TICKET, record, "ticket")
                ticket = await store.load_ticket(connection, record)
                _own(person, ticket.agent, record)
                return ticket.text.contact
            case About.SUMMARY:
                check_number(Series.SUMMARY, record, "summary")
                summary = await store.load_summary(connection, record)
                _own(person, summary.agent, record)
                return summary.text.callback_to or summary.text.contact


def _own(person: Principal, owner: str, record: str) -> None:
    if person.staff != owner and not person.may_of("summaries.correct", owner):
        raise NotYours(f"{record[:60]} is {owner}'s: calling its customer needs 'summaries.correct'")
