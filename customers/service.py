"""Customers: who they are, what becomes of them, who looked at it and why. Rules meet the database here.

Answers are masked at the edge (`schemas.py`) but for `read` and `changes`, which put the reading on record in
the unit of work that reads, before anything is handed out (SEC-15, guarantee 8).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import BANK_ZONE, Clock, local_day
from core.errors import BadInput, Conflict, NotFound
from core.masking import mask_text
from customers import rules, sheet, store
from customers.errors import Unfit
from customers.model import Change, Customer, Details, Note
from directory.lookup import Directory
from storage import Database, after_commit, take_turn
from storage.audit import Access, record_access

_UPKEEP = "upkeep"
PURPOSES = ("handling", "callback", "complaint", "investigation", _UPKEEP)
"""What a customer's record may be read for."""
MOST_FOUND = 20
MOST_NOTES = 100
_TURN = "customers"
Listener = Callable[[frozenset[str]], None]
"""Called with telephone numbers, as `core.dialling.known` writes them."""


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What a sheet makes of the customers: changes with their rows; how many rows change nothing."""

    changes: tuple[tuple[int, Change], ...]
    unchanged: int


class Customers:
    """Use cases of the customer record. `directory()`: the languages as they stand now."""

    def __init__(
        self,
        *,
        database: Database,
        directory: Callable[[], Directory],
        clock: Clock,
        zone: ZoneInfo = BANK_ZONE,
    ) -> None:
        self._database = database
        self._directory = directory
        self._clock = clock
        self._zone = zone
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Have `listener` called after every change that is kept, with the numbers it is about."""
        self._listeners.append(listener)

    async def find(self, number: str) -> list[Customer]:
        """The present customers who have the number, the most favoured first; `BadInput` if it is none."""
        known, today = rules.check_number(number, "query.number"), local_day(self._clock(), self._zone)
        async with self._database.read() as connection:
            found = await store.with_number(connection, known, limit=MOST_FOUND)
        return rules.most_favoured_first(one for one in found if rules.is_current(one, today))

    async def served_apart(self, numbers: Collection[str] | None = None) -> dict[str, rules.Served]:
        """Numbers whose callers are served otherwise than anybody, of all there are or of these. They may be
        very many: what each one says is worked out in a thread, some at a time."""
        today = local_day(self._clock(), self._zone)
        found: dict[str, rules.Served] = {}
        async with self._database.read() as connection:
            wanted = await store.apart(connection) if numbers is None else list(numbers)
            for some in store.slices(wanted):
                rows = await store.sharing(connection, some)
                found |= await asyncio.to_thread(_served, rows, today)
        return found

    async def read(self, id_: str, *, by: str, purpose: str, reason: str) -> tuple[Customer, list[Note]]:
        """The whole record with its newest notes; on record. `BadInput` without a purpose of the list."""
        async with self._database.write() as connection:
            found = await self._looked_at(connection, id_, by, purpose, reason)
            return found, await store.notes_of(connection, id_, limit=MOST_NOTES)

    async def changes(self, id_: str, *, by: str, purpose: str, reason: str) -> list[Change]:
        """Every change of the record, newest first; on record."""
        async with self._database.write() as connection:
            await self._looked_at(connection, id_, by, purpose, reason)
            return await store.changes_of(connection, id_)

    async def create(self, id_: str, details: Details, *, by: str, reason: str) -> Customer:
        """A new customer. `Conflict` if the customer number is taken, `Unfit` with all that is wrong."""
        rules.check_id(id_, "body.id")
        fit = self._fit(details)
        async with self._database.write() as connection:
            await take_turn(connection, _TURN)
            if id_ in await store.load(connection, [id_]):
                raise Conflict(f"there is a customer {id_} already: change that one")
            return await self._keep(connection, self._change(id_, None, fit, by, reason))

    async def change(
        self, id_: str, version: int, told: Mapping[str, Any], *, by: str, reason: str
    ) -> Customer:
        """Change those details that are `told`; what was there before is kept.

        `Conflict` if `version` is not the newest, `BadInput` if nothing would change.
        """
        async with self._database.write() as connection:
            await take_turn(connection, _TURN)
            before = await self._load(connection, id_)
            if before.version != version:
                raise Conflict(
                    f"customer {id_} is at version {before.version}, not {version}: look again, then decide"
                )
            after = self._fit(replace(before.details, **told))
            if after == before.details:
                raise BadInput("body", "nothing would change: everything is as it says already")
            return await self._keep(connection, self._change(id_, before, after, by, reason))

    async def note(self, id_: str, text: str, *, by: str) -> Note:
        """Write something down about a customer; card and identity numbers in it are masked."""
        async with self._database.write() as connection:
            await take_turn(connection, _TURN)
            await self._load(connection, id_)
            note = Note(customer=id_, number=0, at=self._clock(), by=by, text=mask_text(text))
            return await store.add_note(connection, note)

    async def take_in(self, content: bytes, *, by: str, reason: str, dry_run: bool) -> TakenIn:
        """Create and change customers as the rows of a sheet say, all of them or none.

        `SheetRefused` with every mistake by row and column. Tried (`dry_run`), it changes nothing.
        """
        records, wrong = await asyncio.to_thread(sheet.records, content)
        ids = [record.key for record in records]
        connected = self._database.read if dry_run else self._database.write
        async with connected() as connection:
            if not dry_run:
                await take_turn(connection, _TURN)
            there = await store.load(connection, ids)
            languages = self._directory().languages
            rows = await asyncio.to_thread(sheet.rows, records, wrong, there, languages)
            taken = self._taken_in(rows, there, by, reason)
            if taken.changes and not dry_run:
                await store.keep(connection, [change for _, change in taken.changes])
                self._tell_of(connection, [change for _, change in taken.changes])
                access = Access(
                    at=self._clock(),
                    staff=by,
                    action="import",
                    subject="customers",
                    purpose=_UPKEEP,
                    reason=reason,
                )
                await record_access(connection, access)
        return taken

    def _taken_in(
        self, rows: Sequence[sheet.Row], there: Mapping[str, Customer], by: str, reason: str
    ) -> TakenIn:
        found = []
        for row in rows:
            before = there.get(row.customer)
            if before is None or before.details != row.details:
                found.append((row.number, self._change(row.customer, before, row.details, by, reason)))
        return TakenIn(tuple(found), len(rows) - len(found))

    async def _keep(self, connection: AsyncConnection, change: Change) -> Customer:
        await store.keep(connection, [change])
        self._tell_of(connection, [change])
        access = Access(
            at=change.at,
            staff=change.by,
            action="change",
            subject=_subject(change.customer),
            purpose=_UPKEEP,
            reason=change.reason,
        )
        await record_access(connection, access)
        return Customer(
            id=change.customer,
            version=change.version,
            changed_at=change.at,
            changed_by=change.by,
            details=change.after,
        )

    def _tell_of(self, connection: AsyncConnection, changes: Sequence[Change]) -> None:
        numbers = frozenset(
            number
            for change in changes
            for details in (change.before, change.after)
            if details is not None
            for number in details.numbers
        )
        for listener in self._listeners:
            after_commit(connection, partial(listener, numbers))

    def _change(self, id_: str, before: Customer | None, after: Details, by: str, reason: str) -> Change:
        return Change(
            customer=id_,
            version=before.version + 1 if before else 1,
            at=self._clock(),
            by=by,
            reason=reason,
            before=before.details if before else None,
            after=after,
        )

    async def _looked_at(
        self, connection: AsyncConnection, id_: str, by: str, purpose: str, reason: str
    ) -> Customer:
        if purpose not in PURPOSES:
            raise BadInput("query.purpose", f"say why you read it: one of {', '.join(PURPOSES)}")
        found = await self._load(connection, id_)
        access = Access(
            at=self._clock(), staff=by, action="read", subject=_subject(id_), purpose=purpose, reason=reason
        )
        await record_access(connection, access)
        return found

    async def _load(self, connection: AsyncConnection, id_: str) -> Customer:
        found = await store.load(connection, [rules.check_id(id_, "id")])
        if id_ not in found:
            raise NotFound(f"there is no customer {id_}")
        return found[id_]

    def _fit(self, details: Details) -> Details:
        tidied = rules.tidy(details)
        if found := rules.refusals(tidied, self._directory().languages):
            raise Unfit(found)
        return tidied


def _served(rows: Sequence[RowMapping], today: date) -> dict[str, rules.Served]:
    return rules.served(map(store.with_its_number, rows), today)


def _subject(id_: str) -> str:
    return f"customer:{id_}"
