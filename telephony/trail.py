"""What leaders do about calls and agents, in the chain of accesses, before it is done (SEC-17)."""

from __future__ import annotations

from core.clock import Clock
from core.masking import mask_text
from storage import Database
from storage.audit import Access, record_access

ORDER = "order"
"""The purpose of what is ordered; listening has purposes of its own."""
_LONGEST_REASON = 200


class Trail:
    """`database`: the main one, which holds the chain."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def note(self, staff: str, action: str, subject: str, reason: str, *, purpose: str = ORDER) -> None:
        """A link: `staff` is about to do this to `subject` (`call:…`, `agent:1001`).

        Raises if it cannot be written. `reason` is masked, and cut at 200 characters.
        """
        access = Access(
            at=self._clock(),
            staff=staff,
            action=action,
            subject=subject,
            purpose=purpose,
            reason=mask_text(reason)[:_LONGEST_REASON],
        )
        async with self._database.write() as connection:
            await record_access(connection, access)
