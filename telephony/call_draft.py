"""One step of a call's fold in the making: the call as it becomes, the facts as they come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from core import facts as f
from core.clock import Instant
from telephony.calls import Call, Leg


class Draft:
    """`call` and `facts` are what the step has made of them so far; `at`: when what was told happened."""

    def __init__(self, call: Call, at: Instant) -> None:
        self.call = call
        self.at = at
        self.facts: list[f.Fact] = []

    def change(self, **changes: Any) -> None:
        self.call = replace(self.call, **changes)

    def change_leg(self, leg: Leg, **changes: Any) -> Leg:
        new = replace(leg, **changes)
        self.change(legs=tuple(new if old.id == leg.id else old for old in self.call.legs))
        return new

    def fact(self, kind: Callable[..., f.Fact], **fields: Any) -> None:
        self.facts.append(kind(at=self.at, node=self.call.node, call=self.call.id, **fields))

    def leg_fact(self, kind: Callable[..., f.Fact], leg: Leg, **fields: Any) -> None:
        self.fact(kind, leg=leg.id, agent=leg.agent, queue=leg.queue, **fields)
