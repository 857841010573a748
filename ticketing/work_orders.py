"""Work orders, as far as the agent's desk: filled in from a summary, handed to the back office (T01, T02)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock, Instant
from core.errors import Conflict
from core.facts import TicketOpened
from core.names import StaffId
from directory.lookup import Directory
from ledger.outbox import Outbox
from storage import Database
from ticketing import store
from ticketing.errors import Incomplete, NotYours
from ticketing.model import CallSummary, Ticket, TicketState, TicketText
from ticketing.numbers import Series, check_number
from ticketing.readings import Reading, note_reading
from ticketing.rules import from_summary, reply_limit, ticket_kind_refusals, ticket_refusals
from web.route import Principal


class TicketService:
    """Use cases of the work order. A ticket is opened (`TicketOpened`) when it goes to the back office."""

    def __init__(
        self,
        *,
        database: Database,
        outbox: Outbox,
        directory: Callable[[], Directory],
        clock: Clock,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._directory = directory
        self._clock = clock

    async def open(self, person: Principal, summary: str, text: TicketText, *, draft: bool) -> Ticket:
        """A new ticket from a summary: kept as a draft, or handed to the back office at once.

        `NotFound`: no such summary. `NotYours`: another agent's. `Incomplete`: every field that is missing,
        the CALL-27 tick among them, or a kind that the call's type does not open. `Conflict`: the summary has
        a ticket that says the very same, as after a second click.
        """
        check_number(Series.SUMMARY, summary, "body.summary")
        now = self._clock()
        async with self._database.write() as connection:
            origin = await store.load_summary(connection, summary)
            self._own(person, origin.agent)
            ticket = self._filled(person, origin, from_summary(text, origin), now, draft=draft)
            # The number first: on a database server it makes whoever opens another one at the same time wait.
            ticket = replace(ticket, number=await store.next_number(connection, Series.TICKET, now))
            for other in await store.tickets_of(connection, summary):
                if other.text == ticket.text:
                    raise Conflict(f"work order {other.number} says the very same already: change that one")
            await store.insert_ticket(connection, ticket)
            await self._step(connection, ticket, "", person.staff, now)
        return ticket

    async def submit(self, person: Principal, number: str, version: int, text: TicketText) -> Ticket:
        """Hand a draft to the back office, as `text` now says. `Incomplete` as in `open`.

        `Conflict`: it is no draft any more, or `version` is not the newest.
        """
        check_number(Series.TICKET, number, "number")
        now = self._clock()
        async with self._database.write() as connection:
            before = await store.load_ticket(connection, number, to_change=True)
            self._own(person, before.agent)
            store.expect_version(number, before.version, version)
            if before.state is not TicketState.DRAFT:
                raise Conflict(f"work order {number} is no draft any more: the back office has it")
            origin = await store.load_summary(connection, before.summary)
            text = replace(text, account=text.account or before.text.account)
            filled = self._filled(person, origin, from_summary(text, origin), now, draft=False)
            after = replace(
                filled,
                number=number,
                version=version + 1,
                opened_at=before.opened_at,
                agent=before.agent,
                agent_name=before.agent_name,
            )
            await store.replace_ticket(connection, before, after)
            await self._step(connection, after, before.state, person.staff, now)
        return after

    async def read(self, person: Principal, number: str, purpose: str, reason: str) -> Ticket:
        """One work order; the reading leaves a row first."""
        check_number(Series.TICKET, number, "number")
        async with self._database.write() as connection:
            ticket = await store.load_ticket(connection, number)
            reading = Reading(
                subject=f"ticket:{number}",
                agent=ticket.agent,
                right="tickets.read",
                purpose=purpose,
                reason=reason,
            )
            await note_reading(connection, person, reading, self._clock())
        return ticket

    def _filled(
        self, person: Principal, origin: CallSummary, text: TicketText, now: Instant, *, draft: bool
    ) -> Ticket:
        lists = self._directory()
        refusals = ticket_kind_refusals(text, lists.call_types.get(origin.text.type))
        refusals += [] if draft else ticket_refusals(text)
        if refusals:
            raise Incomplete(refusals)
        agent = lists.staff.get(StaffId(origin.agent))
        return Ticket(
            number="",
            summary=origin.number,
            call=origin.call,
            state=TicketState.DRAFT if draft else TicketState.CLERK,
            version=1,
            text=text,
            reply_limit=reply_limit(text, lists.urgencies),
            agent=origin.agent,
            agent_name=agent.name if agent else person.name,
            opened_at=now,
            limit_told_at=now if text.limit_told else None,
            submitted_at=None if draft else now,
        )

    async def _step(
        self, connection: AsyncConnection, ticket: Ticket, before: str, by: str, now: Instant
    ) -> None:
        await store.note_step(connection, ticket, before, by, now)
        if ticket.state is TicketState.DRAFT:
            return
        opened = TicketOpened(
            at=now,
            call=ticket.call,
            agent=ticket.agent,
            number=ticket.number,
            summary=ticket.summary,
            kind=ticket.text.kind,
        )
        await self._outbox.put(connection, opened, origin=f"ticket:{ticket.number}")

    @staticmethod
    def _own(person: Principal, agent: str) -> None:
        if agent != person.staff and not person.may_of("summaries.correct", agent):
            raise NotYours(
                f"the call was agent {agent}'s: a ticket from it needs the right 'summaries.correct'"
            )
