"""Firing what is due: many timers in one unit of work, in the order in which they are due.

Each is marked and handled when its turn comes, not before: a handler may cancel, move or set anew one that is
due at the same moment, and finds it waiting. The unit of work ends after so many timers, or so long, that
whoever else wants to write gets their turn (`Batch`).

Several programs may run one each on a database server: rows that one of them is firing are locked, and the
others go past them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from sqlalchemy import Row, Select, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import MILLISECOND, MINUTE, SECOND, Clock, Duration, Instant
from core.masking import mask_text
from storage.database import Database, part
from storage.retry import Retry
from storage.timers import Timer, Timers, TimerState, as_timer, timers, waiting
from storage.waker import NEVER

RETRY = Retry(first=SECOND, most=10 * MINUTE, tries=8)
_RETRY_S = 1.0
_LONGEST_ERROR = 500
_TAKE = (
    update(timers)
    .where(timers.c.id == bindparam("of_id"), waiting, timers.c.next_at <= bindparam("at"))
    .values(state=TimerState.FIRED, tries=timers.c.tries + 1, ended_at=bindparam("at"), error="")
    .returning(timers)
)
"""Made once: making it takes as long as carrying it out."""
_log = structlog.get_logger("storage.timers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one unit of work takes: `most` timers, and no further one once it has lasted for `longest`."""

    most: int = 100
    longest: Duration = 100 * MILLISECOND


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
        batch: Batch | None = None,
    ) -> None:
        self.problem = ""
        self._database = database
        self._timers = timers
        self._clock = clock
        self._random = random
        self._retry = retry
        self._batch = batch or Batch()

    async def run(self) -> None:
        """Fire until cancelled; timers that are just being fired are then undone as a whole."""
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
        while (upcoming := await self._fire_batch()) is None:
            pass
        return upcoming

    @staticmethod
    def next_due(now: Instant, most: int = 1) -> Select[Any]:
        """The rows whose turn it is, locked where the database locks rows."""
        query = select(timers).where(waiting, timers.c.next_at <= now)
        return query.order_by(timers.c.next_at, timers.c.id).limit(most).with_for_update(skip_locked=True)

    async def _fire_batch(self) -> Instant | None:
        """One unit of work; None if something was due, else when the next one is."""
        now = self._clock()
        async with self._database.write() as connection:
            rows = (await connection.execute(self.next_due(now, self._batch.most))).all()
            if rows:
                await self._fire(connection, rows, now)
                return None
            later = select(func.min(timers.c.next_at)).where(waiting, timers.c.next_at > now)
            return await connection.scalar(later) or NEVER

    async def _fire(self, connection: AsyncConnection, rows: Sequence[Row[Any]], now: Instant) -> None:
        """In order, all in one. Where one fails, those before it are fired again without it, and its failure
        is written down; those after it are left for the next unit of work.
        """
        fired, current = 0, None
        until, waker = self._clock() + self._batch.longest, self._timers.waker
        waker.earliest = NEVER
        try:
            async with part(connection):
                for row in rows:
                    # Another look, where one may have been set that is due before this one. What has failed
                    # before comes first in a unit of work: failing again, it undoes no other.
                    if fired and (waker.earliest < row.next_at or row.tries or self._clock() > until):
                        break
                    current = await self._take(connection, row, now)
                    if current is not None:
                        await self._timers.handler(current.kind)(connection, current)
                    fired, current = fired + 1, None
        except Exception as error:
            if current is None:
                raise
            if fired:
                await self._fire(connection, rows[:fired], now)
            await self._failed(connection, rows[fired].id, current, error, now)

    async def _take(self, connection: AsyncConnection, row: Row[Any], now: Instant) -> Timer | None:
        """The timer as it stands now, marked as fired; None if one before it saw to it that it is not due.

        Marked first: a handler may set its own timer anew, and that must outlive the mark.
        """
        taken = (await connection.execute(_TAKE, {"of_id": row.id, "at": now})).first()
        if taken is None:
            return None
        return replace(as_timer(taken), state=TimerState.WAITING, tries=taken.tries - 1)

    async def _failed(
        self, connection: AsyncConnection, id_: int, timer: Timer, error: Exception, now: Instant
    ) -> None:
        about = {"owner": timer.owner, "timer": timer.name, "kind": timer.kind}
        failures = timer.tries + 1
        wait = self._retry.wait(failures, self._random())
        said = mask_text(f"{type(error).__name__}: {error}")[:_LONGEST_ERROR]
        if wait is None:
            values = {"state": TimerState.DEAD, "ended_at": now}
            _log.error("timer_dead", tries=failures, exc_info=error, **about)
        else:
            values = {"next_at": now + wait}
            _log.warning("timer_failed", tries=failures, next_try_s=wait / SECOND, error=said, **about)
        mine = update(timers).where(timers.c.id == id_)
        await connection.execute(mine.values(tries=failures, error=said, **values))
