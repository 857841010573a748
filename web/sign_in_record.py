"""Every try to sign in: counted before the password is looked at; and the last that succeeded.

A person is told at each sign-in when and from where the one before was, and how many tries have failed
since: who works under another's number is seen by the one whose number it is (SEC-12).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock, Duration, Instant
from storage import Database, take_turn, upsert
from web.errors import LockedOut
from web.lockout import Attempts, LockoutRule, counted, remaining
from web.tables import sign_in_failures, sign_ins


@dataclass(frozen=True, slots=True)
class Before:
    """The sign-in before this one; `at` is 0 if there was none. `failed`: tries since then."""

    at: Instant = 0
    address: str = ""
    failed: int = 0


class SignInRecord:
    """Counts, locks and remembers, by staff number."""

    def __init__(self, database: Database, *, clock: Clock, rule: LockoutRule) -> None:
        self._database = database
        self._clock = clock
        self._rule = rule

    async def tried(self, staff: str) -> Duration:
        """Count a try as failed; how long the number is locked if it was. `LockedOut` if it is already."""
        now = self._clock()
        table = sign_in_failures
        stale = (table.c.last_at <= now - self._rule.locked_for) & (table.c.locked_until <= now)
        async with self._database.write() as connection:
            await take_turn(connection, f"sign-in of {staff}")
            # Nobody has a row who never signed in, so that numbers that do not exist fill no table.
            more = update(sign_ins).where(sign_ins.c.staff == staff).values(failed=sign_ins.c.failed + 1)
            await connection.execute(more)
            await connection.execute(delete(table).where(stale))
            query = select(table.c.failures, table.c.last_at, table.c.locked_until)
            row = (await connection.execute(query.where(table.c.staff == staff))).mappings().first()
            attempts = Attempts(**row) if row is not None else Attempts()
            wait = remaining(attempts, now)
            if not wait:
                attempts = counted(attempts, self._rule, now)
                values = {"failures": attempts.failures, "last_at": now}
                values |= {"locked_until": attempts.locked_until}
                await upsert(connection, table, [{"staff": staff} | values])
        if wait:
            raise LockedOut(wait)
        return remaining(attempts, now)

    async def right(self, connection: AsyncConnection, staff: str) -> None:
        """The try just counted was none to count: the password was the right one."""
        await connection.execute(delete(sign_in_failures).where(sign_in_failures.c.staff == staff))
        less = update(sign_ins).where(sign_ins.c.staff == staff, sign_ins.c.failed > 0)
        await connection.execute(less.values(failed=sign_ins.c.failed - 1))

    async def succeeded(
        self, connection: AsyncConnection, staff: str, address: str, *, by_provider: bool
    ) -> Before:
        """Somebody is in; what was there before. Who came by the provider once, stays known for it."""
        query = select(sign_ins).where(sign_ins.c.staff == staff)
        row = (await connection.execute(query)).mappings().first()
        known = by_provider or (row is not None and bool(row["by_provider"]))
        now = {"staff": staff, "at": self._clock(), "address": address, "failed": 0, "by_provider": known}
        await upsert(connection, sign_ins, [now])
        return Before(row["at"], row["address"], row["failed"]) if row is not None else Before()


async def comes_by_provider(connection: AsyncConnection, staff: str) -> bool:
    """Whether the person has ever signed in by the provider."""
    query = select(sign_ins.c.by_provider).where(sign_ins.c.staff == staff)
    return bool((await connection.execute(query)).scalar_one_or_none())


async def cleared(connection: AsyncConnection, staff: str) -> None:
    """A new password was made for the person: nothing locks it, and it is to be used."""
    await connection.execute(delete(sign_in_failures).where(sign_in_failures.c.staff == staff))
    await connection.execute(update(sign_ins).where(sign_ins.c.staff == staff).values(by_provider=False))
