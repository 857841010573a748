"""Calls that we make to the customer first: who keeps a place in a queue and is called back. Pure.

    OutgoingStarted ─► CustomerDialled ─► CustomerAnswered ─► AgentOffered ─► AgentAnswered … ─► OutgoingEnded
      an agent is held              │                              └─► CallerQueued … (head of the queue)
                                    └── not reached: he is free again, and was never disturbed

From the customer's answer on it is folded as a call of his own; it begins and ends as one of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from core import causes
from core import facts as f
from core.facts import OutgoingOutcome, Phase
from telephony import signals as s
from telephony.ami.call_back_action import Calling
from telephony.call_draft import Draft
from telephony.calls import Call, First, Leg

RANG_OUT = frozenset({0, causes.NORMAL_CLEARING, causes.NO_ANSWER, causes.NO_USER_RESPONDING})
"""Causes of a telephone that nobody picked up; Asterisk gives none to a call that it takes back itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """By which line a customer is called first, for how long, and in which `queue` he waits, ahead of all
    others, if he meets no agent. `language`: of what he hears, "" if he has chosen none."""

    trunk: str
    rings_s: int
    queue: str
    language: str

    def calling(self, started: f.OutgoingStarted) -> Calling:
        """What Asterisk is to be told."""
        return Calling(
            trunk=self.trunk,
            number=started.number,
            shown=started.shown,
            rings_s=self.rings_s,
            leg=started.leg,
            call=started.call,
            agent=started.agent,
            queue=self.queue,
            language=self.language,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerLines:
    """`trunks`: node → by which customers are called from there; each rings for `rings_s` at most."""

    trunks: Mapping[str, str]
    rings_s: int

    def way(self, node: str, *, queue: str, language: str) -> Way:
        """How a customer who asked for it in this queue is called from this node."""
        return Way(trunk=self.trunks[node], rings_s=self.rings_s, queue=queue, language=language)


def begun(fact: f.OutgoingStarted) -> Call:
    """The call as its first fact tells of it."""
    return Call(
        id=fact.call,
        node=fact.node,
        leg=fact.leg,
        channel="",
        arrived_at=fact.at,
        phase=Phase.RINGING,
        outgoing=True,
        first=First(fact.agent, fact.device),
    )


def heard(draft: Draft, leg: str) -> None:
    """The customer's channel rings, is answered, or is gone: so it was dialled. No word comes before."""
    first = draft.call.first
    if first is None or first.dialled or leg != draft.call.leg:
        return
    draft.change(first=replace(first, dialled=True))
    draft.leg_fact(f.CustomerDialled, _held(draft.call, first), customer=leg)


def answered(draft: Draft, signal: s.CustomerThere) -> None:
    """The customer has picked up."""
    heard(draft, signal.leg)
    first = draft.call.first
    if first is not None and not first.answered and signal.leg == draft.call.leg:
        draft.change(first=replace(first, answered=True), channel=signal.channel)
        draft.fact(f.CustomerAnswered, rang=max(0, draft.at - draft.call.arrived_at))


def was_there(call: Call, first: First) -> bool:
    """Whether the customer has picked up, by all that was heard."""
    return first.answered or bool(call.legs) or call.wait is not None


def maker(call: Call, first: First) -> Leg:
    """The leg that its last fact is told of: of who talked with the customer last, or was rung last; before
    anybody was, the customer's own in the name of the agent who is held."""
    if (talked := call.last_answered()) is not None:
        return talked
    return call.legs[-1] if call.legs else _held(call, first)


def _held(call: Call, first: First) -> Leg:
    return Leg(call.leg, first.agent, first.device, queue="", channel="", offered_at=call.arrived_at)


def alone(call: Call, reason: f.EndReason) -> OutgoingOutcome:
    """What came of it if the customer answered and no agent did."""
    gone = call.customer_asked or reason is f.EndReason.CUSTOMER
    return OutgoingOutcome.CUSTOMER_GONE if gone else OutgoingOutcome.NO_AGENT
