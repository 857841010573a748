"""Leaders in a call: who joined which leg, in which way, until when. Pure.

A leader's channel is no part of the customer's call for Asterisk (it hears, it is in no bridge): only what
the dialplan says on it counts. A presence is known by its own id, so that what comes twice is taken once.
"""

from __future__ import annotations

from msgspec.structs import replace

from core import facts as f
from telephony import signals as s
from telephony.call_draft import Draft
from telephony.calls import Leg, Presence

LeaderFact = f.LeaderJoined | f.LeaderModeChanged | f.LeaderMissed | f.LeaderLeft


def present(draft: Draft, signal: s.LeaderIs) -> None:
    """He is in, or has changed the mode; what is heard late, or after he left, changes nothing."""
    leg, known = draft.call.leg_of(signal.leg), _known(draft, signal.presence)
    if leg is None:
        return
    if known is None:
        new = Presence(signal.presence, signal.leader, signal.leg, signal.mode, signal.at)
        draft.change(leaders=(*draft.call.leaders, new))
        _tell(draft, f.LeaderJoined, leg, new, mode=new.mode)
    elif not known.left and known.mode != signal.mode and signal.at > known.at:
        new = _change(draft, known, mode=signal.mode, at=signal.at)
        _tell(draft, f.LeaderModeChanged, leg, new, mode=new.mode)


def gone(draft: Draft, signal: s.LeaderGone) -> None:
    """His channel's last word."""
    known = _known(draft, signal.presence)
    if known is not None:
        _leave(draft, known)


def unreached(draft: Draft, signal: s.LeaderUnreached) -> None:
    """He never came; kept as one who has left, so that it is told once."""
    leg = draft.call.leg_of(signal.leg)
    if leg is None or _known(draft, signal.presence) is not None:
        return
    missed = Presence(signal.presence, signal.leader, signal.leg, "", signal.at, left=True)
    draft.change(leaders=(*draft.call.leaders, missed))
    _tell(draft, f.LeaderMissed, leg, missed, cause=signal.cause)


def leave(draft: Draft) -> None:
    """Asterisk will say no more of this call: whoever was in it is out."""
    for one in draft.call.leaders:
        _leave(draft, one)


def recalled(known: tuple[Presence, ...], fact: LeaderFact) -> tuple[Presence, ...]:
    """Those who joined, after the next fact of one of them."""
    match fact:
        case f.LeaderJoined():
            return (*known, Presence(fact.presence, fact.leader, fact.leg, fact.mode, fact.at))
        case f.LeaderMissed():
            return (*known, Presence(fact.presence, fact.leader, fact.leg, "", fact.at, left=True))
        case f.LeaderModeChanged():
            now = {"mode": fact.mode, "at": fact.at}
            return tuple(replace(p, **now) if p.id == fact.presence else p for p in known)
        case f.LeaderLeft():
            return tuple(replace(p, left=True) if p.id == fact.presence else p for p in known)


def _known(draft: Draft, presence: str) -> Presence | None:
    return next((one for one in draft.call.leaders if one.id == presence), None)


def _leave(draft: Draft, known: Presence) -> None:
    leg = draft.call.leg_of(known.leg)
    if not known.left and leg is not None:
        _change(draft, known, left=True)
        _tell(draft, f.LeaderLeft, leg, known)


def _change(draft: Draft, known: Presence, **changes: object) -> Presence:
    new = replace(known, **changes)
    draft.change(leaders=tuple(new if one.id == known.id else one for one in draft.call.leaders))
    return new


def _tell(draft: Draft, kind: type[f.LegFact], leg: Leg, presence: Presence, **fields: str) -> None:
    draft.leg_fact(kind, leg, leader=presence.leader, presence=presence.id, **fields)
