"""Alarms: which thresholds of the directory are crossed at an instant. Pure; evaluated at every tick.

A value that rises raises its alarm at `raise_at` and clears it at `clear_at` or when there is nothing left
to measure; the service level falls, and does so the other way round. Between the two an alarm stays as it
is, so it does not flap. Which alarms stand is itself folded from the ledger: a restart forgets none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from board.model import Agent, Outcome, Wait
from board.roster import Roster
from board.state import BoardState
from core.clock import MINUTE, SECOND, Duration, Instant
from core.errors import Conflict
from core.facts import USUAL_ANSWER_WITHIN, AgentState, AlarmAcknowledged, AlarmCleared, AlarmRaised
from directory.alarms import ALARMS
from directory.model import Threshold

ALL_QUEUES = "all"
LOOK_BACK = 60 * MINUTE
"""Callers who joined longer ago say nothing about the service level of now."""
OFFER_GRACE = 2 * SECOND
"""The queue looks for an agent once a second: only a caller it has had time for counts in `nobody_ready`."""
_TAKES_CALLS = frozenset({AgentState.READY, AgentState.RESERVED, AgentState.RINGING})


@dataclass(frozen=True, slots=True)
class Condition:
    """Something wrong that no fact tells of: `alarm` is `session_lost` or `database_down`."""

    alarm: str
    subject: str
    since: Instant
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """A value to be held against the threshold of `alarm`, in the unit that `directory.alarms` gives it."""

    alarm: str
    subject: str
    value: float
    detail: str = ""


def due(
    state: BoardState,
    now: Instant,
    *,
    thresholds: Mapping[str, Threshold],
    roster: Roster,
    conditions: Iterable[Condition] = (),
) -> list[AlarmRaised | AlarmCleared]:
    """The alarms to be raised and cleared now, given those that stand in `state`."""
    measured = {
        (each.alarm, each.subject): each for each in _measure(state, now, thresholds, roster, conditions)
    }
    facts: list[AlarmRaised | AlarmCleared] = [
        AlarmRaised(at=now, alarm=each.alarm, subject=each.subject, detail=each.detail)
        for key, each in measured.items()
        if key not in state.alarms and _crossed(each, thresholds)
    ]
    for alarm, subject in state.alarms:
        standing = measured.get((alarm, subject))
        if standing is None or _over(standing, thresholds):
            facts.append(AlarmCleared(at=now, alarm=alarm, subject=subject))
    return facts


def is_news(state: BoardState, roster: Roster, fact: AlarmAcknowledged) -> bool:
    """Whether `fact` gives the alarm to somebody; False if it is that person's already.

    `Conflict` if the alarm does not stand, or is another's.
    """
    standing = state.alarms.get((fact.alarm, fact.subject))
    if standing is None:
        raise Conflict(
            f"{fact.alarm} of {fact.subject} does not stand, or no longer: look at the board again"
        )
    taken = standing.acknowledged
    if taken is not None and taken.by != fact.by:
        name, _name_en = roster.names.get(taken.by, ("", ""))
        raise Conflict(
            f"{f'{name} {taken.by}'.strip()} has taken {fact.alarm} of {fact.subject} already: talk to them"
        )
    return taken is None


def _crossed(measured: Measured, thresholds: Mapping[str, Threshold]) -> bool:
    threshold = thresholds.get(measured.alarm)
    if threshold is None:
        return False
    if ALARMS[measured.alarm].falls:
        return measured.value < threshold.raise_at
    return measured.value >= threshold.raise_at


def _over(measured: Measured, thresholds: Mapping[str, Threshold]) -> bool:
    threshold = thresholds.get(measured.alarm)
    if threshold is None:
        return True
    if ALARMS[measured.alarm].falls:
        return measured.value >= threshold.clear_at
    # A condition that still holds is not over because its duration reads zero.
    return measured.value <= threshold.clear_at and measured.value < threshold.raise_at


def _measure(
    state: BoardState,
    now: Instant,
    thresholds: Mapping[str, Threshold],
    roster: Roster,
    conditions: Iterable[Condition],
) -> Iterator[Measured]:
    if (threshold := thresholds.get("service_level_low")) is not None:
        yield from _service_levels(state, now, threshold.window)
    for queue, waits in state.queue_waiting.items():
        if waits:
            yield from _waiting(state, now, roster, queue, list(waits.values()))
    for agent in state.agents.values():
        if agent.state is not AgentState.LOGGED_OUT:
            yield from _of_agent(state, now, roster, agent)
    for node in state.nodes.values():
        if not node.connected:
            yield Measured("node_lost", node.node, _seconds(now - node.since), node.detail)
    for condition in conditions:
        yield Measured(condition.alarm, condition.subject, _seconds(now - condition.since), condition.detail)


def _service_levels(state: BoardState, now: Instant, window: int) -> Iterator[Measured]:
    for queue, waits in state.recent.items():
        decided = (
            wait
            for wait in reversed(waits)
            if now - wait.joined_at <= LOOK_BACK
            and (wait.outcome is not Outcome.OPEN or now - wait.joined_at > _promised(queue, wait))
        )
        last = list(islice(decided, window))
        if len(last) == window:
            in_time = sum(
                wait.outcome is Outcome.ANSWERED and wait.waited <= _promised(queue, wait) for wait in last
            )
            percent = 100 * in_time / window
            yield Measured(
                "service_level_low", queue or ALL_QUEUES, percent, f"{percent:.0f} % of the last {window}"
            )


def _promised(queue: str, wait: Wait) -> Duration:
    """A queue is held to its own service level, the hotline as a whole to the ten seconds of CALL-02."""
    return wait.answer_within if queue else USUAL_ANSWER_WITHIN


def _waiting(
    state: BoardState, now: Instant, roster: Roster, queue: str, waits: list[Wait]
) -> Iterator[Measured]:
    ages = [now - wait.joined_at for wait in waits]
    yield Measured("caller_near_limit", queue, _seconds(max(ages)), f"{len(waits)} waiting")
    seen = sum(age >= OFFER_GRACE for age in ages)
    takers = (
        agent
        for agent in state.agents.values()
        if agent.state in _TAKES_CALLS
        and ((entry := roster.agents.get(agent.agent)) is None or queue in entry.queues)
    )
    if seen and next(takers, None) is None:
        yield Measured("nobody_ready", queue, seen, f"{seen} waiting")


def _of_agent(state: BoardState, now: Instant, roster: Roster, agent: Agent) -> Iterator[Measured]:
    if agent.unanswered:
        yield Measured("offers_unanswered", agent.agent, agent.unanswered, f"{agent.unanswered} in a row")
    if agent.state is AgentState.NOT_READY and agent.reason in roster.pause_limits:
        over = now - agent.since - roster.pause_limits[agent.reason]
        if over >= 0:
            yield Measured("not_ready_too_long", agent.agent, _seconds(over), agent.reason)
    reachable, since = state.devices.get(agent.device, (True, 0))
    if not reachable:
        yield Measured("phone_lost", agent.agent, _seconds(now - since), agent.device)


def _seconds(duration: int) -> float:
    return max(0, duration) / SECOND
