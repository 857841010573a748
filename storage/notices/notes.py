"""How attempts ended, written down: those that end while one unit of work runs share the next one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update

from storage.database import Database
from storage.notices.model import NoticeState, Sending
from storage.notices.tables import notices


@dataclass(slots=True)
class _Note:
    sending: Sending
    values: dict[str, Any]
    written: bool = False


class Notes:
    """`write` returns once it is committed, as if each had a unit of work of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[_Note] = []
        self._writing = asyncio.Lock()

    async def write(self, sending: Sending, values: dict[str, Any]) -> None:
        """Write down how the attempt that was begun for `sending` ended. If the database fails, its error:
        then the row stays as it was begun, and is found when its lease is over.
        """
        note = _Note(sending, values)
        self._waiting.append(note)
        async with self._writing:
            if note.written:
                return
            # What failed with those before us is in nobody's list any more, and tried once by itself.
            batch = [note, *(other for other in self._waiting if other is not note)]
            self._waiting = []
            async with self._database.write() as connection:
                for one in batch:
                    await connection.execute(_ended(one))
            for one in batch:
                one.written = True


def _ended(note: _Note) -> Any:
    """Only the attempt that was begun here, and only while nothing else is known: a report may have come
    first, or another program have taken the row over.
    """
    mine = (notices.c.id == note.sending.id) & (notices.c.attempts == note.sending.attempts + 1)
    still = mine & (notices.c.state == NoticeState.WAITING) & notices.c.under_way
    return update(notices).where(still).values(under_way=False, **note.values)
