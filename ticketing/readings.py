"""Every reading of a customer's record leaves a row: who, what, why, when (SEC-15, guarantee 8)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Instant
from core.errors import BadInput
from storage.audit import Access, record_access
from ticketing.errors import NotYours
from web.route import Principal

PURPOSES = ("handling", "callback", "complaint", "quality", "investigation")
"""What a record may be read for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reading about to happen. `agent`: whose record it is; `right`: what all others need."""

    subject: str
    agent: str
    right: str
    purpose: str
    reason: str


async def note_reading(connection: AsyncConnection, person: Principal, reading: Reading, at: Instant) -> None:
    """Let the reading pass and write it down, in the unit of work that reads.

    Those who wrote the record themselves need state no purpose; everyone else does. `NotYours` if
    the right does not reach them, `BadInput` without a purpose of the list.
    """
    own = reading.agent == person.staff
    if not own and not person.may_of(reading.right, reading.agent):
        raise NotYours(f"{reading.subject} is another agent's: reading it needs the right {reading.right!r}")
    purpose = reading.purpose or ("handling" if own else "")
    if purpose not in PURPOSES:
        raise BadInput("query.purpose", f"say why you read it: one of {', '.join(PURPOSES)}")
    access = Access(
        at=at,
        staff=person.staff,
        action="read",
        subject=reading.subject,
        purpose=purpose,
        reason=reading.reason,
    )
    await record_access(connection, access)
