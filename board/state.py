"""The state of the board: counters by period and queue, who waits, what every agent does. No I/O.

It is built by `board.fold` from the ledger's facts alone, so that a replay gives the same digits.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from board.model import (
    Agent,
    AgentCounts,
    AgentSlots,
    Alarm,
    CallTotals,
    Counts,
    Gap,
    Leg,
    LegCounts,
    Mark,
    Node,
    OpenCall,
    Slots,
    TurnedAway,
    Wait,
)
from board.periods import day_start, quarter_start
from core.clock import BANK_ZONE, MINUTE, Instant

KEPT_DAYS = 3
KEPT_MINUTES = 20
JOURNAL = 200_000
"""Waits and legs remembered one by one, so that a figure can be opened; beyond it the oldest are dropped."""
MARKS = 2 * JOURNAL
RECENT = 200
"""Latest waits of a queue (and, under "", of all) remembered for the service-level alarm."""

ByQueue = defaultdict[str, Counts]
ByAgent = defaultdict[str, AgentCounts]


class BoardState:
    """The fold's state. `last` is the number of the last fact folded.

    `touched_queues`, `touched_agents` and `touched_rest` collect what has changed since `take_touched`.
    """

    def __init__(self, zone: ZoneInfo = BANK_ZONE) -> None:
        self.zone = zone
        self.last = 0
        self.days: dict[Instant, ByQueue] = {}
        self.quarters: dict[Instant, ByQueue] = {}
        self.minutes: dict[Instant, ByQueue] = {}
        self.day_totals: defaultdict[Instant, CallTotals] = defaultdict(CallTotals)
        self.quarter_totals: defaultdict[Instant, CallTotals] = defaultdict(CallTotals)
        self.agent_days: defaultdict[Instant, ByAgent] = defaultdict(lambda: defaultdict(AgentCounts))
        self.agent_quarters: defaultdict[Instant, ByAgent] = defaultdict(lambda: defaultdict(AgentCounts))
        self.calls: dict[str, OpenCall] = {}
        self.turned_away: defaultdict[str, dict[str, TurnedAway]] = defaultdict(dict)
        """By call and queue, while they may still ask to be called back."""
        self.waiting: dict[str, Wait] = {}
        self.queue_waiting: defaultdict[str, dict[str, Wait]] = defaultdict(dict)
        self.recent: defaultdict[str, deque[Wait]] = defaultdict(lambda: deque(maxlen=RECENT))
        self.waits: deque[Wait] = deque()
        self.legs: dict[str, Leg] = {}
        self.marks: deque[Mark] = deque()
        self.journal_from: Instant = 0
        self.agents: dict[str, Agent] = {}
        self.devices: dict[str, tuple[bool, Instant]] = {}
        self.nodes: dict[str, Node] = {}
        self.gaps: deque[Gap] = deque(maxlen=100)
        self.alarms: dict[tuple[str, str], Alarm] = {}
        self.touched_queues: set[str] = set()
        self.touched_agents: set[str] = set()
        self.touched_rest = False
        self._slots: dict[tuple[str, Instant], Slots] = {}

    def slots(self, queue: str, at: Instant) -> Slots:
        """The counters of `queue` for the day, quarter-hour and minute of `at`."""
        minute = at - at % MINUTE
        known = self._slots.get((queue, minute))
        return known if known is not None else self._open_slots(queue, minute)

    def agent_slots(self, agent: str, at: Instant) -> AgentSlots:
        """The counters of an agent for the day and quarter-hour of `at`."""
        day, quarter = day_start(at, self.zone), quarter_start(at)
        return self.agent_days[day][agent], self.agent_quarters[quarter][agent]

    def leg_slots(self, queue: str, agent: str, at: Instant) -> tuple[LegCounts, ...]:
        """The counters of everyone for whom a leg counts at `at`: its queue and its agent. One of a call that
        we made has no queue: it is its agent's alone."""
        if not queue:
            return self.agent_slots(agent, at)
        return (*self.slots(queue, at), *self.agent_slots(agent, at))

    def totals(self, at: Instant) -> tuple[CallTotals, ...]:
        """The counters of the hotline for the day and quarter-hour of `at`."""
        return self.day_totals[day_start(at, self.zone)], self.quarter_totals[quarter_start(at)]

    def agent(self, agent: str) -> Agent:
        """The agent's record, logged out if no fact has spoken of the agent yet."""
        self.touched_agents.add(agent)
        known = self.agents.get(agent)
        if known is None:
            known = self.agents[agent] = Agent(agent)
        return known

    def mark(self, figure: str, queue: str, call: str, at: Instant) -> Mark:
        """Remember which call was counted in `figure`, so that it can be opened."""
        mark = Mark(at, figure, queue, call)
        self.marks.append(mark)
        if len(self.marks) > MARKS:
            self.journal_from = max(self.journal_from, self.marks.popleft().at)
        return mark

    def take_touched(self) -> tuple[set[str], set[str], bool]:
        """Queues, agents and whether anything else has changed since the last taking."""
        self.touched_queues.discard("")  # of a call that we made
        taken = self.touched_queues, self.touched_agents, self.touched_rest
        self.touched_queues, self.touched_agents, self.touched_rest = set(), set(), False
        return taken

    def _open_slots(self, queue: str, minute: Instant) -> Slots:
        day, quarter = day_start(minute, self.zone), quarter_start(minute)
        if day not in self.days:
            self.days[day] = ByQueue(Counts)
            self._forget_days()
        if minute not in self.minutes:
            self.minutes[minute] = ByQueue(Counts)
            self._forget_minutes()
        if day not in self.days:  # a straggler from a day that is closed: its counters go nowhere
            return Counts(), Counts(), Counts()
        slots = (
            self.days[day][queue],
            self.quarters.setdefault(quarter, ByQueue(Counts))[queue],
            self.minutes.get(minute, ByQueue(Counts))[queue],
        )
        if minute in self.minutes:
            self._slots[queue, minute] = slots
        return slots

    def _forget_days(self) -> None:
        """Keep the newest days; a day is dropped with everything that was counted in it."""
        while len(self.days) > KEPT_DAYS:
            del self.days[min(self.days)]
        first = min(self.days)
        for by_period in (self.quarters, self.day_totals, self.quarter_totals):
            for old in [start for start in by_period if start < first]:
                del by_period[old]
        for by_agent in (self.agent_days, self.agent_quarters):
            for old in [start for start in by_agent if start < first]:
                del by_agent[old]
        for call in [each for each in self.calls.values() if each.arrived_at < first]:
            del self.calls[call.call]
            self.turned_away.pop(call.call, None)
        while self.waits and self.waits[0].joined_at < first:
            self.waits.popleft()
        while self.marks and self.marks[0].at < first:
            self.marks.popleft()
        for leg in [each.leg for each in self.legs.values() if each.answered_at < first]:
            del self.legs[leg]

    def _forget_minutes(self) -> None:
        while len(self.minutes) > KEPT_MINUTES:
            del self.minutes[min(self.minutes)]
        first = min(self.minutes)
        self._slots = {key: slots for key, slots in self._slots.items() if key[1] >= first}


Rules = dict[type, Callable[[BoardState, Any], None]]
"""What the fold does on each kind of fact."""
