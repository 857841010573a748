"""The three log-ins of a node, and the least that each may do; manager.conf follows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

EVENT_INCLUDE: tuple[str, ...] = (
    "UserEvent",
    "QueueCallerJoin",
    "AgentCalled",
    "AgentRingNoAnswer",
    "AgentConnect",
    "AgentComplete",
    "DialState",
    "BridgeEnter",
    "BridgeLeave",
    "HangupRequest",
    "SoftHangupRequest",
    "Hangup",
    "BlindTransfer",
    "AttendedTransfer",
    "Hold",
    "Unhold",
    "ContactStatus",
    "FullyBooted",
    "Shutdown",
    "Reload",
)
"""What the filter of the events account lets through; everything else is not even sent (README says why)."""

SILENCED: tuple[str, ...] = (
    "Newchannel",
    "Newexten",
    "Newstate",
    "NewConnectedLine",
    "NewCallerid",
    "NewAccountCode",
    "DeviceStateChange",
    "ExtensionStatus",
    "PeerStatus",
    "HangupHandlerPush",
    "HangupHandlerRun",
    "DTMFBegin",
    "DTMFEnd",
    "BridgeCreate",
    "BridgeDestroy",
    "DialBegin",
    "DialEnd",
    "QueueCallerLeave",
    "MusicOnHoldStart",
    "MusicOnHoldStop",
    "MixMonitorStart",
    "MixMonitorStop",
)
"""What a node does not even put into words, for anybody: every event wakes every session, whatever its filter
says (Asterisk 22.10, main/manager.c), and a call makes a hundred that no fact of ours needs. Some of them
tell what callers key in. What the events account reads is never among them (a test says so).
"""


class Role(StrEnum):
    """The three log-ins; the accounts are named like them."""

    EVENTS = "events"
    COMMANDS = "commands"
    RESYNC = "resync"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """`read`, `write`: classes of manager.conf. `include`: the only events sent; () where none are wanted."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    include: tuple[str, ...] = ()


RIGHTS: Mapping[Role, Rights] = MappingProxyType(
    {
        Role.EVENTS: Rights(read=("call", "agent", "user", "system"), include=EVENT_INCLUDE),
        Role.COMMANDS: Rights(write=("call", "agent", "originate")),
        Role.RESYNC: Rights(write=("reporting",)),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where and as whom to log in. `events`: `off`, or the read classes wanted of the node."""

    host: str
    port: int
    username: str
    secret: str = field(repr=False)
    events: str = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAccess:
    """Where a node's manager interface is, and the secrets of its three accounts."""

    host: str
    port: int
    secrets: Mapping[Role, str] = field(repr=False)

    def account(self, role: Role) -> Account:
        """What `role` logs in with."""
        return Account(
            host=self.host,
            port=self.port,
            username=role.value,
            secret=self.secrets[role],
            events=",".join(RIGHTS[role].read) or "off",
        )
