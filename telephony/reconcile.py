"""Our picture against the node's own, after a log-in or a gap. Pure: what comes out remains to be told.

Asterisk is right about what exists: channels, bridges, who is in a queue, who is a member of one. What it
says is turned into the same signals that events are, so that the folds need no second way in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from core.clock import Instant
from core.names import fits
from telephony import signals as s
from telephony.ami.snapshot import ChannelPicture, NodeSnapshot, WaitingCaller
from telephony.calls import Call

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
