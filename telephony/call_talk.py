"""Answer, talk, survey: what signals make of a call once it has reached an agent. Pure.

A function that takes a signal is the step of that signal; `call_fold` knows which is which.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from core import facts as f
from core.causes import SILENT
from core.masking import mask_number
from core.names import fits
from telephony import call_conference as conferences
from telephony import call_consult as consults
from telephony import call_outside as outside
from telephony import call_waits as waits
from telephony import signals as s
from telephony.call_draft import Draft
from telephony.calls import Leg, Survey

SURVEY = "survey"
"""Where a telephone refers a customer who is to rate the call."""
_RELEASED = {"agent": f.Side.AGENT, "caller": f.Side.CUSTOMER}


def connected(draft: Draft, signal: s.Connected) -> None:
    waits.leg_for(draft, signal, signal.channel)
    _answer_if_bridged(draft)


def bridged(draft: Draft, signal: s.Bridged) -> None:
    if conferences.is_old(draft.call, signal):
        return
    leg = draft.call.leg_of(signal.leg)
    if signal.leg == draft.call.leg:
        draft.change(bridge=signal.bridge)
        outside.bridged(draft, signal)
    elif leg is None:
        consults.bridged(draft, signal)
    elif not leg.gone:
        draft.change_leg(leg, bridge=signal.bridge)
    if draft.call.ended_at is None:
        _answer_if_bridged(draft)


def _answer_if_bridged(draft: Draft) -> None:
    consults.join(draft)
    for leg in draft.call.legs:
        if leg.offering and leg.bridge and leg.bridge == draft.call.bridge:
            _answer(draft, leg)
    conferences.begin(draft)


def _answer(draft: Draft, leg: Leg) -> None:
    leg = draft.change_leg(leg, answered_at=draft.at)
    wait = draft.call.wait
    waited_since = wait.joined_at if wait is not None and wait.open else leg.offered_at
    draft.leg_fact(
        f.AgentAnswered,
        leg,
        device=leg.device,
        waited=max(0, draft.at - waited_since),
        rang=max(0, draft.at - leg.offered_at),
    )
    waits.leave_queue(draft, f.LeaveReason.ANSWERED)
    draft.change(phase=f.Phase.TALKING)


def unbridged(draft: Draft, signal: s.Unbridged) -> None:
    if signal.leg == draft.call.leg:
        if draft.call.bridge == signal.bridge:
            draft.change(bridge="")
        return
    leg = draft.call.leg_of(signal.leg)
    if leg is None:
        consults.unbridged(draft, signal)
    elif leg.bridge == signal.bridge:
        leg = draft.change_leg(leg, bridge="")
        if not conferences.is_on_the_way(draft.call, leg):
            end_talk(draft, leg, f.Side.SYSTEM)


def held(draft: Draft, signal: s.Held) -> None:
    leg = _news_of_hold(draft, signal)
    if leg is not None and leg.held_since is None:
        draft.change_leg(leg, held_since=signal.at)
        draft.leg_fact(f.HoldStarted, leg)


def unheld(draft: Draft, signal: s.Unheld) -> None:
    leg = _news_of_hold(draft, signal)
    if leg is not None:
        _end_hold(draft, leg)


def _news_of_hold(draft: Draft, signal: s.Held | s.Unheld) -> Leg | None:
    """The leg, if it talks and nothing later is known of its holds: what comes twice is taken once."""
    leg = draft.call.leg_of(signal.leg)
    if leg is None or not leg.talking or signal.at <= leg.hold_at:
        return None
    return draft.change_leg(leg, hold_at=signal.at)


def _end_hold(draft: Draft, leg: Leg) -> Leg:
    if leg.held_since is None:
        return leg
    over = leg.hold_over(draft.at)
    draft.change_leg(leg, held_since=None, held=over.held, both=over.both)
    draft.leg_fact(f.HoldEnded, leg, held=over.held - leg.held)
    return over


def transferred(draft: Draft, signal: s.Transferred) -> None:
    leg = draft.call.leg_of(signal.leg)
    if leg is None or leg.sent_to or leg.answered_at is None:
        return
    leg = draft.change_leg(leg, sent_to=signal.to)
    if signal.to != SURVEY:
        draft.leg_fact(f.CallTransferred, leg, to=_to(signal.to))
    end_talk(draft, leg, f.Side.SYSTEM)


def sent_outside(draft: Draft, signal: s.OutsideCalled) -> None:
    if outside.is_new(draft.call, signal):
        for leg in draft.call.legs:
            end_talk(draft, leg, f.Side.SYSTEM)
        outside.called(draft, signal)


def _to(dialled: str) -> str:
    """A telephone may dial anything; what we know by name is told as it is."""
    known = any(fits(kind, dialled) for kind in ("queue", "staff", "device"))
    return dialled if known else mask_number(re.sub(r"[^0-9A-Za-z*#+]", "?", dialled)[:32])


def completed(draft: Draft, signal: s.Completed) -> None:
    leg = waits.leg_for(draft, signal)
    if leg is not None:
        end_talk(draft, leg, _RELEASED.get(signal.reason, f.Side.SYSTEM))


def end_talk(draft: Draft, leg: Leg, otherwise: f.Side) -> None:
    """`otherwise`: who released, if neither side's phone has been heard to hang up."""
    answered_at = leg.answered_at
    if not leg.talking or answered_at is None:
        return
    leg, side = _end_hold(draft, leg).consult_over(draft.at), leg.released_by or otherwise
    talked = max(0, draft.at - answered_at)
    consulted = min(leg.consulted, talked)
    held = min(leg.held - leg.both, talked - consulted)
    draft.change_leg(leg, ended_at=draft.at, released_by=side)
    draft.leg_fact(f.TalkEnded, leg, talked=talked, released_by=side, held=held, consulted=consulted)
    conferences.end(draft, leg)


def leg_gone(draft: Draft, leg: Leg, cause: int = 0) -> None:
    """`cause`: the Q.850 cause of the hang-up, 0 if it was not heard."""
    if leg.gone:
        return
    if leg.offering:
        # Nobody but the customer takes back what the dialplan alone offers: his hang-up may be heard later.
        theirs = draft.call.customer_asked or draft.call.unqueued
        gone = f.OfferOutcome.CALLER_GONE if theirs else f.OfferOutcome.CANCELLED
        waits.end_offer(draft, leg, leg.failure() if leg.cause else gone)
    end_talk(draft, leg, f.Side.SYSTEM)
    leg = draft.change_leg(draft.call.leg_of(leg.id) or leg, gone=True)
    if cause == SILENT and leg.answered_at is not None:
        draft.leg_fact(f.TelephoneLost, leg)
    if leg.file:
        draft.leg_fact(f.RecordingEnded, leg, file=leg.file)


def survey_began(draft: Draft, signal: s.SurveyBegan) -> None:
    if draft.call.survey is not None or signal.leg != draft.call.leg:
        return
    by = f.Side.SYSTEM if signal.transferred else f.Side.AGENT
    for leg in draft.call.legs:
        end_talk(draft, leg, by)
    rated = draft.call.last_answered()
    if rated is not None:
        if rated.released_by is f.Side.SYSTEM:
            by = f.Side.SYSTEM  # the dialplan only knows that the leg is over, not who has ended it
        draft.change(survey=Survey(rated.id), phase=f.Phase.SURVEY)
        draft.leg_fact(f.SurveyStarted, rated, by=by)


def _rating(draft: Draft) -> tuple[Survey, Leg] | None:
    survey = draft.call.survey
    leg = draft.call.leg_of(survey.leg) if survey is not None else None
    return (survey, leg) if survey is not None and leg is not None and not survey.over else None


def survey_keyed(draft: Draft, signal: s.SurveyKeyed) -> None:
    rated = _rating(draft)
    if rated is None or signal.leg != draft.call.leg or signal.question in rated[0].answered:
        return
    survey, leg = rated
    draft.change(survey=replace(survey, answered=survey.answered | {signal.question}))
    draft.leg_fact(f.SurveyAnswered, leg, question=signal.question, answer=signal.answer)


def survey_over(draft: Draft, signal: s.SurveyOver) -> None:
    if signal.leg == draft.call.leg:
        end_survey(draft, f.SurveyOutcome(signal.outcome))


def end_survey(draft: Draft, outcome: f.SurveyOutcome) -> None:
    rated = _rating(draft)
    if rated is not None:
        survey, leg = rated
        draft.change(survey=replace(survey, over=True))
        draft.leg_fact(f.SurveyEnded, leg, outcome=outcome)
