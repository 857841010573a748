"""Consults: an agent asks a colleague in the middle of a customer's call. Pure.

A consult is no leg of the customer's call. It becomes one when the colleague's channel meets the customer's
in a bridge: handed over by the telephone (REFER with Replaces), or as the third of a conference. What the
phones say on the way there comes in several orders; only that meeting, and the colleague's hang-up, end it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from core import facts as f
from telephony import signals as s
from telephony.call_draft import Draft
from telephony.calls import Consult, Leg


def called(draft: Draft, signal: s.ConsultCalled) -> None:
    """The step of `ConsultCalled`."""
    asking = draft.call.leg_of(signal.asking)
    known = draft.call.leg_of(signal.leg) or any(consult.id == signal.leg for consult in draft.call.consults)
    if known or asking is None or not asking.talking:
        return
    consult = Consult(
        id=signal.leg,
        asking=asking.id,
        by=signal.by,
        agent=signal.agent,
        device=signal.device,
        channel=signal.channel,
        began_at=signal.at,
        queue=signal.of or asking.queue,
        of=signal.of,
    )
    draft.change(consults=(*draft.call.consults, consult))
    if asking.consulting_since is None:
        draft.change_leg(asking, consulting_since=signal.at)
    _tell(draft, f.ConsultStarted, consult, device=consult.device, by_leg=consult.by, of=consult.of)
    file = next((file for owner, file in draft.call.files if owner == consult.id), "")
    if file:
        _recorded(draft, consult, file)


def _tell(draft: Draft, kind: Callable[..., f.Fact], consult: Consult, **fields: Any) -> None:
    asking = draft.call.leg_of(consult.asking)
    if asking is not None:
        draft.leg_fact(kind, asking, to=consult.agent, to_leg=consult.id, **fields)


def _change(draft: Draft, consult: Consult, **changes: Any) -> Consult:
    new = replace(consult, **changes)
    draft.change(consults=tuple(new if old.id == consult.id else old for old in draft.call.consults))
    return new


def _spoken_of(draft: Draft, leg: str) -> Consult | None:
    """The consult that goes on and has this channel, on either side."""
    return next((consult for consult in draft.call.asking if leg in (consult.id, consult.by)), None)


def seen(draft: Draft, signal: s.Seen) -> None:
    """The colleague's channel is there, under this name."""
    consult = _spoken_of(draft, signal.leg)
    if consult is not None and consult.id == signal.leg:
        _change(draft, consult, channel=signal.channel)


def rang(draft: Draft, signal: s.Rang) -> None:
    """A telephone rings: perhaps the colleague's."""
    consult = _spoken_of(draft, signal.leg)
    if consult is not None and consult.id == signal.leg:
        _change(draft, consult, rang=True)


def bridged(draft: Draft, signal: s.Bridged) -> None:
    """A channel that is neither the customer's nor a leg's is in a bridge."""
    consult = _spoken_of(draft, signal.leg)
    if consult is None:
        return
    side = "bridge" if signal.leg == consult.id else "by_bridge"
    consult = _change(draft, consult, **{side: signal.bridge})
    if consult.answered_at is None and consult.bridge and consult.bridge == consult.by_bridge:
        _change(draft, consult, answered_at=draft.at)
        _tell(draft, f.ConsultAnswered, consult, rang=max(0, draft.at - consult.began_at))


def unbridged(draft: Draft, signal: s.Unbridged) -> None:
    """It has left one: to hang up, or on its way to the customer."""
    consult = _spoken_of(draft, signal.leg)
    if consult is None:
        return
    if signal.leg == consult.id and consult.bridge == signal.bridge:
        _change(draft, consult, bridge="")
    elif signal.leg == consult.by and consult.by_bridge == signal.bridge:
        _change(draft, consult, by_bridge="")


def hangup_asked(draft: Draft, signal: s.HangupAsked) -> None:
    """The colleague refuses or hangs up, or the agent who asked does."""
    consult = _spoken_of(draft, signal.leg)
    if consult is None:
        return
    if signal.leg == consult.id:
        _change(draft, consult, cause=consult.cause or signal.cause)
    else:
        _change(draft, consult, cancelled=True)


def gone(draft: Draft, signal: s.Gone) -> None:
    """A channel is no more. The agent's own ends nothing: he may have handed the colleague over."""
    consult = _spoken_of(draft, signal.leg)
    if consult is None or signal.leg != consult.id:
        return
    end(draft, consult, consult.outcome())


def join(draft: Draft) -> None:
    """Whoever was asked and is in the customer's bridge is an agent of this call from now on."""
    for consult in draft.call.asking:
        if consult.bridge and consult.bridge == draft.call.bridge:
            _take_in(draft, consult)


def _take_in(draft: Draft, consult: Consult) -> None:
    _end(draft, consult, f.ConsultOutcome.JOINED)
    leg = Leg(
        id=consult.id,
        agent=consult.agent,
        device=consult.device,
        queue=consult.queue,
        channel=consult.channel,
        offered_at=draft.at,
        rang=True,
        bridge=consult.bridge,
        answered_at=draft.at,
        file=consult.file,
    )
    draft.change(legs=(*draft.call.legs, leg), phase=f.Phase.TALKING)
    draft.leg_fact(f.AgentOffered, leg, device=leg.device, from_leg=consult.asking)
    rang_for = max(0, (consult.answered_at or draft.at) - consult.began_at)
    # The customer did not wait for it; the telephone rang while the first agent had him.
    draft.leg_fact(f.AgentAnswered, leg, device=leg.device, waited=0, rang=rang_for)


def recording(draft: Draft, signal: s.RecordingBegan) -> bool:
    """What is recorded on the colleague's channel; False if it is not one of these."""
    consult = next((consult for consult in draft.call.consults if consult.id == signal.leg), None)
    if consult is None or draft.call.leg_of(signal.leg) is not None:
        return False
    if not consult.file:
        _recorded(draft, consult, signal.file)
    return True


def _recorded(draft: Draft, consult: Consult, file: str) -> None:
    _change(draft, consult, file=file)
    _of_colleague(draft, f.RecordingStarted, consult, file)


def _of_colleague(draft: Draft, kind: Callable[..., f.Fact], consult: Consult, file: str) -> None:
    draft.fact(kind, leg=consult.id, agent=consult.agent, queue=consult.queue, file=file)


def end(draft: Draft, consult: Consult, outcome: f.ConsultOutcome) -> None:
    """It is over, and the colleague's channel with it."""
    _end(draft, consult, outcome)
    if consult.file:
        _of_colleague(draft, f.RecordingEnded, consult, consult.file)


def _end(draft: Draft, consult: Consult, outcome: f.ConsultOutcome) -> None:
    _change(draft, consult, ended_at=draft.at)
    asking = draft.call.leg_of(consult.asking)
    until = draft.at
    if asking is not None:
        until = min(until, asking.ended_at or until)
        if not any(other.asking == asking.id for other in draft.call.asking):
            over = asking.consult_over(until)
            draft.change_leg(asking, consulting_since=None, consulted=over.consulted, both=over.both)
    _tell(draft, f.ConsultEnded, consult, outcome=outcome, consulted=max(0, until - consult.began_at))


def handed_over(draft: Draft, signal: s.HandedOver) -> None:
    """The step of `HandedOver`: the agent's telephone has brought colleague and customer together."""
    if signal.to:
        _sent_to_queue(draft, signal)
        return
    channels = {signal.leg, signal.other}
    consult = next((c for c in draft.call.consults if c.by in channels and c.asking in channels), None)
    leg = None if consult is None else draft.call.leg_of(consult.asking)
    if consult is None or leg is None or leg.sent_to:
        return
    leg = draft.change_leg(leg, sent_to=consult.agent)
    draft.leg_fact(f.CallTransferred, leg, to=consult.agent)


def _sent_to_queue(draft: Draft, signal: s.HandedOver) -> None:
    """Nobody of the queue had answered: the customer goes there, and whoever is rung is asked no more."""
    channels = {signal.leg, signal.other}
    for consult in draft.call.asking:
        if consult.by in channels:
            _change(draft, consult, cancelled=True)
    leg = next((leg for leg in draft.call.legs if leg.id in channels), None)
    if leg is not None and leg.answered_at is not None and not leg.sent_to:
        leg = draft.change_leg(leg, sent_to=signal.to)
        draft.leg_fact(f.CallTransferred, leg, to=signal.to)
