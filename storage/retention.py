"""What retention has removed, and what it has left and why: a row a run and kind of thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
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
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Instant
from storage.schema import metadata

MOST_REASONS = 20
"""Kept one by one; whoever finds so many looks for one cause."""

retention_runs = Table(
    "retention_runs",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("began_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("what", String(16), nullable=False),
    Column("before", BigInteger, nullable=False),
    Column("removed", BigInteger, nullable=False),
    Column("kept", Text, nullable=False),
    Column("problem", Text, nullable=False),
)
Index("ix_retention_runs_what", retention_runs.c.what, retention_runs.c.id)


class What(StrEnum):
    """What has a time to be kept for."""

    FACTS = "facts"
    CALLS = "calls"
    INTERVALS = "intervals"
    RECORDINGS = "recordings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one run has come to. `before`: what is older was to go. `removed`: how many went (facts, calls,
    days of figures, recordings). `kept`: why something older is still there, a sentence each. `problem`:
    what cut it short, else "".
    """

    what: What
    before: Instant
    removed: int = 0
    kept: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """An outcome with its time; `ended_at` None: it goes on, or was killed."""

    began_at: Instant
    ended_at: Instant | None
    outcome: Outcome


def reasons(found: list[str]) -> tuple[str, ...]:
    """The first MOST_REASONS of them, and how many more there are."""
    more = len(found) - MOST_REASONS
    return (*found[:MOST_REASONS], *([f"and {more} more"] if more > 0 else []))


async def begin_run(connection: AsyncConnection, what: What, before: Instant, at: Instant) -> int:
    """Say that something is about to be removed; the run's number. Who is killed after that has said so."""
    row = {"began_at": at, "what": what, "before": before, "removed": 0, "kept": "[]", "problem": ""}
    begun = await connection.execute(insert(retention_runs).values(**row).returning(retention_runs.c.id))
    return int(begun.scalar_one())


async def end_run(connection: AsyncConnection, number: int, outcome: Outcome, at: Instant) -> None:
    """Say what came of it."""
    mine = update(retention_runs).where(retention_runs.c.id == number)
    kept = msgspec.json.encode(outcome.kept).decode()
    values = {"ended_at": at, "removed": outcome.removed, "kept": kept, "problem": outcome.problem}
    await connection.execute(mine.values(**values))


async def last_runs(connection: AsyncConnection, limit: int) -> list[Run]:
    """The latest ones, newest first."""
    query = select(retention_runs).order_by(retention_runs.c.id.desc()).limit(limit)
    return [_run(row) for row in await connection.execute(query)]


async def gone_before(connection: AsyncConnection, what: What) -> Instant:
    """What is older may have been removed; 0 as long as nothing was."""
    query = select(func.max(retention_runs.c.before)).where(retention_runs.c.what == what)
    return await connection.scalar(query) or 0


def _run(row: Row[Any]) -> Run:
    outcome = Outcome(
        what=What(row.what),
        before=row.before,
        removed=row.removed,
        kept=tuple(msgspec.json.decode(row.kept)),
        problem=row.problem,
    )
    return Run(began_at=row.began_at, ended_at=row.ended_at, outcome=outcome)
