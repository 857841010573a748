"""A job's row: as the record it stands for, and gone once it has been kept long enough."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import msgspec
from sqlalchemy import Row, delete
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Instant
from storage.jobs.model import Job, JobState
from storage.jobs.tables import is_over, jobs


def as_job(row: Row[Any]) -> Job:
    """The record of a row."""
    return Job(
        number=row.number,
        kind=row.kind,
        key=row.key,
        payload=MappingProxyType(msgspec.json.decode(row.payload)),
        state=JobState(row.state),
        put_at=row.put_at,
        next_at=row.next_at,
        turn=row.turn,
        tries=row.tries,
        done=row.done,
        total=row.total,
        doing=row.doing,
        result=row.result,
        error=row.error,
        ended_at=row.ended_at,
    )


async def forget(connection: AsyncConnection, before: Instant) -> int:
    """Remove the rows of jobs that were over before then, how many; those that are dead stay."""
    return (await connection.execute(delete(jobs).where(is_over, jobs.c.ended_at < before))).rowcount
