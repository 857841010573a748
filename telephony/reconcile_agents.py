"""Who is logged in and paused: our picture against the node's own, after a log-in or a gap. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.clock import SECOND, Duration, Instant
from core.facts import AgentState
from directory.model import Membership
from telephony import agents as a
from telephony import commands as c
from telephony.agents import Agent
from telephony.ami.snapshot import NodeSnapshot

_SETTLING: Duration = 2 * SECOND


@dataclass(frozen=True, slots=True)
class AgentDifferences:
    """`adopt`: where Asterisk's word goes; `commands`: where ours does."""

    adopt: tuple[tuple[str, a.Adopt], ...]
    commands: tuple[c.Command, ...]


@dataclass(frozen=True, slots=True)
class _Seat:
    device: str
    paused: bool
    reason: str
    queues: frozenset[str]


def compare_agents(
    node: str,
    agents: Mapping[str, Agent],
    snapshot: NodeSnapshot,
    memberships: Callable[[str], Sequence[Membership]],
    keep_pause: Callable[[Agent], bool],
) -> AgentDifferences:
    """Who is logged in and paused, compared.

    Star codes work without us, so Asterisk's word goes for who is there and who is ready; ours for the pause
    of a wrap-up (`keep_pause`: the agent's wrap-up is paused) and for queues that are missing. A node that
    has lost all of its members has lost its database: it gets them back from us.
    """
    seats = _seats(snapshot)
    adopt: list[tuple[str, a.Adopt]] = []
    commands: list[c.Command] = []
    for number in sorted({*agents, *seats}):
        agent = agents.get(number, Agent(number))
        seat = seats.get(number)
        if agent.since >= snapshot.began - _SETTLING:
            # What we have just told the node may not be in its picture yet. But a talk that ended unseen was
            # followed by a pause only if we were there when it began.
            if seat is not None and not seat.paused and agent.state is AgentState.WRAP_UP:
                commands += _wrap_up(node, agent, seat, keep_pause)
            continue
        if seat is None:
            if agent.state is not AgentState.LOGGED_OUT:
                if seats:
                    adopt.append((number, a.Adopt(snapshot.began, AgentState.LOGGED_OUT, "", agent.device)))
                else:
                    commands += _project(node, agent, memberships(number), frozenset())
            continue
        wish = _difference(agent, seat, snapshot.began)
        if wish is not None:
            adopt.append((number, wish))
            continue
        commands += _project(node, agent, memberships(number), seat.queues)
        pause = pause_of(agent, keep_pause)
        if bool(pause) != seat.paused or (pause and pause != seat.reason):
            commands.append(c.SetPause(node, seat.device, bool(pause), pause))
    return AgentDifferences(tuple(adopt), tuple(commands))


def _seats(snapshot: NodeSnapshot) -> dict[str, _Seat]:
    seats: dict[str, _Seat] = {}
    for queue in snapshot.queues.values():
        for member in queue.members:
            before = seats.get(member.agent)
            queues = before.queues if before else frozenset()
            device = member.interface.partition("/")[2]
            seats[member.agent] = _Seat(device, member.paused, member.reason, queues | {queue.name})
    return seats


def _difference(agent: Agent, seat: _Seat, at: Instant) -> a.Adopt | None:
    ours = seat.paused and seat.reason == c.WRAP_UP
    seen = a.Adopt(
        at,
        AgentState.NOT_READY if seat.paused and not ours else AgentState.READY,
        seat.reason if seat.paused and not ours else "",
        seat.device,
    )
    if agent.state is AgentState.LOGGED_OUT:
        return seen
    if agent.state is AgentState.READY and seat.paused and not ours:
        return seen
    if agent.state is AgentState.NOT_READY and (not seat.paused or seat.reason != agent.reason) and not ours:
        return seen
    return None


def _project(
    node: str, agent: Agent, memberships: Sequence[Membership], there: frozenset[str]
) -> list[c.Command]:
    paused = agent.reason if agent.state is AgentState.NOT_READY else ""
    return [
        c.AddMember(node, place.queue, agent.device, agent.number, place.penalty, paused)
        for place in memberships
        if place.queue not in there
    ]


def _wrap_up(node: str, agent: Agent, seat: _Seat, keep_pause: Callable[[Agent], bool]) -> list[c.Command]:
    return [c.SetPause(node, seat.device, True, c.WRAP_UP)] if keep_pause(agent) else []


def pause_of(agent: Agent, keep_pause: Callable[[Agent], bool]) -> str:
    """Why the agent is to be paused, "" if he is not to be."""
    if agent.state is AgentState.NOT_READY:
        return agent.reason
    if agent.state is AgentState.CONSULTING:
        return agent.rest.reason  # nobody has paused him for the question
    if agent.state in (AgentState.TALKING, AgentState.WRAP_UP) and keep_pause(agent):
        return c.WRAP_UP
    return a.RESERVED_REASON if agent.held else ""
