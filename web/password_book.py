"""Passwords as they are now, kept in the database: taken over from set-up, changed by people, made anew.

A password made by somebody else is *initial*: the person has to change it before anything else. What set-up
made (the credentials file) is taken over when it is used for the first time, if it is newer than what is
kept; so the file has no say once a password was changed, until set-up makes another.
"""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, replace

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock, Instant
from core.errors import Conflict, NotFound
from storage import Database, take_turn, upsert
from storage.audit import Access, record_access
from web.errors import WrongSignIn
from web.password_rules import Fault, MustChange, PasswordRule, faults, must_change, told
from web.passwords import Passwords
from web.problems import FieldProblem, Invalid
from web.route import People, Principal
from web.sign_in_record import cleared, comes_by_provider
from web.tables import former_passwords, passwords, sessions

PURPOSE = "sign_in"
_LETTERS = "".join(c for c in string.ascii_letters + string.digits if c not in "0O1lI")
_INITIAL_LENGTH = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One row. `changed_at`: when it was made, by whomever."""

    staff: str
    hash: str
    initial: bool
    changed_at: Instant


@dataclass(frozen=True, slots=True)
class Fits:
    """A password that is the right one. `barred`: the person is to sign in by the provider instead."""

    must_change: MustChange
    barred: bool


class PasswordBook:
    """What is kept of passwords, and the rule they obey."""

    def __init__(
        self,
        database: Database,
        people: People,
        *,
        clock: Clock,
        passwords: Passwords | None = None,
        rule: PasswordRule | None = None,
    ) -> None:
        self.rule = rule or PasswordRule()
        self._database = database
        self._people = people
        self._clock = clock
        self._passwords = passwords or Passwords()

    async def check(self, staff: str, password: str) -> Fits | None:
        """None if it is wrong. A number that does not exist takes as long as one that does."""
        kept, stored, barred = await self._look_up(staff)
        if not await self._passwords.fits(password, kept.hash if kept is not None else None) or kept is None:
            return None
        if not stored:
            await self._take_over(kept)
        due = must_change(self.rule, initial=kept.initial, changed_at=kept.changed_at, now=self._clock())
        return Fits(due, barred)

    async def nobody(self, password: str) -> None:
        """Take as long as a check takes."""
        await self._passwords.fits(password, None)

    async def change(self, person: Principal, old: str, new: str) -> None:
        """A password of one's own choice.

        `WrongSignIn` if `old` is not the present one, `Invalid` telling all that is wrong with `new`,
        `Conflict` if somebody else has made another one meanwhile.
        """
        kept, _stored, _barred = await self._look_up(person.staff)
        if not await self._passwords.fits(old, kept.hash if kept is not None else None) or kept is None:
            raise WrongSignIn("is not your present password")
        found = await self._passwords.aside(lambda: faults(new, self.rule, person))
        if not found and await self._was_used(kept, new):
            found = [Fault.USED]
        if found:
            raise Invalid([FieldProblem(where="body.new", problem=told(f, self.rule), code=f) for f in found])
        hashed = await self._passwords.aside(lambda: self._passwords.hash(new))
        now = self._clock()
        fresh = replace(kept, hash=hashed, initial=False, changed_at=max(now, kept.changed_at + 1))
        async with self._database.write() as connection:
            await take_turn(connection, f"password of {person.staff}")
            present = await _stored_row(connection, person.staff)
            if present is not None and present.hash != kept.hash:
                raise Conflict("another password was made for you just now: sign in with it")
            await self._replace(connection, kept, fresh)
            await record_access(connection, _access(now, person.staff, "password_change", person.staff))

    async def reset(self, staff: str, *, by: str) -> tuple[str, list[str]]:
        """A new initial password in clear, to be shown once; and the ids of the sessions that it has ended.

        `NotFound` unless the person is in the directory and active. `by`: a staff number, or "" for the
        operator at the terminal.
        """
        if self._people.principal(staff) is None:
            raise NotFound(f"nobody who may sign in has the number {staff[:8]!r}")
        clear = "".join(secrets.choice(_LETTERS) for _ in range(_INITIAL_LENGTH))
        hashed = await self._passwords.aside(lambda: self._passwords.hash(clear))
        now = self._clock()
        async with self._database.write() as connection:
            await take_turn(connection, f"password of {staff}")
            before = await _stored_row(connection, staff)
            at = now if before is None else max(now, before.changed_at + 1)
            fresh = Kept(staff=staff, hash=hashed, initial=True, changed_at=at)
            await self._replace(connection, before, fresh)
            await cleared(connection, staff)
            mine = sessions.c.staff == staff
            ended = list((await connection.execute(select(sessions.c.id).where(mine))).scalars())
            await connection.execute(delete(sessions).where(mine))
            await record_access(connection, _access(now, by, "password_reset", staff))
        return clear, ended

    async def _look_up(self, staff: str) -> tuple[Kept | None, bool, bool]:
        """The password that is good now, whether it is in the table, and whether the provider bars it."""
        given = self._people.given_password(staff)
        async with self._database.read() as connection:
            kept = await _stored_row(connection, staff)
            barred = not self.rule.beside_provider and await comes_by_provider(connection, staff)
        if given is not None and (kept is None or kept.changed_at < given.made_at):
            at = max(self._clock(), given.made_at)
            return Kept(staff=staff, hash=given.hash, initial=True, changed_at=at), False, barred
        return kept, True, barred

    async def _take_over(self, kept: Kept) -> None:
        async with self._database.write() as connection:
            await take_turn(connection, f"password of {kept.staff}")
            present = await _stored_row(connection, kept.staff)
            if present is None or present.changed_at < kept.changed_at:
                await self._replace(connection, present, kept)

    async def _was_used(self, kept: Kept, new: str) -> bool:
        query = select(former_passwords.c.hash).where(former_passwords.c.staff == kept.staff)
        async with self._database.read() as connection:
            former = list((await connection.execute(query)).scalars())
        for one in [kept.hash, *former]:
            if await self._passwords.fits(new, one):
                return True
        return False

    async def _replace(self, connection: AsyncConnection, old: Kept | None, new: Kept) -> None:
        await upsert(connection, passwords, [_row(new)])
        if old is None:
            return
        former = {"staff": old.staff, "changed_at": old.changed_at, "hash": old.hash}
        await upsert(connection, former_passwords, [former])
        table = former_passwords
        mine = table.c.staff == old.staff
        newest = select(table.c.changed_at).where(mine).order_by(table.c.changed_at.desc())
        kept = list((await connection.execute(newest.limit(self.rule.former))).scalars())
        await connection.execute(delete(table).where(mine, table.c.changed_at.not_in(kept)))


async def staff_with_passwords(connection: AsyncConnection) -> frozenset[str]:
    """The numbers of all for whom a password is kept, an initial one or their own."""
    return frozenset((await connection.execute(select(passwords.c.staff))).scalars())


def _access(at: Instant, by: str, action: str, staff: str) -> Access:
    return Access(at=at, staff=by, action=action, subject=f"password:{staff}", purpose=PURPOSE)


async def _stored_row(connection: AsyncConnection, staff: str) -> Kept | None:
    row = (await connection.execute(select(passwords).where(passwords.c.staff == staff))).mappings().first()
    return Kept(**row) if row is not None else None


def _row(kept: Kept) -> dict[str, object]:
    return {name: getattr(kept, name) for name in Kept.__slots__}
