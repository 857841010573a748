"""What we may tell Asterisk, as values. `dispatch` turns each into one AMI action; there is no other door.

Every command names its node. Names inside have been checked by `core.names` before they get here, and are
checked again where the action is built.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.causes import NORMAL_CLEARING
from telephony.ami.call_back_action import Calling
from telephony.ami.conference_actions import Gathering
from telephony.ami.leader_actions import Joining

WRAP_UP = "wrap_up"
"""Pause reason of after-call work, as Asterisk shows it."""


@dataclass(frozen=True, slots=True)
class Command:
    """`node`: the Asterisk it is meant for."""

    node: str


@dataclass(frozen=True, slots=True)
class AddMember(Command):
    """Make the device a member of the queue on the agent's behalf; `paused`: reason, or "" for not paused."""

    queue: str
    device: str
    agent: str
    penalty: int
    paused: str


@dataclass(frozen=True, slots=True)
class RemoveMember(Command):
    """Take the device out of the queue."""

    queue: str
    device: str


@dataclass(frozen=True, slots=True)
class SetPause(Command):
    """Pause or release the device in all its queues."""

    device: str
    paused: bool
    reason: str


@dataclass(frozen=True, slots=True)
class SetPenalty(Command):
    """Put the device where its agent belongs in the queue: the dialplan moves back who lets calls ring."""

    queue: str
    device: str
    penalty: int


@dataclass(frozen=True, slots=True)
class PublishDuty(Command):
    """Tell the dialplan how many agents are on duty for a queue (house §4)."""

    queue: str
    count: int


@dataclass(frozen=True, slots=True)
class PublishAgentAt(Command):
    """Tell the dialplan who sits at a device; "" for nobody."""

    device: str
    agent: str


@dataclass(frozen=True, slots=True)
class PublishDeviceOf(Command):
    """Tell the dialplan where an agent sits; "" for nowhere."""

    agent: str
    device: str


@dataclass(frozen=True, slots=True)
class SendToSurvey(Command):
    """Take the customer from the agent to the survey (CALL-11)."""

    channel: str


@dataclass(frozen=True, slots=True)
class HangUp(Command):
    """End one channel, by name or Uniqueid. `cause`: Q.850."""

    channel: str
    cause: int = NORMAL_CLEARING


@dataclass(frozen=True, slots=True)
class Announce(Command):
    """Whisper place and expected wait to a waiting caller; `id` names the speaking channel.
    `offer`: and that we may call back instead."""

    channel: str
    position: int
    minutes: int
    id: str
    offer: bool = False


@dataclass(frozen=True, slots=True)
class ChangePriority(Command):
    """Move a waiting caller among the others of the queue (ageing)."""

    queue: str
    channel: str
    priority: int


@dataclass(frozen=True, slots=True)
class Silence(Command):
    """Stop the announcement `id`: the caller is through to an agent."""

    id: str


@dataclass(frozen=True, slots=True)
class Offer(Command):
    """Take a waiting caller past app_queue to one agent, who has been reserved for the call."""

    channel: str
    call: str
    agent: str


@dataclass(frozen=True, slots=True)
class Revoke(Command):
    """Take an offer back: the caller waits on as if it had never been made."""

    channel: str


@dataclass(frozen=True, slots=True)
class CallCustomer(Command):
    """Ring the agent's device, then call the customer. `leg`: the Uniqueid that the agent's channel gets."""

    device: str
    leg: str
    call: str
    number: str


@dataclass(frozen=True, slots=True)
class CallCustomerFirst(Command):
    """Call a customer, then ring the agent who is held for it."""

    calling: Calling


@dataclass(frozen=True, slots=True)
class LookAtList(Command):
    """Ask whether the node's own list allows this number to be called, 1 or 0; it changes nothing."""

    number: str


@dataclass(frozen=True, slots=True)
class LookAtPhone(Command):
    """Ask for the state of a telephone, such as NOT_INUSE; it changes nothing."""

    device: str


@dataclass(frozen=True, slots=True)
class Requeue(Command):
    """Let a customer wait (again) in a queue, with the time of first joining kept."""

    channel: str
    queue: str


@dataclass(frozen=True, slots=True)
class Join(Command):
    """Ring a leader's telephone and let it into an agent's leg, in the way of `joining.mode`."""

    joining: Joining


@dataclass(frozen=True, slots=True)
class ChangeMode(Command):
    """Let a leader who is in a leg go on in another way."""

    presence: str
    mode: str


@dataclass(frozen=True, slots=True)
class Leave(Command):
    """Take a leader out of a leg, or stop his telephone ringing."""

    presence: str


@dataclass(frozen=True, slots=True)
class Confer(Command):
    """Bring an agent, his customer and the colleague whom he asks together."""

    gathering: Gathering


@dataclass(frozen=True, slots=True)
class TakeOver(Command):
    """Send a customer from the agent he talks with to a leader's telephone."""

    channel: str
    leader: str


@dataclass(frozen=True, slots=True)
class EndCall(Command):
    """Say goodbye to a customer, or why there is no more to say, and end the call."""

    channel: str
    harassment: bool = False
