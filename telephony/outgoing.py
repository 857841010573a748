"""Calls that we make: the agent's telephone first, then the customer's (CALL-05, CALL-13). Pure.

    OutgoingStarted ─► CustomerDialled ─► AgentAnswered … TalkEnded ─► OutgoingEnded
                  └───────────────────┴── not reached ──────────────────┘

Between its own first and last fact such a call is folded as any other (`call_fold`). It has no arrival and no
wait, so it is in no figure of a queue. Where the customer is called first: `called_first.py`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from core import causes
from core import facts as f
from core.clock import SECOND, Instant
from core.errors import Conflict
from core.facts import OutgoingOutcome, Phase
from telephony import called_first
from telephony import signals as s
from telephony.call_draft import Draft
from telephony.calls import Call, Leg

_WRONG = frozenset({causes.UNALLOCATED, causes.INVALID_FORMAT, causes.NUMBER_CHANGED})
"""Causes of a number that nobody has (any more)."""
_CAUSES = {
    causes.USER_BUSY: OutgoingOutcome.BUSY,
    causes.NO_USER_RESPONDING: OutgoingOutcome.NO_ANSWER,
    causes.NO_ANSWER: OutgoingOutcome.NO_ANSWER,
    causes.REJECTED: OutgoingOutcome.BUSY,  # the customer has declined the call
}
_STATUSES = {
    "BUSY": OutgoingOutcome.BUSY,
    "NOANSWER": OutgoingOutcome.NO_ANSWER,
    "CANCEL": OutgoingOutcome.CANCELLED,
    "REFUSED": OutgoingOutcome.NOT_ALLOWED,
}
_OUR_LEGS = 90_000_000
"""Asterisk counts its channels from 0; ours are counted from here, so that none has the same Uniqueid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A call to be made. `call`: its id, made by whoever keeps book of it; `shown`: what the customer sees.

    `about`: callback, ticket or summary; `record`: which one. `number` is of digits alone, and allowed.
    `held`: the agent is reserved for it, and nobody who is not.
    """

    call: str
    agent: str
    number: str
    about: str
    record: str
    held: bool = False


class PhoneInUse(Conflict):
    """The agent's telephone rings or somebody talks there, in whatever call: nobody was dialled."""


def require_free(device: str, state: str) -> None:
    """`PhoneInUse` unless this is the state of a telephone that nobody uses, nor anybody rings."""
    if state != "NOT_INUSE":
        raise PhoneInUse(
            f"your telephone {device} is in use or out of reach ({state or 'no word of it'}): hang up there, "
            "then try again"
        )


def leg_for(node: str, call: str, at: Instant) -> str:
    """The Uniqueid that the agent's channel will have: known before it is there."""
    return f"{node}-{at // SECOND}.{_OUR_LEGS + uuid.UUID(call).int % (100_000_000 - _OUR_LEGS)}"


def start(
    order: Order, *, node: str, device: str, shown: str, at: Instant, first: f.Side = f.Side.AGENT
) -> tuple[Call, f.OutgoingStarted]:
    """The call as it begins, and the fact that says so; it is to be in the book before anybody is dialled."""
    started = f.OutgoingStarted(
        at=at,
        node=node,
        call=order.call,
        leg=leg_for(node, order.call, at),
        agent=order.agent,
        queue="",
        device=device,
        number=order.number,
        shown=shown,
        about=order.about,
        record=order.record,
        first=first,
    )
    return _begun(started, rang=False), started


def recall(fact: f.OutgoingStarted) -> Call:
    """The call as its first fact tells of it; nearly every phone that is called rings."""
    return _begun(fact, rang=True)


def _begun(fact: f.OutgoingStarted, *, rang: bool) -> Call:
    if fact.first is f.Side.CUSTOMER:
        return called_first.begun(fact)
    leg = Leg(
        id=fact.leg,
        agent=fact.agent,
        device=fact.device,
        queue="",
        channel="",
        offered_at=fact.at,
        rang=rang,
    )
    return Call(
        id=fact.call,
        node=fact.node,
        leg="",
        channel="",
        arrived_at=fact.at,
        phase=Phase.RINGING,
        legs=(leg,),
        outgoing=True,
    )


def dialled(draft: Draft, signal: s.CustomerRung) -> None:
    """The customer's channel has come into being."""
    if not draft.call.outgoing or draft.call.leg:
        return
    draft.change(leg=signal.leg, channel=signal.channel)
    draft.leg_fact(f.CustomerDialled, _maker(draft.call), customer=signal.leg)


def not_reached(status: str, cause: int) -> OutgoingOutcome:
    """What DIALSTATUS and the Q.850 cause say together."""
    if status in ("CHANUNAVAIL", "CONGESTION"):
        known = OutgoingOutcome.WRONG_NUMBER if cause in _WRONG else OutgoingOutcome.UNREACHABLE
        return _CAUSES.get(cause, known)
    return _STATUSES.get(status, OutgoingOutcome.UNREACHABLE)


def not_answered(cause: int) -> OutgoingOutcome:
    """What the Q.850 cause alone says of a customer who was called first; 0: none was given."""
    return OutgoingOutcome.NO_ANSWER if cause in called_first.RANG_OUT else not_reached("CHANUNAVAIL", cause)


def reached(call: Call) -> bool:
    """Whether customer and agent have been brought together."""
    return any(leg.answered_at is not None for leg in call.legs)


def given_up(call: Call) -> OutgoingOutcome:
    """The agent's channel is gone and nobody was reached: before, or after the customer was dialled?"""
    return OutgoingOutcome.CANCELLED if call.leg else OutgoingOutcome.AGENT_AWAY


def tell_end(draft: Draft, reason: f.EndReason) -> None:
    """The call's last fact."""
    call = draft.call
    if reached(call):
        outcome = OutgoingOutcome.REACHED
    elif reason in (f.EndReason.NODE_LOST, f.EndReason.UNSEEN):
        outcome = call.failed or OutgoingOutcome.UNKNOWN
    elif call.first is not None:
        outcome = call.failed or called_first.alone(call, reason)
    else:
        outcome = call.failed or OutgoingOutcome.CANCELLED
    draft.leg_fact(f.OutgoingEnded, _maker(call), outcome=outcome, lasted=max(0, draft.at - call.arrived_at))


def _maker(call: Call) -> Leg:
    """The leg of the agent who makes it."""
    return call.legs[0] if call.first is None else called_first.maker(call, call.first)
