"""Telling procrastinate, in the caller's own unit of work, that a job is to be looked at.

What it is told is the job's number and in how long, nothing else: the row in `jobs` says whether there is
anything to do. So a message that comes twice, or late, changes nothing. SQLite needs none: the row is found.
"""

from __future__ import annotations

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Duration

SCHEMA = "procrastinate"
"""Of its tables, types and functions, beside ours."""
QUEUE, TASK = "hotline", "hotline.job"
_DEFER = text(
    f"SELECT {SCHEMA}.procrastinate_defer_jobs_v1(ARRAY[ROW("
    "CAST(:queue AS varchar), CAST(:task AS varchar), 0, NULL, NULL, "
    "jsonb_build_object('number', CAST(:number AS bigint)), "
    "now() + CAST(:wait AS bigint) * interval '1 microsecond'"
    f")]::{SCHEMA}.procrastinate_job_to_defer_v1[])"
).bindparams(bindparam("queue", QUEUE), bindparam("task", TASK))


async def deliver(connection: AsyncConnection, number: int, wait: Duration) -> None:
    """Have the job of that number looked at once `wait` is over, by the server's own clock."""
    if connection.dialect.name == "postgresql":
        await connection.execute(_DEFER, {"number": number, "wait": wait if wait > 0 else None})
