"""Rules of the fold for agents, phones, nodes and alarms: who does what since when."""

from __future__ import annotations

from dataclasses import replace

from board.model import Acknowledgement, Agent, Alarm, Gap, Node
from board.periods import QUARTER, quarter_start
from board.state import BoardState, Rules
from core.clock import Instant
from core.facts import (
    AgentState,
    AgentStateChanged,
    AlarmAcknowledged,
    AlarmCleared,
    AlarmRaised,
    DeviceContactChanged,
    GapDeclared,
    HelpEnded,
    HelpRaised,
    NodeConnected,
    NodeLost,
)

_WITH_LEG = frozenset({AgentState.RINGING, AgentState.TALKING, AgentState.CONSULTING, AgentState.WRAP_UP})


def _agent_changed(state: BoardState, fact: AgentStateChanged) -> None:
    agent = state.agent(fact.agent)
    _spend(state, agent, fact.at)
    if agent.state is AgentState.WRAP_UP:
        _end_wrapup(state, agent, fact)
    if fact.state is AgentState.READY and agent.state in (AgentState.NOT_READY, AgentState.LOGGED_OUT):
        agent.unanswered = 0
    agent.state, agent.since, agent.reason = fact.state, fact.at, fact.reason
    agent.device = fact.device or agent.device
    if fact.leg or fact.state not in _WITH_LEG:
        agent.call, agent.leg = fact.call, fact.leg
    if fact.state is AgentState.LOGGED_OUT:
        agent.device, agent.help_since, agent.unanswered = "", 0, 0
    if fact.state in (AgentState.READY, AgentState.NOT_READY, AgentState.LOGGED_OUT):
        agent.queue = ""


def _spend(state: BoardState, agent: Agent, until: Instant) -> None:
    """Book the time since the agent's last change, cut at quarter-hours, and so at midnights."""
    if agent.state is AgentState.LOGGED_OUT:
        return
    at = agent.since
    while at < until:
        end = min(until, quarter_start(at) + QUARTER)
        for counts in state.agent_slots(agent.agent, at):
            counts.spend(agent.state, end - at)
        at = end


def _end_wrapup(state: BoardState, agent: Agent, fact: AgentStateChanged) -> None:
    leg = state.legs.get(agent.leg)
    if leg is None:
        return
    leg.wrapped_at = fact.at
    for counts in leg.slots:
        counts.wrapups += 1
        counts.wrapup_us += max(0, fact.at - agent.since)
    state.touched_queues.add(leg.queue)


def _help_raised(state: BoardState, fact: HelpRaised) -> None:
    agent = state.agent(fact.agent)
    agent.help_since = agent.help_since or fact.at


def _help_ended(state: BoardState, fact: HelpEnded) -> None:
    state.agent(fact.agent).help_since = 0


def _device_changed(state: BoardState, fact: DeviceContactChanged) -> None:
    state.devices[fact.device] = (fact.reachable, fact.at)
    for agent in state.agents.values():
        if agent.device == fact.device:
            state.touched_agents.add(agent.agent)
    state.touched_rest = True


def _node_connected(state: BoardState, fact: NodeConnected) -> None:
    state.nodes[fact.node] = Node(fact.node, True, fact.at, fact.version)
    state.touched_rest = True


def _node_lost(state: BoardState, fact: NodeLost) -> None:
    state.nodes[fact.node] = Node(fact.node, False, fact.at, fact.cause)
    state.touched_rest = True


def _gap(state: BoardState, fact: GapDeclared) -> None:
    state.gaps.append(Gap(fact.node, fact.since, fact.at, fact.cause))
    state.touched_rest = True


def _alarm_raised(state: BoardState, fact: AlarmRaised) -> None:
    state.alarms[fact.alarm, fact.subject] = Alarm(fact.alarm, fact.subject, fact.at, fact.detail)
    state.touched_rest = True


def _alarm_acknowledged(state: BoardState, fact: AlarmAcknowledged) -> None:
    standing = state.alarms.get((fact.alarm, fact.subject))
    if standing is None or standing.acknowledged is not None:
        return  # it is over already, or somebody's: the first who took it has it
    taken = Acknowledgement(fact.by, fact.at, fact.note)
    state.alarms[fact.alarm, fact.subject] = replace(standing, acknowledged=taken)
    state.touched_rest = True


def _alarm_cleared(state: BoardState, fact: AlarmCleared) -> None:
    state.alarms.pop((fact.alarm, fact.subject), None)
    state.touched_rest = True


RULES: Rules = {
    AgentStateChanged: _agent_changed,
    HelpRaised: _help_raised,
    HelpEnded: _help_ended,
    DeviceContactChanged: _device_changed,
    NodeConnected: _node_connected,
    NodeLost: _node_lost,
    GapDeclared: _gap,
    AlarmRaised: _alarm_raised,
    AlarmAcknowledged: _alarm_acknowledged,
    AlarmCleared: _alarm_cleared,
}
