"""Firing what is due: one timer, one unit of work, in the order in which they are due.

Several programs may run one each on a database server: a row that one of them is firing is locked, and the
others go past it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Row, Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import MINUTE, SECOND, Clock, Instant
from core.masking import mask_text
from storage.database import Database
from storage.retry import Retry
from storage.timers import Timers, TimerState, as_timer, timers
from storage.waker import NEVER

RETRY = Retry(first=SECOND, most=10 * MINUTE, tries=8)
_RETRY_S = 1.0
_LONGEST_ERROR = 500
_waiting = timers.c.state == TimerState.WAITING
_log = structlog.get_logger("storage.timers")


@dataclass(frozen=True, slots=True)
class _Look:
    """What one unit of work came to: whether one was fired or failed, else when the next is due."""

    found: bool
    upcoming: Instant = NEVER


class TimerRunner:
    """`run` is the task. `problem`: what holds all of them up, "" if nothing does."""

    def __init__(
        self,
        *,
        database: Database,
        timers: Timers,
        clock: Clock,
        random: Callable[[], float],
        retry: Retry = RETRY,
    ) -> None:
        self.problem = ""
        self._database = database
        self._timers = timers
        self._clock = clock
        self._random = random
        self._retry = retry

    async def run(self) -> None:
        """Fire until cancelled; a timer that is just being fired is then undone as a whole."""
        while True:
            try:
                upcoming = await self.fire_due()
                self.problem = ""
            except Exception as error:  # noqa: BLE001  while the database is away, nothing may end this task
                self.problem = f"timers stand still: {error}"
                _log.exception("timers_stand_still", next_try_s=_RETRY_S)
                await asyncio.sleep(_RETRY_S)
                continue
            await self._timers.waker.sleep(upcoming, late_commits=not self._database.is_sqlite)

    async def fire_due(self) -> Instant:
        """Fire everything that is due; when the next one will be, `NEVER` if none waits."""
        while (look := await self._fire_one()).found:
            pass
        return look.upcoming

    @staticmethod
    def next_due(now: Instant) -> Select[Any]:
        """The row whose turn it is, locked where the database locks rows."""
        query = select(timers).where(_waiting, timers.c.next_at <= now)
        return query.order_by(timers.c.next_at, timers.c.id).limit(1).with_for_update(skip_locked=True)

    async def _fire_one(self) -> _Look:
        now = self._clock()
        async with self._database.write() as connection:
            row = (await connection.execute(self.next_due(now))).first()
            if row is None:
                later = select(func.min(timers.c.next_at)).where(_waiting, timers.c.next_at > now)
                return _Look(False, await connection.scalar(later) or NEVER)
            await self._fire(connection, row, now)
        return _Look(True)

    async def _fire(self, connection: AsyncConnection, row: Row[Any], now: Instant) -> None:
        # Marked first: a handler may set its own timer anew, and that must outlive the mark.
        await self._mark(connection, row, state=TimerState.FIRED, tries=row.tries + 1, ended_at=now, error="")
        timer = as_timer(row)
        about = {"owner": timer.owner, "timer": timer.name, "kind": timer.kind}
        try:
            async with connection.begin_nested():
                await self._timers.handler(timer.kind)(connection, timer)
        except Exception as error:  # noqa: BLE001  one handler's mistake must not hold up the others
            failures = row.tries + 1
            wait = self._retry.wait(failures, self._random())
            said = mask_text(f"{type(error).__name__}: {error}")[:_LONGEST_ERROR]
            if wait is None:
                await self._mark(connection, row, state=TimerState.DEAD, error=said)
                _log.exception("timer_dead", tries=failures, **about)
            else:
                values = {"state": TimerState.WAITING, "next_at": now + wait, "ended_at": None}
                await self._mark(connection, row, error=said, **values)
                _log.warning("timer_failed", tries=failures, next_try_s=wait / SECOND, error=said, **about)

    @staticmethod
    async def _mark(connection: AsyncConnection, row: Row[Any], **values: Any) -> None:
        await connection.execute(update(timers).where(timers.c.id == row.id).values(**values))
