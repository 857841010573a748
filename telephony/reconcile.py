"""Our picture against the node's own, after a log-in or a gap. Pure: what comes out remains to be told.

Asterisk is right about what exists: channels, bridges, who is in a queue, who is a member of one. What it
says is turned into the same signals that events are, so that the folds need no second way in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from core.clock import SECOND, Duration, Instant
from core.facts import AgentState
from core.names import fits
from directory.model import Membership
from telephony import agents as a
from telephony import commands as c
from telephony import signals as s
from telephony.agents import Agent
from telephony.ami.snapshot import ChannelPicture, NodeSnapshot, WaitingCaller
from telephony.calls import Call

_SETTLING: Duration = 2 * SECOND
_UNAVAILABLE = frozenset({"UNAVAILABLE", "INVALID", "UNKNOWN"})


@dataclass(frozen=True, slots=True)
class CallDifferences:
    """`vanished`: calls whose customer is gone. `signals`: the rest, in an order the folds can take."""

    vanished: tuple[str, ...]
    signals: tuple[s.Signal, ...]


def compare_calls(
    node: str, calls: Sequence[Call], snapshot: NodeSnapshot, *, known: Collection[str] = ()
) -> CallDifferences:
    """What the snapshot tells of `calls`, and of calls we have never heard of.

    A call about which something was heard since the snapshot began must not be among `calls`: the picture is
    older than what we know of it. `known`: the customers' legs of such calls.
    """
    at = snapshot.began
    picture = _Picture(node, snapshot)
    # Whoever came while the node was counting its channels may be missing from the count.
    open_calls = [
        call for call in calls if call.node == node and call.ended_at is None and call.arrived_at < at
    ]
    vanished = tuple(call.id for call in open_calls if call.anchor not in picture.channels)
    told: list[s.Signal] = []
    for call in open_calls:
        if call.anchor in picture.channels:
            told += picture.of_known(call)
    heard_of = {*known, *(call.leg for call in calls)}
    for channel in snapshot.channels:
        if channel.variables.get("OUT_LEG"):
            continue  # of a call that we make: that no customer has come is certain
        if channel.variables.get("LEG_FILE"):
            continue  # an agent's own: whose the call is, it does not say
        if channel.call and channel.leg == channel.linked and channel.leg not in heard_of:
            told += picture.of_unknown(channel)
    return CallDifferences(vanished, tuple(told))


class _Picture:
    """The node's channels, queues and members, and what they tell of one call after the other."""

    def __init__(self, node: str, snapshot: NodeSnapshot) -> None:
        self.at = snapshot.began
        self.channels = {channel.leg: channel for channel in snapshot.channels}
        self._node = node
        self._queued = {
            caller.leg: (queue.name, caller) for queue in snapshot.queues.values() for caller in queue.callers
        }
        self._agents = {
            member.interface: member.agent for queue in snapshot.queues.values() for member in queue.members
        }

    def of_known(self, call: Call) -> list[s.Signal]:
        if not call.leg:
            return self._dialling(call)
        customer = self.channels[call.leg]
        told: list[s.Signal] = [s.Seen(self.at, call.node, call.leg, customer.channel)]
        if call.first is not None and not call.first.answered and customer.state == _UP:
            told.append(s.CustomerThere(self.at, call.node, call.id, call.leg, customer.channel))
        told += self._survey(call, customer)  # before its agent is gone: it knows who ended the talk
        told += self._known_legs(call)
        told += self._asked(call)
        asked = {leg for consult in call.asking for leg in (consult.id, consult.by)}
        known = asked | {leg.id for leg in call.legs}
        new = self._new_legs(customer, known, waited=not call.unqueued)
        told += new
        # The new leg's bridge has been told with it, at the time at which it came about.
        if not any(isinstance(signal, s.Bridged) for signal in new):
            told += _bridging(call.node, call.leg, call.bridge, customer.bridge, self.at)
        queued = self._queued.get(call.leg)
        if queued is not None and not call.waiting:
            told += self._wait(customer, *queued)
        elif queued is None and not customer.bridge and customer.context not in _WAITING:
            told += self._left_unseen(call)
        return told

    def _dialling(self, call: Call) -> list[s.Signal]:
        """Of a call that we make whose customer we have not heard to be dialled."""
        told: list[s.Signal] = []
        for channel in self.channels.values():
            if channel.call == call.id and channel.leg != call.legs[0].id:
                told.append(s.CustomerRung(self.at, call.node, call.id, channel.leg, channel.channel))
                told += _bridging(call.node, channel.leg, "", channel.bridge, self.at)
        return told + self._known_legs(call)

    def _left_unseen(self, call: Call) -> list[s.Signal]:
        wait = call.wait
        if wait is None or not wait.open:
            return []
        return [s.Returned(self.at, call.node, call.id, call.leg, wait.queue, wait.round, s.UNSEEN)]

    def _known_legs(self, call: Call) -> list[s.Signal]:
        told: list[s.Signal] = []
        for leg in call.legs:
            if leg.gone or leg.offered_at >= self.at:
                continue
            channel = self.channels.get(leg.id)
            if channel is None:
                told.append(s.Gone(self.at, call.node, leg.id, 0))
            else:
                told.append(s.Seen(self.at, call.node, leg.id, channel.channel))
                told += _bridging(call.node, leg.id, leg.bridge, channel.bridge, self.at)
        return told

    def _asked(self, call: Call) -> list[s.Signal]:
        told: list[s.Signal] = []
        for consult in call.asking:
            if consult.began_at >= self.at:
                continue
            for leg, bridge in ((consult.by, consult.by_bridge), (consult.id, consult.bridge)):
                channel = self.channels.get(leg)
                if channel is not None:
                    told.append(s.Seen(self.at, call.node, leg, channel.channel))
                    told += _bridging(call.node, leg, bridge, channel.bridge, self.at)
                elif leg == consult.id:
                    told.append(s.Gone(self.at, call.node, leg, 0))
        return told

    def _survey(self, call: Call, customer: ChannelPicture) -> list[s.Signal]:
        sent = customer.variables.get("SURVEY_SENT", "")
        if not sent or call.survey is not None or customer.context != _SURVEY:
            return []
        if call.waiting:
            return []  # who has talked with the customer meanwhile is nobody that we know
        return [s.SurveyBegan(self.at, call.node, call.id, call.leg, sent == "transfer")]

    def of_unknown(self, customer: ChannelPicture) -> list[s.Signal]:
        """A call that came while we were not listening: arrival, wait and agent, as far as they show."""
        call, node = customer.call, self._node
        joined_at = _joined_at(customer)
        arrived_at = min(self.at - customer.age, joined_at or self.at)
        vip = customer.variables.get("CALL_VIP", "") == "1"
        told: list[s.Signal] = [
            s.Arrived(
                arrived_at, node, call, customer.leg, customer.channel, customer.caller, "", vip, "", ""
            )
        ]
        language = customer.variables.get("CALL_LANG", "")
        if language:
            told.append(s.LanguagePicked(arrived_at, node, call, customer.leg, language))
        legs = self._new_legs(customer, set())
        queued = self._queued.get(customer.leg)
        queue = customer.variables.get("CALL_QUEUE", "")
        if queued is not None:
            told += self._wait(customer, *queued)
        elif legs and joined_at is not None and fits("queue", queue):
            told += self._wait(customer, queue, None)
        return told + legs

    def _wait(self, customer: ChannelPicture, queue: str, caller: WaitingCaller | None) -> list[s.Signal]:
        joined_at = _joined_at(customer) or self.at
        language = customer.variables.get("CALL_LANG", "")
        priority = caller.priority if caller is not None else 0
        return [
            s.Entering(
                joined_at, self._node, customer.call, customer.leg, queue, joined_at, 1, priority, language
            ),
            s.Joined(joined_at, self._node, customer.leg, queue, 0),
        ]

    def _new_legs(
        self, customer: ChannelPicture, known: Collection[str], *, waited: bool = True
    ) -> list[s.Signal]:
        """Agents' channels of this call that we have not heard of; bridged, as far as we know, when offered.

        When exactly the agent answered is not to be had: it was at most a ring time after the offer. Without
        having `waited` a customer is offered to nobody by a queue.
        """
        told: list[s.Signal] = []
        node, queue = self._node, customer.variables.get("CALL_QUEUE", "") if waited else ""
        for channel in self.channels.values():
            interface = channel.channel.rpartition("-")[0]
            agent = self._agents.get(interface)
            if agent is None or channel.linked != customer.leg or channel.leg in {customer.leg, *known}:
                continue
            at = self.at - channel.age
            device = interface.partition("/")[2]
            about = customer.leg, channel.leg, queue, agent, device, channel.channel
            told.append(s.Offered(at, node, *about, by_service=not waited))
            file = channel.variables.get("LEG_FILE", "")
            if file:
                told.append(s.RecordingBegan(at, node, customer.call, channel.leg, file))
            if channel.bridge and channel.bridge == customer.bridge:
                told.append(s.Bridged(at, node, channel.leg, channel.bridge))
                told.append(s.Bridged(at, node, customer.leg, customer.bridge))
        return told


_WAITING = frozenset(
    {
        "hotline-queue",
        "hotline-wait",
        "hotline-left",
        "hotline-offered",
        "hotline-return",
        "hotline-callback-key",
        "hotline-callback",
    }
)
_SURVEY = "hotline-survey"
_UP = "Up"


def _joined_at(customer: ChannelPicture) -> Instant | None:
    joined = customer.variables.get("JOINED_US", "")
    return int(joined) if joined.isdigit() else None


def _bridging(node: str, leg: str, ours: str, theirs: str, at: Instant) -> list[s.Signal]:
    if theirs:
        return [s.Bridged(at, node, leg, theirs)]
    return [s.Unbridged(at, node, leg, ours)] if ours else []


def compare_devices(
    node: str, reachable: Mapping[str, bool], snapshot: NodeSnapshot, *, just_booted: bool = False
) -> list[s.ContactChanged]:
    """Phones whose registration is not what we thought; one never heard of was not registered.

    A node that has `just_booted` has not asked its phones yet whether they are there: what it says of those
    it does not reach is no news.
    """
    return [
        s.ContactChanged(snapshot.began, node, device, there)
        for device, state in snapshot.devices.items()
        if fits("device", device)
        and reachable.get(device, False) != (there := state not in _UNAVAILABLE)
        and (there or not just_booted)
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
