"""Rows of calls that we make. Every function works inside the caller's unit of work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Instant
from core.facts import OutgoingOutcome
from storage import insert_new
from ticketing.outgoing_rules import About
from ticketing.tables import outgoing_calls

_rows = outgoing_calls.c


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingCall:
    """One call that we make. `started_at`: the ledger knows of it; `outcome` None: it is under way."""

    call: str
    about: About
    record: str
    agent: str
    number: str
    begun_at: Instant
    started_at: Instant | None = None
    outcome: OutgoingOutcome | None = None
    ended_at: Instant | None = None


async def begin(connection: AsyncConnection, call: OutgoingCall) -> bool:
    """Write it down. False: another one for the same record is under way."""
    row = {
        "call": call.call,
        "about": call.about.value,
        "record": call.record,
        "agent": call.agent,
        "number": call.number,
        "begun_at": call.begun_at,
    }
    await insert_new(connection, outgoing_calls, [row])
    return await load(connection, call.call) is not None


async def load(connection: AsyncConnection, call: str) -> OutgoingCall | None:
    """One call by its id."""
    found = await connection.execute(select(outgoing_calls).where(_rows.call == call))
    row = found.mappings().first()
    return None if row is None else _call(row)


async def of_record(connection: AsyncConnection, about: About, record: str) -> list[OutgoingCall]:
    """Every attempt on account of one record, in order."""
    found = await connection.execute(
        select(outgoing_calls)
        .where(_rows.about == about.value, _rows.record == record)
        .order_by(_rows.begun_at, _rows.call)
    )
    return [_call(row) for row in found.mappings()]


async def started(connection: AsyncConnection, call: str, at: Instant) -> None:
    """The ledger knows of it."""
    await connection.execute(
        update(outgoing_calls).where(_rows.call == call, _rows.started_at.is_(None)).values(started_at=at)
    )


async def ended(
    connection: AsyncConnection, call: str, outcome: OutgoingOutcome, at: Instant
) -> OutgoingCall | None:
    """It is over; the call if that was news. An end that nobody knew gives way to one that is known."""
    not_known = or_(_rows.outcome.is_(None), _rows.outcome == OutgoingOutcome.UNKNOWN.value)
    changed = await connection.execute(
        update(outgoing_calls).where(_rows.call == call, not_known).values(outcome=outcome.value, ended_at=at)
    )
    return await load(connection, call) if changed.rowcount == 1 else None


async def give_up_unheard(
    connection: AsyncConnection, about: About, record: str, before: Instant, at: Instant
) -> None:
    """Of a call begun `before` then, of which the ledger never heard: how it ended is not known."""
    await connection.execute(
        update(outgoing_calls)
        .where(
            _rows.about == about.value,
            _rows.record == record,
            _rows.outcome.is_(None),
            _rows.started_at.is_(None),
            _rows.begun_at < before,
        )
        .values(outcome=OutgoingOutcome.UNKNOWN.value, ended_at=at)
    )


def _call(row: Mapping[str, Any] | Any) -> OutgoingCall:
    words = {
        "about": About(row["about"]),
        "outcome": OutgoingOutcome(row["outcome"]) if row["outcome"] else None,
    }
    return OutgoingCall(**(dict(row) | words))
