"""Rules of the fold for agent legs: offers, answers, talk and the survey of each leg.

What the agent did with a call (talk, hold, consult, wrap-up) is counted where the leg was answered, so that
all sums of a period are about the same legs.
"""

from __future__ import annotations

from board.fold_waits import close, enter
from board.model import Leg, LegCounts, Outcome, Place
from board.state import JOURNAL, BoardState, Rules
from core.clock import Instant
from core.facts import (
    AgentAnswered,
    AgentOffered,
    ConsultEnded,
    ConsultStarted,
    HoldEnded,
    HoldStarted,
    LegFact,
    OfferEnded,
    OfferOutcome,
    OutsideDialled,
    Side,
    SurveyAnswered,
    SurveyStarted,
    TalkEnded,
)

UNANSWERED = frozenset({OfferOutcome.NO_ANSWER, OfferOutcome.REJECTED})
"""Offers the agent let pass. An unreachable phone or a caller who left is not the agent's doing."""


def _offered(state: BoardState, fact: AgentOffered) -> None:
    for counts in state.leg_slots(fact.queue, fact.agent, fact.at):
        counts.offers += 1
    if fact.queue:  # whom we have called waits in none
        state.mark("offers", fact.queue, fact.call, fact.at)
    state.agent(fact.agent).queue = fact.queue
    state.touched_queues.add(fact.queue)


def _offer_ended(state: BoardState, fact: OfferEnded) -> None:
    if fact.outcome not in UNANSWERED:
        return
    for counts in state.leg_slots(fact.queue, fact.agent, fact.at):
        counts.offers_unanswered += 1
    if fact.queue:
        state.mark("offers_unanswered", fact.queue, fact.call, fact.at)
    state.agent(fact.agent).unanswered += 1
    state.touched_queues.add(fact.queue)


def _answered(state: BoardState, fact: AgentAnswered) -> None:
    wait = state.waiting.get(fact.call)
    if wait is not None:
        close(state, wait, Outcome.ANSWERED, fact.waited)
    enter(state, fact.call, Place.TALKING)
    leg = _remember(state, fact, fact.at)
    if fact.queue:  # of a call that we made, what rang is the customer's telephone
        for counts in leg.slots:
            counts.rings += 1
            counts.ring_us += fact.rang
        state.mark("rings", fact.queue, fact.call, fact.at)
    agent = state.agent(fact.agent)
    agent.unanswered = 0
    agent.queue, agent.call, agent.leg = fact.queue, fact.call, fact.leg
    state.touched_queues.add(fact.queue)


def _remember(state: BoardState, fact: LegFact, answered_at: Instant) -> Leg:
    slots = state.leg_slots(fact.queue, fact.agent, answered_at)
    leg = state.legs[fact.leg] = Leg(fact.leg, fact.call, fact.agent, fact.queue, answered_at, slots)
    if len(state.legs) > JOURNAL:
        dropped = state.legs.pop(next(iter(state.legs)))
        state.journal_from = max(state.journal_from, dropped.answered_at)
    return leg


def _hold_started(state: BoardState, fact: HoldStarted) -> None:
    agent = state.agent(fact.agent)
    if agent.leg == fact.leg:
        agent.held_since = fact.at
        state.touched_queues.add(fact.queue)


def _hold_ended(state: BoardState, fact: HoldEnded) -> None:
    state.agent(fact.agent).held_since = 0
    state.touched_queues.add(fact.queue)


def _consult_started(state: BoardState, fact: ConsultStarted) -> None:
    agent = state.agent(fact.agent)
    if agent.leg == fact.leg:
        agent.asking_since = agent.asking_since or fact.at
        state.touched_queues.add(fact.queue)


def _consult_ended(state: BoardState, fact: ConsultEnded) -> None:
    state.agent(fact.agent).asking_since = 0
    state.touched_queues.add(fact.queue)


def _sent_outside(state: BoardState, fact: OutsideDialled) -> None:
    """Whoever answers there is no agent. Where nobody does, his next wait takes him from there."""
    enter(state, fact.call, Place.OUTSIDE)


def _talk_ended(state: BoardState, fact: TalkEnded) -> None:
    leg = state.legs.get(fact.leg)
    if leg is None:
        leg = _remember(state, fact, fact.at - fact.talked)
    if leg.ended_at:
        return
    leg.ended_at, leg.released_by = fact.at, fact.released_by
    agent = state.agent(fact.agent)
    if agent.leg == fact.leg:
        agent.asking_since = 0  # what he still asks is no customer's time
    for counts in leg.slots:
        counts.talks += 1
        counts.talk_us += fact.talked - fact.held - fact.consulted
        counts.hold_us += fact.held
        counts.consult_us += fact.consulted
        counts.agent_first += fact.released_by is Side.AGENT
    state.touched_queues.add(fact.queue)


def _survey_of(state: BoardState, fact: SurveyStarted | SurveyAnswered) -> tuple[Leg, tuple[LegCounts, ...]]:
    """The leg with its survey begun: counted as asked once, by whichever fact comes first."""
    leg = state.legs.get(fact.leg)
    if leg is None:
        leg = _remember(state, fact, fact.at)
    if leg.survey is None:
        leg.survey_at = fact.at
        leg.survey = state.leg_slots(fact.queue, fact.agent, fact.at)
        for counts in leg.survey:
            counts.surveys_asked += 1
        state.touched_queues.add(fact.queue)
    return leg, leg.survey


def _survey_started(state: BoardState, fact: SurveyStarted) -> None:
    enter(state, fact.call, Place.SURVEY)
    _survey_of(state, fact)


def _survey_answered(state: BoardState, fact: SurveyAnswered) -> None:
    leg, slots = _survey_of(state, fact)
    if fact.question == "satisfaction" and not leg.satisfaction:
        leg.satisfaction = fact.answer
        for counts in slots:
            counts.surveys_answered += 1
            counts.satisfaction_sum += fact.answer
    elif fact.question == "solved" and not leg.solved:
        leg.solved = fact.answer
        for counts in slots:
            counts.solved_answers += 1
            counts.solved_yes += fact.answer == 1
    state.touched_queues.add(fact.queue)


RULES: Rules = {
    AgentOffered: _offered,
    OfferEnded: _offer_ended,
    AgentAnswered: _answered,
    HoldStarted: _hold_started,
    HoldEnded: _hold_ended,
    ConsultStarted: _consult_started,
    ConsultEnded: _consult_ended,
    OutsideDialled: _sent_outside,
    TalkEnded: _talk_ended,
    SurveyStarted: _survey_started,
    SurveyAnswered: _survey_answered,
}
