"""Callers' fates as hypothesis makes them up, and the facts they leave. For tests of the board."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from core.facts import (
    AgentState,
    CallbackRequested,
    CallerLeftQueue,
    CallerQueued,
    EndReason,
    LeaveReason,
    NobodyOnDuty,
    Phase,
)
from tests.unit.board.story import MIDNIGHT, Story, s

QUEUES = ("card-cmn", "loss-cmn", "card-en")
GONE = (
    LeaveReason.ABANDONED,
    LeaveReason.TIMED_OUT,
    LeaveReason.NOBODY_ON_DUTY,
    LeaveReason.CALLBACK,
    LeaveReason.NODE_LOST,
)
PROMISES = (5, 10, 30)
"""Service levels in seconds; each caller may find the queue with another one."""


@dataclass(frozen=True)
class Caller:
    """One caller's fate, in seconds from midnight; `fate` an exit, ANSWERED, None (nobody is on duty)."""

    joins: float
    queue: str
    wait: float
    fate: LeaveReason | None
    talk: float
    wrap: float
    survey: tuple[int, int] | None
    rounds: int
    promise: int

    @property
    def asks(self) -> bool:
        """Whom nobody serves, and who asks to be called back."""
        return self.fate is None and self.rounds > 1


seconds = st.integers(0, 45_000).map(lambda thousandths: thousandths / 1000)
callers = st.builds(
    Caller,
    joins=st.integers(-40 * 60, 40 * 60).map(float),
    queue=st.sampled_from(QUEUES),
    wait=seconds,
    fate=st.sampled_from((None, *GONE, LeaveReason.ANSWERED, LeaveReason.ANSWERED, LeaveReason.ANSWERED)),
    talk=seconds,
    wrap=seconds,
    survey=st.none() | st.tuples(st.integers(0, 5), st.integers(0, 2)),
    rounds=st.integers(1, 3),
    promise=st.sampled_from(PROMISES),
)
plans = st.lists(callers, min_size=1, max_size=25)


def tell(plan: list[Caller]) -> Story:
    """The plan as facts; caller n talks with agent 1000+n, who is ready from an hour before midnight."""
    story = Story(MIDNIGHT)
    for n, caller in enumerate(plan):
        call = f"c{n}"
        story.state(f"{1000 + n}", -3600, AgentState.READY)
        if caller.fate is None:
            heard = {"call": call, "queue": caller.queue}
            story.add(NobodyOnDuty(at=MIDNIGHT + s(caller.joins), **heard))
            if caller.asks:
                at = MIDNIGHT + s(caller.joins + 0.5)
                story.add(CallbackRequested(at=at, joined_at=at, number="13812345678", **heard))
            story.ends(call, caller.joins + 1, EndReason.SYSTEM, Phase.MENU)
            continue
        joined = story.joins(call, caller.joins, caller.queue, answer_within=s(caller.promise))
        for turn in range(1, caller.rounds):
            at = joined + s(caller.wait) * turn // caller.rounds
            story.add(
                CallerLeftQueue(
                    at=at, call=call, queue=caller.queue, reason=LeaveReason.REQUEUED, waited=at - joined
                )
            )
            story.add(CallerQueued(at=at, call=call, queue=caller.queue, joined_at=joined, again=True))
        if caller.fate is LeaveReason.ANSWERED:
            story.answers(
                call,
                f"{1000 + n}",
                caller.joins,
                caller.wait,
                caller.talk,
                wrap=caller.wrap,
                ring=0,
                queue=caller.queue,
                survey=caller.survey,
            )
        else:
            story.leaves(call, caller.joins, caller.wait, caller.fate, caller.queue)
    return story
