"""What a node is told when the directory has given agents other queues. Pure.

Only those who are logged in, and only what differs: nothing is reloaded, and no call is touched. Who is in a
call stays in it; the queues he has lost offer him no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from directory.model import Membership
from telephony import commands as c
from telephony.agents import Agent


def moved(
    agent: Agent,
    before: Sequence[Membership],
    after: Sequence[Membership],
    *,
    nodes: Iterable[str],
    pause: str,
) -> list[c.Command]:
    """From the queues of `before` into those of `after`; `pause`: why the agent is paused, "" if not."""
    had = {place.queue: place.penalty for place in before}
    has = {place.queue: place.penalty for place in after}
    told: list[c.Command] = []
    for node in nodes:
        told += [c.RemoveMember(node, queue, agent.device) for queue in had if queue not in has]
        told += [
            c.AddMember(node, queue, agent.device, agent.number, penalty, pause)
            for queue, penalty in has.items()
            if queue not in had
        ]
        told += [
            c.SetPenalty(node, queue, agent.device, penalty)
            for queue, penalty in has.items()
            if had.get(queue, penalty) != penalty
        ]
    return told
