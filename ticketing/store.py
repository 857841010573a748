"""Rows ⇄ records. Every function works inside the caller's unit of work."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, fields
from typing import Any

import msgspec
from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Duration, Instant
from core.errors import Conflict, NotFound
from storage import insert_new
from ticketing.model import (
    CallbackCause,
    CallbackTask,
    CallSummary,
    Gender,
    Nature,
    OwedSummary,
    SummaryText,
    Ticket,
    TicketState,
    TicketText,
    Urgency,
)
from ticketing.numbers import Series, day_of, write_number
from ticketing.tables import (
    callback_tasks,
    number_series,
    summaries,
    summary_duties,
    summary_revisions,
    ticket_events,
    tickets,
)

_SUMMARY_TEXT = tuple(field.name for field in fields(SummaryText))
_TICKET_TEXT = tuple(field.name for field in fields(TicketText))

MOST_UNWRITTEN = 200
"""In one answer."""


async def next_number(connection: AsyncConnection, series: Series, at: Instant) -> str:
    """The next number of the day; it is used up with this unit of work, or not at all."""
    day = day_of(at)
    this_day = (number_series.c.series == series, number_series.c.day == day)
    await insert_new(connection, number_series, [{"series": series, "day": day, "last": 0}])
    await connection.execute(update(number_series).where(*this_day).values(last=number_series.c.last + 1))
    count = (await connection.execute(select(number_series.c.last).where(*this_day))).scalar_one()
    return write_number(series, day, count)


async def find_duty(connection: AsyncConnection, leg: str) -> Row[Any] | None:
    """The duty row of a leg that was talked on; None for any other. Nobody else changes it meanwhile."""
    query = select(summary_duties).where(summary_duties.c.leg == leg).with_for_update()
    return (await connection.execute(query)).first()


async def owed_by(connection: AsyncConnection, agent: str) -> list[OwedSummary]:
    """What this agent owes, oldest first."""
    duties = summary_duties.c
    rows = await connection.execute(
        select(duties.leg, duties.call, duties.agent, duties.queue, duties.answered_at, duties.ended_at)
        .where(duties.agent == agent, duties.settled_at.is_(None), duties.ended_at.is_not(None))
        .order_by(duties.ended_at, duties.leg)
    )
    return [OwedSummary(**row) for row in rows.mappings()]


async def unwritten(
    connection: AsyncConnection,
    agents: Collection[str] | None,
    since: Instant,
    until: Instant,
    over: Duration,
) -> list[OwedSummary]:
    """Talks longer than `over` that ended between the two and have no summary, newest first, at most
    MOST_UNWRITTEN; of these agents, None for all."""
    duties = summary_duties.c
    columns = (duties.leg, duties.call, duties.agent, duties.queue, duties.answered_at, duties.ended_at)
    query = select(*columns).where(
        duties.settled_at.is_(None),
        duties.ended_at >= since,
        duties.ended_at < until,
        duties.ended_at - duties.answered_at > over,
    )
    if agents is not None:
        query = query.where(duties.agent.in_(sorted(agents)))
    newest = query.order_by(duties.ended_at.desc(), duties.leg).limit(MOST_UNWRITTEN)
    return [OwedSummary(**row) for row in (await connection.execute(newest)).mappings()]


async def settle(connection: AsyncConnection, leg: str, number: str, at: Instant) -> None:
    """Nothing is owed for this leg any more."""
    await connection.execute(
        update(summary_duties).where(summary_duties.c.leg == leg).values(settled_at=at, summary=number)
    )


async def insert_summary(connection: AsyncConnection, summary: CallSummary) -> None:
    """A new summary, of a leg whose duty says that it has none."""
    await connection.execute(insert(summaries).values(_summary_row(summary)))


async def replace_summary(connection: AsyncConnection, before: CallSummary, after: CallSummary) -> None:
    """Keep what it said before; `Conflict` if someone else has changed it meanwhile."""
    await connection.execute(
        insert(summary_revisions).values(
            number=before.number,
            version=before.version,
            saved_at=before.saved_at,
            saved_by=before.saved_by,
            body=msgspec.json.encode(asdict(before.text)).decode(),
        )
    )
    changed = await connection.execute(
        update(summaries)
        .where(summaries.c.number == before.number, summaries.c.version == before.version)
        .values(_summary_row(after))
    )
    if changed.rowcount != 1:
        raise Conflict(f"summary {before.number} was changed meanwhile: read it again")


async def load_summary(connection: AsyncConnection, number: str, *, to_change: bool = False) -> CallSummary:
    """`NotFound` if there is no such summary. `to_change`: nobody else changes it meanwhile."""
    query = select(summaries).where(summaries.c.number == number)
    query = query.with_for_update() if to_change else query
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFound(f"there is no summary {number}")
    return _summary(row)


async def summaries_of(connection: AsyncConnection, call: str) -> list[CallSummary]:
    """Every summary of a call, in the order in which they were first saved."""
    rows = await connection.execute(
        select(summaries).where(summaries.c.call == call).order_by(summaries.c.number)
    )
    return [_summary(row) for row in rows.mappings()]


async def put_callback(connection: AsyncConnection, task: CallbackTask) -> bool:
    """The one call-back of that id: made, or moved while it is not done. False: it is done."""
    await insert_new(connection, callback_tasks, [asdict(task) | {"summary": task.summary or None}])
    moved = await connection.execute(
        update(callback_tasks)
        .where(callback_tasks.c.id == task.id, callback_tasks.c.done_at.is_(None))
        .values(number=task.number, due_at=task.due_at)
    )
    return moved.rowcount == 1


async def load_callback(connection: AsyncConnection, id_: str) -> CallbackTask | None:
    """One call-back, done or not."""
    rows = await connection.execute(select(callback_tasks).where(callback_tasks.c.id == id_))
    row = rows.mappings().first()
    return None if row is None else _callback(row)


async def end_callback(
    connection: AsyncConnection, id_: str, *, at: Instant, by: str, outcome: str
) -> CallbackTask | None:
    """It is done; None if it was before."""
    open_ = update(callback_tasks).where(callback_tasks.c.id == id_, callback_tasks.c.done_at.is_(None))
    ended = await connection.execute(open_.values(done_at=at, done_by=by, outcome=outcome))
    return await load_callback(connection, id_) if ended.rowcount == 1 else None


async def note_spoken(connection: AsyncConnection, id_: str, *, call: str, agent: str, at: Instant) -> None:
    """The customer was answered in another call; of one that is done it changes nothing."""
    open_ = update(callback_tasks).where(callback_tasks.c.id == id_, callback_tasks.c.done_at.is_(None))
    await connection.execute(open_.values(spoken_in=call, spoken_by=agent, spoken_at=at))


async def asked_before(connection: AsyncConnection, task: CallbackTask) -> list[str]:
    """Call-backs still owed that the customer of this one has asked for no later."""
    rows = await connection.execute(
        select(callback_tasks.c.id).where(
            callback_tasks.c.cause == CallbackCause.ASKED,
            callback_tasks.c.number == task.number,
            callback_tasks.c.id != task.id,
            callback_tasks.c.created_at <= task.created_at,
            callback_tasks.c.done_at.is_(None),
        )
    )
    return list(rows.scalars())


async def callbacks_of(connection: AsyncConnection, owner: str) -> list[CallbackTask]:
    """The call-backs this person still owes, the most urgent first."""
    rows = await connection.execute(
        select(callback_tasks)
        .where(callback_tasks.c.owner == owner, callback_tasks.c.done_at.is_(None))
        .order_by(callback_tasks.c.due_at)
    )
    return [_callback(row) for row in rows.mappings()]


async def insert_ticket(connection: AsyncConnection, ticket: Ticket) -> None:
    """A new work order."""
    await connection.execute(insert(tickets).values(_ticket_row(ticket)))


async def replace_ticket(connection: AsyncConnection, before: Ticket, after: Ticket) -> None:
    """`Conflict` if someone else has changed it meanwhile."""
    changed = await connection.execute(
        update(tickets)
        .where(tickets.c.number == before.number, tickets.c.version == before.version)
        .values(_ticket_row(after))
    )
    if changed.rowcount != 1:
        raise Conflict(f"work order {before.number} was changed meanwhile: read it again")


async def load_ticket(connection: AsyncConnection, number: str, *, to_change: bool = False) -> Ticket:
    """`NotFound` if there is no such work order. `to_change`: nobody else changes it meanwhile."""
    query = select(tickets).where(tickets.c.number == number)
    query = query.with_for_update() if to_change else query
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFound(f"there is no work order {number}")
    return _ticket(row)


async def tickets_of(connection: AsyncConnection, summary: str) -> list[Ticket]:
    """Every work order that grew out of a summary (SUMMARY-02: 1:n)."""
    rows = await connection.execute(
        select(tickets).where(tickets.c.summary == summary).order_by(tickets.c.number)
    )
    return [_ticket(row) for row in rows.mappings()]


async def note_step(connection: AsyncConnection, ticket: Ticket, before: str, by: str, at: Instant) -> None:
    """Write down the arrow along which the ticket came to its state."""
    await connection.execute(
        insert(ticket_events).values(
            ticket=ticket.number, step=ticket.version, at=at, by=by, before=before, after=ticket.state
        )
    )


def expect_version(number: str, newest: int, asked: int) -> None:
    """`Conflict` unless the change was made to the newest version."""
    if asked != newest:
        raise Conflict(f"{number} is at version {newest}, you changed version {asked}: read it again")


def _callback(row: Mapping[str, Any] | Any) -> CallbackTask:
    words = {"cause": CallbackCause(row["cause"]), "summary": row["summary"] or ""}
    return CallbackTask(**(dict(row) | words))


def _summary_row(summary: CallSummary) -> dict[str, Any]:
    row = {field.name: getattr(summary, field.name) for field in fields(summary) if field.name != "text"}
    return row | asdict(summary.text)


def _summary(row: Mapping[str, Any] | Any) -> CallSummary:
    text = {name: row[name] for name in _SUMMARY_TEXT}
    text["nature"] = Nature(row["nature"]) if row["nature"] else None
    text["urgency"] = Urgency(row["urgency"]) if row["urgency"] else None
    rest = {name: value for name, value in row.items() if name not in text}
    return CallSummary(text=SummaryText(**text), **rest)


def _ticket_row(ticket: Ticket) -> dict[str, Any]:
    row = {field.name: getattr(ticket, field.name) for field in fields(ticket) if field.name != "text"}
    return row | asdict(ticket.text)


def _ticket(row: Mapping[str, Any] | Any) -> Ticket:
    text = {name: row[name] for name in _TICKET_TEXT}
    text["gender"] = Gender(row["gender"])
    text["urgency"] = Urgency(row["urgency"]) if row["urgency"] else None
    rest = {name: value for name, value in row.items() if name not in text}
    rest["state"] = TicketState(rest["state"])
    return Ticket(text=TicketText(**text), **rest)
