"""Transfers outside: an agent has sent the customer to a number that the bank allows. Pure.

    OutsideDialled ─► OutsideAnswered ─► OutsideEnded, and the call is over
                  └── nobody ──────────► OutsideEnded, and the customer is back in the queue

Who answers there is no agent: the call has no further leg, and the survey is none of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from core import facts as f
from core.facts import OutgoingOutcome
from telephony import signals as s
from telephony.call_draft import Draft
from telephony.calls import Call, Outside
from telephony.outgoing import not_reached


def is_new(call: Call, signal: s.OutsideCalled) -> bool:
    """Whether this has not been heard before: the same number may be dialled once more, later."""
    known = call.outside
    return signal.leg == call.leg and (known is None or signal.at > known.began_at)


def called(draft: Draft, signal: s.OutsideCalled) -> None:
    """The number is dialled; whoever talked with the customer last has sent him there."""
    sender = draft.call.last_answered()
    if sender is None:
        return
    draft.change(outside=Outside(leg=sender.id, number=signal.number, began_at=signal.at))
    _tell(draft, f.OutsideDialled)


def bridged(draft: Draft, signal: s.Bridged) -> None:
    """The customer is in a bridge: with whoever was dialled, if this is later than that."""
    one = _open(draft)
    if one is None or one.answered_at is not None or signal.at <= one.began_at:
        return
    draft.change(outside=replace(one, answered_at=signal.at))
    _tell(draft, f.OutsideAnswered, rang=signal.at - one.began_at)


def over(draft: Draft, signal: s.OutsideOver) -> None:
    """The dialplan says what came of it."""
    one = _open(draft)
    if one is None or signal.leg != draft.call.leg or signal.at < one.began_at:
        return
    reached = signal.status == "ANSWER"
    _end(draft, one, OutgoingOutcome.REACHED if reached else not_reached(signal.status, signal.cause))


def end(draft: Draft, reason: f.EndReason) -> None:
    """The customer is gone, and with him the call."""
    one = _open(draft)
    if one is not None:
        unseen = reason in (f.EndReason.NODE_LOST, f.EndReason.UNSEEN)
        _end(draft, one, OutgoingOutcome.UNKNOWN if unseen else OutgoingOutcome.CANCELLED)


def _open(draft: Draft) -> Outside | None:
    one = draft.call.outside
    return one if one is not None and one.ended_at is None else None


def _end(draft: Draft, one: Outside, otherwise: OutgoingOutcome) -> None:
    """`otherwise`: the outcome if nobody has answered."""
    draft.change(outside=replace(one, ended_at=draft.at))
    talked = 0 if one.answered_at is None else max(0, draft.at - one.answered_at)
    outcome = otherwise if one.answered_at is None else OutgoingOutcome.REACHED
    _tell(draft, f.OutsideEnded, outcome=outcome, talked=talked)


def _tell(draft: Draft, kind: Callable[..., f.Fact], **fields: Any) -> None:
    one = draft.call.outside
    sender = None if one is None else draft.call.leg_of(one.leg)
    if one is not None and sender is not None:
        draft.leg_fact(kind, sender, number=one.number, **fields)


def recalled(outside: Outside | None, fact: f.OutsideFact) -> Outside | None:
    """What the next of these facts makes of it."""
    match fact:
        case f.OutsideDialled():
            return Outside(leg=fact.leg, number=fact.number, began_at=fact.at)
        case f.OutsideAnswered() if outside is not None:
            return replace(outside, answered_at=fact.at)
        case f.OutsideEnded() if outside is not None:
            return replace(outside, ended_at=fact.at)
    return outside
