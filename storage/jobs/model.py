"""What a job is, what became of it, and how patiently it is tried. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from core.clock import MINUTE, SECOND, Duration, Instant
from core.errors import HotlineError
from storage.retry import Retry

RETRY = Retry(first=10 * SECOND, most=30 * MINUTE, tries=6)


class JobState(StrEnum):
    """What became of a job."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    DEAD = "dead"
    """It failed too often, or in a way that trying again cannot mend: `error` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as its row stands.

    `next_at`: waiting, when it is tried; running, the instant at which whoever runs it must be dead. `turn`:
    how often it was begun, by anybody. `tries`: how often it failed, or its process died. `done` of `total`,
    and `doing` in words for people: how far it is. `result`: where its outcome is, in its kind's terms.
    """

    number: int
    kind: str
    key: str
    payload: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    state: JobState = JobState.WAITING
    put_at: Instant
    next_at: Instant
    turn: int = 0
    tries: int = 0
    done: int = 0
    total: int = 0
    doing: str = ""
    result: str = ""
    error: str = ""
    ended_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the queue stands. `oldest_due`: since when the longest due of those that wait could have run."""

    waiting: int = 0
    running: int = 0
    dead: int = 0
    oldest_due: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """`retry`: of a job that fails. `lease`: after so long without a sign of life, whoever runs a job counts
    as dead; a third of it passes between two signs. `keep`: how long the row of one that is over is kept.
    `at_once`: so many run side by side. `look_s`: how often what was left by the dead is looked for.
    """

    retry: Retry = RETRY
    lease: Duration = MINUTE
    keep: Duration = 30 * 24 * 60 * MINUTE
    at_once: int = 2
    look_s: float = 10.0


class JobError(HotlineError):
    """Root of the errors of this package."""


class Hopeless(JobError):
    """A handler says: trying again cannot help. The job is dead at once."""


class Superseded(JobError):
    """The job has been taken for that of a dead process and is another's now: nothing more may be stored."""
