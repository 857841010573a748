"""From the menu to the agent's ringing phone: what signals make of a call until somebody answers. Pure.

A function that takes a signal is the step of that signal; `call_fold` knows which is which.
"""

from __future__ import annotations

from msgspec.structs import replace

from core import facts as f
from core.clock import MILLISECOND, SECOND, Duration
from telephony import call_consult as consults
from telephony import called_first
from telephony import signals as s
from telephony.call_draft import Draft
from telephony.calls import Leg, Wait
from telephony.signals import UNSEEN

# QUEUESTATUS → how the caller left. CONTINUE (the agent hung up) finds the wait already closed.
_STATUSES = {
    "TIMEOUT": f.LeaveReason.TIMED_OUT,
    "FULL": f.LeaveReason.TIMED_OUT,
    "JOINEMPTY": f.LeaveReason.NOBODY_ON_DUTY,
    "LEAVEEMPTY": f.LeaveReason.NOBODY_ON_DUTY,
    "JOINUNAVAIL": f.LeaveReason.NOBODY_ON_DUTY,
    "LEAVEUNAVAIL": f.LeaveReason.NOBODY_ON_DUTY,
    "WITHDRAW": f.LeaveReason.REQUEUED,
    UNSEEN: f.LeaveReason.UNSEEN,
}
_OFFERS_END = {
    f.LeaveReason.ABANDONED: f.OfferOutcome.CALLER_GONE,
    f.LeaveReason.TIMED_OUT: f.OfferOutcome.CANCELLED,
    f.LeaveReason.NOBODY_ON_DUTY: f.OfferOutcome.CANCELLED,
    f.LeaveReason.REQUEUED: f.OfferOutcome.CANCELLED,
    f.LeaveReason.CALLBACK: f.OfferOutcome.CANCELLED,
    f.LeaveReason.NODE_LOST: f.OfferOutcome.NODE_LOST,
    f.LeaveReason.SYSTEM: f.OfferOutcome.CANCELLED,
    f.LeaveReason.UNSEEN: f.OfferOutcome.CANCELLED,
}
# The CEL file has a fact microseconds after the event: no caller keys twice in so short a time.
_SAME_MOMENT: Duration = 20 * MILLISECOND
_ROUNDED: Duration = SECOND
"""A join read back from the queue log may lie so far from its true time; a round lasts longer."""


def language(draft: Draft, signal: s.LanguagePicked) -> None:
    if draft.call.language != signal.language:
        draft.change(language=signal.language)
        draft.fact(f.LanguageChosen, language=signal.language)


def _heard_before(draft: Draft, signal: s.CallSignal) -> bool:
    """Whether a menu signal of this channel, which come in order, has been folded already."""
    if signal.at <= draft.call.menu_at + _SAME_MOMENT:
        return True
    draft.change(menu_at=signal.at)
    return False


def menu(draft: Draft, signal: s.MenuPicked) -> None:
    if _heard_before(draft, signal):
        return
    draft.fact(f.MenuChosen, menu=signal.menu, key=signal.key, target=signal.target)


def menu_missed(draft: Draft, signal: s.MenuMissed) -> None:
    if _heard_before(draft, signal):
        return
    draft.fact(f.MenuFailed, menu=signal.menu, cause=signal.cause, attempt=signal.attempt)


def nobody(draft: Draft, signal: s.NobodyServes) -> None:
    if signal.queue in draft.call.refused:
        return
    draft.change(refused=draft.call.refused | {signal.queue}, entering=None)
    _turned_away(draft, signal.queue)


def _turned_away(draft: Draft, queue: str) -> None:
    """Nobody serves the queue: who waited has left it, who was never let in is told so."""
    if draft.call.waiting:
        leave_queue(draft, f.LeaveReason.NOBODY_ON_DUTY)
        draft.change(phase=f.Phase.MENU)
    else:
        draft.fact(f.NobodyOnDuty, queue=queue)


def entering(draft: Draft, signal: s.Entering) -> None:
    wait = draft.call.wait
    known = wait is not None and wait.queue == signal.queue and signal.joined_at <= wait.joined_at
    if wait is not None and known and signal.round <= wait.round:
        return  # came after the join it announces, or twice
    if wait is not None and wait.queue != signal.queue and signal.at < wait.heard_at:
        return  # of a queue before this one, heard once more
    draft.change(entering=signal)


def joined(draft: Draft, signal: s.Joined) -> None:
    if signal.leg != draft.call.leg:
        return  # an agent asks a queue: he waits there, not the customer
    wait, entering = draft.call.wait, draft.call.entering
    if entering is None and wait is not None and (wait.queue == signal.queue or signal.at <= wait.heard_at):
        return  # the same join again, or one before it
    if entering is not None and signal.at + _ROUNDED < entering.at:
        return  # of a round before this one, heard late
    if draft.call.waiting:
        leave_queue(draft, f.LeaveReason.REQUEUED)
    again = wait is not None and entering is not None and entering.round > 1
    new = Wait(
        queue=signal.queue,
        joined_at=entering.joined_at if entering else signal.at,
        round=entering.round if entering else 1,
        priority=entering.priority if entering else 0,
        heard_at=signal.at,
    )
    draft.change(wait=new, entering=None, phase=f.Phase.WAITING)
    draft.fact(
        f.CallerQueued,
        queue=new.queue,
        joined_at=new.joined_at,
        priority=new.priority,
        language=entering.language if entering else draft.call.language,
        again=again,
    )


def returned(draft: Draft, signal: s.Returned) -> None:
    entering, wait = draft.call.entering, draft.call.wait
    if entering is not None and signal.at < entering.at:
        return  # of what was before, heard late
    if entering is not None and signal.round >= entering.round:
        draft.change(entering=None)
        if _STATUSES.get(signal.status) is f.LeaveReason.NOBODY_ON_DUTY:
            _turned_away(draft, signal.queue)
        return
    reason = _STATUSES.get(signal.status)
    if wait is not None and wait.open and signal.round >= wait.round and reason is not None:
        leave_queue(draft, reason)
        draft.change(phase=f.Phase.MENU)


def callback(draft: Draft, signal: s.CallbackAsked) -> None:
    if draft.call.to_be_called:
        return
    draft.change(to_be_called=True, entering=None)
    if draft.call.waiting:
        leave_queue(draft, f.LeaveReason.CALLBACK)
        draft.change(phase=f.Phase.MENU)
    draft.fact(
        f.CallbackRequested,
        queue=signal.queue,
        joined_at=signal.joined_at,
        number=signal.number,
        priority=signal.priority,
        language=signal.language,
    )


def leave_queue(draft: Draft, reason: f.LeaveReason) -> None:
    wait = draft.call.wait
    if wait is None or not wait.open:
        return
    draft.change(wait=replace(wait, open=False))
    if reason is not f.LeaveReason.ANSWERED:
        end_offers(draft, _OFFERS_END[reason])
    draft.fact(f.CallerLeftQueue, queue=wait.queue, reason=reason, waited=max(0, draft.at - wait.joined_at))


def offered(draft: Draft, signal: s.Offered) -> None:
    leg_for(draft, signal, signal.channel, by_service=signal.by_service, by_transfer=signal.by_transfer)


def leg_for(
    draft: Draft,
    signal: s.OfferSignal,
    channel: str = "",
    *,
    by_service: bool = False,
    by_transfer: bool = False,
) -> Leg | None:
    """The leg this signal speaks of; taken in if it is new. Without an id: the agent's last open one."""
    if not signal.leg:
        open_legs = [leg for leg in draft.call.legs if leg.agent == signal.agent and not leg.ended_at]
        return open_legs[-1] if open_legs else None
    known = draft.call.leg_of(signal.leg)
    if known is not None or draft.call.ended_at is not None:
        return known
    leg = Leg(
        id=signal.leg,
        agent=signal.agent,
        device=signal.device,
        queue=signal.queue,
        channel=channel,
        offered_at=signal.at,
    )
    sender = draft.call.last_answered() if by_transfer else None
    phase = f.Phase.RINGING if draft.call.waiting or by_transfer else draft.call.phase
    draft.change(legs=(*draft.call.legs, leg), phase=phase)
    from_leg = "" if sender is None else sender.id
    draft.leg_fact(f.AgentOffered, leg, device=leg.device, by_service=by_service, from_leg=from_leg)
    for owner, file in draft.call.files:
        if owner == leg.id:
            leg = _recording_of(draft, leg, file)
    return leg


def rang(draft: Draft, signal: s.Rang) -> None:
    consults.rang(draft, signal)
    called_first.heard(draft, signal.leg)
    leg = draft.call.leg_of(signal.leg)
    if leg is not None and not leg.rang:
        draft.change_leg(leg, rang=True)


def offer_failed(draft: Draft, signal: s.OfferFailed) -> None:
    leg = leg_for(draft, signal)
    if leg is not None and leg.offering:
        end_offer(draft, leg, leg.failure())


def end_offer(draft: Draft, leg: Leg, outcome: f.OfferOutcome) -> None:
    draft.change_leg(leg, ended_at=draft.at)
    if draft.call.is_dialling(leg):
        return  # nobody offered it: what came of the call is told when it ends
    draft.leg_fact(f.OfferEnded, leg, outcome=outcome, rang=max(0, draft.at - leg.offered_at))
    if draft.call.waiting and not any(other.offering for other in draft.call.legs):
        draft.change(phase=f.Phase.WAITING)


def end_offers(draft: Draft, outcome: f.OfferOutcome) -> None:
    for leg in draft.call.legs:
        if leg.offering:
            end_offer(draft, leg, outcome)


def recording(draft: Draft, signal: s.RecordingBegan) -> None:
    leg = draft.call.leg_of(signal.leg)
    if consults.recording(draft, signal):
        return
    if leg is None:
        draft.change(files=(*draft.call.files, (signal.leg, signal.file)))
    elif not leg.file:
        _recording_of(draft, leg, signal.file)


def _recording_of(draft: Draft, leg: Leg, file: str) -> Leg:
    leg = draft.change_leg(leg, file=file)
    draft.leg_fact(f.RecordingStarted, leg, file=file)
    return leg
