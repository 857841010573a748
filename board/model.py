"""What the board remembers: counters, waits, legs, agents, nodes, alarms. No I/O.

These records are changed in place by the fold, for speed; nobody else may change them. Instants and
durations are µs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum

from core.clock import Duration, Instant
from core.facts import USUAL_ANSWER_WITHIN, AgentState, Side


class Outcome(StrEnum):
    """How a wait ended. OPEN: the caller still waits."""

    OPEN = ""
    ANSWERED = "answered"
    ABANDONED = "abandoned"
    TIMED_OUT = "timed_out"
    NOBODY_ON_DUTY = "nobody_on_duty"
    CALLBACK = "callback"
    NODE_LOST = "node_lost"
    ENDED_BY_US = "ended_by_us"


class Place(StrEnum):
    """Where the customer of a call in progress is: always in one of these."""

    MENU = "menu"
    WAITING = "waiting"
    TALKING = "talking"
    """With an agent of ours."""
    OUTSIDE = "outside"
    """Sent on to a number outside, and with no agent any more."""
    SURVEY = "survey"


@dataclass(slots=True)
class LegCounts:
    """Counters of agent legs, of one queue or one agent over one period.

    Offers and rings are counted when they happen, the survey at its start, talk and wrap-up in the period in
    which the leg was answered.
    """

    offers: int = 0
    offers_unanswered: int = 0
    rings: int = 0
    ring_us: Duration = 0
    talks: int = 0
    talk_us: Duration = 0
    hold_us: Duration = 0
    consult_us: Duration = 0
    agent_first: int = 0
    wrapups: int = 0
    wrapup_us: Duration = 0
    surveys_asked: int = 0
    surveys_answered: int = 0
    satisfaction_sum: int = 0
    solved_answers: int = 0
    solved_yes: int = 0


@dataclass(slots=True)
class Counts(LegCounts):
    """Counters of one queue over one period. Waits are counted in the period of their joining."""

    offered: int = 0
    answered: int = 0
    answered_10: int = 0
    answered_20: int = 0
    answered_in_sl: int = 0
    abandoned_5: int = 0
    abandoned_10: int = 0
    abandoned_later: int = 0
    timed_out: int = 0
    nobody_on_duty: int = 0
    callback: int = 0
    node_lost: int = 0
    ended_by_us: int = 0
    turned_away: int = 0
    callback_unserved: int = 0
    called_back: int = 0
    called_back_us: Duration = 0
    answer_us: Duration = 0
    answer_max_us: Duration = 0

    def add(self, other: Counts) -> None:
        """Add every counter of `other`; of the longest answer time, keep the longer."""
        longest = max(self.answer_max_us, other.answer_max_us)
        for name in COUNTERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.answer_max_us = longest


LEG_COUNTERS = tuple(each.name for each in fields(LegCounts))
COUNTERS = tuple(each.name for each in fields(Counts))
LOGGED_IN = tuple(state for state in AgentState if state is not AgentState.LOGGED_OUT)
"""The states in which time is counted."""
Slots = tuple[Counts, ...]
"""The counters of one queue for every period that contains one instant."""


@dataclass(slots=True)
class CallTotals:
    """Counters of the hotline as a whole over one day or quarter-hour, in the period of arrival or end."""

    arrived: int = 0
    ended: int = 0
    ended_in_menu: int = 0


@dataclass(slots=True)
class OpenCall:
    """A call in progress. `caller` is masked already."""

    call: str
    arrived_at: Instant
    caller: str = ""
    vip: bool = False
    place: Place = Place.MENU


@dataclass(slots=True, eq=False)
class Wait:
    """One wait for an agent, from joining to its outcome. `slots` are the counters it is counted in.

    `answer_within`: the service level of the queue, as it was when the caller came into it.
    """

    call: str
    queue: str
    joined_at: Instant
    slots: Slots
    priority: int = 0
    language: str = ""
    caller: str = ""
    vip: bool = False
    answer_within: Duration = USUAL_ANSWER_WITHIN
    outcome: Outcome = Outcome.OPEN
    waited: Duration = 0


@dataclass(slots=True, eq=False)
class Leg:
    """One agent leg. `ended_at` 0: still talking. `satisfaction` and `solved` 0: not answered.

    `slots` are the counters its talk and wrap-up are counted in, `survey` those of its survey.
    """

    leg: str
    call: str
    agent: str
    queue: str
    answered_at: Instant
    slots: tuple[LegCounts, ...]
    ended_at: Instant = 0
    wrapped_at: Instant = 0
    survey_at: Instant = 0
    satisfaction: int = 0
    solved: int = 0
    survey: tuple[LegCounts, ...] | None = None
    released_by: Side | None = None


@dataclass(slots=True, eq=False)
class Mark:
    """Something counted that is neither a wait nor a leg: `figure` says what it counts in."""

    at: Instant
    figure: str
    queue: str
    call: str


@dataclass(slots=True, eq=False)
class TurnedAway:
    """A caller whom nobody serves, and who may still ask to be called back. `slots`: where that counts."""

    mark: Mark
    slots: Slots


@dataclass(slots=True)
class AgentCounts(LegCounts):
    """What one agent did over one period. `times`: µs by state, in the period in which they passed."""

    times: dict[AgentState, Duration] = field(default_factory=dict)

    def spend(self, state: AgentState, duration: Duration) -> None:
        """Book time in a state."""
        self.times[state] = self.times.get(state, 0) + duration

    def add(self, other: AgentCounts) -> None:
        """Add every counter of `other`, and its times."""
        for name in LEG_COUNTERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for state, duration in other.times.items():
            self.spend(state, duration)


NO_COUNTS = Counts()
NO_AGENT_COUNTS = AgentCounts()
"""What nothing has been counted in: to be compared and read, never to be changed."""
AgentSlots = tuple[AgentCounts, ...]
"""The counters of one agent for every period that contains one instant."""


@dataclass(slots=True)
class Agent:
    """What an agent does now. `queue`: of the leg now served; `unanswered`: offers in a row."""

    agent: str
    state: AgentState = AgentState.LOGGED_OUT
    since: Instant = 0
    reason: str = ""
    device: str = ""
    call: str = ""
    leg: str = ""
    queue: str = ""
    unanswered: int = 0
    help_since: Instant = 0
    held_since: Instant = 0
    """The customer this agent talks with is on hold since then."""
    asking_since: Instant = 0
    """A colleague is asked about that customer's call since then."""


@dataclass(slots=True)
class Node:
    """One Asterisk as the ledger last spoke of it. `detail`: its version, or why it was lost."""

    node: str
    connected: bool
    since: Instant
    detail: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Between `since` and `until` events of `node` may be missing."""

    node: str
    since: Instant
    until: Instant
    cause: str


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Who has taken an alarm upon himself, when, and what is being done about it."""

    by: str
    at: Instant
    note: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm that stands."""

    alarm: str
    subject: str
    since: Instant
    detail: str
    acknowledged: Acknowledgement | None = None
