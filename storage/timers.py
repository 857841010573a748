"""Durable timers: what is to happen when, kept beside the records it is about.

    timers.register("ticket.reminder", remind)        # once, when the program is put together
    async with database.write() as connection:
        ...                                            # the ticket itself
        await timers.set(
            connection, Timer(owner="ticket:GD…", name="reminder-80", kind="ticket.reminder", due=…)
        )

A timer is known by its owner and its name; setting it again replaces it, whatever became of it. `TimerRunner`
fires it: the handler stores its effects in the unit of work that marks the timer fired, so a process that is
killed at any instant leaves both or neither. What the world outside must hear goes through an outbox.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock, Instant
from storage.schema import metadata
from storage.upsert import insert_into
from storage.waker import Waker

Handler = Callable[[AsyncConnection, "Timer"], Awaitable[None]]
"""Stores what is due through the connection, nothing else. It may set and cancel timers, this one too. It may
be called again after all that it stored was undone, by a mistake of its own or of one that was due with it.
"""


class TimerState(StrEnum):
    """What became of a timer."""

    WAITING = "waiting"
    FIRED = "fired"
    CANCELLED = "cancelled"
    DEAD = "dead"
    """Its handler failed too often: `error` says why, `again` gives it another chance."""


timers = Table(
    "timers",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("owner", String(80), nullable=False),
    Column("name", String(40), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("payload", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("set_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    UniqueConstraint("owner", "name"),
)
"""`due_at` is what was promised; `next_at` is when it is tried, later than that after a failure."""
waiting = timers.c.state == literal(TimerState.WAITING.value, literal_execute=True)
"""Written into each statement, not handed over beside it: a server plans what it has prepared without knowing
the values, and could not know that the index below is the one to use."""
Index("ix_timers_waiting", timers.c.next_at, timers.c.id, sqlite_where=waiting, postgresql_where=waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """`owner`: what it is about, `ticket:GD20261122-000001`. `name`: which of its timers. `kind`: names the
    handler. `tries`, `state`, `error` are the runner's.
    """

    owner: str
    name: str
    kind: str
    due: Instant
    payload: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    tries: int = 0
    state: TimerState = TimerState.WAITING
    error: str = ""


class Timers:
    """The timers of one main database, and the handlers of their kinds."""

    def __init__(self, *, clock: Clock, waker: Waker | None = None) -> None:
        self.waker = waker or Waker(clock=clock)
        self._clock = clock
        self._handlers: dict[str, Handler] = {}

    def register(self, kind: str, handler: Handler) -> None:
        """Whose timers `handler` fires; ValueError if the kind has one."""
        if kind in self._handlers:
            raise ValueError(f"timers of the kind {kind!r} have a handler already")
        self._handlers[kind] = handler

    def handler(self, kind: str) -> Handler:
        """Of that kind; LookupError with a sentence if there is none."""
        if kind not in self._handlers:
            raise LookupError(f"this program has no handler for timers of the kind {kind!r}")
        return self._handlers[kind]

    async def set(self, connection: AsyncConnection, timer: Timer) -> None:
        """From now on, `timer` and no other of its owner and name. LookupError: its kind has no handler."""
        self.handler(timer.kind)
        row: dict[str, Any] = {
            "kind": timer.kind,
            "due_at": timer.due,
            "next_at": timer.due,
            "payload": msgspec.json.encode(dict(timer.payload)).decode(),
            "state": TimerState.WAITING,
            "tries": 0,
            "error": "",
            "set_at": self._clock(),
            "ended_at": None,
        }
        statement = insert_into(connection, timers).values(owner=timer.owner, name=timer.name, **row)
        await connection.execute(statement.on_conflict_do_update(index_elements=["owner", "name"], set_=row))
        self.waker.tell(timer.due)

    async def move(self, connection: AsyncConnection, owner: str, name: str, due: Instant) -> bool:
        """Make a waiting timer due at another time; False: it is not waiting any more, or never was."""
        moved = await self._change(connection, owner, name, due_at=due, next_at=due, tries=0, error="")
        if moved:
            self.waker.tell(due)
        return moved

    async def cancel(self, connection: AsyncConnection, owner: str, name: str) -> bool:
        """Let it not happen; False: too late, or there was none."""
        return await self._change(connection, owner, name, state=TimerState.CANCELLED, ended_at=self._clock())

    async def cancel_all(self, connection: AsyncConnection, owner: str) -> int:
        """Cancel every waiting timer of an owner; how many."""
        mine = (timers.c.owner == owner) & waiting
        values = {"state": TimerState.CANCELLED, "ended_at": self._clock()}
        return (await connection.execute(update(timers).where(mine).values(**values))).rowcount

    async def again(self, connection: AsyncConnection, owner: str, name: str) -> bool:
        """Give a dead timer as many tries as a new one, at once; False: it is not dead."""
        dead = (timers.c.owner == owner) & (timers.c.name == name) & (timers.c.state == TimerState.DEAD)
        values = {"state": TimerState.WAITING, "next_at": self._clock(), "tries": 0, "ended_at": None}
        revived = (await connection.execute(update(timers).where(dead).values(**values))).rowcount == 1
        if revived:
            self.waker.tell(self._clock())
        return revived

    async def of_owner(self, connection: AsyncConnection, owner: str) -> list[Timer]:
        """All of one owner, whatever became of them, by the time they are due."""
        query = select(timers).where(timers.c.owner == owner).order_by(timers.c.due_at, timers.c.id)
        return [as_timer(row) for row in await connection.execute(query)]

    async def dead(self, connection: AsyncConnection, limit: int = 100) -> list[Timer]:
        """Those that were given up, with the error of their last try; the latest first."""
        query = select(timers).where(timers.c.state == TimerState.DEAD)
        rows = await connection.execute(query.order_by(timers.c.ended_at.desc(), timers.c.id).limit(limit))
        return [as_timer(row) for row in rows]

    async def _change(self, connection: AsyncConnection, owner: str, name: str, **values: Any) -> bool:
        mine = (timers.c.owner == owner) & (timers.c.name == name) & waiting
        return (await connection.execute(update(timers).where(mine).values(**values))).rowcount == 1


def as_timer(row: Row[Any]) -> Timer:
    """The record of a row."""
    return Timer(
        owner=row.owner,
        name=row.name,
        kind=row.kind,
        due=row.due_at,
        payload=MappingProxyType(msgspec.json.decode(row.payload)),
        tries=row.tries,
        state=TimerState(row.state),
        error=row.error,
    )
