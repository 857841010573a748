"""The port: jobs put in the unit of work of what they are about, looked at, cancelled, given another chance.

    jobs.register("reports.export", export)              # once, when the program is put together
    async with database.write() as connection:
        number = await jobs.put(connection, "reports.export", "8001:2026-03", {"since": …})

What is put is carried out at least once after the unit of work is committed, and never if it is undone. A
handler that ends its job with `Work.finish` stores its effects in the unit of work that marks it done: once.
How it is carried out is the database's matter: by an executor of our own on SQLite (`embedded`), by
procrastinate on PostgreSQL (`server`); the row in `jobs` is the truth on both.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

import msgspec
from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock, Instant
from core.errors import BadInput
from storage.database import after_commit
from storage.jobs.deliver import deliver
from storage.jobs.model import Job, JobState, Standing
from storage.jobs.rows import as_job
from storage.jobs.tables import dead, is_open, jobs, waiting
from storage.jobs.work import Work
from storage.upsert import insert_into
from storage.waker import Waker

Handler = Callable[[Work], Awaitable[None]]
"""Carries one job out. It may be called again for it: after a failure, or after its process died."""
_LONGEST_KEY = 120


class Jobs:
    """The jobs of one main database, and the handlers of their kinds."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._handlers: dict[str, Handler] = {}
        self.wakers: list[Waker] = []
        """Of those who look for jobs in this program."""

    def register(self, kind: str, handler: Handler) -> None:
        """Whose jobs `handler` carries out; ValueError if the kind has one."""
        if kind in self._handlers:
            raise ValueError(f"jobs of the kind {kind!r} have a handler already")
        self._handlers[kind] = handler

    def handler(self, kind: str) -> Handler:
        """Of that kind; LookupError with a sentence if there is none."""
        if kind not in self._handlers:
            raise LookupError(f"this program has no handler for jobs of the kind {kind!r}")
        return self._handlers[kind]

    async def put(
        self,
        connection: AsyncConnection,
        kind: str,
        key: str,
        payload: Mapping[str, Any] | None = None,
        *,
        at: Instant | None = None,
    ) -> int:
        """Have it done, not before `at`; its number. If one of its kind and key waits or runs already, that
        one's. `LookupError`: its kind has no handler. `BadInput`: a key that is too long.
        """
        self.handler(kind)
        if len(key) > _LONGEST_KEY:
            raise BadInput("key", f"has {len(key)} characters: {_LONGEST_KEY} is the most")
        now = self._clock()
        due = now if at is None else at
        row = {
            "kind": kind,
            "key": key,
            "payload": msgspec.json.encode(dict(payload or {})).decode(),
            "state": JobState.WAITING,
            "put_at": now,
            "next_at": due,
            "ended_at": None,
            **dict.fromkeys(("turn", "tries", "done", "total"), 0),
            **dict.fromkeys(("doing", "result", "error"), ""),
        }
        statement = insert_into(connection, jobs).values(**row).on_conflict_do_nothing()
        same = select(jobs.c.number).where(jobs.c.kind == kind, jobs.c.key == key, is_open)
        # The one in the way may end between our two looks, hardly several times over.
        while True:
            number: int | None = await connection.scalar(statement.returning(jobs.c.number))
            if number is not None:
                await self.announce(connection, number, due)
                return number
            there = await connection.scalar(same)
            if there is not None:
                return int(there)

    async def announce(self, connection: AsyncConnection, number: int, at: Instant) -> None:
        """See to it that somebody looks at the job at `at`, once this unit of work is committed."""
        await deliver(connection, number, at - self._clock())
        if self.wakers:
            after_commit(connection, lambda: self._wake(at))

    async def cancel(self, connection: AsyncConnection, number: int) -> bool:
        """Let a job that waits, or is dead, not be done; False: it runs, or is over, or never was."""
        mine = (jobs.c.number == number, or_(waiting, dead))
        values = {"state": JobState.CANCELLED, "ended_at": self._clock()}
        return (await connection.execute(update(jobs).where(*mine).values(**values))).rowcount == 1

    async def again(self, connection: AsyncConnection, number: int) -> int | None:
        """Give a dead job as many tries as a new one, at once; the number under which it runs: its own, or
        that of one with its key that waits or runs already. None: it is not dead.
        """
        row = (await connection.execute(select(jobs).where(jobs.c.number == number, dead))).first()
        if row is None:
            return None
        same = (jobs.c.kind == row.kind, jobs.c.key == row.key, is_open)
        there = await connection.scalar(select(jobs.c.number).where(*same))
        if there is not None:
            await self.cancel(connection, number)
            return int(there)
        now = self._clock()
        values = {"state": JobState.WAITING, "next_at": now, "tries": 0, "error": "", "ended_at": None}
        mine = update(jobs).where(jobs.c.number == number, dead).values(**values)
        if (await connection.execute(mine)).rowcount != 1:
            return None
        await self.announce(connection, number, now)
        return number

    async def find(self, connection: AsyncConnection, number: int) -> Job | None:
        """The job of that number; None if there is none, or its row was kept long enough."""
        row = (await connection.execute(select(jobs).where(jobs.c.number == number))).first()
        return None if row is None else as_job(row)

    async def listed(
        self,
        connection: AsyncConnection,
        *,
        states: Collection[JobState] = (),
        kind: str | None = None,
        limit: int = 100,
    ) -> list[Job]:
        """Jobs, the newest first; of all states and kinds unless some are named."""
        query = select(jobs)
        if states:
            query = query.where(jobs.c.state.in_(list(states)))
        if kind is not None:
            query = query.where(jobs.c.kind == kind)
        rows = await connection.execute(query.order_by(jobs.c.number.desc()).limit(limit))
        return [as_job(row) for row in rows]

    async def standing(self, connection: AsyncConnection) -> Standing:
        """How many wait, run and are dead, and since when one could have run."""
        counts = await connection.execute(
            select(jobs.c.state, func.count()).where(or_(is_open, dead)).group_by(jobs.c.state)
        )
        of_state = {row[0]: row[1] for row in counts}
        due = select(func.min(jobs.c.next_at)).where(waiting, jobs.c.next_at <= self._clock())
        return Standing(
            waiting=of_state.get(JobState.WAITING, 0),
            running=of_state.get(JobState.RUNNING, 0),
            dead=of_state.get(JobState.DEAD, 0),
            oldest_due=await connection.scalar(due),
        )

    def _wake(self, at: Instant) -> None:
        for waker in self.wakers:
            waker.tell(at)
