"""A node's own picture of itself, built from the rows of its lists. Pure.

It is what we compare ours with after every log-in; the comparing is not done here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from core.clock import SECOND, Duration, Instant
from telephony.ami.actions import OUR_VARIABLES
from telephony.ami.wire import Message

_UNSET = "(null)"
_NO_NUMBER = "<unknown>"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCaller:
    """A caller in a queue. `waited`: since it joined this time; Asterisk counts whole seconds."""

    channel: str
    leg: str
    position: int
    priority: int
    waited: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMember:
    """A member of a queue. `status`: its device's (1 free, 2 in use, 5 unavailable, 6 ringing)."""

    agent: str
    interface: str
    penalty: int
    paused: bool
    reason: str
    status: int
    in_call: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePicture:
    """One queue: its callers in their order, and its members."""

    name: str
    callers: tuple[WaitingCaller, ...]
    members: tuple[QueueMember, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPicture:
    """One channel. `age` comes in whole seconds.

    `call` is "" if it belongs to no call of ours, `caller` (its CallerIDNum) if there is no number.
    """

    channel: str
    leg: str
    linked: str
    state: str
    context: str
    exten: str
    bridge: str
    age: Duration
    variables: Mapping[str, str]
    caller: str = ""

    @property
    def call(self) -> str:
        """The call this channel belongs to: the dialplan lets all its channels inherit the id."""
        return self.variables.get("CALL_ID", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSnapshot:
    """What the node said from `began` to `ended` (our clock): what happened meanwhile may be in it or not.

    `started` (its own local time) is the same in two snapshots only if the node was not restarted between.
    `devices`: state of each PJSIP endpoint by its name (`NOT_INUSE`, `UNAVAILABLE`, `RINGING`, `INUSE` …).
    `unknown_queues` were asked for and do not exist on the node.
    """

    began: Instant
    ended: Instant
    version: str
    system_name: str
    started: str
    queues: Mapping[str, QueuePicture]
    unknown_queues: tuple[str, ...]
    channels: tuple[ChannelPicture, ...]
    devices: Mapping[str, str]


def queue_picture(name: str, rows: Iterable[Message]) -> QueuePicture | None:
    """One queue from the rows of its QueueStatus; None if the node does not know it."""
    known, callers, members = False, [], []
    for row in rows:
        if row.name == "QueueParams":
            known = True
        elif row.name == "QueueEntry":
            callers.append(_caller(row))
        elif row.name == "QueueMember":
            members.append(_member(row))
    if not known:
        return None
    callers.sort(key=lambda caller: caller.position)
    return QueuePicture(name=name, callers=tuple(callers), members=tuple(members))


def _caller(row: Message) -> WaitingCaller:
    return WaitingCaller(
        channel=row["Channel"],
        leg=row["Uniqueid"],
        position=int(row["Position"]),
        priority=int(row.get("Priority") or 0),
        waited=int(row["Wait"]) * SECOND,
    )


def _member(row: Message) -> QueueMember:
    return QueueMember(
        agent=row["Name"],
        interface=row["Location"],
        penalty=int(row["Penalty"]),
        paused=row["Paused"] == "1",
        reason=row.get("PausedReason") or "",
        status=int(row["Status"]),
        in_call=row.get("InCall") == "1",
    )


def channel_pictures(rows: Iterable[Message]) -> tuple[ChannelPicture, ...]:
    """The channels from the rows of Status."""
    return tuple(_channel(row) for row in rows if row.name == "Status")


def _channel(row: Message) -> ChannelPicture:
    variables = {}
    for text in row.all("Variable"):
        name, _, value = text.partition("=")
        if name in OUR_VARIABLES and value != _UNSET:
            variables[name] = value
    caller = row.get("CallerIDNum") or ""
    return ChannelPicture(
        channel=row["Channel"],
        leg=row["Uniqueid"],
        linked=row["Linkedid"],
        state=row["ChannelStateDesc"],
        context=row["Context"],
        exten=row["Exten"],
        bridge=row.get("BridgeID") or "",
        age=int(row.get("Seconds") or 0) * SECOND,
        variables=MappingProxyType(variables),
        caller="" if caller == _NO_NUMBER else caller,
    )


def device_states(rows: Iterable[Message]) -> Mapping[str, str]:
    """The states of the PJSIP endpoints from the rows of DeviceStateList."""
    states = {}
    for row in rows:
        technology, _, device = (row.get("Device") or "").partition("/")
        if technology == "PJSIP":
            states[device] = row["State"]
    return MappingProxyType(states)


def node_snapshot(
    *,
    began: Instant,
    ended: Instant,
    settings: Message,
    status: Message,
    queue_rows: Mapping[str, Sequence[Message]],
    channel_rows: Iterable[Message],
    device_rows: Iterable[Message],
) -> NodeSnapshot:
    """The whole picture. KeyError or ValueError if a row is not what Asterisk 22 sends."""
    pictures = {name: queue_picture(name, rows) for name, rows in queue_rows.items()}
    return NodeSnapshot(
        began=began,
        ended=ended,
        version=settings["AsteriskVersion"],
        system_name=settings.get("SystemName") or "",
        started=f"{status['CoreStartupDate']} {status['CoreStartupTime']}",
        queues=MappingProxyType({name: picture for name, picture in pictures.items() if picture is not None}),
        unknown_queues=tuple(name for name, picture in pictures.items() if picture is None),
        channels=channel_pictures(channel_rows),
        devices=device_states(device_rows),
    )
