"""What a leader has done with a running call (needs: originate, call); `actions` has all others.

Contexts and extensions are those of `dialplans/parts/leader.j2` and `ordered.j2`, and no others.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.causes import NORMAL_CLEARING
from core.errors import BadInput
from core.names import check
from telephony.ami.action import Action

MODES = ("listen", "whisper", "barge")
"""How a leader may be in a leg; the extensions of `hotline-leader`."""
RINGS_S = 15
"""So long a leader's telephone rings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """`leader` is to be rung at `device` and to join `leg` of `call`, which is `channel`, in one of MODES.

    `presence`: an id of ours that his channel gets, by which it is sent on and ended.
    """

    device: str
    leader: str
    presence: str
    call: str
    leg: str
    channel: str
    mode: str


def to_leader(joining: Joining) -> Action:
    """Rings a leader's telephone; once taken it hears the leg, by the fixed ways of `hotline-leader`.

    Async: the reply says only that it was begun; LeaderJoined or LeaderMissed says what came of it.
    """
    headers = (
        ("Channel", "PJSIP/" + check("device", joining.device, "device")),
        ("Context", "hotline-leader"),
        ("Exten", _mode(joining.mode)),
        ("Priority", "1"),
        ("CallerID", f"<{joining.leader}>"),
        ("Timeout", str(RINGS_S * 1_000)),
        ("Async", "true"),
        ("ChannelId", check("presence", joining.presence, "presence")),
        ("Variable", f"LEADER={check('staff', joining.leader, 'leader')}"),
        ("Variable", f"LEADER_PRESENCE={joining.presence}"),
        ("Variable", f"LEADER_CALL={check('call', joining.call, 'call')}"),
        ("Variable", f"LEADER_LEG={check('leg', joining.leg, 'leg')}"),
        ("Variable", f"LEADER_TO={check('channel', joining.channel, 'channel')}"),
    )
    return Action("Originate", headers)


def leader_mode(presence: str, mode: str) -> Action:
    """Lets a leader who is in a leg go on in another way. Redirect finds a channel by its Uniqueid too."""
    headers = (
        ("Channel", check("presence", presence, "presence")),
        ("Context", "hotline-leader"),
        ("Exten", _mode(mode)),
        ("Priority", "1"),
    )
    return Action("Redirect", headers)


def hangup_leader(presence: str) -> Action:
    """Takes a leader out of the leg, or ends the ringing of his telephone."""
    headers = (("Channel", check("presence", presence, "presence")), ("Cause", str(NORMAL_CLEARING)))
    return Action("Hangup", headers)


def to_taker(channel: str, leader: str) -> Action:
    """Sends a customer on to the telephone a leader is logged in at; not taken, he waits first again."""
    return _customer(channel, "hotline-taken-over", check("staff", leader, "leader"))


def to_the_end(channel: str, *, harassment: bool = False) -> Action:
    """Says goodbye to a customer and ends the call; the agent who talks with him is released at once.

    `harassment`: he is told that this is why (CALL-09).
    """
    return _customer(channel, "hotline-ended", "harassment" if harassment else "order")


def _customer(channel: str, context: str, exten: str) -> Action:
    headers = (
        ("Channel", check("channel", channel, "channel")),
        ("Context", context),
        ("Exten", exten),
        ("Priority", "1"),
    )
    return Action("Redirect", headers)


def _mode(mode: str) -> str:
    if mode not in MODES:
        raise BadInput("mode", f"{mode[:24]!r} is none of {', '.join(MODES)}")
    return mode
