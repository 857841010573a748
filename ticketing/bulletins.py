"""公告 to all who take calls (KB-10): written by one, approved by another, valid for a time.

    written ─approve (not by the author)─► approved ─its time has come─► a notice on everybody's page
       └────────────── withdraw ◄──────────────┘

Who has read it is what the notices know: each person's row is marked when they read it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock, Instant
from core.errors import BadInput, Conflict, NotFound
from core.masking import mask_text
from directory.lookup import Directory
from storage import Database
from storage.notices.model import ChannelName, Notice
from storage.notices.outbox import Notices
from storage.timers import Timer, Timers
from ticketing.tables import bulletins

_TIMER, _NAME = "bulletin.begins", "begins"
_READERS = "agents.act"
_MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulletin:
    """`valid_from` counts, `valid_until` does not. `approved_by` "": nobody but its author has seen it."""

    id: int
    title: str
    text: str
    author: str
    written_at: Instant
    valid_from: Instant
    valid_until: Instant
    approved_by: str = ""
    approved_at: Instant | None = None
    withdrawn_by: str = ""
    withdrawn_at: Instant | None = None

    def holds(self, now: Instant) -> bool:
        """Whether it is to be shown."""
        return bool(self.approved_by) and not self.withdrawn_by and self.valid_from <= now < self.valid_until


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody it was announced to; `read_at` None: not read yet."""

    staff: str
    read_at: Instant | None


class Bulletins:
    """Use cases. `directory()`: as it stands now."""

    def __init__(
        self,
        *,
        database: Database,
        timers: Timers,
        notices: Notices,
        directory: Callable[[], Directory],
        clock: Clock,
    ) -> None:
        self._database = database
        self._timers = timers
        self._notices = notices
        self._directory = directory
        self._clock = clock
        timers.register(_TIMER, self._begins)

    async def write(
        self, author: str, title: str, text: str, *, valid_from: Instant, valid_until: Instant
    ) -> Bulletin:
        """A new one, seen by nobody before it is approved. `BadInput`: no time in which it could be valid."""
        now = self._clock()
        if not max(now, valid_from) < valid_until:
            raise BadInput("body.valid_until", "lies before it begins, or is past: nobody would ever see it")
        row = {
            "title": mask_text(title),
            "text": mask_text(text),
            "author": author,
            "written_at": now,
            "valid_from": valid_from,
            "valid_until": valid_until,
        }
        async with self._database.write() as connection:
            added = await connection.execute(insert(bulletins).values(**row).returning(bulletins.c.id))
            return await _load(connection, added.scalar_one())

    async def approve(self, approver: str, id_: int) -> Bulletin:
        """Announced when its time has come. `Conflict`: the author's own, or no longer to be approved."""
        now = self._clock()
        async with self._database.write() as connection:
            found = await _load(connection, id_)
            if found.author == approver:
                raise Conflict(f"bulletin {id_} is your own: another has to approve it (KB-10)")
            if found.approved_by or found.withdrawn_by or found.valid_until <= now:
                raise Conflict(f"bulletin {id_} is approved already, withdrawn, or no longer valid")
            await _change(connection, id_, approved_by=approver, approved_at=now)
            due = max(now, found.valid_from)
            await self._timers.set(connection, Timer(owner=_owner(id_), name=_NAME, kind=_TIMER, due=due))
            return await _load(connection, id_)

    async def withdraw(self, by: str, id_: int) -> Bulletin:
        """It is shown no more, and not announced if it has not been. `Conflict`: withdrawn already."""
        async with self._database.write() as connection:
            found = await _load(connection, id_)
            if found.withdrawn_by:
                raise Conflict(f"bulletin {id_} was withdrawn by {found.withdrawn_by}")
            await _change(connection, id_, withdrawn_by=by, withdrawn_at=self._clock())
            await self._timers.cancel(connection, _owner(id_), _NAME)
            return await _load(connection, id_)

    async def valid(self, staff: str) -> list[tuple[Bulletin, Reader]]:
        """Those that hold now, newest first, each with whether this person has read it."""
        now = self._clock()
        async with self._database.read() as connection:
            shown = [one for one in await _all(connection) if one.holds(now)]
            return [(one, await self._reader(connection, one.id, staff)) for one in shown]

    async def all(self) -> list[Bulletin]:
        """The newest, whatever became of them."""
        async with self._database.read() as connection:
            return await _all(connection)

    async def read(self, staff: str, id_: int) -> None:
        """This person has read it. `NotFound`: it was not announced to them."""
        async with self._database.write() as connection:
            mine = [one for one in await self._announced(connection, id_) if one[0] == staff]
            if not mine:
                raise NotFound(f"no bulletin {id_} was announced to {staff}")
            await self._notices.mark_read(connection, staff, [row for _, row, _ in mine])

    async def readers(self, id_: int) -> list[Reader]:
        """Everybody it was announced to, by number."""
        async with self._database.read() as connection:
            await _load(connection, id_)
            found = await self._announced(connection, id_)
        return sorted((Reader(staff, at) for staff, _, at in found), key=lambda one: one.staff)

    # ------------------------------------------------------------------ inside

    async def _begins(self, connection: AsyncConnection, timer: Timer) -> None:
        """Its time has come: everybody who takes calls is told, on their page alone."""
        found = await _load(connection, int(timer.owner.partition(":")[2]))
        if not found.holds(self._clock()):
            return
        directory = self._directory()
        for person in directory.staff.values():
            if person.active and _READERS in directory.rights(person.number):
                notice = Notice(
                    person=person.number,
                    subject=f"公告:{found.title}",
                    text=found.text,
                    key=timer.owner,
                    cause=timer.owner,
                )
                await self._notices.put(connection, notice, channels=())

    async def _announced(
        self, connection: AsyncConnection, id_: int
    ) -> list[tuple[str, int, Instant | None]]:
        sent = await self._notices.about(connection, _owner(id_))
        return [(one.notice.person, one.id, one.read_at) for one in sent if one.channel is ChannelName.PAGE]

    async def _reader(self, connection: AsyncConnection, id_: int, staff: str) -> Reader:
        mine = (at for person, _, at in await self._announced(connection, id_) if person == staff)
        return Reader(staff, next(mine, None))


def _owner(id_: int) -> str:
    return f"bulletin:{id_}"


async def _load(connection: AsyncConnection, id_: int) -> Bulletin:
    row = (await connection.execute(select(bulletins).where(bulletins.c.id == id_))).first()
    if row is None:
        raise NotFound(f"there is no bulletin {id_}")
    return _bulletin(row)


async def _all(connection: AsyncConnection) -> list[Bulletin]:
    rows = await connection.execute(select(bulletins).order_by(bulletins.c.id.desc()).limit(_MOST))
    return [_bulletin(row) for row in rows]


async def _change(connection: AsyncConnection, id_: int, **values: Any) -> None:
    await connection.execute(update(bulletins).where(bulletins.c.id == id_).values(**values))


def _bulletin(row: Row[Any]) -> Bulletin:
    return Bulletin(**{name: value for name, value in row._asdict().items() if value is not None})
