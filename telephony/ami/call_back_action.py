"""A customer is called first, and an agent who is held for it after he has answered (needs: originate).

The contexts are those of `dialplans/parts/called_back.j2`, and no others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.errors import BadInput
from core.names import LANGUAGES, check
from telephony.ami.action import Action

_LONGEST_S = 120
_TRUNK = re.compile(r"[a-z][a-z0-9]{0,23}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calling:
    """`number` is to be called by `trunk`, for `rings_s` at most, and sees `shown`; then the telephone of
    `agent` is rung. Without him the customer waits at the head of `queue`. `leg`: the Uniqueid that the
    customer's channel gets; `language`: of what he hears, "" where none is known.
    """

    trunk: str
    number: str
    shown: str
    rings_s: int
    leg: str
    call: str
    agent: str
    queue: str
    language: str = ""


def to_customer(calling: Calling) -> Action:
    """Rings the customer's telephone; once taken it goes the fixed way of `hotline-called-back`.

    No line of the dialplan runs before that (22.10.1: an Originate that is Async leaves its PreDialGoSub
    out): `on_the_list` asks first whether the number may be dialled. The reply says only that it was begun.
    """
    if not _TRUNK.fullmatch(calling.trunk):
        raise BadInput("trunk", f"{calling.trunk[:24]!r} is not a trunk's name ({_TRUNK.pattern})")
    if calling.language not in ("", *LANGUAGES):
        raise BadInput("language", f"{calling.language[:24]!r} is none of {', '.join(LANGUAGES)}")
    if not 0 < calling.rings_s <= _LONGEST_S:
        raise BadInput("rings_s", f"{calling.rings_s} is not within 1 to {_LONGEST_S}")
    number = check("dialled", calling.number, "number")
    headers = (
        ("Channel", f"PJSIP/{number}@{calling.trunk}"),
        ("Context", "hotline-called-back"),
        ("Exten", check("queue", calling.queue, "queue")),
        ("Priority", "1"),
        ("CallerID", f"<{check('dialled', calling.shown, 'shown')}>"),
        ("Timeout", str(calling.rings_s * 1_000)),
        ("Async", "true"),
        ("ChannelId", check("leg", calling.leg, "leg")),
        ("Variable", f"__CALL_ID={check('call', calling.call, 'call')}"),
        ("Variable", f"__CALL_LANG={calling.language or LANGUAGES[0]}"),
        ("Variable", f"OUT_LEG={calling.leg}"),
        ("Variable", f"OUT_TO={number}"),
        ("Variable", f"OUT_AGENT={check('staff', calling.agent, 'agent')}"),
    )
    return Action("Originate", headers)


def on_the_list(number: str) -> Action:
    """Whether the dialplan's own list has a place for this number: `Value` is then 1. It changes nothing."""
    number = check("dialled", number, "number")
    return Action("Getvar", (("Variable", f"DIALPLAN_EXISTS(hotline-outgoing-allowed,{number},1)"),))
