"""Summaries: who owes them, who may write them, and what one leads to. Rules meet the database here.

Every change and its fact are one unit of work: the fact waits in the outbox until the ledger has it, so a
crash in between neither loses nor doubles it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock, Duration, Instant
from core.errors import Conflict, NotFound
from core.facts import SummarySaved
from core.names import StaffId, check, fits
from directory.lookup import Directory
from ledger.outbox import Outbox
from storage import Database
from ticketing import store
from ticketing.callbacks import Callbacks
from ticketing.errors import Incomplete, NotYours, Refusal
from ticketing.model import CallbackCause, CallbackTask, CallSummary, OwedSummary, SummaryText
from ticketing.numbers import Series, check_number
from ticketing.readings import Reading, note_reading
from ticketing.rules import check_call_types, summary_refusals, tidy
from web.route import Principal


class SummaryService:
    """Use cases of the call summary. `directory()`: the lists as they stand now.

    `BadInput` at once if a call type demands a field that no summary has.
    """

    def __init__(
        self,
        *,
        database: Database,
        outbox: Outbox,
        callbacks: Callbacks,
        directory: Callable[[], Directory],
        clock: Clock,
    ) -> None:
        check_call_types(directory().call_types.values())
        self._database = database
        self._outbox = outbox
        self._callbacks = callbacks
        self._directory = directory
        self._clock = clock

    async def owed(self, agent: str) -> list[OwedSummary]:
        """What this agent owes, oldest first; empty for one who owes nothing (SUMMARY-01)."""
        async with self._database.read() as connection:
            return await store.owed_by(connection, check("staff", agent, "agent"))

    async def unwritten(
        self, person: Principal, agent: str, since: Instant, until: Instant, over: Duration
    ) -> list[OwedSummary]:
        """Long talks without a summary, of this agent or, without one, of all whose summaries the person may
        read. `Forbidden` of an agent who is none of them."""
        if agent:
            person.require_of("summaries.read", check("staff", agent, "query.agent"))
        agents = {agent} if agent else person.reach("summaries.read").staff
        async with self._database.read() as connection:
            return await store.unwritten(connection, agents, since, until, over)

    async def save(self, person: Principal, leg: str, text: SummaryText) -> CallSummary:
        """Write the leg's one summary. Written while the talk goes on, it leaves nothing to be owed.

        `NotFound`: nobody talked on that leg. `NotYours`: another agent did. `Incomplete`: by its type.
        `Conflict`: it has a summary already.
        """
        now, text = self._clock(), tidy(text)
        check("leg", leg, "body.leg")
        async with self._database.write() as connection:
            duty = await self._duty(connection, person, leg)
            self._refuse(text, now)
            if duty.summary:
                raise Conflict(f"leg {leg} has its summary already: {duty.summary}; change that one")
            summary = CallSummary(
                number=await store.next_number(connection, Series.SUMMARY, now),
                leg=leg,
                call=duty.call,
                agent=duty.agent,
                queue=duty.queue,
                saved_at=now,
                saved_by=person.staff,
                version=1,
                text=text,
            )
            await store.insert_summary(connection, summary)
            await store.settle(connection, leg, summary.number, now)
            await self._owe_callback(connection, summary, now)
            await self._outbox.put(connection, _saved(summary), origin=f"summary:{summary.number}")
        return summary

    async def change(self, person: Principal, number: str, version: int, text: SummaryText) -> CallSummary:
        """Correct a summary; what it said before is kept.

        An empty `account` keeps the one there is (it is never shown whole, so it cannot be sent back).
        `Conflict` if `version` is not the newest.
        """
        check_number(Series.SUMMARY, number, "number")
        now = self._clock()
        async with self._database.write() as connection:
            before = await store.load_summary(connection, number, to_change=True)
            self._own(person, before.agent)
            store.expect_version(number, before.version, version)
            text = tidy(replace(text, account=text.account or before.text.account))
            self._refuse(text, now, before.text)
            after = replace(before, text=text, version=version + 1, saved_at=now, saved_by=person.staff)
            await store.replace_summary(connection, before, after)
            await self._owe_callback(connection, after, now)
        return after

    async def read(self, person: Principal, number: str, purpose: str, reason: str) -> CallSummary:
        """One summary; the reading leaves a row first. `NotYours` for another agent's without the right."""
        check_number(Series.SUMMARY, number, "number")
        async with self._database.write() as connection:
            summary = await store.load_summary(connection, number)
            await self._note(connection, person, summary, purpose, reason)
        return summary

    async def read_of_call(
        self, person: Principal, call: str, purpose: str, reason: str
    ) -> list[CallSummary]:
        """Those summaries of a call that the person may read."""
        check("call", call, "query.call")
        async with self._database.write() as connection:
            reach = person.reach("summaries.read")
            found = [
                one
                for one in await store.summaries_of(connection, call)
                if one.agent == person.staff or one.agent in reach
            ]
            for one in found:
                await self._note(connection, person, one, purpose, reason)
        return found

    async def _note(
        self,
        connection: AsyncConnection,
        person: Principal,
        summary: CallSummary,
        purpose: str,
        reason: str,
    ) -> None:
        reading = Reading(
            subject=f"summary:{summary.number}",
            agent=summary.agent,
            right="summaries.read",
            purpose=purpose,
            reason=reason,
        )
        await note_reading(connection, person, reading, self._clock())

    async def _duty(
        self, connection: AsyncConnection, person: Principal, leg: str
    ) -> Row[tuple[object, ...]]:
        duty = await store.find_duty(connection, leg)
        if duty is None:
            raise NotFound(f"nobody has talked on leg {leg}: a summary belongs to a talk")
        self._own(person, duty.agent)
        return duty

    @staticmethod
    def _own(person: Principal, agent: str) -> None:
        if agent != person.staff and not person.may_of("summaries.correct", agent):
            raise NotYours(
                f"the talk was agent {agent}'s: writing for them needs the right 'summaries.correct'"
            )

    def _refuse(self, text: SummaryText, now: Instant, before: SummaryText | None = None) -> None:
        lists = self._directory()
        refusals = summary_refusals(text, lists.call_types.get(text.type), lists.languages, now)
        if fits("staff", text.reported_to) and not _leads(lists, text.reported_to):
            refusals.append(
                Refusal("reported_to", f"{text.reported_to} is no leader's staff number (CALL-09)")
            )
        if before is not None and text.callback_due == before.callback_due:
            # A promise that has passed stays what it was; only a new one has to lie ahead.
            refusals = [one for one in refusals if one.field != "callback_due" or text.callback_due is None]
        if refusals:
            raise Incomplete(refusals)

    async def _owe_callback(self, connection: AsyncConnection, summary: CallSummary, now: Instant) -> None:
        if summary.text.callback_due is None:
            return
        task = CallbackTask(
            id=f"summary:{summary.number}",
            cause=CallbackCause.PROMISE,
            summary=summary.number,
            call=summary.call,
            leg=summary.leg,
            owner=summary.agent,
            number=summary.text.callback_to,
            due_at=summary.text.callback_due,
            created_at=now,
        )
        await self._callbacks.owe(connection, task)


def _leads(lists: Directory, staff: str) -> bool:
    return StaffId(staff) in lists.staff and "agents.command" in lists.rights(staff)


def _saved(summary: CallSummary) -> SummarySaved:
    return SummarySaved(
        at=summary.saved_at,
        call=summary.call,
        leg=summary.leg,
        agent=summary.agent,
        queue=summary.queue,
        number=summary.number,
        type=summary.text.type,
    )
