"""Our picture against the node's own, after a log-in or a gap. Pure: what comes out remains to be told.

Asterisk is right about what exists: channels, bridges, who is in a queue, who is a member of one. What it
says is turned into the same signals that events are, so that the folds need no second way in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.clock import SECOND, Duration, Instant
from core.facts import AgentState
from core.names import fits
from directory.model import Membership
from telephony import agents as a
from telephony import commands as c
from telephony import signals as s
from telephony.agents import Agent
from telephony.ami.snapshot import ChannelPicture, NodeSnapshot
from telephony.calls import Call

_SETTLING: Duration = 2 * SECOND
_UNAVAILABLE = frozenset({"UNAVAILABLE", "INVALID", "UNKNOWN"})


@dataclass(frozen=True, slots=True)
class CallDifferences:
    """`vanished`: calls whose customer is gone. `signals`: the rest, in an order the folds can take."""

    vanished: tuple[str, ...]
    signals: tuple[s.Signal, ...]


def compare_calls(node: str, calls: Sequence[Call], snapshot: NodeSnapshot) -> CallDifferences:
    """What the snapshot tells of this node's open calls, known or not."""
    at = snapshot.began
    channels = {channel.leg: channel for channel in snapshot.channels}
    # Whoever came while the node was counting its channels may be missing from the count.
    open_calls = [
        call for call in calls if call.node == node and call.ended_at is None and call.arrived_at < at
    ]
    vanished = tuple(call.id for call in open_calls if call.leg not in channels)
    told: list[s.Signal] = []
    for call in open_calls:
        if call.leg in channels:
            told += _known_call(call, channels, at)
    known = {call.leg for call in calls}
    queued = {caller.leg: queue.name for queue in snapshot.queues.values() for caller in queue.callers}
    members = {
        member.interface: member.agent for queue in snapshot.queues.values() for member in queue.members
    }
    for channel in snapshot.channels:
        if channel.call and channel.leg == channel.linked and channel.leg not in known:
            told += _unknown_call(node, channel, snapshot, members, queued.get(channel.leg, ""))
    told += _queued_meanwhile(open_calls, channels, queued, at)
    return CallDifferences(vanished, tuple(told))


def _known_call(call: Call, channels: Mapping[str, ChannelPicture], at: Instant) -> list[s.Signal]:
    told: list[s.Signal] = [s.Seen(at, call.node, call.leg, channels[call.leg].channel)]
    for leg in call.legs:
        if leg.gone or leg.offered_at >= at:
            continue
        channel = channels.get(leg.id)
        if channel is None:
            told.append(s.Gone(at, call.node, leg.id, 0))
        else:
            told.append(s.Seen(at, call.node, leg.id, channel.channel))
            told += _bridging(call.node, leg.id, leg.bridge, channel.bridge, at)
    return told + _bridging(call.node, call.leg, call.bridge, channels[call.leg].bridge, at)


def _bridging(node: str, leg: str, ours: str, theirs: str, at: Instant) -> list[s.Signal]:
    if theirs:
        return [s.Bridged(at, node, leg, theirs)]
    return [s.Unbridged(at, node, leg, ours)] if ours else []


def _unknown_call(
    node: str, customer: ChannelPicture, snapshot: NodeSnapshot, members: Mapping[str, str], queue: str
) -> list[s.Signal]:
    """A call that came while we were not listening: its arrival, its queue, its agent as far as they show."""
    at, call = snapshot.began, customer.call
    vip = customer.variables.get("CALL_VIP", "") == "1"
    told: list[s.Signal] = [
        s.Arrived(at - customer.age, node, call, customer.leg, customer.channel, "", "", vip, "", "")
    ]
    language = customer.variables.get("CALL_LANG", "")
    if language:
        told.append(s.LanguagePicked(at, node, call, customer.leg, language))
    if queue:
        told += _queued(node, call, customer, queue, at)
    for channel in snapshot.channels:
        interface = channel.channel.rpartition("-")[0]
        if channel.linked != customer.leg or channel.leg == customer.leg or interface not in members:
            continue
        device = interface.partition("/")[2]
        agent = members[interface]
        offered = s.Offered(
            at, node, customer.leg, channel.leg, customer.exten, agent, device, channel.channel
        )
        told += [offered, *_bridging(node, channel.leg, "", channel.bridge, at)]
    return told + _bridging(node, customer.leg, "", customer.bridge, at)


def _queued(node: str, call: str, customer: ChannelPicture, queue: str, at: Instant) -> list[s.Signal]:
    joined = customer.variables.get("JOINED_US", "")
    joined_at = int(joined) if joined.isdigit() else at
    language = customer.variables.get("CALL_LANG", "")
    return [
        s.Entering(at, node, call, customer.leg, queue, joined_at, 1, 0, language),
        s.Joined(at, node, customer.leg, queue, 0),
    ]


def _queued_meanwhile(
    calls: Sequence[Call], channels: Mapping[str, ChannelPicture], queued: Mapping[str, str], at: Instant
) -> list[s.Signal]:
    told: list[s.Signal] = []
    for call in calls:
        queue = queued.get(call.leg)
        if queue and not call.waiting and call.leg in channels:
            told += _queued(call.node, call.id, channels[call.leg], queue, at)
    return told


def compare_devices(node: str, reachable: Mapping[str, bool], snapshot: NodeSnapshot) -> list[s.Signal]:
    """Phones whose registration is not what we thought; one never heard of was not registered."""
    return [
        s.ContactChanged(snapshot.began, node, device, state not in _UNAVAILABLE)
        for device, state in snapshot.devices.items()
        if fits("device", device) and reachable.get(device, False) != (state not in _UNAVAILABLE)
    ]


# ------------------------------------------------------------------ agents


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
        if agent.since >= snapshot.began - _SETTLING:
            continue  # what we have just told the node may not be in its picture yet
        seat = seats.get(number)
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
        pause = _pause_of(agent, keep_pause)
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


def _pause_of(agent: Agent, keep_pause: Callable[[Agent], bool]) -> str:
    if agent.state is AgentState.NOT_READY:
        return agent.reason
    if agent.state in (AgentState.TALKING, AgentState.WRAP_UP) and keep_pause(agent):
        return c.WRAP_UP
    return "reserved" if agent.state is AgentState.RESERVED else ""
