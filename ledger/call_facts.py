"""The facts of one call, laid out the way a witness sees them: wait by wait, leg by leg. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from core import facts as f
from core.clock import MINUTE, Instant
from core.facts import Numbered

WRITTEN_LATER = (
    f.RecordingFiled,
    f.SummarySaved,
    f.TicketOpened,
    f.CustomerIdentified,
    f.CallbackPlaceEnded,
)
"""Our own records of a call, made when it may be long over."""


@dataclass(slots=True, kw_only=True)
class Turn:
    """One time app_queue had the caller: how it began and, once it is over, how it ended."""

    joined: f.CallerQueued
    left: f.CallerLeftQueue | None = None


@dataclass(slots=True, kw_only=True)
class CallFacts:
    """`channel`: the customer's Uniqueid, empty if the arrival was missed, or where an agent calls first."""

    call: str
    began_at: Instant
    channel: str = ""
    facts: list[f.CallFact] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    stray_exits: list[f.CallerLeftQueue] = field(default_factory=list)
    answers: list[f.AgentAnswered] = field(default_factory=list)
    talks: dict[str, f.TalkEnded] = field(default_factory=dict)
    offers_ended: list[f.OfferEnded] = field(default_factory=list)
    ours: set[str] = field(default_factory=set)
    """Legs offered past app_queue, by the service or by a transfer: its log knows nothing of them."""
    outgoing: bool = False
    """We made it: it begins and ends by facts of its own."""

    def count(self, kind: type[f.CallFact]) -> int:
        """How many facts of this kind the call has."""
        return sum(isinstance(fact, kind) for fact in self.facts)

    @property
    def is_over(self) -> bool:
        """Whether its last fact is known."""
        return bool(self.count(f.CallEnded) or self.count(f.OutgoingEnded))

    @property
    def surveyed_legs(self) -> set[str]:
        """The legs after which the customer went on to the survey."""
        return {fact.leg for fact in self.facts if isinstance(fact, f.SurveyStarted)}

    @property
    def ends_by(self) -> Instant:
        """When nothing more of this call can have happened; a minute on for one whose end is not known."""
        happened = [fact.at for fact in self.facts if not isinstance(fact, WRITTEN_LATER)]
        return (happened or [self.began_at])[-1] + MINUTE

    @property
    def arrived_at(self) -> Instant:
        """When the customer's channel came in or, if that was missed, when the call was first heard of."""
        begins = (f.CallArrived, f.OutgoingStarted)
        arrivals = (fact.at for fact in self.facts if isinstance(fact, begins))
        return next(arrivals, self.began_at)

    @property
    def node(self) -> str:
        """The node that had the call; empty if no fact of a node is known of it."""
        return next((fact.node for fact in self.facts if fact.node), "")

    def add(self, fact: f.CallFact) -> None:
        """The next fact of this call."""
        self.facts.append(fact)
        match fact:
            case f.CallArrived():
                self.channel = fact.leg
            case f.CallerQueued():
                self.turns.append(Turn(joined=fact))
            case f.CallerLeftQueue():
                self._left(fact)
            case f.AgentAnswered():
                self.answers.append(fact)
            case f.TalkEnded():
                self.talks[fact.leg] = fact
            case f.OutgoingStarted():
                self.outgoing = True
                if fact.first is f.Side.CUSTOMER:
                    self.channel = fact.leg
                else:
                    self.ours.add(fact.leg)
            case f.AgentOffered() if fact.by_service or fact.from_leg:
                self.ours.add(fact.leg)
            case f.OfferEnded():
                self.offers_ended.append(fact)
            case _:
                pass  # menus, recordings and surveys are nothing app_queue could witness

    def _left(self, fact: f.CallerLeftQueue) -> None:
        last = self.turns[-1] if self.turns else None
        if last is None or last.left is not None or last.joined.queue != fact.queue:
            self.stray_exits.append(fact)
        else:
            last.left = fact


def gather(facts: Iterable[Numbered]) -> dict[str, CallFacts]:
    """Every call that has a fact among these, in the order in which they are first heard of."""
    calls: dict[str, CallFacts] = {}
    for numbered in facts:
        fact = numbered.fact
        if isinstance(fact, f.CallFact):
            story = calls.get(fact.call)
            if story is None:
                story = calls[fact.call] = CallFacts(call=fact.call, began_at=fact.at)
            story.add(fact)
    return calls
