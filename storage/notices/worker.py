"""Sending what waits: two lanes for each channel, each with a few notices under way at a time.

They are begun in their order, and end as the far end has it. What is urgent has the first lane to itself, so
that it waits for no ordinary notice, not even where all of them find a far end that takes its time.

Each attempt is written down as begun before it is made, and as ended after it. A process that dies in between
leaves a row that is begun and not ended: when its time is up it is tried again with the same `provider_id`,
and `unknown` counts that nobody can say whether the first one left. So a notice is sent at least once, and
the row says whether it may have been more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import structlog
from sqlalchemy import Row, Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.calendar import WorkingCalendar
from core.clock import HOUR, MINUTE, SECOND, Clock, Duration, Instant
from core.masking import mask_mail, mask_number, mask_text
from storage.database import Database
from storage.notices.channel import Channel, ChannelDown, Message, NotNow, Refused
from storage.notices.model import ChannelName, Lane, NoticeState, Sending, Why
from storage.notices.notes import Notes
from storage.notices.outbox import LANES, Notices, as_sending
from storage.notices.preferences import preferences_of
from storage.notices.rules import Drop, Later, Send, judge
from storage.notices.tables import notices, waiting
from storage.notices.undeliverable import blocked_since
from storage.retry import Retry
from storage.waker import NEVER

_RETRY = Retry(first=30 * SECOND, most=HOUR, tries=12)
_PAUSE = Retry(first=2 * SECOND, most=5 * MINUTE, tries=1 << 30)
_LONGEST_DETAIL = 500
_log = structlog.get_logger("storage.notices")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """`retry`: of one notice that is not taken. `pause`: of a channel that is down, without end. `attempt_s`:
    the longest an attempt may take; after `lease`, which is longer, whoever made it counts as dead. `keep`:
    how long a notice is worth sending. `at_once`: so many of a lane are under way at a time, by channel;
    one, where none is named.
    """

    retry: Retry = _RETRY
    pause: Retry = _PAUSE
    attempt_s: float = 60.0
    lease: Duration = 2 * MINUTE
    keep: Duration = 72 * HOUR
    at_once: Mapping[ChannelName, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look came to: so many rows were due, some of them begun; if none, when the next one is."""

    due: int = 0
    begun: tuple[tuple[Sending, Message], ...] = ()
    upcoming: Instant = NEVER


class NoticeWorker:
    """`channels`: those that are set up. `calendar()`: as of now."""

    def __init__(
        self,
        *,
        database: Database,
        notices: Notices,
        channels: Mapping[ChannelName, Channel],
        calendar: Callable[[], WorkingCalendar],
        clock: Clock,
        random: Callable[[], float],
        pace: Pace | None = None,
    ) -> None:
        self._held_up: dict[Lane, str] = {}
        self._database = database
        self._notices = notices
        self._channels = dict(channels)
        self._calendar = calendar
        self._clock = clock
        self._random = random
        self._pace = pace or Pace()
        self._notes = Notes(database)

    @property
    def problems(self) -> dict[ChannelName, str]:
        """What holds a channel up, of its lanes the first that met it; empty if nothing does."""
        return {lane.channel: problem for lane, problem in reversed(self._held_up.items())}

    async def run(self) -> None:
        """Send until cancelled. An attempt under way is then cut off, and counted as unknown later on."""
        async with asyncio.TaskGroup() as tasks:
            for lane in LANES:
                tasks.create_task(
                    self._run(lane), name=f"notices-{lane.channel}{'-urgent' if lane.urgent else ''}"
                )

    async def send_due(self, channel: ChannelName) -> Instant:
        """Send everything whose turn it is, first what is urgent; when the next turn comes. `ChannelDown`:
        nothing goes now.
        """
        return min([await self._send_due(lane) for lane in LANES if lane.channel is channel])

    async def _send_due(self, lane: Lane) -> Instant:
        """Begin what is due as long as there is room; returns when all have ended: when the next one is due.

        Once one has met a channel or a database that is down, no more are begun; that is raised when the
        others have ended.
        """
        room = self._pace.at_once.get(lane.channel, 1)
        under_way: set[asyncio.Task[None]] = set()
        try:
            while True:
                look = _Look()
                if len(under_way) < room:
                    look = await self._look(lane, room - len(under_way))
                    under_way |= {asyncio.create_task(self._attempt(lane, *one)) for one in look.begun}
                    if not look.due and not under_way:
                        return look.upcoming
                if not look.due:
                    under_way = await self._some_ended(lane, under_way, look.upcoming)
        finally:
            await _cut_off(under_way)

    async def _some_ended(
        self, lane: Lane, under_way: set[asyncio.Task[None]], upcoming: Instant
    ) -> set[asyncio.Task[None]]:
        """Wait until an attempt has ended, or another may be begun; those that go on. What one has met is
        raised once all have ended.
        """
        waker = self._notices.wakers[lane]
        sleep = asyncio.create_task(waker.sleep(upcoming, late_commits=not self._database.is_sqlite))
        try:
            await asyncio.wait({sleep, *under_way}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cut_off({sleep})
        if any(task.done() and task.exception() is not None for task in under_way):
            await asyncio.wait(under_way)
        for task in under_way:
            if task.done():
                task.result()
        return {task for task in under_way if not task.done()}

    async def _run(self, lane: Lane) -> None:
        waker, failures = self._notices.wakers[lane], 0
        while True:
            try:
                upcoming = await self._send_due(lane)
                failures = 0
                self._held_up.pop(lane, None)
                await waker.sleep(upcoming, late_commits=not self._database.is_sqlite)
            except Exception as error:  # noqa: BLE001  nothing may end this task: not a server, not a database
                failures += 1
                pause = self._pace.pause.wait(failures, self._random()) or self._pace.pause.most
                self._held_up[lane] = f"{lane.channel}: {error}"
                _log.warning(
                    "notices_held_up",
                    channel=lane.channel,
                    urgent=lane.urgent,
                    why=str(error),
                    next_try_s=pause / SECOND,
                )
                await asyncio.sleep(pause / SECOND)

    @staticmethod
    def next_due(lane: Lane, now: Instant, most: int = 1) -> Select[Any]:
        """The rows whose turn it is, locked where the database locks rows."""
        query = select(notices).where(*_waiting(lane), notices.c.next_at <= now)
        return query.order_by(notices.c.next_at, notices.c.id).limit(most).with_for_update(skip_locked=True)

    async def _look(self, lane: Lane, most: int) -> _Look:
        """Begin up to `most` that are due, or settle them without, in one unit of work."""
        now, verdicts = self._clock(), list[tuple[Row[Any], Send | Later | Drop]]()
        async with self._database.write() as connection:
            rows = (await connection.execute(self.next_due(lane, now, most))).all()
            if not rows:
                later = select(func.min(notices.c.next_at)).where(*_waiting(lane), notices.c.next_at > now)
                return _Look(upcoming=await connection.scalar(later) or NEVER)
            for row in rows:
                verdict = await self._judged(connection, row, now)
                values = self._begin(row, verdict, now)
                await connection.execute(update(notices).where(notices.c.id == row.id).values(**values))
                verdicts.append((row, verdict))
        begun = []
        for row, verdict in verdicts:
            if isinstance(verdict, Send):
                sending = as_sending(row)
                begun.append((sending, _message(sending, verdict.address)))
            elif isinstance(verdict, Drop):
                about = {"notice": row.id, "person": row.person, "channel": row.channel}
                _log.warning("notice_not_sent", why=verdict.why, **about)
        return _Look(len(rows), tuple(begun))

    async def _judged(self, connection: AsyncConnection, row: Row[Any], now: Instant) -> Send | Later | Drop:
        wishes = await preferences_of(connection, row.person)
        way = wishes.ways.get(ChannelName(row.channel))
        return judge(
            as_sending(row),
            wishes,
            calendar=self._calendar(),
            now=now,
            keep=self._pace.keep,
            channel_on=row.channel in self._channels,
            undeliverable=way is not None and await blocked_since(connection, way.address) is not None,
        )

    def _begin(self, row: Row[Any], verdict: Send | Later | Drop, now: Instant) -> dict[str, Any]:
        # An attempt that nobody wrote down as ended: its process is dead, and took the outcome along.
        values: dict[str, Any] = {"unknown": row.unknown + row.under_way, "under_way": False}
        if isinstance(verdict, Later):
            return values | {"next_at": verdict.at}
        if isinstance(verdict, Drop):
            state = NoticeState.FAILED if verdict.why is Why.TOO_OLD else NoticeState.SUPPRESSED
            return values | {"state": state, "why": verdict.why, "ended_at": now}
        begun = {"under_way": True, "attempts": row.attempts + 1, "next_at": now + self._pace.lease}
        return values | begun

    async def _attempt(self, lane: Lane, sending: Sending, message: Message) -> None:
        down: ChannelDown | None = None
        channel = self._channels[lane.channel]
        try:
            async with asyncio.timeout(self._pace.attempt_s):
                await channel.send(message)
            values: dict[str, Any] = {"state": NoticeState.SENT, "sent_at": self._clock(), "detail": ""}
        except Refused as error:
            values = self._ended(Why.REFUSED, error, message.address)
        except NotNow as error:
            values = self._tried(sending, error, message.address)
        except ChannelDown as error:  # it did not leave, and that is not its own fault: no attempt of its own
            detail = _masked(error, message.address)
            values = {"attempts": sending.attempts, "next_at": self._clock(), "detail": detail}
            down = ChannelDown(detail)
        except Exception as error:  # noqa: BLE001  OutcomeUnknown, a time-out, or a channel's own mistake
            values = self._tried(sending, error, message.address)
            values["unknown"] = notices.c.unknown + 1
        await self._write_down(sending, values)
        if down is not None:
            raise down

    def _tried(self, sending: Sending, error: Exception, address: str) -> dict[str, Any]:
        wait = self._pace.retry.wait(sending.attempts + 1, self._random())
        if wait is None:
            return self._ended(Why.TRIED_TOO_OFTEN, error, address)
        return {"next_at": self._clock() + wait, "detail": _masked(error, address)}

    def _ended(self, why: Why, error: Exception, address: str) -> dict[str, Any]:
        values = {"state": NoticeState.FAILED, "why": why, "ended_at": self._clock()}
        return values | {"detail": _masked(error, address)}

    async def _write_down(self, sending: Sending, values: dict[str, Any]) -> None:
        await self._notes.write(sending, values)
        _log.info(
            "notice_attempted",
            notice=sending.id,
            person=sending.notice.person,
            channel=sending.channel,
            attempt=sending.attempts + 1,
            state=values.get("state", NoticeState.WAITING),
            detail=values.get("detail", ""),
        )


async def _cut_off(tasks: set[asyncio.Task[None]]) -> None:
    """End those that go on, and wait for it."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _waiting(lane: Lane) -> tuple[Any, ...]:
    mine = (notices.c.channel == lane.channel, notices.c.urgent == lane.urgent)
    return (*mine, waiting)


def _message(sending: Sending, address: str) -> Message:
    notice = sending.notice
    return Message(
        id=sending.provider_id,
        address=address,
        subject=notice.subject,
        text=notice.text,
        made_at=sending.created_at,
    )


def _masked(error: Exception, address: str) -> str:
    """The channel's words without the person's address in them."""
    hidden = mask_mail(address) if "@" in address else mask_number(address)
    return mask_text((str(error) or type(error).__name__).replace(address, hidden))[:_LONGEST_DETAIL]
