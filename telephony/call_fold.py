"""The fold of one call: `reduce(call, signal) → (call, facts)`. Pure; live, replayed and recovered alike.

Signals may come twice, late or in another order than things happened: every step looks at what is already
known before it adds anything, and a leg that is first heard of by its answer is taken in there and then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core import facts as f
from core.clock import Instant
from telephony import call_conference as conferences
from telephony import call_consult as consults
from telephony import call_leaders as leaders
from telephony import call_outside as outside
from telephony import call_talk as talk
from telephony import call_waits as waits
from telephony import called_first
from telephony import outgoing as out
from telephony import signals as s
from telephony.call_draft import Draft
from telephony.calls import Call

Step = tuple[Call, tuple[f.Fact, ...]]


def arrive(signal: s.Arrived) -> Step:
    """A new call."""
    call = Call(
        id=signal.call,
        node=signal.node,
        leg=signal.leg,
        channel=signal.channel,
        arrived_at=signal.at,
        vip=signal.vip,
        caller=signal.caller,
    )
    fact = f.CallArrived(
        at=signal.at,
        node=signal.node,
        call=signal.call,
        leg=signal.leg,
        caller=signal.caller,
        called=signal.called,
        vip=signal.vip,
        flow=signal.flow,
        version=signal.version,
    )
    return call, (fact,)


def reduce(call: Call, signal: s.Signal) -> Step:
    """What this signal makes of the call, and the facts that follow from it."""
    step = _STEPS.get(type(signal))
    if step is None or (call.ended_at is not None and type(signal) not in _AFTER_THE_END):
        return call, ()
    draft = Draft(call, signal.at)
    step(draft, signal)
    return draft.call, tuple(draft.facts)


def close(call: Call, at: Instant, reason: f.EndReason) -> Step:
    """End a call that Asterisk will say no more of: its node was lost, or it ended unseen."""
    draft = Draft(call, at)
    _end(draft, reason)
    for leg in draft.call.legs:
        talk.leg_gone(draft, leg)
    leaders.leave(draft)
    for consult in draft.call.asking:
        lost = reason is f.EndReason.NODE_LOST
        consults.end(draft, consult, f.ConsultOutcome.NODE_LOST if lost else f.ConsultOutcome.UNSEEN)
    return draft.call, tuple(draft.facts)


def _seen(draft: Draft, signal: s.Seen) -> None:
    leg = draft.call.leg_of(signal.leg)
    if signal.leg == draft.call.leg:
        draft.change(channel=signal.channel)
    elif leg is not None:
        draft.change_leg(leg, channel=signal.channel)
    else:
        consults.seen(draft, signal)


def _hangup_asked(draft: Draft, signal: s.HangupAsked) -> None:
    if signal.leg == draft.call.leg:
        draft.change(customer_asked=True)
        for leg in draft.call.legs:
            if leg.talking and leg.released_by is None:
                draft.change_leg(leg, released_by=f.Side.CUSTOMER)
        waits.leave_queue(draft, f.LeaveReason.ABANDONED)
        return
    asked = draft.call.leg_of(signal.leg)
    if asked is None:
        consults.hangup_asked(draft, signal)
    elif not asked.gone:
        side = asked.released_by or (f.Side.AGENT if asked.talking else None)
        draft.change_leg(asked, cause=asked.cause or signal.cause, released_by=side)


def _device_failed(draft: Draft, signal: s.DeviceFailed) -> None:
    leg = draft.call.leg_of(signal.leg)
    if leg is not None and leg.talking and leg.released_by is None:
        draft.change_leg(leg, released_by=f.Side.SYSTEM)


def _outgoing_over(draft: Draft, signal: s.OutgoingOver) -> None:
    if draft.call.outgoing and not out.reached(draft.call):
        draft.change(failed=out.not_reached(signal.status, signal.cause))
        _end(draft, f.EndReason.SYSTEM)


def _gone(draft: Draft, signal: s.Gone) -> None:
    call = draft.call
    if call.first is None and call.outgoing and not out.reached(call):
        _gone_unreached(draft, signal)
        return
    if signal.leg == call.leg:
        called_first.heard(draft, signal.leg)
        if call.first is not None and not called_first.was_there(call, call.first):
            draft.change(failed=call.failed or out.not_answered(signal.cause))
        _end(draft, f.EndReason.CUSTOMER if draft.call.customer_asked else f.EndReason.SYSTEM)
        return
    leg = draft.call.leg_of(signal.leg)
    if leg is None:
        consults.gone(draft, signal)
    else:
        talk.leg_gone(draft, leg, signal.cause)


def _gone_unreached(draft: Draft, signal: s.Gone) -> None:
    """A customer's telephone that did not answer is gone before the dialplan says why: that is waited for."""
    leg = draft.call.leg_of(signal.leg)
    if leg is None:
        return
    if draft.call.ended_at is None:
        draft.change(failed=draft.call.failed or out.given_up(draft.call))
        _end(draft, f.EndReason.SYSTEM)
    talk.leg_gone(draft, draft.call.leg_of(signal.leg) or leg, signal.cause)


def _end(draft: Draft, reason: f.EndReason) -> None:
    if draft.call.ended_at is not None:
        return
    lost = reason is f.EndReason.NODE_LOST
    waits.leave_queue(draft, _LEFT_AT_THE_END[reason])
    waits.end_offers(draft, f.OfferOutcome.NODE_LOST if lost else f.OfferOutcome.CALLER_GONE)
    by = f.Side.CUSTOMER if reason is f.EndReason.CUSTOMER else f.Side.SYSTEM
    for leg in draft.call.legs:
        talk.end_talk(draft, leg, by)
    talk.end_survey(draft, f.SurveyOutcome.NODE_LOST if lost else f.SurveyOutcome.HUNG_UP)
    outside.end(draft, reason)
    draft.change(ended_at=draft.at)
    if draft.call.outgoing:
        out.tell_end(draft, reason)
        return
    draft.fact(
        f.CallEnded, reason=reason, phase=draft.call.phase, lasted=max(0, draft.at - draft.call.arrived_at)
    )


_LEFT_AT_THE_END = {
    f.EndReason.CUSTOMER: f.LeaveReason.ABANDONED,
    f.EndReason.SYSTEM: f.LeaveReason.SYSTEM,
    f.EndReason.NODE_LOST: f.LeaveReason.NODE_LOST,
    f.EndReason.UNSEEN: f.LeaveReason.UNSEEN,
}
# An agent may go on asking a colleague when the customer has hung up.
_AFTER_THE_END = (
    *(s.Gone, s.Unbridged, s.Completed, s.RecordingBegan, s.HangupAsked, s.LeaderGone),
    *(s.Rang, s.Bridged, s.HandedOver),
)
_STEPS: dict[type[s.Signal], Callable[[Draft, Any], None]] = {
    s.Seen: _seen,
    s.LanguagePicked: waits.language,
    s.MenuPicked: waits.menu,
    s.MenuMissed: waits.menu_missed,
    s.NobodyServes: waits.nobody,
    s.Entering: waits.entering,
    s.Joined: waits.joined,
    s.Returned: waits.returned,
    s.CallbackAsked: waits.callback,
    s.Offered: waits.offered,
    s.Rang: waits.rang,
    s.OfferFailed: waits.offer_failed,
    s.Connected: talk.connected,
    s.Bridged: talk.bridged,
    s.Unbridged: talk.unbridged,
    s.Held: talk.held,
    s.Unheld: talk.unheld,
    s.Transferred: talk.transferred,
    s.OutsideCalled: talk.sent_outside,
    s.OutsideOver: outside.over,
    s.ConsultCalled: consults.called,
    s.ConferenceCalled: conferences.called,
    s.HandedOver: consults.handed_over,
    s.Completed: talk.completed,
    s.RecordingBegan: waits.recording,
    s.LeaderIs: leaders.present,
    s.LeaderGone: leaders.gone,
    s.LeaderUnreached: leaders.unreached,
    s.SurveyBegan: talk.survey_began,
    s.SurveyKeyed: talk.survey_keyed,
    s.SurveyOver: talk.survey_over,
    s.HangupAsked: _hangup_asked,
    s.DeviceFailed: _device_failed,
    s.CustomerRung: out.dialled,
    s.CustomerThere: called_first.answered,
    s.OutgoingOver: _outgoing_over,
    s.Gone: _gone,
}
