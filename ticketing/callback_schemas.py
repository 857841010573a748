"""What the call-backs' routes take and give."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from core.clock import Instant, moment
from ticketing.model import CallbackTask
from web.route import In, Out


class SpokenOut(Out):
    """The customer has called again, and `agent` has answered that call. `outcome`: one to end the call-back
    with, if nothing more is to be said."""

    call: str
    agent: str
    at: datetime
    outcome: str


class CallbackOut(Out):
    """A customer who is owed a call. `cause`: promise, poor_rating, asked. `overdue`: the time has passed."""

    id: str
    cause: str
    summary: str
    call: str
    leg: str
    owner: str
    number: str
    due_at: datetime
    overdue: bool
    done_at: datetime | None
    done_by: str
    outcome: str
    spoken: SpokenOut | None


class CallbackDone(In):
    """What came of it: reached, not reached after how many tries, not wanted …"""

    outcome: str = Field(min_length=1, max_length=200)


class CallbacksOut(Out):
    """The most urgent first."""

    callbacks: list[CallbackOut]


def callback_out(task: CallbackTask, now: Instant) -> CallbackOut:
    """For its owner, who has to dial the number."""
    return CallbackOut(
        id=task.id,
        cause=task.cause,
        summary=task.summary,
        call=task.call,
        leg=task.leg,
        owner=task.owner,
        number=task.number,
        due_at=moment(task.due_at),
        overdue=task.done_at is None and task.due_at < now,
        done_at=None if task.done_at is None else moment(task.done_at),
        done_by=task.done_by,
        outcome=task.outcome,
        spoken=_spoken(task),
    )


def _spoken(task: CallbackTask) -> SpokenOut | None:
    if task.spoken_at is None:
        return None
    outcome = f"客户再次来电,已由 {task.spoken_by} 接听(通话 {task.spoken_in})"
    return SpokenOut(call=task.spoken_in, agent=task.spoken_by, at=moment(task.spoken_at), outcome=outcome)
