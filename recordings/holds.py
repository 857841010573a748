"""Holds: calls whose recordings stay, however old they are, until whoever asked for that lets go.

Both are links of the chain of accesses: who kept a recording from being removed, and who no longer does.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Instant
from core.errors import NotFound
from recordings.tables import recording_holds
from storage import upsert
from storage.audit import Access, record_access

_PURPOSE = "retention"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Nothing of `call` is removed. `by`: the staff number of whoever asked; `reason`: in their words."""

    call: str
    since: Instant
    by: str
    reason: str


async def hold(connection: AsyncConnection, wanted: Hold) -> None:
    """Place it, or replace the one there is, in this unit of work."""
    row = {"call": wanted.call, "since": wanted.since, "by": wanted.by, "reason": wanted.reason}
    await upsert(connection, recording_holds, [row])
    await _note(connection, wanted, "hold")


async def release(connection: AsyncConnection, given_up: Hold) -> None:
    """Let it go; `NotFound` if there is none on this call."""
    gone = await connection.execute(delete(recording_holds).where(recording_holds.c.call == given_up.call))
    if gone.rowcount == 0:
        raise NotFound(f"there is no hold on call {given_up.call[:40]}: `hotline retention list` shows them")
    await _note(connection, given_up, "release")


async def holds(connection: AsyncConnection) -> list[Hold]:
    """All there are, oldest first."""
    rows = await connection.execute(select(recording_holds).order_by(recording_holds.c.since))
    return [Hold(**row) for row in rows.mappings()]


async def _note(connection: AsyncConnection, about: Hold, action: str) -> None:
    access = Access(
        at=about.since,
        staff=about.by,
        action=action,
        subject=f"call:{about.call}",
        purpose=_PURPOSE,
        reason=about.reason,
    )
    await record_access(connection, access)
