"""How an agent, his customer and a colleague come together (needs: originate); `actions` has all others.

Context and extensions are those of `dialplans/parts/conference.j2`, and no others.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.names import check
from telephony.ami.action import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathering:
    """The channels of the `customer` of `call`, of the agent `asking` (whose leg is `leg`) and of the
    colleague `asked` (whose channel's Uniqueid is `asked_leg`).
    """

    call: str
    customer: str
    asking: str
    leg: str
    asked: str
    asked_leg: str


def to_conference(gathering: Gathering) -> Action:
    """Brings all three together. Rings nobody: half a Local channel runs `start@hotline-confer`.

    Async: the reply says only that it was begun; ConferenceCalled and the bridges say what came of it.
    """
    headers = (
        ("Channel", "Local/start@hotline-confer/n"),
        ("Context", "hotline-confer"),
        ("Exten", "idle"),
        ("Priority", "1"),
        ("Timeout", "6000"),  # it sees to it until all are there, or the customer will not come
        ("Async", "true"),
        ("Variable", f"__CONFER_CALL={check('call', gathering.call, 'call')}"),
        ("Variable", f"__CONFER_CUSTOMER={check('channel', gathering.customer, 'channel')}"),
        ("Variable", f"__CONFER_ASKING={check('channel', gathering.asking, 'channel')}"),
        ("Variable", f"__CONFER_LEG={check('leg', gathering.leg, 'leg')}"),
        ("Variable", f"__CONFER_ASKED={check('channel', gathering.asked, 'channel')}"),
        ("Variable", f"__CONFER_ASKED_LEG={check('leg', gathering.asked_leg, 'leg')}"),
    )
    return Action("Originate", headers)
