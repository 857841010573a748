"""What one Asterisk node is made of, as plain data. Whoever builds a `NodeSpec` needs to know no file format;
`nodespec_check.py` looks at every value before it is written into a configuration file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.dialling import DOMESTIC

# Penalties: the first choice has 0, backups have 10. Whoever let an offer ring out or refused it has 20 more:
# he is asked last, until he answers again or says that he is ready.
PENALTY_STEP = 10
MISSED = 20
NARROW = 5
WIDE = MISSED + PENALTY_STEP


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkSpec:
    """Where customers come from. `addresses`: IP addresses or networks; no other key opens this door.

    `host`: `address:port` of the carrier whom calls of ours go to, "" for a line on which none are made;
    `shown`: the number that customers then see.
    """

    name: str
    addresses: tuple[str, ...]
    dtmf: str = "rfc4733"
    host: str = ""
    shown: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSpec:
    """One telephone of the pool. `page`: it is in an agent's page (WebRTC), not on a desk."""

    name: str
    secret: str
    page: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSpec:
    """One queue; times in seconds. `timeout_s` is the whole wait, `round_s` the time after which the caller
    re-enters one step more urgent (ageing that works without the service). Who has waited `callback_after_s`
    may ask to be called back; 0: nobody may."""

    name: str
    weight: int = 1
    priority: int = 0
    service_level_s: int = 10
    ring_s: int = 4
    widen_after_s: int = 5
    round_s: int = 60
    timeout_s: int = 300
    callback_after_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipSpec:
    """One agent's seat in one queue: penalty 0 for the first choice, 10 for a backup."""

    queue: str
    penalty: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSpec:
    """One agent as the star codes know him: `pin_hash` = SHA-1 of salt followed by the PIN, in hex.

    The dialplan has no slower hash; the file's mode and the lock after five wrong PINs guard it.
    """

    staff: str
    pin_salt: str
    pin_hash: str
    memberships: tuple[MembershipSpec, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonSpec:
    """A not-ready reason that can be keyed in: *13 and `digit`."""

    code: str
    digit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSpec:
    """One AMI account. `events`: names of the only events it is sent; empty = all of its read classes."""

    name: str
    secret: str
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpec:
    """One Asterisk: everything its files are rendered from.

    `directory` is shared by service and Asterisk. `includes`: files beside extensions.conf with the compiled
    flows. `vips`: customers' numbers served first. `customer_key`: what the names of the files in customers/
    are made with (`nodefiles.customer_file`). `silence_s`: the heartbeat's age at which it is stale.
    `rtp_timeout_s`: so long an agent's telephone may send no sound before it is taken for dead; 0: for ever.
    `allowed`: patterns of the numbers that may be dialled; `answer_within_s`: so long a customer is rung.
    A transfer may go to `colleagues` (staff numbers) and, on the line of calls of ours, to numbers `outside`.
    `page_port`: where the node takes what the service passes on from telephones in pages; 0: there are none.
    `quiet`: no messages but those that the service reads; False for whoever wants to watch more.
    """

    name: str
    directory: Path
    modules: Path
    data: Path
    sip_port: int
    ami_port: int
    rtp_first: int
    rtp_last: int
    sip_address: str = "127.0.0.1"
    ami_address: str = "127.0.0.1"
    page_port: int = 0
    numbers: tuple[str, ...] = ("95559",)
    flow_entry: str = "ivr-95559"
    includes: tuple[str, ...] = ("ivr-95559.conf",)
    trunks: tuple[TrunkSpec, ...] = ()
    devices: tuple[DeviceSpec, ...] = ()
    queues: tuple[QueueSpec, ...] = ()
    agents: tuple[AgentSpec, ...] = ()
    reasons: tuple[ReasonSpec, ...] = ()
    accounts: tuple[AccountSpec, ...] = ()
    vips: tuple[str, ...] = ()
    customer_key: str = ""
    quiet: bool = True
    vip_priority: int = 10
    ageing_step: int = 10
    recording: bool = True
    cdr: bool = True
    silence_s: int = 5
    qualify_s: int = 15
    rtp_timeout_s: int = 0
    survey_wait_s: int = 6
    allowed: tuple[str, ...] = DOMESTIC
    answer_within_s: int = 40
    colleagues: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()

    @property
    def outgoing(self) -> TrunkSpec | None:
        """The line on which customers are called."""
        return next((trunk for trunk in self.trunks if trunk.host), None)
