"""A busy quarter of an hour on the floor, as facts: for pages and their pictures."""

from __future__ import annotations

import random

from core.clock import Instant
from core.facts import (
    AgentOffered,
    AgentState,
    CallArrived,
    DeviceContactChanged,
    Fact,
    HelpRaised,
    LeaveReason,
    NodeConnected,
    Side,
)
from directory.lookup import Directory
from tests.unit.board.story import Story, s


def busy_floor(directory: Directory, now: Instant) -> list[Fact]:
    """Facts up to `now`: a day behind it, agents in every state, callers waiting 1 to 12 seconds."""
    dice = random.Random(95559)
    story = Story(now)
    agents = [person.number for person in directory.agents()]
    queues = [queue for queue in directory.queues if directory.members(queue)]
    weights = [9 if queue.endswith("cmn") else 2 for queue in queues]
    story.add(NodeConnected(at=now - s(7000), node="node1", version="22.10.1"))
    for number, agent in enumerate(agents):
        story.state(agent, -7000, AgentState.READY, device=f"d{number + 1:03}")
    for n in range(420):
        at = -6900 + n * 15.5
        queue = dice.choices(queues, weights)[0]
        call = f"{n:08x}-5c1e-4f6a-9d2b-0123456789ab"
        story.joins(call, at, queue)
        if dice.random() < 0.06:
            story.leaves(call, at, dice.choice((2, 4, 7, 9, 14)), LeaveReason.ABANDONED, queue)
        else:
            agent = dice.choice([str(number) for number, _penalty in directory.members(queue)])
            wait = min(26, dice.expovariate(1 / 4.2) + 1.2)
            survey = (dice.choices((5, 4, 3, 1, 0), (6, 3, 1, 0.4, 3))[0], dice.choices((1, 2), (9, 1))[0])
            story.answers(
                call,
                agent,
                at,
                wait,
                dice.uniform(40, 110),
                wrap=dice.uniform(5, 25),
                queue=queue,
                by=Side.AGENT if dice.random() < 0.05 else Side.CUSTOMER,
                survey=survey if dice.random() < 0.55 else None,
            )
    facts = [fact for fact in story.facts if fact.at < now - s(200)]
    return [*sorted(facts, key=lambda fact: fact.at), *_now(agents, queues, now)]


def _now(agents: list[str], queues: list[str], now: Instant) -> list[Fact]:
    story = Story(now)
    talking, wrapping, ready = agents[:11], agents[11:14], agents[14:18]
    for n, agent in enumerate(talking):
        call = f"{n:08x}-7a1c-4b2e-8f30-0123456789ab"
        queue = queues[n % 7]
        story.joins(call, -190 + n * 13, queue)
        story.answers(call, agent, -190 + n * 13, 3, 1000, queue=queue)
    for n, agent in enumerate(wrapping):
        story.state(agent, -70 + n * 22, AgentState.WRAP_UP)
    for n, agent in enumerate(ready):
        story.state(agent, -9 - n * 7, AgentState.READY)
    for agent, reason, since in zip(
        agents[19:22], ("meal", "rest", "meeting"), (900, 240, 1300), strict=True
    ):
        story.state(agent, -since if since < 199 else -199, AgentState.NOT_READY, reason=reason)
    for agent in agents[22:]:
        story.state(agent, -195, AgentState.LOGGED_OUT)
    for n, wait in enumerate((12.4, 9.1, 8.3, 6.2, 3.8, 2.4, 1.1)):
        call = f"{n:08x}-11aa-4c3d-9e21-0123456789ab"
        story.joins(call, -wait, queues[(n * 5) % 9 if n else 0])
    story.facts = [
        CallArrived(at=f.at, call=f.call, leg=f.leg, caller=f"1380013{i:04}", called=f.called, vip=i == 12)
        if isinstance(f, CallArrived)
        else f
        for i, f in enumerate(story.facts)
    ]
    story.state(agents[18], -3, AgentState.RINGING)
    story.add(
        AgentOffered(
            at=now - s(3),
            call="00000000-11aa-4c3d-9e21-0123456789ab",
            leg="node1-1.1",
            agent=agents[18],
            queue=queues[0],
            device="d019",
        )
    )
    story.add(HelpRaised(at=now - s(18), agent=agents[4]))
    story.add(DeviceContactChanged(at=now - s(6), device="d016", reachable=False))
    return sorted((fact for fact in story.facts if fact.at <= now), key=lambda fact: fact.at)
