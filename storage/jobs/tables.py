"""Jobs, on every database. Times are µs UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, literal, or_

from storage.jobs.model import JobState
from storage.schema import metadata

jobs = Table(
    "jobs",
    metadata,
    Column("number", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("key", String(120), nullable=False),
    Column("payload", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("put_at", BigInteger, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("doing", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("ended_at", BigInteger),
)


waiting = jobs.c.state == literal(JobState.WAITING.value, literal_execute=True)
running = jobs.c.state == literal(JobState.RUNNING.value, literal_execute=True)
dead = jobs.c.state == literal(JobState.DEAD.value, literal_execute=True)
"""Written into each statement, not handed over beside it: a server plans what it has prepared without knowing
the values, and could not know that the indexes below are the ones to use."""
is_open = or_(waiting, running)
is_over = or_(
    jobs.c.state == literal(JobState.DONE.value, literal_execute=True),
    jobs.c.state == literal(JobState.CANCELLED.value, literal_execute=True),
)
Index("ix_jobs_key", jobs.c.kind, jobs.c.key, unique=True, sqlite_where=is_open, postgresql_where=is_open)
"""The same thing is asked for once, as long as it waits or runs."""
Index("ix_jobs_due", jobs.c.next_at, jobs.c.number, sqlite_where=is_open, postgresql_where=is_open)
Index("ix_jobs_over", jobs.c.ended_at, sqlite_where=is_over, postgresql_where=is_over)
