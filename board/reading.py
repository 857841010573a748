"""Readings: the figures of the board's state at one instant. Pure; the formulas are in `docs/formulas.md`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property

from board.figures import (
    TOTAL,
    AcknowledgedFigures,
    AgentFigures,
    AlarmFigures,
    BoardFigures,
    CallFigures,
    GapFigures,
    NodeFigures,
    QueueFigures,
    Waiting,
)
from board.model import NO_AGENT_COUNTS, NO_COUNTS, Agent, AgentCounts, Alarm, Counts, Place, Wait
from board.periods import day_start, window_start
from board.rates import BUSY, IDLE, Undecided, of_legs, of_waits, ratio
from board.roster import AgentEntry, Roster
from board.state import BoardState
from core.clock import MILLISECOND, SECOND, Duration, Instant, iso
from core.facts import AgentState


def figures(state: BoardState, now: Instant, roster: Roster | None = None) -> BoardFigures:
    """All figures of the day of `now`."""
    return Reading(state, now, Roster() if roster is None else roster).all()


class Reading:
    """The figures at one instant, each worked out when it is asked for; valid until the next fact."""

    def __init__(self, state: BoardState, now: Instant, roster: Roster) -> None:
        self.state, self.now, self.roster = state, now, roster
        self.day = day_start(now, state.zone)

    def all(self) -> BoardFigures:
        """Every figure there is."""
        return BoardFigures(
            total=self.total(),
            calls=self.calls(),
            queues=tuple(self.queue(name) for name in self.queue_names()),
            waiting={name: self.waiting(name) for name in self.queue_names() if self._waits(name)},
            agents=tuple(self.agent(agent) for agent in self.agent_names()),
            nodes=self.nodes(),
            gaps=self.gaps(),
            alarms=self.alarms(),
        )

    def queue_names(self) -> list[str]:
        """The roster's queues, then any others that facts have named today."""
        others = set(self._today) | {w.queue for w in self.state.waiting.values()}
        return [*self.roster.queues, *sorted(others - set(self.roster.queues))]

    def agent_names(self) -> list[str]:
        """The roster's agents, then any others that facts have named."""
        return [*self.roster.agents, *sorted(set(self.state.agents) - set(self.roster.agents))]

    def queue(self, name: str) -> QueueFigures:
        """The figures of one queue."""
        counts = self._today.get(name, NO_COUNTS)
        recent = [by_queue[name] for by_queue in self._recent_minutes if name in by_queue]
        return self._figures(name, counts, self._waits(name), recent, self._members.get(name, ()))

    def total(self) -> QueueFigures:
        """The figures of all queues together: sums of their counters, not means of their means."""
        counts = Counts()
        for each in self._today.values():
            counts.add(each)
        recent = [each for by_queue in self._recent_minutes for each in by_queue.values()]
        return self._figures(TOTAL, counts, self.state.waiting.values(), recent, self.state.agents)

    def waiting(self, queue: str) -> tuple[Waiting, ...]:
        """Who waits in a queue, the longest wait first."""
        return tuple(
            Waiting(
                call=wait.call,
                since=iso(wait.joined_at),
                caller=wait.caller,
                language=wait.language,
                priority=wait.priority,
                vip=wait.vip,
            )
            for wait in sorted(self._waits(queue), key=lambda wait: (wait.joined_at, wait.call))
        )

    def calls(self) -> CallFigures:
        """Calls of the whole hotline."""
        totals = self.state.day_totals.get(self.day)
        places = Counter(call.place for call in self.state.calls.values())
        return CallFigures(
            arrived=totals.arrived if totals else 0,
            ended_in_menu=totals.ended_in_menu if totals else 0,
            in_progress=len(self.state.calls),
            in_menu=places[Place.MENU],
            talking=places[Place.TALKING],
            outside=places[Place.OUTSIDE],
            in_survey=places[Place.SURVEY],
        )

    def agent(self, name: str) -> AgentFigures:
        """One agent."""
        agent = self.state.agents.get(name) or Agent(name)
        entry = self.roster.agents.get(name) or AgentEntry(agent=name)
        today = self._agents_today.get(name, NO_AGENT_COUNTS)
        reachable, _since = self.state.devices.get(agent.device, (True, 0))
        busy, staffed = self._loads.get(name, (0, 0))
        return AgentFigures(
            agent=name,
            name=entry.name,
            name_en=entry.name_en,
            team=entry.team,
            state=agent.state.value,
            since=_iso(agent.since),
            reason=agent.reason,
            on_duty=self.roster.on_duty(agent.state, agent.reason),
            device=agent.device,
            device_lost=not reachable,
            call=agent.call,
            queue=agent.queue,
            help_since=_iso(agent.help_since),
            held_since=_iso(agent.held_since),
            asking_since=_iso(agent.asking_since),
            unanswered=agent.unanswered,
            answered=today.rings,
            occupancy=ratio(busy, staffed),
        )

    def nodes(self) -> tuple[NodeFigures, ...]:
        """Every node facts have spoken of."""
        return tuple(
            NodeFigures(node=each.node, connected=each.connected, since=iso(each.since), detail=each.detail)
            for _name, each in sorted(self.state.nodes.items())
        )

    def gaps(self) -> tuple[GapFigures, ...]:
        """Today's gaps, the oldest first."""
        return tuple(
            GapFigures(node=gap.node, since=iso(gap.since), until=iso(gap.until), cause=gap.cause)
            for gap in self.state.gaps
            if gap.until >= self.day
        )

    def alarms(self) -> tuple[AlarmFigures, ...]:
        """Alarms that stand, the oldest first."""
        return tuple(
            self.alarm(each)
            for each in sorted(self.state.alarms.values(), key=lambda each: (each.since, each.alarm))
        )

    def alarm(self, each: Alarm) -> AlarmFigures:
        """One alarm that stands."""
        acknowledged = None
        if (taken := each.acknowledged) is not None:
            name, name_en = self.roster.names.get(taken.by, ("", ""))
            acknowledged = AcknowledgedFigures(
                by=taken.by, name=name, name_en=name_en, since=iso(taken.at), note=taken.note
            )
        return AlarmFigures(
            alarm=each.alarm,
            subject=each.subject,
            since=iso(each.since),
            detail=each.detail,
            acknowledged=acknowledged,
        )

    # -------------------------------------------------------------- what several figures need

    def _waits(self, queue: str) -> Collection[Wait]:
        return self.state.queue_waiting.get(queue, {}).values()

    @cached_property
    def _today(self) -> Mapping[str, Counts]:
        return self.state.days.get(self.day, {})

    @cached_property
    def _agents_today(self) -> Mapping[str, AgentCounts]:
        return self.state.agent_days.get(self.day, {})

    @cached_property
    def _recent_minutes(self) -> list[Mapping[str, Counts]]:
        first = window_start(self.now)
        return [counts for minute, counts in self.state.minutes.items() if first <= minute <= self.now]

    @cached_property
    def _members(self) -> dict[str, list[str]]:
        members: dict[str, list[str]] = {}
        for agent, entry in self.roster.agents.items():
            for queue in entry.queues:
                members.setdefault(queue, []).append(agent)
        return members

    @cached_property
    def _loads(self) -> dict[str, tuple[Duration, Duration]]:
        """Agent → time spent busy, time spent busy or idle, today up to now."""
        loads = {}
        today = self._agents_today
        for agent in self.state.agents.values():
            times = today.get(agent.agent, NO_AGENT_COUNTS).times
            busy = sum(times.get(state, 0) for state in BUSY)
            idle = sum(times.get(state, 0) for state in IDLE)
            going_on = max(0, self.now - max(agent.since, self.day))
            busy += going_on if agent.state in BUSY else 0
            idle += going_on if agent.state in IDLE else 0
            loads[agent.agent] = (busy, busy + idle)
        return loads

    def _staff(self, members: Iterable[str]) -> tuple[int, int, float | None]:
        """On duty, ready, and occupancy of the given agents."""
        on_duty = ready = busy = staffed = 0
        for name in members:
            agent = self.state.agents.get(name)
            if agent is None:
                continue
            on_duty += self.roster.on_duty(agent.state, agent.reason)
            ready += agent.state is AgentState.READY
            load = self._loads[name]
            busy += load[0]
            staffed += load[1]
        return on_duty, ready, ratio(busy, staffed)

    def _figures(
        self, name: str, c: Counts, waits: Collection[Wait], recent: list[Counts], members: Iterable[str]
    ) -> QueueFigures:
        now, window = self.now, window_start(self.now)
        undecided = Undecided()
        for wait in waits:
            if wait.joined_at >= self.day:
                undecided.add(wait.joined_at, now, wait.answer_within)
        fresh = [wait for wait in waits if wait.joined_at >= window]
        fresh_10 = sum(now - wait.joined_at <= 10 * SECOND for wait in fresh)
        fresh_sl = sum(now - wait.joined_at <= wait.answer_within for wait in fresh)
        longest = min((wait.joined_at for wait in waits), default=0)
        offered_recent = sum(each.offered for each in recent)
        on_duty, ready, occupancy = self._staff(members)
        return QueueFigures(
            queue=name,
            waiting=len(waits),
            longest_wait_ms=max(0, now - longest) // MILLISECOND if longest else 0,
            longest_since=_iso(longest),
            sl10_recent=ratio(sum(each.answered_10 for each in recent), offered_recent - fresh_10),
            sl_recent=ratio(sum(each.answered_in_sl for each in recent), offered_recent - fresh_sl),
            offered_recent=offered_recent,
            occupancy=occupancy,
            on_duty=on_duty,
            ready=ready,
            **of_waits(c, undecided),
            **of_legs(c),
        )


def _iso(at: Instant) -> str | None:
    return iso(at) if at else None
