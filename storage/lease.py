"""The lease: one row that says who leads, since when, and until when unless it is renewed (PostgreSQL).

A second row says until when somebody is known to stand by: the last one to have looked at the first.

Times are the database's own, so that programs on several hosts need not agree on one. The fence only rises:
each taking adds one. What the leader stores by itself carries its tenure (`storage.appender`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import (
    BigInteger,
    Column,
    String,
    Table,
    Update,
    exists,
    inspect,
    literal_column,
    select,
    text,
    update,
)

from core.clock import SECOND, Duration
from storage.database import Database
from storage.errors import StorageError, Superseded
from storage.lease_rules import Look, Row
from storage.schema import ledger_metadata
from storage.upsert import insert_into

LEADER, STANDBY = "leader", "standby"

leases = Table(
    "leases",
    ledger_metadata,
    Column("name", String(16), primary_key=True),
    Column("token", String(32), nullable=False),
    Column("holder", String(300), nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("address", String(300), nullable=False),
    Column("renewed", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("term", BigInteger, nullable=False),
)
_NOW = literal_column("(extract(epoch FROM statement_timestamp()) * 1000000)::bigint", BigInteger)
_FORGOTTEN = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
    AND state LIKE 'idle in transaction%' AND state_change < now() - make_interval(secs => :after)"""
_MINE = "SELECT holder FROM leases WHERE name = %s AND token <> %s"


class LeaseRunOut(StorageError):
    """Nobody knows whether another program leads: this one could not renew its lease for a term."""


class LeaseLost(StorageError):
    """Another program leads now; this one may neither write nor tell a node anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenure:
    """One program's time as the leader."""

    token: str
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standby:
    """Who last said that they stand by. `edition`: of its program, "" if it does not say; `silent`: how long
    ago that was, by the database's clock; `there`: it has not been silent for a term.
    """

    holder: str
    edition: str
    silent: Duration
    there: bool


@dataclass(frozen=True, slots=True)
class Renewed:
    """The lease is good for another term. `stood_by`: somebody would take it after that."""

    stood_by: bool


class Lease:
    """The row in an open `database` of a server. Every method: `StorageError` if the database does not serve.

    `term`: how long the lease lasts unless it is renewed.
    """

    def __init__(self, database: Database, *, term: Duration) -> None:
        self._database = database
        self.term = term

    async def look(self) -> Look:
        """The row as it stands."""
        query = select(leases, _NOW.label("now")).where(leases.c.name == LEADER)
        async with self._database.read() as connection:
            found = (await connection.execute(query)).mappings().first()
        if found is None:
            return Look(None)
        row = Row(**{name: found[name] for name in Row.__dataclass_fields__})
        return Look(row, expired=found["now"] >= row.expires)

    async def take(self, seen: Row | None, *, token: str, holder: str, address: str) -> Tenure | None:
        """Lead from now on, if the row is still the one that was seen; None if it is not."""
        mine = {"token": token, "holder": holder, "address": address, "term": self.term}
        times = {"renewed": _NOW, "expires": _NOW + self.term}
        async with self._database.write() as connection:
            if seen is None:
                new = insert_into(connection, leases).values(name=LEADER, fence=1, **mine, **times)
                fence = await connection.scalar(new.on_conflict_do_nothing().returning(leases.c.fence))
            else:
                same = (
                    (leases.c.name == LEADER)
                    & (leases.c.token == seen.token)
                    & (leases.c.fence == seen.fence)
                    & (leases.c.renewed == seen.renewed)
                )
                changed = update(leases).where(same).values(fence=leases.c.fence + 1, **mine, **times)
                fence = await connection.scalar(changed.returning(leases.c.fence))
        return None if fence is None else Tenure(token=token, fence=fence)

    async def renew(self, tenure: Tenure) -> Renewed | None:
        """For another term; None if somebody else leads."""
        other = leases.alias()
        stood_by = exists().where(other.c.name == STANDBY, other.c.expires > _NOW)
        changed = _of(tenure).values(renewed=_NOW, expires=_NOW + self.term).returning(stood_by)
        async with self._database.write() as connection:
            found = await connection.scalar(changed)
        return None if found is None else Renewed(found)

    async def give_up(self, tenure: Tenure) -> None:
        """Let whoever stands by lead at once."""
        async with self._database.write() as connection:
            await connection.execute(_of(tenure).values(expires=0))

    async def standby(self) -> Standby | None:
        """Who stands by, or last did; None if nobody ever has."""
        query = select(leases, _NOW.label("now")).where(leases.c.name == STANDBY)
        async with self._database.read() as connection:
            found = (await connection.execute(query)).mappings().first()
        if found is None:
            return None
        return Standby(
            holder=found["holder"],
            edition=found["token"],
            silent=max(0, found["now"] - found["renewed"]),
            there=found["now"] < found["expires"],
        )

    async def stand_by(self, holder: str, edition: str = "") -> None:
        """Let the leader know that somebody would take over, for a term. To be said at every look.

        Several that stand by share the row: it is enough that one does. Of theirs, `token` is the edition.
        """
        values = {"token": edition, "holder": holder, "fence": 0, "address": "", "term": self.term}
        values |= {"renewed": _NOW, "expires": _NOW + self.term}
        async with self._database.write() as connection:
            row = insert_into(connection, leases).values(name=STANDBY, **values)
            await connection.execute(row.on_conflict_do_update(index_elements=[leases.c.name], set_=values))


def _of(tenure: Tenure) -> Update:
    return update(leases).where((leases.c.name == LEADER) & (leases.c.token == tenure.token))


async def has_leases(database: Database) -> bool:
    """Whether the database knows leases: an older program's does not."""
    async with database.read() as connection:
        return await connection.run_sync(lambda one: inspect(one).has_table(leases.name))


async def end_forgotten(database: Database, after: Duration) -> None:
    """End our own role's sessions whose unit of work has waited for its program for so long: it is frozen."""
    async with database.write() as connection:
        await connection.execute(text(_FORGOTTEN), {"after": after / SECOND})


async def require_tenure(connection: psycopg.AsyncConnection[Any], tenure: Tenure) -> None:
    """`Superseded` if somebody else leads by now; for connections that do not go through SQLAlchemy."""
    found = await (await connection.execute(_MINE, (LEADER, tenure.token))).fetchone()
    if found is not None:
        raise Superseded(
            f"{found[0]} leads now: what this program has not stored, it must not store any more"
        )
