"""The directory as it is kept: read by everybody, changed here, each change with its history.

    seed ─first start─► entries ─directory_of─► Directory ─► whoever asks `present`, whoever `listen`s
                           ▲
    change ─checked whole─┴─ history, chain of accesses, and a timer for what begins on another day

The present is swapped as one: nobody ever sees half a change. Reading all of it takes a quarter of a second
where there are thousands of people, so that is done beside the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import BANK_ZONE, Clock, instant_on, local_day
from core.errors import BadInput, Conflict, HotlineError, NotFound
from directory import store
from directory.beginning import lacking, to_be_taken_in
from directory.changes import Applied, Change, ChangeState, Line, Present, apply, days_ahead, digest
from directory.entries import Body, Key, directory_of
from directory.errors import Problem, Refused
from directory.lookup import Directory
from directory.remit import Remit, Sight, remit_of
from storage import Database, after_commit, take_turn
from storage.audit import Access, record_access
from storage.timers import Timer, Timers
from web.errors import Forbidden

_log = structlog.get_logger("directory")
_TURN = "directory"
_TIMER = "directory.day"
_OWNER = "directory"
ACTION, APPLIED, PURPOSE = "change", "apply", "administration"
"""In the chain of accesses: `change` when it is made, `apply` when a planned one comes about."""

Listener = Callable[[Directory, Directory], None]
"""Called with the directory before and after, once the new one is `present`."""
Guard = Callable[[Directory, Directory], Sequence[Problem]]
"""Asked with the directory before and after, before a change is kept: what others could not do without.

Called in a thread beside the event loop.
"""


class DirectoryBook:
    """`present` is the directory as of now, `number` that of its last change, `edition` how many it has had.

    `seed`: what it is before anything was stored.
    """

    def __init__(
        self,
        *,
        database: Database,
        timers: Timers,
        clock: Clock,
        seed: Directory,
        zone: ZoneInfo = BANK_ZONE,
    ) -> None:
        self.present = seed
        self.number = self.edition = 0
        self._seed = seed
        self._read_on: date | None = None
        self._database = database
        self._timers = timers
        self._clock = clock
        self._zone = zone
        self._listeners: list[Listener] = []
        self._guards: list[Guard] = []
        self._stale = asyncio.Event()
        self._turn = asyncio.Lock()
        timers.register(_TIMER, self._day_came)

    def current(self) -> Directory:
        """`present`, for those who want to ask for it again and again."""
        return self.present

    def listen(self, listener: Listener) -> None:
        """Have `listener` called after every change that is in force."""
        self._listeners.append(listener)

    def guard(self, guard: Guard) -> None:
        """Have `guard` asked about every change, a planned one on its day, too; what it finds refuses it."""
        self._guards.append(guard)

    def today(self) -> date:
        """The day it is for the bank."""
        return self._today()

    # ------------------------------------------------------------------ life

    async def open(self) -> None:
        """Take the seed in if nothing is stored yet; then the stored entries are the directory."""
        today = self._today()
        async with self._database.write() as connection:
            await take_turn(connection, _TURN)
            entries, reason = await to_be_taken_in(connection, self._seed)
            if entries:
                await self._take_in(connection, entries, reason, today)
            await self._apply_planned(connection, today)
        await self.refresh()

    async def run(self) -> None:
        """Until cancelled: take up what a timer has changed."""
        while True:
            await self._stale.wait()
            self._stale.clear()
            await self.refresh()

    async def refresh(self) -> None:
        """Read the entries again and tell the listeners if they say something else than before."""
        async with self._turn:
            async with self._database.read() as connection:
                present = await self._kept(connection)
                number, edition = await store.applied(connection)
            today = self._today()
            after = await asyncio.to_thread(directory_of, present.entries, today, self._zone)
            before, self.present = self.present, after
            self.number, self.edition, self._read_on = number, edition, today
            if self.present != before:
                for listener in self._listeners:
                    listener(before, self.present)

    async def look(self) -> None:
        """`refresh`, if there has been a change since the last time, or a day has begun."""
        async with self._database.read() as connection:
            _, edition = await store.applied(connection)
        if (edition, self._today()) != (self.edition, self._read_on):
            await self.refresh()

    # ------------------------------------------------------------------ changing

    async def change(
        self,
        lines: Sequence[Line],
        *,
        by: str,
        reason: str,
        effective_on: date | None = None,
        allowed: bool = False,
    ) -> Change:
        """Carry a change out today, or note it for another day; all of it or nothing. `allowed`: a right of
        its own lets `by` make just this change, and has been asked for: today's alone.

        Errors as `changes.apply`; `BadInput` for a day that is past; `Refused` where it goes further than the
        right of `by` does, on the day it begins, too.
        """
        today = self._today()
        day = self._day(effective_on, today)
        async with self._database.write() as connection:
            await take_turn(connection, _TURN)
            done = await self._applied(await self._on(connection, day), lines, day, "" if allowed else by)
            change = await self._write(connection, done, by=by, reason=reason, day=day, today=today)
        _log.info("directory changed", change=change.number, by=by, state=change.state, lines=len(done.lines))
        if change.state is ChangeState.APPLIED:
            await self.refresh()
        return change

    async def try_out(
        self, lines: Sequence[Line], *, by: str, effective_on: date | None = None
    ) -> tuple[Line, ...]:
        """What a change would do, with before and after; nothing is written. Errors as `change`."""
        day = self._day(effective_on, self._today())
        async with self._database.read() as connection:
            return (await self._applied(await self._on(connection, day), lines, day, by)).lines

    async def withdraw(self, number: int, *, by: str) -> Change:
        """Take a planned change back. `NotFound`; `Conflict` if it is not planned (any more); `Forbidden`
        to whoever could not have made it.
        """
        async with self._database.write() as connection:
            await take_turn(connection, _TURN)
            found = await store.load_changes(connection, [number])
            if not found:
                raise NotFound(f"there is no change {number} of the directory")
            if found[0].state is not ChangeState.PLANNED:
                raise Conflict(
                    f"change {number} is {found[0].state.value}: make another one that says what you want"
                )
            remit = await asyncio.to_thread(self._remit, await self._kept(connection), by, self._today())
            if remit and not remit.could_make(found[0].lines, self.present):
                raise Forbidden(
                    f"change {number} goes further than the right 'directory.change' of {by} does: "
                    "ask whoever made it to withdraw it"
                )
            await store.end_change(connection, number, ChangeState.WITHDRAWN)
            await self._record(connection, found[0], "withdraw", by=by)
        return replace(found[0], state=ChangeState.WITHDRAWN)

    # ------------------------------------------------------------------ looking

    async def entries(self) -> Present:
        """The entries as they are stored now."""
        async with self._database.read() as connection:
            return await self._kept(connection)

    async def history(
        self,
        *,
        section: str = "",
        key: str = "",
        state: str = "",
        before: int | None = None,
        limit: int,
        sight: Sight | None = None,
    ) -> list[Change]:
        """Changes, newest first; see `store.find_changes`."""
        async with self._database.read() as connection:
            return await store.find_changes(
                connection, section=section, key=key, state=state, before=before, limit=limit, sight=sight
            )

    async def exported(self, section: str, *, by: str) -> None:
        """Somebody takes a section away as a sheet: that is on record before it happens (SEC-09)."""
        async with self._database.write() as connection:
            access = Access(
                at=self._clock(), staff=by, action="export", subject=f"directory:{section}", purpose=PURPOSE
            )
            await record_access(connection, access)

    # ------------------------------------------------------------------ inside

    def _today(self) -> date:
        return local_day(self._clock(), self._zone)

    def _day(self, effective_on: date | None, today: date) -> date:
        if effective_on is not None and effective_on < today:
            raise BadInput("effective_on", f"{effective_on} is past: what was cannot be changed")
        return effective_on or today

    async def _on(self, connection: AsyncConnection, day: date) -> Present:
        """The entries as they will be on that day, if everything planned until then comes about."""
        present = await self._kept(connection)
        for change in await store.planned(connection, day):
            try:
                done = await self._applied(present, change.lines, day, change.by)
            except HotlineError:  # it will be refused on its day, and says so then
                continue
            touched = {line.entry: change.number for line in done.lines}
            present = Present(done.entries, {**present.touched, **touched})
        return present

    async def _kept(self, connection: AsyncConnection) -> Present:
        """What is stored, and what the seed has where a program before this one stored nothing."""
        present = await store.present(connection)
        return Present({**present.entries, **lacking(present.entries, self._seed)}, present.touched)

    async def _applied(self, present: Present, lines: Sequence[Line], day: date, by: str) -> Applied:
        before = self.present

        def carried_out() -> Applied:
            remit = self._remit(present, by, day)
            if remit and (problems := remit.outside(lines, present.entries)):
                raise Refused(problems)
            done = apply(present, lines, day, self._zone)
            problems = remit.beyond(done.lines, done.directory) if remit else []
            problems += [one for guard in self._guards for one in guard(before, done.directory)]
            if problems:
                raise Refused(problems)
            return done

        return await asyncio.to_thread(carried_out)

    def _remit(self, present: Present, by: str, day: date) -> Remit | None:
        """How far `by` may go on that day; None: as far as there is. "": who has been asked already."""
        if not by:
            return None
        now = remit_of(self.present, by)
        if now is None or now.whole:
            return None
        return remit_of(directory_of(present.entries, day, self._zone), by)

    async def _write(
        self, connection: AsyncConnection, done: Applied, *, by: str, reason: str, day: date, today: date
    ) -> Change:
        now = self._clock()
        applied = day <= today
        change = Change(
            number=await store.next_number(connection),
            at=now,
            by=by,
            reason=reason,
            effective_on=day,
            state=ChangeState.APPLIED if applied else ChangeState.PLANNED,
            lines=done.lines,
            applied_at=now if applied else None,
        )
        await store.insert_change(connection, change)
        await self._record(connection, change, ACTION, by=by)
        if applied:
            await store.keep(connection, change)
            await self._wake_on(connection, days_ahead(done.directory, today))
        else:
            await self._wake_on(connection, [day])
        return change

    async def _record(self, connection: AsyncConnection, change: Change, action: str, *, by: str) -> None:
        """A link in the chain of accesses that holds the change's content: neither can be altered unseen."""
        access = Access(
            at=self._clock(),
            staff=by,
            action=action,
            subject=f"directory:{change.number}",
            purpose=PURPOSE,
            reason=digest(change),
        )
        await record_access(connection, access)

    async def _take_in(
        self, connection: AsyncConnection, entries: Mapping[Key, Body], reason: str, today: date
    ) -> None:
        lines = tuple(Line(*entry, after=body) for entry, body in entries.items())
        done = Applied(lines, entries, self._seed)
        await self._write(connection, done, by="", reason=reason, day=today, today=today)

    async def _apply_planned(self, connection: AsyncConnection, today: date) -> None:
        """What was to begin until today; a change that does not fit any more is refused, and says why."""
        for change in await store.planned(connection, today):
            try:
                done = await self._applied(await self._kept(connection), change.lines, today, change.by)
            except HotlineError as error:
                _log.error(
                    "planned change of the directory refused", change=change.number, problem=str(error)
                )
                await store.end_change(connection, change.number, ChangeState.REFUSED, problem=str(error))
                continue
            applied = replace(change, lines=done.lines)
            await store.end_change(
                connection, change.number, ChangeState.APPLIED, at=self._clock(), lines=done.lines
            )
            await store.keep(connection, applied)
            await self._record(connection, applied, APPLIED, by=change.by)
            await self._wake_on(connection, days_ahead(done.directory, today))

    async def _wake_on(self, connection: AsyncConnection, days: Iterable[date]) -> None:
        for day in sorted(days):
            await self._timers.set(
                connection,
                Timer(owner=_OWNER, name=day.isoformat(), kind=_TIMER, due=instant_on(day, 0, self._zone)),
            )

    async def _day_came(self, connection: AsyncConnection, timer: Timer) -> None:
        """A day on which something begins or somebody has left; the present is read again after it."""
        await take_turn(connection, _TURN)
        await self._apply_planned(connection, date.fromisoformat(timer.name))
        after_commit(connection, self._stale.set)
