"""What we knew, read back from the ledger: open calls and agents' states after a restart. Pure.

The facts of a call name every leg and every time its fold needs, so the call is taken up where it was left;
what happened meanwhile is for `reconcile` to find out from Asterisk.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from core import facts as f
from core.facts import AgentState, Phase
from telephony import call_conference as conferences
from telephony import call_leaders as leaders
from telephony import call_outside as outside
from telephony import outgoing
from telephony.agents import Agent, Rest
from telephony.calls import Call, Consult, Known, Leg, Survey, Wait


def recall_call(facts: Iterable[f.Fact]) -> Call | None:
    """The call these facts (all of one call, in their order) tell of; None without an arrival."""
    call: Call | None = None
    for fact in facts:
        if isinstance(fact, f.OutgoingStarted):
            call = outgoing.recall(fact)
        elif isinstance(fact, f.CallArrived):
            call = Call(
                id=fact.call,
                node=fact.node,
                leg=fact.leg,
                channel="",
                arrived_at=fact.at,
                vip=fact.vip,
                menu_at=fact.at,
                caller=fact.caller,
            )
        elif call is not None:
            call = _advance(call, fact)
    return call


def _advance(call: Call, fact: f.Fact) -> Call:
    match fact:
        case f.CustomerIdentified():
            known = Known(fact.customer, fact.level, fact.language)
            call = replace(call, favoured=fact.favoured, known=known)
        case f.LanguageChosen():
            call = replace(call, language=fact.language)
        case f.MenuChosen() | f.MenuFailed():
            call = replace(call, menu_at=fact.at)
        case f.NobodyOnDuty():
            call = replace(call, refused=call.refused | {fact.queue})
        case f.CallerQueued():
            turn = call.wait.round + 1 if fact.again and call.wait else 1
            wait = Wait(fact.queue, fact.joined_at, turn, fact.priority, heard_at=fact.at)
            call = replace(call, wait=wait, phase=Phase.WAITING)
        case f.CallerLeftQueue() if call.wait is not None:
            phase = call.phase if fact.reason in _GOES_ON else Phase.MENU
            asked = call.customer_asked or fact.reason is f.LeaveReason.ABANDONED
            call = replace(call, wait=replace(call.wait, open=False), phase=phase, customer_asked=asked)
        case f.CallbackRequested():
            call = replace(call, to_be_called=True)
        case f.CallEnded() | f.OutgoingEnded():
            call = replace(call, ended_at=fact.at)
        case f.CustomerDialled():
            first = None if call.first is None else replace(call.first, dialled=True)
            call = replace(call, leg=fact.customer, first=first)
        case f.CustomerAnswered() if call.first is not None:
            call = replace(call, first=replace(call.first, answered=True))
        case f.LegFact():
            call = _advance_leg(call, fact)
    return call


def _advance_leg(call: Call, fact: f.LegFact) -> Call:
    match fact:
        case f.AgentOffered():
            leg = Leg(
                id=fact.leg,
                agent=fact.agent,
                device=fact.device,
                queue=fact.queue,
                channel="",
                offered_at=fact.at,
                rang=True,  # not told by any fact; nearly every phone that is offered a call rings
                file=_consult_of(call, fact.leg).file,
            )
            call = replace(call, legs=(*call.legs, leg), phase=Phase.RINGING)
        case f.AgentAnswered():
            bridged = replace(call, phase=Phase.TALKING, bridge=_UNKNOWN_BRIDGE)
            call = _with_leg(bridged, fact.leg, answered_at=fact.at, bridge=_UNKNOWN_BRIDGE)
        case f.HoldStarted() | f.HoldEnded() | f.CallTransferred() | f.ConferenceFact():
            call = _in_the_talk(call, fact)
        case f.ConsultFact():
            call = _advance_consult(call, fact)
        case f.OfferEnded():
            call = _with_leg(call, fact.leg, ended_at=fact.at)
            if call.waiting and not any(leg.offering for leg in call.legs):
                call = replace(call, phase=Phase.WAITING)
        case f.TalkEnded():
            over = (leg.consult_over(fact.at) if leg.id == fact.leg else leg for leg in call.legs)
            call = replace(call, legs=tuple(over))
            call = _with_leg(call, fact.leg, ended_at=fact.at, released_by=fact.released_by)
        case f.RecordingStarted():
            call = _with_consult(_with_leg(call, fact.leg, file=fact.file), fact.leg, file=fact.file)
        case f.TelephoneLost() | f.RecordingEnded():
            call = _with_leg(call, fact.leg, gone=True)
        case f.LeaderJoined() | f.LeaderModeChanged() | f.LeaderMissed() | f.LeaderLeft():
            call = replace(call, leaders=leaders.recalled(call.leaders, fact))
        case f.OutsideFact():
            call = replace(call, outside=outside.recalled(call.outside, fact))
        case f.SurveyStarted() | f.SurveyAnswered() | f.SurveyEnded():
            call = _in_the_survey(call, fact)
    return call


def _in_the_survey(call: Call, fact: f.SurveyStarted | f.SurveyAnswered | f.SurveyEnded) -> Call:
    match fact:
        case f.SurveyStarted():
            call = replace(call, survey=Survey(fact.leg), phase=Phase.SURVEY)
        case f.SurveyAnswered() if call.survey is not None:
            answered = call.survey.answered | {fact.question}
            call = replace(call, survey=replace(call.survey, answered=answered))
        case f.SurveyEnded() if call.survey is not None:
            call = replace(call, survey=replace(call.survey, over=True))
    return call


def _in_the_talk(
    call: Call, fact: f.HoldStarted | f.HoldEnded | f.CallTransferred | f.ConferenceFact
) -> Call:
    match fact:
        case f.HoldStarted():
            return _with_leg(call, fact.leg, held_since=fact.at, hold_at=fact.at)
        case f.HoldEnded():
            legs = tuple(leg.hold_over(fact.at) if leg.id == fact.leg else leg for leg in call.legs)
            return _with_leg(replace(call, legs=legs), fact.leg, hold_at=fact.at)
        case f.CallTransferred():
            return _with_leg(call, fact.leg, sent_to=fact.to)
        case f.ConferenceFact():
            return replace(call, conference=conferences.recalled(call.conference, fact))


def _advance_consult(call: Call, fact: f.ConsultFact) -> Call:
    leg = call.leg_of(fact.leg)
    match fact:
        case f.ConsultStarted():
            consult = Consult(
                id=fact.to_leg,
                asking=fact.leg,
                by=fact.by_leg,
                agent=fact.to,
                device=fact.device,
                channel="",
                began_at=fact.at,
                queue=fact.of or fact.queue,
                of=fact.of,
                rang=True,
            )
            since = fact.at if leg is None or leg.consulting_since is None else leg.consulting_since
            call = replace(call, consults=(*call.consults, consult))
            return _with_leg(call, fact.leg, consulting_since=since)
        case f.ConsultAnswered():
            bridge = f"{_UNKNOWN_BRIDGE}-{fact.to_leg}"
            return _with_consult(call, fact.to_leg, answered_at=fact.at, bridge=bridge, by_bridge=bridge)
        case f.ConsultEnded():
            call = _with_consult(call, fact.to_leg, ended_at=fact.at)
            if any(consult.asking == fact.leg for consult in call.asking):
                return call
            legs = (one.consult_over(fact.at) if one.id == fact.leg else one for one in call.legs)
            return replace(call, legs=tuple(legs))
    return call


def _consult_of(call: Call, leg: str) -> Consult:
    """The consult that became this leg; an empty one if there was none."""
    found = (consult for consult in call.consults if consult.id == leg)
    return next(found, Consult("", "", "", "", "", "", 0))


def _with_consult(call: Call, leg: str, **changes: object) -> Call:
    return replace(
        call,
        consults=tuple(replace(one, **changes) if one.id == leg else one for one in call.consults),
    )


_UNKNOWN_BRIDGE = "recalled"
# After these the call's next fact says where it is; after the others the dialplan speaks to the caller.
_GOES_ON = (f.LeaveReason.ANSWERED, f.LeaveReason.ABANDONED, f.LeaveReason.REQUEUED)


def _with_leg(call: Call, leg_id: str, **changes: object) -> Call:
    return replace(
        call,
        legs=tuple(replace(leg, **changes) if leg.id == leg_id else leg for leg in call.legs),
    )


def recall_agent(agent: Agent, fact: f.Fact) -> Agent:
    """The agent after the next of the facts that are told of it; other facts change nothing."""
    match fact:
        case f.AgentOffered() | f.AgentAnswered():
            return replace(agent, queue=fact.queue)
        case f.OutgoingStarted(first=f.Side.AGENT):
            given = agent.state is AgentState.RESERVED
            return replace(agent, queue="", held=True, given=given, rest=_rest_of(agent))
        case f.SummarySaved():
            return replace(agent, summarised=agent.summarised or agent.leg == fact.leg)
        case f.AgentStateChanged():
            return _changed(agent, fact)
        case _:
            return agent


def _rest_of(agent: Agent) -> Rest:
    """Where an agent who calls somebody goes back to."""
    resting = agent.state in (AgentState.READY, AgentState.NOT_READY)
    return Rest(agent.state, agent.reason) if resting else agent.rest


def _changed(agent: Agent, fact: f.AgentStateChanged) -> Agent:
    resting = fact.state in (AgentState.READY, AgentState.NOT_READY)
    rest = Rest() if resting else agent.rest
    if fact.state is AgentState.CONSULTING:
        rest = Rest(agent.state, agent.reason)  # a question ends where it found him
    return replace(
        agent,
        state=fact.state,
        reason=fact.reason if fact.state is AgentState.NOT_READY else "",
        since=fact.at,
        device=fact.device if fact.state is not AgentState.LOGGED_OUT else "",
        node=fact.node,
        call=fact.call,
        leg=fact.leg,
        queue="" if resting else agent.queue,
        summarised=agent.summarised and agent.leg == fact.leg,
        rest=rest,
        held=fact.state is AgentState.RESERVED or (agent.held and fact.state is AgentState.RINGING),
    )
