"""Notices put in the unit of work of what they are about, listed, read, and reported on.

async with database.write() as connection:
    ...  # the ticket moves to its next unit
    await notices.put(connection, Notice(person="1001", subject="新工单待处理", …))
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.errors import BadInput
from core.masking import mask_number, mask_text
from storage.notices.model import ChannelName, Lane, Notice, NoticeState, Reported, Sending, Why
from storage.notices.preferences import preferences_of
from storage.notices.rules import id_for_another, provider_id
from storage.notices.tables import delayed, notices
from storage.upsert import insert_into
from storage.waker import Waker

OUTWARD = (ChannelName.EMAIL, ChannelName.SMS)
LANES = tuple(Lane(channel, urgent) for channel in OUTWARD for urgent in (True, False))
LONGEST_SUBJECT = 100
LONGEST_TEXT = 2_000
_LONGEST_KEY = 120
_TELEPHONE = re.compile(r"\d{7,}")
"""Gateways like to name the number in their reports."""


class Notices:
    """The outbox of notices of one main database."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self.wakers = {lane: Waker(clock=clock) for lane in LANES}

    async def put(
        self, connection: AsyncConnection, notice: Notice, channels: Collection[ChannelName] | None = None
    ) -> None:
        """Tell a person when the unit of work commits, never if it is undone.

        On their page always, and by the ways they have switched on; or by `channels`, where one that cannot
        be used leaves a row that says why. A second notice with the same key is counted, not sent.
        Card and identity numbers in the text are masked. `BadInput`: a subject of more than one line, or
        something too long.
        """
        _check(notice)
        if channels is None:
            wishes = await preferences_of(connection, notice.person)
            channels = [name for name in OUTWARD if name in wishes.ways and wishes.ways[name].on]
        for channel in (ChannelName.PAGE, *(name for name in OUTWARD if name in channels)):
            await self._insert(connection, notice, channel)
            if channel in OUTWARD:
                self.wakers[Lane(channel, notice.urgent)].tell(self._clock())

    async def page(
        self, connection: AsyncConnection, person: str, *, before: int | None = None, limit: int = 50
    ) -> list[Sending]:
        """The notices on one person's page, the newest first; `before`: older than the one of that id."""
        query = select(notices).where(notices.c.channel == ChannelName.PAGE, notices.c.person == person)
        if before is not None:
            query = query.where(notices.c.id < before)
        rows = await connection.execute(query.order_by(notices.c.id.desc()).limit(limit))
        return [as_sending(row) for row in rows]

    async def unread(self, connection: AsyncConnection, person: str) -> int:
        """How many notices on their page a person has not marked as read."""
        query = select(func.count()).select_from(notices)
        return await connection.scalar(query.where(*self._unread_of(person))) or 0

    async def mark_read(self, connection: AsyncConnection, person: str, ids: Collection[int]) -> int:
        """The person has read these, which makes them delivered; how many of them were theirs and unread."""
        now = self._clock()
        values = {"state": NoticeState.DELIVERED, "read_at": now, "ended_at": now}
        mine = update(notices).where(*self._unread_of(person), notices.c.id.in_(list(ids)))
        return (await connection.execute(mine.values(**values))).rowcount

    async def about(self, connection: AsyncConnection, cause: str) -> list[Sending]:
        """Everything anyone was told about one thing, in order."""
        rows = await connection.execute(
            select(notices).where(notices.c.cause == cause).order_by(notices.c.id)
        )
        return [as_sending(row) for row in rows]

    async def not_sent(
        self, connection: AsyncConnection, *, before: int | None = None, limit: int = 100
    ) -> list[Sending]:
        """What failed or was suppressed, of everyone, the newest first: for whoever looks after it."""
        query = select(notices).where(notices.c.state.in_([NoticeState.FAILED, NoticeState.SUPPRESSED]))
        if before is not None:
            query = query.where(notices.c.id < before)
        rows = await connection.execute(query.order_by(notices.c.id.desc()).limit(limit))
        return [as_sending(row) for row in rows]

    async def delayed(self, connection: AsyncConnection, limit: int = 100) -> list[Sending]:
        """What was sent and is late, by the word of a mail system; the newest first."""
        query = select(notices).where(delayed, notices.c.state == NoticeState.SENT)
        rows = await connection.execute(query.order_by(notices.c.id.desc()).limit(limit))
        return [as_sending(row) for row in rows]

    async def again(self, connection: AsyncConnection, id_: int) -> bool:
        """Try once more what failed or was suppressed, as if it were new; False: it is neither."""
        now = self._clock()
        mine = (notices.c.id == id_, notices.c.state.in_([NoticeState.FAILED, NoticeState.SUPPRESSED]))
        row = (await connection.execute(select(notices).where(*mine))).first()
        if row is None:
            return False
        fresh = {"state": NoticeState.WAITING, "why": Why.NONE, "detail": "", "ended_at": None, "attempts": 0}
        if row.sent_at is not None:
            fresh |= {"sent_at": None, "provider_id": id_for_another(row.provider_id, now)}
        revive = update(notices).where(*mine).values(**fresh, created_at=now, next_at=now)
        revived = (await connection.execute(revive)).rowcount == 1
        if revived:
            self.wakers[Lane(ChannelName(row.channel), row.urgent)].tell(now)
        return revived

    async def reported(
        self, connection: AsyncConnection, provider_id: str, *, delivered: bool, detail: str = ""
    ) -> Reported:
        """A delivery report on a text message, also one that overtakes our own note.

        What is settled stays so: a report that comes twice, or late, changes nothing.
        """
        mine = (notices.c.provider_id == provider_id, notices.c.channel == ChannelName.SMS)
        now = self._clock()
        values = {
            "state": NoticeState.DELIVERED if delivered else NoticeState.FAILED,
            "why": Why.NONE if delivered else Why.REFUSED,
            "detail": _TELEPHONE.sub(lambda found: mask_number(found[0]), mask_text(detail))[:500],
            "ended_at": now,
            "under_way": False,
            "sent_at": func.coalesce(notices.c.sent_at, now),
        }
        open_ = notices.c.state.in_([NoticeState.WAITING, NoticeState.SENT])
        if (await connection.execute(update(notices).where(*mine, open_).values(**values))).rowcount:
            return Reported.TAKEN
        known = await connection.scalar(select(func.count()).select_from(notices).where(*mine))
        return Reported.SETTLED if known else Reported.UNKNOWN

    async def returned(
        self, connection: AsyncConnection, provider_id: str, *, permanent: bool, detail: str
    ) -> Reported:
        """A mail came back, or is late; also one that overtakes our own note. What is settled stays so."""
        mine = (notices.c.provider_id == provider_id, notices.c.channel == ChannelName.EMAIL)
        now = self._clock()
        states = [NoticeState.SENT]
        values: dict[str, Any] = {"why": Why.DELAYED, "detail": detail[:500]}
        if permanent:
            states.append(NoticeState.WAITING)
            values = {
                "state": NoticeState.FAILED,
                "why": Why.RETURNED,
                "detail": detail[:500],
                "ended_at": now,
                "under_way": False,
                "sent_at": func.coalesce(notices.c.sent_at, now),
            }
        open_ = update(notices).where(*mine, notices.c.state.in_(states))
        if (await connection.execute(open_.values(**values))).rowcount:
            return Reported.TAKEN
        known = await connection.scalar(select(func.count()).select_from(notices).where(*mine))
        return Reported.SETTLED if known else Reported.UNKNOWN

    async def _insert(self, connection: AsyncConnection, notice: Notice, channel: ChannelName) -> None:
        now = self._clock()
        on_page = channel is ChannelName.PAGE
        statement = insert_into(connection, notices).values(
            person=notice.person,
            channel=channel,
            key=notice.key,
            cause=notice.cause,
            subject=mask_text(notice.subject),
            text=mask_text(notice.text),
            urgent=notice.urgent,
            provider_id=provider_id(notice.person, channel, notice.key),
            state=NoticeState.SENT if on_page else NoticeState.WAITING,
            why=Why.NONE,
            detail="",
            created_at=now,
            next_at=now,
            attempts=0,
            under_way=False,
            unknown=0,
            repeats=0,
            sent_at=now if on_page else None,
        )
        same = ["person", "channel", "key"]
        await connection.execute(
            statement.on_conflict_do_update(index_elements=same, set_={"repeats": notices.c.repeats + 1})
        )

    @staticmethod
    def _unread_of(person: str) -> tuple[Any, ...]:
        mine = notices.c.person == person
        return (mine, notices.c.channel == ChannelName.PAGE, notices.c.read_at.is_(None))


def as_sending(row: Row[Any]) -> Sending:
    """The record of a row."""
    return Sending(
        id=row.id,
        channel=ChannelName(row.channel),
        notice=Notice(
            person=row.person,
            subject=row.subject,
            text=row.text,
            key=row.key,
            cause=row.cause,
            urgent=row.urgent,
        ),
        provider_id=row.provider_id,
        state=NoticeState(row.state),
        why=Why(row.why),
        detail=row.detail,
        created_at=row.created_at,
        next_at=row.next_at,
        attempts=row.attempts,
        unknown=row.unknown,
        repeats=row.repeats,
        sent_at=row.sent_at,
        ended_at=row.ended_at,
        read_at=row.read_at,
    )


def _check(notice: Notice) -> None:
    if not notice.subject.strip() or not notice.subject.isprintable():
        raise BadInput("subject", "write one line of printable text")
    for name, text, longest in (
        ("subject", notice.subject, LONGEST_SUBJECT),
        ("text", notice.text, LONGEST_TEXT),
        ("key", notice.key, _LONGEST_KEY),
    ):
        if len(text) > longest:
            raise BadInput(name, f"has {len(text)} characters: {longest} is the most")
