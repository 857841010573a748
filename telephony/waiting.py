"""Those who wait, and those who could answer: ageing, announcements, who is on duty. Pure.

Ageing bounds every wait: an ordinary caller who has waited `AGEING_AFTER` gets the priority of a VIP, so that
no VIP who joins later than that is put before them. Who is found to be a favoured customer gets it at once.
Announcements begin after the first ten seconds, in which nothing may hold up the dialling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.clock import MINUTE, SECOND, Duration, Instant
from core.facts import AgentState
from directory.model import Membership
from telephony.agents import Agent
from telephony.calls import Call, Wait

AGEING_AFTER: Duration = 30 * SECOND
AGED_PRIORITY = 10
"""The priority VIP callers join with."""
FIRST_ANNOUNCEMENT: Duration = 10 * SECOND
APOLOGY_AFTER: Duration = 10 * SECOND
"""An agent who answers later than this is told to apologise first (CALL-03)."""
NEXT_ANNOUNCEMENT: Duration = 30 * SECOND
USUAL_HANDLING: Duration = 180 * SECOND
"""Stands in for the measured handling time of a queue until there is one."""
USUAL_BOUND: Duration = MINUTE
OFFERS_APART: Duration = 6 * SECOND
"""Between two offers of ours for the same caller: one that cannot be carried out must not become a storm."""
LONGEST_POSITION, LONGEST_MINUTES = 30, 15
"""Beyond these the caller hears the last number that has a prompt."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One caller in line. `position`: 1 is the head of the queue."""

    call: Call
    wait: Wait
    position: int

    def waited(self, now: Instant) -> Duration:
        return now - self.wait.joined_at


def priority_now(call: Call, wait: Wait, now: Instant) -> int:
    """A caller's priority with what ageing, or being a favoured customer, adds to it."""
    raised = call.favoured or now - wait.joined_at >= AGEING_AFTER
    return max(wait.priority, AGED_PRIORITY) if raised else wait.priority


def line_up(calls: Iterable[Call], now: Instant) -> dict[str, list[Waiting]]:
    """Queue → its callers in the order app_queue serves them: priority first, then time of joining."""
    by_queue: dict[str, list[tuple[Wait, Call]]] = {}
    for call in calls:
        if call.wait is not None and call.wait.open:
            by_queue.setdefault(call.wait.queue, []).append((call.wait, call))
    return {
        queue: [
            Waiting(call, wait, place)
            for place, (wait, call) in enumerate(
                sorted(callers, key=lambda pair: (-priority_now(pair[1], pair[0], now), pair[0].joined_at)),
                start=1,
            )
        ]
        for queue, callers in by_queue.items()
    }


def to_be_aged(line: Sequence[Waiting], now: Instant) -> list[Waiting]:
    """Callers of one queue who are to be treated as VIPs, and whom app_queue does not treat so yet."""
    return [one for one in line if one.wait.priority < priority_now(one.call, one.wait, now)]


def overdue(
    line: Sequence[Waiting], bound: Duration, agents: Mapping[str, Agent], now: Instant
) -> list[Waiting]:
    """Callers of one queue who have waited for so long that the next agent for it is theirs, whatever other
    queues hold. One for whom a telephone rings, or an agent is held, is not among them."""
    late = [waiting for waiting in line if waiting.waited(now) >= bound]
    if not late:
        return []
    held = {agent.call for agent in agents.values() if agent.state is AgentState.RESERVED}
    return [
        waiting
        for waiting in late
        if waiting.call.id not in held and not any(leg.offering for leg in waiting.call.legs)
    ]


def to_be_told(line: Sequence[Waiting], now: Instant, last_told: Mapping[str, Instant]) -> list[Waiting]:
    """Callers whose next announcement of place and expected wait is due. `last_told`: call → instant."""

    def due(waiting: Waiting) -> bool:
        told = last_told.get(waiting.call.id)
        return waiting.waited(now) >= FIRST_ANNOUNCEMENT if told is None else now - told >= NEXT_ANNOUNCEMENT

    return [waiting for waiting in line if due(waiting)]


def expected_wait(position: int, serving: int, handling: Duration) -> Duration:
    """How long the caller at `position` will wait if `serving` agents each take `handling` per call."""
    return position * handling // max(1, serving)


def spoken(position: int, expected: Duration) -> tuple[int, int]:
    """Place and whole minutes (rounded up) as there are prompts for them."""
    minutes = -(-expected // MINUTE)
    return min(position, LONGEST_POSITION), max(1, min(minutes, LONGEST_MINUTES))


def on_duty(
    agents: Iterable[Agent],
    memberships: Callable[[str], Sequence[Membership]],
    short_pause: Callable[[str], bool],
) -> dict[str, int]:
    """Queue → agents logged in for it and not on a long pause (house §4). `short_pause`: by reason."""
    counts: dict[str, int] = {}
    for agent in agents:
        if agent.state is AgentState.LOGGED_OUT:
            continue
        if agent.state is AgentState.NOT_READY and not short_pause(agent.reason):
            continue
        for membership in memberships(agent.number):
            counts[membership.queue] = counts.get(membership.queue, 0) + 1
    return counts
