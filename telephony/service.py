"""Telephony at work: streams of all nodes in, facts to the ledger, commands back through one door.

    NodeLink ─► translate ─► Switchboard ─► facts ─► ledger
                                  └───────► commands ─► NodeHands ─► NodeLink

Whatever the folds decide from one batch is appended at once and then told to the nodes, so that no command
goes out on account of a fact that is not in the book.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from core import facts as f
from core.clock import SECOND, Clock, Duration, Instant
from core.errors import Conflict
from core.facts import AgentState, Numbered
from telephony import agents as a
from telephony import commands as c
from telephony.agents import Agent
from telephony.ami.accounts import Role
from telephony.ami.inbox import Gap
from telephony.ami.link import Connected, Item, Lost, NodeLink, RoleChanged
from telephony.ami.pending import Outcome as How
from telephony.ami.session import State
from telephony.ami.snapshot import NodeSnapshot
from telephony.ami.wire import Message
from telephony.dispatch import Dispatcher, NodeHands
from telephony.heartbeat import Heartbeat
from telephony.reconcile import CallDifferences, compare_agents, compare_calls, compare_devices
from telephony.records import recorded_since
from telephony.standing import NodeStanding, standing_of
from telephony.switchboard import Outcome, Switchboard, wrap_ups
from telephony.takeup import Book, take_up
from telephony.translate import BadEvent, Event, translate

_log = structlog.get_logger(__name__)

_UPTIME_ERROR: Duration = 2 * SECOND
PHONES_ASKED_WITHIN: Duration = 20 * SECOND
"""A node that has booted knows within this time which of its registered phones are there."""
_OVERLAP: Duration = SECOND
"""Events about the edges of a gap are heard twice rather than not at all; the folds do not mind."""
_MOVING_S = 1.0
_AFTER_FAILURE_S = 3.0
"""A command that failed is not said again; whether it must be is looked up, but not in a storm of looks."""
_TICK_S = 0.5
_PLAN_WITHIN_S = 0.2
"""After a change of an agent: who is on duty is counted over all of them, and changes come in bursts."""
_AT_WORK = frozenset(AgentState) - {AgentState.LOGGED_OUT, AgentState.NOT_READY}
_BEAT_S = 1
"""Facts of the last second before the heart stopped may not have reached the book."""
NOT_RUNNING = "the service was not running"


_Published = c.PublishDuty | c.PublishAgentAt | c.PublishDeviceOf


@dataclass(frozen=True, slots=True)
class Node:
    """One Asterisk: its stream, and the folder we share with it."""

    name: str
    link: NodeLink
    directory: Path


@dataclass(frozen=True, slots=True)
class SessionDown:
    """A log-in at a node that does not stand. `subject`: node and role; `cause`: for people."""

    subject: str
    since: Instant
    cause: str


class Telephony:
    """`await start()`, then `run()`; the other methods are for the API."""

    def __init__(
        self,
        *,
        nodes: Sequence[Node],
        book: Book,
        duties: a.Duties,
        dispatcher: Dispatcher,
        clock: Clock,
    ) -> None:
        self._nodes = {node.name: node for node in nodes}
        self._book = book
        self._duties = duties
        self._dispatcher = dispatcher
        self._clock = clock
        self._hearts = {node.name: Heartbeat(node.directory) for node in nodes}
        self._stopping = False
        self._hands = {node.name: NodeHands(node.name, node.link, self._not_done) for node in nodes}
        self._board = Switchboard(duties)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._plan_due: asyncio.TimerHandle | None = None
        self._sessions_down: dict[str, SessionDown] = {}
        self._absent_since: dict[str, Instant] = {}
        self._died: dict[str, Instant] = {}
        self._last_heard: dict[str, Instant] = {}
        self._unchecked: dict[str, set[str] | None] = {}
        """Calls to be compared with the next snapshot; None: all there are."""
        self._looks: dict[str, asyncio.TimerHandle] = {}
        self._asked_by: dict[str, Instant] = {}
        self.bad_events = 0

    # ------------------------------------------------------------------ life

    async def start(self) -> None:
        """Take up calls and agents as the ledger left them."""
        calls = await take_up(self._book, self._board, self._clock())
        self._absent_since = {
            name: last - _BEAT_S * SECOND
            for name, heartbeat in self._hearts.items()
            if (last := heartbeat.last()) is not None
        }
        self._book.listen(self._on_facts)
        for agent, ends in wrap_ups(self._board.agents.values(), self._duties):
            self._limit(agent, ends)
        _log.info("telephony.taken_up", calls=calls, agents=len(self._board.agents))

    async def run(self) -> None:
        """Serves all nodes until cancelled."""
        async with asyncio.TaskGroup() as group:
            for node in self._nodes.values():
                group.create_task(node.link.run(), name=f"link-{node.name}")
                group.create_task(self._serve(node), name=f"serve-{node.name}")
            group.create_task(self._tick(), name="telephony-tick")

    async def stop(self) -> None:
        """Waits for commands under way, logs off from all nodes; `run()` is to be cancelled after it."""
        for timer in (*self._timers.values(), *self._looks.values()):
            timer.cancel()
        self._stopping = True
        await self.told()
        for name, heartbeat in self._hearts.items():
            heartbeat.leave(self._clock())
            self._dispatcher.node_went(name)
        for node in self._nodes.values():
            await node.link.stop()

    async def told(self) -> None:
        """Returns when every command given so far has ended, one way or another."""
        for hands in self._hands.values():
            await hands.settled()

    async def _serve(self, node: Node) -> None:
        async for batch in node.link.batches():
            outcome = Outcome()
            for item in batch:
                missed = self._take(node, item, outcome)
                if missed is not None:
                    outcome.facts.append(missed)
                    await self._recover(node, missed, outcome)
            self._carry_out(outcome)

    def _take(self, node: Node, item: Item, outcome: Outcome) -> f.GapDeclared | None:
        """What follows from one item; a gap if it is one, to be declared and recovered from."""
        match item:
            case Message():
                self._message(node, item, outcome)
            case NodeSnapshot():
                self._snapshot(node, item, outcome)
            case Connected():
                return self._connected(node, item)
            case Gap():
                self._unchecked[node.name] = None
                self._last_heard[node.name] = item.since
                return f.GapDeclared(at=item.until, node=node.name, since=item.since, cause=item.cause)
            case Lost():
                _log.warning("telephony.node_lost", node=node.name, cause=item.cause)
                self._dispatcher.node_went(node.name)
                outcome.facts.append(f.NodeLost(at=item.at, node=node.name, cause=item.cause))
            case RoleChanged():
                self._role_changed(node, item)
        return None

    # ------------------------------------------------------------------ what a node says

    def _message(self, node: Node, message: Event, outcome: Outcome) -> None:
        try:
            signal = translate(message, node.name, self._clock())
        except BadEvent as problem:
            self.bad_events += 1
            _log.warning("telephony.bad_event", node=node.name, problem=str(problem))
            return
        if signal is None:
            return
        try:
            self._add(outcome, self._board.hear(signal))
        except Exception:  # noqa: BLE001  our mistake about one event must not end all calls of the node
            self.bad_events += 1
            _log.exception("telephony.not_folded", node=node.name, signal=type(signal).__name__)

    async def _recover(self, node: Node, gap: f.GapDeclared, outcome: Outcome) -> None:
        """Hear what we missed from what the node wrote down itself.

        Calls from before the gap are known and calls from after it are being heard: only what lies between is
        folded. What it would have made us tell the node is too late to be told; the snapshot sees to that.
        """
        recorded = await asyncio.to_thread(recorded_since, node.directory, gap.since)
        heard = Outcome()
        for event in recorded:
            if gap.since - _OVERLAP <= event.at <= gap.at + _OVERLAP:
                self._message(node, event, heard)
        outcome.facts += heard.facts
        _log.info("telephony.recovered", node=node.name, events=len(recorded), facts=len(heard.facts))

    def _connected(self, node: Node, item: Connected) -> f.GapDeclared | None:
        # Uptime comes in whole seconds; after a start of our own it is all there is to go by.
        died = item.at if item.restarted else item.at - item.uptime - _UPTIME_ERROR
        self._died[node.name] = max(died, self._died.get(node.name, 0))
        self._unchecked[node.name] = None
        if item.restarted or item.uptime < PHONES_ASKED_WITHIN:
            self._asked_by[node.name] = item.at + PHONES_ASKED_WITHIN
            later = asyncio.get_running_loop().call_later
            later(PHONES_ASKED_WITHIN / SECOND + 1, node.link.resync)
        since = self._absent_since.pop(node.name, None)
        if since is None:
            return None
        self._last_heard[node.name] = since
        return f.GapDeclared(at=item.at, node=node.name, since=since, cause=NOT_RUNNING)

    def _snapshot(self, node: Node, snapshot: NodeSnapshot, outcome: Outcome) -> None:
        self._dispatcher.node_came(node.name)
        # Only now: what the node wrote down before it died has been heard by then.
        died = self._died.pop(node.name, 0)
        last_heard = self._last_heard.pop(node.name, died)
        self._add(outcome, self._board.lose_node(node.name, died, last_heard))
        found = self._compare_calls(node, snapshot)
        for call_id in found.vanished:
            self._add(outcome, self._board.close_call(call_id, snapshot.began, f.EndReason.UNSEEN))
        devices = compare_devices(
            node.name,
            self._board.reachable,
            snapshot,
            just_booted=snapshot.began < self._asked_by.get(node.name, 0),
        )
        for signal in (*found.signals, *devices):
            self._add(outcome, self._board.hear(signal))
        agents = compare_agents(
            node.name,
            self._board.agents,
            snapshot,
            self._duties.memberships,
            lambda agent: self._duties.wrapup_limit(agent.queue) > 0,
        )
        for number, wish in agents.adopt:
            self._add(outcome, self._board.wish(number, wish))
        outcome.commands += agents.commands
        outcome.facts.append(f.NodeConnected(at=snapshot.ended, node=node.name, version=snapshot.version))
        _log.info(
            "telephony.reconciled",
            node=node.name,
            vanished=len(found.vanished),
            told=len(found.signals),
            adopted=len(agents.adopt),
            commands=len(agents.commands),
        )

    def _compare_calls(self, node: Node, snapshot: NodeSnapshot) -> CallDifferences:
        """Each call that a gap may have touched is compared once, at a moment when it does not move."""
        calls = [call for call in self._board.calls.values() if call.node == node.name]
        wanted = self._unchecked.pop(node.name, set())
        due = [call for call in calls if wanted is None or call.id in wanted]
        still = [call for call in due if self._board.heard_at(call.id) < snapshot.began]
        if len(still) < len(due):
            self._unchecked[node.name] = {call.id for call in due} - {call.id for call in still}
            self._resync(node.name, _MOVING_S)
        return compare_calls(node.name, still, snapshot, known={call.leg for call in calls})

    def _resync(self, name: str, within_s: float) -> None:
        """Look at the node again in a while; one look serves everyone who wants one until then."""
        if name not in self._looks:
            self._looks[name] = asyncio.get_running_loop().call_later(within_s, self._look, name)

    def _look(self, name: str) -> None:
        del self._looks[name]
        self._nodes[name].link.resync()

    def _role_changed(self, node: Node, item: RoleChanged) -> None:
        subject = f"{node.name}/{item.role.value}"
        if item.state is State.UP:
            down = self._sessions_down.pop(subject, None)
            if down is not None and item.role is Role.COMMANDS:
                node.link.resync()  # what could not be told meanwhile is found out, and told, by comparing
        elif item.state is not State.STOPPED:
            self._sessions_down.setdefault(subject, SessionDown(subject, item.at, item.cause))

    # ------------------------------------------------------------------ what follows from it

    @staticmethod
    def _add(outcome: Outcome, more: Outcome) -> None:
        outcome.facts += more.facts
        outcome.commands += more.commands

    def _carry_out(self, outcome: Outcome) -> None:
        if outcome.facts:
            self._book.append(outcome.facts)
        commands = list(outcome.commands)
        for fact in outcome.facts:
            match fact:
                case f.CallerLeftQueue(reason=f.LeaveReason.REQUEUED):
                    self._dispatcher.requeued(fact.call)
                case f.CallerLeftQueue():
                    commands += self._dispatcher.forget(fact.node, fact.call)
                case f.AgentStateChanged():
                    self._agent_changed(fact)
                case f.NodeConnected():
                    self._plan_soon()
                case _:
                    pass
        self._perform(commands)

    def _perform(self, commands: Sequence[c.Command]) -> None:
        for command in commands:
            self._hands[command.node].perform((command,))

    def _agent_changed(self, fact: f.AgentStateChanged) -> None:
        timer = self._timers.pop(fact.agent, None)
        if timer is not None:
            timer.cancel()
        agent = self._board.agent(fact.agent)
        if fact.state is AgentState.WRAP_UP and agent.leg == fact.leg:
            self._limit(agent, fact.at + self._duties.wrapup_limit(agent.queue))
        # From one call to the next nobody comes on duty, leaves it or changes seats: the tick is soon enough.
        if not _AT_WORK.issuperset((fact.before, fact.state)):
            self._plan_soon()

    def _limit(self, agent: Agent, ends: Instant) -> None:
        delay = max(0, ends - self._clock()) / SECOND
        self._timers[agent.number] = asyncio.get_running_loop().call_later(
            delay, self._wrap_up_over, agent.number, agent.leg
        )

    def _wrap_up_over(self, number: str, leg: str) -> None:
        self._carry_out(self._board.wish(number, a.WrapUpOver(self._clock(), leg)))

    def _plan_soon(self) -> None:
        if self._plan_due is None:
            self._plan_due = asyncio.get_running_loop().call_later(_PLAN_WITHIN_S, self._plan)

    def _plan(self) -> None:
        if self._plan_due is not None:
            self._plan_due.cancel()
            self._plan_due = None
        self._perform(self._dispatcher.plan(self._board.lines(), self._board.agents, self._clock()))

    async def _tick(self) -> None:
        """What time alone brings about: heartbeat, announcements, ageing, legs that never said goodbye."""
        while not self._stopping:
            for heartbeat in self._hearts.values():
                heartbeat.beat()
            self._carry_out(self._board.sweep(self._clock()))
            self._plan()
            await asyncio.sleep(_TICK_S)

    def _on_facts(self, batch: Sequence[Numbered]) -> None:
        for numbered in batch:
            fact = numbered.fact
            if isinstance(fact, f.SummarySaved):
                self._carry_out(self._board.wish(fact.agent, a.SummaryDone(fact.at, fact.leg)))

    def _not_done(self, command: c.Command, how: How, _why: str) -> None:
        """Something we told a node may not be so: look, rather than say it again."""
        if how is How.REFUSED and isinstance(command, c.AddMember | _Published):
            return  # a queue it does not know, a right we do not have: looking again and again mends neither
        if isinstance(command, c.AddMember | c.RemoveMember | c.SetPause | c.SetPenalty | _Published):
            self._resync(command.node, _AFTER_FAILURE_S)

    # ------------------------------------------------------------------ for the API

    def sessions_down(self) -> list[SessionDown]:
        """Every log-in that does not stand, since when and why."""
        return list(self._sessions_down.values())

    def standings(self) -> list[NodeStanding]:
        """How we stand with each node now."""
        return [standing_of(name, node.link, self._hands[name]) for name, node in self._nodes.items()]

    def heard(self) -> Instant:
        """Up to when all nodes have been heard: the age of every live figure (guarantee 3)."""
        moments = [node.link.session(Role.EVENTS).heard_at or 0 for node in self._nodes.values()]
        return min(moments, default=self._clock())

    @property
    def switchboard(self) -> Switchboard:
        """The present, to look at."""
        return self._board

    def require_phone(self, device: str) -> None:
        """`Conflict` if the phone at this device is known to be away: nobody can take calls there."""
        if self._board.reachable.get(device) is False:
            raise Conflict(f"the phone at {device} is not registered: see to it, then try again")

    def wish(self, number: str, make: Callable[[Instant], a.Wish]) -> Agent:
        """Carry out an agent's wish; the agent as it is then. `Conflict` if it cannot be."""
        self._carry_out(self._board.wish(number, make(self._clock())))
        return self._board.agent(number)

    def raise_help(self, number: str) -> None:
        """举手 (CALL-22)."""
        self._carry_out(self._board.raise_help(number, self._clock()))

    def end_help(self, number: str, by: str) -> None:
        """A leader has come."""
        self._carry_out(self._board.end_help(number, by, self._clock()))

    async def send_to_survey(self, number: str) -> None:
        """Transfer the customer this agent talks with to the survey (CALL-11); `Conflict` says why not."""
        agent = self._board.agent(number)
        call = self._board.call(agent.call)
        if agent.state is not AgentState.TALKING or call is None or not call.channel:
            raise Conflict(f"agent {number} has no customer on the line: nothing to transfer")
        reply = await self._hands[call.node].ask(c.SendToSurvey(call.node, call.channel))
        if not reply.done:
            raise Conflict(
                f"the transfer was {reply.outcome.value}: {reply.why}; the call goes on, try again"
            )
