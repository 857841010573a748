"""The fold of one call: `reduce(call, signal) → (call, facts)`. Pure; live, replayed and recovered alike.

Signals may come twice, late or in another order than things happened: every step looks at what is already
known before it adds anything, and a leg that is first heard of by its answer is taken in there and then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from core import facts as f
from core.clock import MILLISECOND, Duration, Instant
from telephony import signals as s
from telephony.calls import Call, Leg, Survey, Wait
from telephony.signals import UNSEEN

Step = tuple[Call, tuple[f.Fact, ...]]

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
# The CEL file has a fact microseconds after the event: no caller keys twice in so short a time.
_SAME_MOMENT: Duration = 20 * MILLISECOND
_RELEASED = {"agent": f.Side.AGENT, "caller": f.Side.CUSTOMER}


def arrive(signal: s.Arrived) -> Step:
    """A new call."""
    call = Call(
        id=signal.call,
        node=signal.node,
        leg=signal.leg,
        channel=signal.channel,
        arrived_at=signal.at,
        vip=signal.vip,
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
    fold = _Fold(call, signal.at)
    step(fold, signal)
    return fold.call, tuple(fold.facts)


def close(call: Call, at: Instant, reason: f.EndReason) -> Step:
    """End a call that Asterisk will say no more of: its node was lost, or it ended unseen."""
    fold = _Fold(call, at)
    fold.end(reason)
    for leg in fold.call.legs:
        fold.leg_gone(leg)
    return fold.call, tuple(fold.facts)


class _Fold:
    """One step in the making: the call as it becomes, the facts as they come."""

    def __init__(self, call: Call, at: Instant) -> None:
        self.call = call
        self.at = at
        self.facts: list[f.Fact] = []

    # -------------------------------------------------------------- small tools

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

    def seen(self, signal: s.Seen) -> None:
        leg = self.call.leg_of(signal.leg)
        if signal.leg == self.call.leg:
            self.change(channel=signal.channel)
        elif leg is not None:
            self.change_leg(leg, channel=signal.channel)

    # -------------------------------------------------------------- menu

    def language(self, signal: s.LanguagePicked) -> None:
        if self.call.language != signal.language:
            self.change(language=signal.language)
            self.fact(f.LanguageChosen, language=signal.language)

    def heard_before(self, signal: s.CallSignal) -> bool:
        """Whether a menu signal of this channel, which come in order, has been folded already."""
        if signal.at <= self.call.menu_at + _SAME_MOMENT:
            return True
        self.change(menu_at=signal.at)
        return False

    def menu(self, signal: s.MenuPicked) -> None:
        if self.heard_before(signal):
            return
        self.fact(f.MenuChosen, menu=signal.menu, key=signal.key, target=signal.target)

    def menu_missed(self, signal: s.MenuMissed) -> None:
        if self.heard_before(signal):
            return
        self.fact(f.MenuFailed, menu=signal.menu, cause=signal.cause, attempt=signal.attempt)

    def nobody(self, signal: s.NobodyServes) -> None:
        if signal.queue in self.call.refused:
            return
        self.change(refused=self.call.refused | {signal.queue}, entering=None)
        self.turned_away(signal.queue)

    def turned_away(self, queue: str) -> None:
        """Nobody serves the queue: who waited has left it, who was never let in is told so."""
        if self.call.waiting:
            self.leave_queue(f.LeaveReason.NOBODY_ON_DUTY)
            self.change(phase=f.Phase.MENU)
        else:
            self.fact(f.NobodyOnDuty, queue=queue)

    # -------------------------------------------------------------- waiting

    def entering(self, signal: s.Entering) -> None:
        wait = self.call.wait
        if wait is not None and wait.queue == signal.queue and signal.round <= wait.round:
            return  # came after the join it announces, or twice
        self.change(entering=signal)

    def joined(self, signal: s.Joined) -> None:
        wait, entering = self.call.wait, self.call.entering
        if entering is None and wait is not None and wait.queue == signal.queue:
            return  # the same join again
        if self.call.waiting:
            self.leave_queue(f.LeaveReason.REQUEUED)
        again = wait is not None and entering is not None and entering.round > 1
        new = Wait(
            queue=signal.queue,
            joined_at=entering.joined_at if entering else signal.at,
            round=entering.round if entering else 1,
            priority=entering.priority if entering else 0,
        )
        self.change(wait=new, entering=None, phase=f.Phase.WAITING)
        self.fact(
            f.CallerQueued,
            queue=new.queue,
            joined_at=new.joined_at,
            priority=new.priority,
            language=entering.language if entering else self.call.language,
            again=again,
        )

    def returned(self, signal: s.Returned) -> None:
        entering, wait = self.call.entering, self.call.wait
        if entering is not None and signal.round >= entering.round:
            self.change(entering=None)
            if _STATUSES.get(signal.status) is f.LeaveReason.NOBODY_ON_DUTY:
                self.turned_away(signal.queue)
            return
        reason = _STATUSES.get(signal.status)
        if wait is not None and wait.open and signal.round >= wait.round and reason is not None:
            self.leave_queue(reason)
            self.change(phase=f.Phase.MENU)

    def leave_queue(self, reason: f.LeaveReason) -> None:
        wait = self.call.wait
        if wait is None or not wait.open:
            return
        self.change(wait=replace(wait, open=False))
        if reason is not f.LeaveReason.ANSWERED:
            self.end_offers(_OFFERS_END[reason])
        self.fact(f.CallerLeftQueue, queue=wait.queue, reason=reason, waited=max(0, self.at - wait.joined_at))

    # -------------------------------------------------------------- offers

    def offered(self, signal: s.Offered) -> None:
        self.leg_for(signal, signal.channel, by_service=signal.by_service)

    def leg_for(self, signal: s.OfferSignal, channel: str = "", *, by_service: bool = False) -> Leg | None:
        """The leg this signal speaks of; taken in if it is new. Without an id: the agent's last open one."""
        if not signal.leg:
            open_legs = [leg for leg in self.call.legs if leg.agent == signal.agent and not leg.ended_at]
            return open_legs[-1] if open_legs else None
        known = self.call.leg_of(signal.leg)
        if known is not None or self.call.ended_at is not None:
            return known
        leg = Leg(
            id=signal.leg,
            agent=signal.agent,
            device=signal.device,
            queue=signal.queue,
            channel=channel,
            offered_at=signal.at,
        )
        phase = f.Phase.RINGING if self.call.waiting else self.call.phase
        self.change(legs=(*self.call.legs, leg), phase=phase)
        self.leg_fact(f.AgentOffered, leg, device=leg.device, by_service=by_service)
        for owner, file in self.call.files:
            if owner == leg.id:
                leg = self.recording_of(leg, file)
        return leg

    def rang(self, signal: s.Rang) -> None:
        leg = self.call.leg_of(signal.leg)
        if leg is not None and not leg.rang:
            self.change_leg(leg, rang=True)

    def offer_failed(self, signal: s.OfferFailed) -> None:
        leg = self.leg_for(signal)
        if leg is not None and leg.offering:
            self.end_offer(leg, leg.failure())

    def end_offer(self, leg: Leg, outcome: f.OfferOutcome) -> None:
        self.change_leg(leg, ended_at=self.at)
        self.leg_fact(f.OfferEnded, leg, outcome=outcome, rang=max(0, self.at - leg.offered_at))
        if self.call.waiting and not any(other.offering for other in self.call.legs):
            self.change(phase=f.Phase.WAITING)

    def end_offers(self, outcome: f.OfferOutcome) -> None:
        for leg in self.call.legs:
            if leg.offering:
                self.end_offer(leg, outcome)

    # -------------------------------------------------------------- talk

    def connected(self, signal: s.Connected) -> None:
        self.leg_for(signal, signal.channel)
        self.answer_if_bridged()

    def bridged(self, signal: s.Bridged) -> None:
        if signal.leg == self.call.leg:
            self.change(bridge=signal.bridge)
        else:
            leg = self.call.leg_of(signal.leg)
            if leg is None or leg.gone:
                return
            self.change_leg(leg, bridge=signal.bridge)
        self.answer_if_bridged()

    def answer_if_bridged(self) -> None:
        for leg in self.call.legs:
            if leg.offering and leg.bridge and leg.bridge == self.call.bridge:
                self.answer(leg)

    def answer(self, leg: Leg) -> None:
        leg = self.change_leg(leg, answered_at=self.at)
        wait = self.call.wait
        waited_since = wait.joined_at if wait is not None else leg.offered_at
        self.leg_fact(
            f.AgentAnswered,
            leg,
            device=leg.device,
            waited=max(0, self.at - waited_since),
            rang=max(0, self.at - leg.offered_at),
        )
        self.leave_queue(f.LeaveReason.ANSWERED)
        self.change(phase=f.Phase.TALKING)

    def unbridged(self, signal: s.Unbridged) -> None:
        if signal.leg == self.call.leg:
            if self.call.bridge == signal.bridge:
                self.change(bridge="")
            return
        leg = self.call.leg_of(signal.leg)
        if leg is not None and leg.bridge == signal.bridge:
            leg = self.change_leg(leg, bridge="")
            self.end_talk(leg, f.Side.SYSTEM)

    def completed(self, signal: s.Completed) -> None:
        leg = self.leg_for(signal)
        if leg is not None:
            self.end_talk(leg, _RELEASED.get(signal.reason, f.Side.SYSTEM))

    def end_talk(self, leg: Leg, otherwise: f.Side) -> None:
        """`otherwise`: who released, if neither side's phone has been heard to hang up."""
        if not leg.talking or leg.answered_at is None:
            return
        side = leg.released_by or otherwise
        self.change_leg(leg, ended_at=self.at, released_by=side)
        self.leg_fact(f.TalkEnded, leg, talked=max(0, self.at - leg.answered_at), released_by=side)

    # -------------------------------------------------------------- recording

    def recording(self, signal: s.RecordingBegan) -> None:
        leg = self.call.leg_of(signal.leg)
        if leg is None:
            self.change(files=(*self.call.files, (signal.leg, signal.file)))
        elif not leg.file:
            self.recording_of(leg, signal.file)

    def recording_of(self, leg: Leg, file: str) -> Leg:
        leg = self.change_leg(leg, file=file)
        self.leg_fact(f.RecordingStarted, leg, file=file)
        return leg

    # -------------------------------------------------------------- survey

    def survey_began(self, signal: s.SurveyBegan) -> None:
        if self.call.survey is not None or signal.leg != self.call.leg:
            return
        by = f.Side.SYSTEM if signal.transferred else f.Side.AGENT
        for leg in self.call.legs:
            self.end_talk(leg, by)
        rated = self.call.last_answered()
        if rated is not None:
            self.change(survey=Survey(rated.id), phase=f.Phase.SURVEY)
            self.leg_fact(f.SurveyStarted, rated, by=by)

    def rated(self) -> tuple[Survey, Leg] | None:
        survey = self.call.survey
        leg = self.call.leg_of(survey.leg) if survey is not None else None
        return (survey, leg) if survey is not None and leg is not None and not survey.over else None

    def survey_keyed(self, signal: s.SurveyKeyed) -> None:
        rated = self.rated()
        if rated is None or signal.leg != self.call.leg or signal.question in rated[0].answered:
            return
        survey, leg = rated
        self.change(survey=replace(survey, answered=survey.answered | {signal.question}))
        self.leg_fact(f.SurveyAnswered, leg, question=signal.question, answer=signal.answer)

    def survey_over(self, signal: s.SurveyOver) -> None:
        if signal.leg == self.call.leg:
            self.end_survey(f.SurveyOutcome(signal.outcome))

    def end_survey(self, outcome: f.SurveyOutcome) -> None:
        rated = self.rated()
        if rated is not None:
            survey, leg = rated
            self.change(survey=replace(survey, over=True))
            self.leg_fact(f.SurveyEnded, leg, outcome=outcome)

    # -------------------------------------------------------------- hanging up

    def hangup_asked(self, signal: s.HangupAsked) -> None:
        if signal.leg == self.call.leg:
            self.change(customer_asked=True)
            for leg in self.call.legs:
                if leg.talking and leg.released_by is None:
                    self.change_leg(leg, released_by=f.Side.CUSTOMER)
            self.leave_queue(f.LeaveReason.ABANDONED)
            return
        asked = self.call.leg_of(signal.leg)
        if asked is not None and not asked.gone:
            side = asked.released_by or (f.Side.AGENT if asked.talking else None)
            self.change_leg(asked, cause=asked.cause or signal.cause, released_by=side)

    def gone(self, signal: s.Gone) -> None:
        if signal.leg == self.call.leg:
            self.end(f.EndReason.CUSTOMER if self.call.customer_asked else f.EndReason.SYSTEM)
            return
        leg = self.call.leg_of(signal.leg)
        if leg is not None:
            self.leg_gone(leg)

    def leg_gone(self, leg: Leg) -> None:
        if leg.gone:
            return
        if leg.offering:
            self.end_offer(leg, leg.failure() if leg.cause else f.OfferOutcome.CANCELLED)
        self.end_talk(leg, f.Side.SYSTEM)
        leg = self.change_leg(self.call.leg_of(leg.id) or leg, gone=True)
        if leg.file:
            self.leg_fact(f.RecordingEnded, leg, file=leg.file)

    def end(self, reason: f.EndReason) -> None:
        if self.call.ended_at is not None:
            return
        lost = reason is f.EndReason.NODE_LOST
        self.leave_queue(_LEFT_AT_THE_END[reason])
        self.end_offers(f.OfferOutcome.NODE_LOST if lost else f.OfferOutcome.CALLER_GONE)
        by = f.Side.CUSTOMER if reason is f.EndReason.CUSTOMER else f.Side.SYSTEM
        for leg in self.call.legs:
            self.end_talk(leg, by)
        self.end_survey(f.SurveyOutcome.NODE_LOST if lost else f.SurveyOutcome.HUNG_UP)
        self.change(ended_at=self.at)
        self.fact(
            f.CallEnded, reason=reason, phase=self.call.phase, lasted=max(0, self.at - self.call.arrived_at)
        )


_LEFT_AT_THE_END = {
    f.EndReason.CUSTOMER: f.LeaveReason.ABANDONED,
    f.EndReason.SYSTEM: f.LeaveReason.SYSTEM,
    f.EndReason.NODE_LOST: f.LeaveReason.NODE_LOST,
    f.EndReason.UNSEEN: f.LeaveReason.UNSEEN,
}
_OFFERS_END = {
    f.LeaveReason.ABANDONED: f.OfferOutcome.CALLER_GONE,
    f.LeaveReason.TIMED_OUT: f.OfferOutcome.CANCELLED,
    f.LeaveReason.NOBODY_ON_DUTY: f.OfferOutcome.CANCELLED,
    f.LeaveReason.REQUEUED: f.OfferOutcome.CANCELLED,
    f.LeaveReason.NODE_LOST: f.OfferOutcome.NODE_LOST,
    f.LeaveReason.SYSTEM: f.OfferOutcome.CANCELLED,
    f.LeaveReason.UNSEEN: f.OfferOutcome.CANCELLED,
}
_AFTER_THE_END = (s.Gone, s.Unbridged, s.Completed, s.RecordingBegan, s.HangupAsked)
_STEPS: dict[type[s.Signal], Callable[[_Fold, Any], None]] = {
    s.Seen: _Fold.seen,
    s.LanguagePicked: _Fold.language,
    s.MenuPicked: _Fold.menu,
    s.MenuMissed: _Fold.menu_missed,
    s.NobodyServes: _Fold.nobody,
    s.Entering: _Fold.entering,
    s.Joined: _Fold.joined,
    s.Returned: _Fold.returned,
    s.Offered: _Fold.offered,
    s.Rang: _Fold.rang,
    s.OfferFailed: _Fold.offer_failed,
    s.Connected: _Fold.connected,
    s.Bridged: _Fold.bridged,
    s.Unbridged: _Fold.unbridged,
    s.Completed: _Fold.completed,
    s.RecordingBegan: _Fold.recording,
    s.SurveyBegan: _Fold.survey_began,
    s.SurveyKeyed: _Fold.survey_keyed,
    s.SurveyOver: _Fold.survey_over,
    s.HangupAsked: _Fold.hangup_asked,
    s.Gone: _Fold.gone,
}
