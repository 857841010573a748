"""Facts counted by interval, for keeping: the board's own fold, over a state that remembers little. Pure.

    tally = Tally(held)                   # what was open when the facts before these had been counted
    for numbered in facts:
        tally.count(numbered)
    tally.quarters, tally.agent_quarters  # what these facts add to each quarter-hour
    tally.held()                          # what is open now

However the facts are cut into tallies, the sums are the same digits: nothing depends on where one ends.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass

from board.fold import reduce
from board.model import Agent, AgentSlots, CallTotals, Counts, Leg, Mark, Slots, TurnedAway, Wait
from board.periods import quarter_start
from board.state import BoardState, ByQueue
from core.clock import Duration, Instant
from core.facts import USUAL_ANSWER_WITHIN, AgentState, CallEnded, LegFact, Numbered, OutgoingEnded

KINDS = frozenset(
    {
        "CallerQueued",
        "CallerLeftQueue",
        "NobodyOnDuty",
        "CallbackRequested",
        "CallbackPlaceEnded",
        "CallEnded",
        "OutgoingEnded",
        "AgentOffered",
        "OfferEnded",
        "AgentAnswered",
        "TalkEnded",
        "SurveyStarted",
        "SurveyAnswered",
        "AgentStateChanged",
    }
)
"""The facts that count; any other changes nothing."""
LINGER = 2_000
"""For so many numbers the legs of a call that has ended are remembered, should their facts come swapped."""


@dataclass(frozen=True, slots=True)
class HeldWait:
    """A caller who waits."""

    call: str
    queue: str
    joined_at: Instant
    answer_within: Duration = USUAL_ANSWER_WITHIN


@dataclass(frozen=True, slots=True)
class HeldTurned:
    """A caller whom nobody serves, and who may still ask to be called back. `at`: when that was counted."""

    call: str
    queue: str
    at: Instant


@dataclass(frozen=True, slots=True)
class HeldLeg:
    """A leg that may still be counted. `over`: number of the fact that ended its call, 0 before."""

    leg: str
    call: str
    agent: str
    queue: str
    answered_at: Instant
    ended_at: Instant
    survey_at: Instant
    satisfaction: int
    solved: int
    over: int


@dataclass(frozen=True, slots=True)
class HeldAgent:
    """What an agent does since when, and the leg that may be wrapped up."""

    agent: str
    state: AgentState
    since: Instant
    leg: str


@dataclass(frozen=True, slots=True)
class Held:
    """All that facts to come may refer to. `last`: number of the last fact that was counted."""

    last: int = 0
    waits: tuple[HeldWait, ...] = ()
    legs: tuple[HeldLeg, ...] = ()
    agents: tuple[HeldAgent, ...] = ()
    turned: tuple[HeldTurned, ...] = ()


class Tally(BoardState):
    """The state the fold works on: the board's, but it counts by quarter-hour alone and shows nothing."""

    def __init__(self, held: Held | None = None, *, linger: int = LINGER) -> None:
        super().__init__()
        self._linger = linger
        self.recent = defaultdict(lambda: deque(maxlen=0))
        self.waits = deque(maxlen=0)
        self._legs_of: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._over: dict[str, int] = {}
        self._take_up(Held() if held is None else held)

    def count(self, numbered: Numbered) -> None:
        """Count one fact; one whose number is not newer than the last is counted already."""
        fact = numbered.fact
        if type(fact).__name__ not in KINDS or numbered.seq <= self.last:
            return
        reduce(self, numbered)
        if isinstance(fact, CallEnded | OutgoingEnded):
            self._over.update(dict.fromkeys(self._legs_of.pop(fact.call, {}), numbered.seq))
        elif isinstance(fact, LegFact) and fact.leg in self.legs and fact.leg not in self._over:
            self._legs_of[fact.call][fact.leg] = None
        self._forget()

    def held(self) -> Held:
        """What is open: enough to count on from here."""
        return Held(
            last=self.last,
            waits=tuple(
                HeldWait(each.call, each.queue, each.joined_at, each.answer_within)
                for each in self.waiting.values()
            ),
            legs=tuple(self._held_leg(leg) for leg in self._kept_legs()),
            agents=tuple(
                HeldAgent(each.agent, each.state, each.since, each.leg) for each in self.agents.values()
            ),
            turned=tuple(
                HeldTurned(call, queue, each.mark.at)
                for call, by_queue in self.turned_away.items()
                for queue, each in by_queue.items()
            ),
        )

    # -------------------------------------------------------------- what the fold asks for

    def slots(self, queue: str, at: Instant) -> Slots:
        """The counters of `queue` for the quarter-hour of `at`."""
        return (self.quarters.setdefault(quarter_start(at), ByQueue(Counts))[queue],)

    def agent_slots(self, agent: str, at: Instant) -> AgentSlots:
        """The counters of an agent for the quarter-hour of `at`."""
        return (self.agent_quarters[quarter_start(at)][agent],)

    def totals(self, at: Instant) -> tuple[CallTotals, ...]:
        """Calls as a whole are not kept by interval."""
        return ()

    def mark(self, figure: str, queue: str, call: str, at: Instant) -> Mark:
        """Intervals are not opened into calls: it is not kept."""
        return Mark(at, figure, queue, call)

    # -------------------------------------------------------------- inside

    def _forget(self) -> None:
        """Let go of legs whose call has long ended, unless their agent still wraps up."""
        while self._over:
            leg, ended = next(iter(self._over.items()))
            if ended + self._linger >= self.last:
                return
            del self._over[leg]
            agent = self.agents.get(self.legs[leg].agent) if leg in self.legs else None
            if agent is not None and agent.leg == leg:
                self._over[leg] = self.last
            else:
                self.legs.pop(leg, None)

    def _kept_legs(self) -> list[Leg]:
        """Those of open calls, then the others in the order in which they will be forgotten."""
        still_open = [leg for leg in self.legs.values() if leg.leg not in self._over]
        return still_open + [self.legs[leg] for leg in self._over if leg in self.legs]

    def _held_leg(self, leg: Leg) -> HeldLeg:
        return HeldLeg(
            leg.leg,
            leg.call,
            leg.agent,
            leg.queue,
            leg.answered_at,
            leg.ended_at,
            leg.survey_at,
            leg.satisfaction,
            leg.solved,
            self._over.get(leg.leg, 0),
        )

    def _take_up(self, held: Held) -> None:
        self.last = held.last
        for wait in held.waits:
            slots = self.slots(wait.queue, wait.joined_at)
            self.waiting[wait.call] = Wait(
                wait.call, wait.queue, wait.joined_at, slots, answer_within=wait.answer_within
            )
            self.queue_waiting[wait.queue][wait.call] = self.waiting[wait.call]
        for turned in held.turned:
            mark = self.mark("turned_away", turned.queue, turned.call, turned.at)
            slots = self.slots(turned.queue, turned.at)
            self.turned_away[turned.call][turned.queue] = TurnedAway(mark, slots)
        for agent in held.agents:
            self.agents[agent.agent] = Agent(agent.agent, agent.state, agent.since, leg=agent.leg)
        for leg in held.legs:
            self._take_up_leg(leg)

    def _take_up_leg(self, held: HeldLeg) -> None:
        slots = self.leg_slots(held.queue, held.agent, held.answered_at)
        leg = Leg(held.leg, held.call, held.agent, held.queue, held.answered_at, slots)
        leg.ended_at, leg.satisfaction, leg.solved = held.ended_at, held.satisfaction, held.solved
        if held.survey_at:
            leg.survey_at = held.survey_at
            leg.survey = self.leg_slots(held.queue, held.agent, held.survey_at)
        self.legs[leg.leg] = leg
        if held.over:
            self._over[leg.leg] = held.over
        else:
            self._legs_of[leg.call][leg.leg] = None
