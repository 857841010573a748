"""Telephony at work: streams of all nodes in, facts to the ledger, commands back through one door.

    NodeLink ─► translate ─► Switchboard ─► facts ─► ledger
                                  └───────► commands ─► NodeHands ─► NodeLink

Whatever the folds decide from one batch is appended at once and then told to the nodes, so that no command
goes out on account of a fact that is not in the book.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import structlog

from core import facts as f
from core.clock import SECOND, Clock, Instant
from core.errors import Conflict
from core.facts import AgentState, Numbered
from directory.model import Membership
from telephony import agents as a
from telephony import commands as c
from telephony.agents import Agent
from telephony.ami.accounts import Role
from telephony.ami.pending import Outcome as How
from telephony.ami.pending import Reply
from telephony.call_backs import CallBacks
from telephony.called_first import CustomerLines, Way
from telephony.dispatch import Dispatcher
from telephony.hands import NodeHands, Sure, SureSender
from telephony.hearing import Hearing, Node, SessionDown
from telephony.kept import KeptPlaces
from telephony.moves import moved
from telephony.outgoing import Order, require_free
from telephony.presence import Away, Presence, Turn, never_away
from telephony.reconcile_agents import pause_of
from telephony.standing import NodeStanding, standing_of
from telephony.switchboard import Outcome, Switchboard, wrap_ups
from telephony.takeup import LOOK_BACK, Book, take_up

_log = structlog.get_logger(__name__)

_BEAT_S = 1
"""Facts of the last second before the heart stopped may not have reached the book."""
_AFTER_FAILURE_S = 3.0
"""A command that failed is not said again; whether it must be is looked up, but not in a storm of looks."""
_TICK_S = 0.5
_PLAN_WITHIN_S = 0.2
"""After a change of an agent: who is on duty is counted over all of them, and changes come in bursts."""
_AT_WORK = frozenset(AgentState) - {AgentState.LOGGED_OUT, AgentState.NOT_READY}


_NO_LINES: Mapping[str, str] = MappingProxyType({})
_Published = c.PublishDuty | c.PublishAgentAt | c.PublishDeviceOf


async def alone() -> None:
    """Where no other program can lead."""


class Telephony:
    """`await start()`, then `run()`; the other methods are for the API.

    `outgoing`: node → the number shown to customers whom we call from there; nodes without a line to call
    from are not in it. `customer_first`: by which of those lines who keeps a place is called before the agent
    who is held for it; without it the agent is. `kept`: places of callers who are to be called back; without
    it there are none.
    `sure`: asked before every command whether this program still leads; `away`: whether another may lead by
    now. As long as one may, nothing is told to a node.
    """

    def __init__(
        self,
        *,
        nodes: Sequence[Node],
        book: Book,
        duties: a.Duties,
        dispatcher: Dispatcher,
        clock: Clock,
        outgoing: Mapping[str, str] = _NO_LINES,
        customer_first: CustomerLines | None = None,
        kept: KeptPlaces | None = None,
        sure: Sure = alone,
        away: Away = never_away,
    ) -> None:
        self._outgoing = outgoing
        self._customer_first = customer_first
        self._nodes = {node.name: node for node in nodes}
        self._book = book
        self._duties = duties
        self._dispatcher = dispatcher
        self._clock = clock
        self._presence = Presence(nodes, away)
        self._stopping = False
        self._hands = {
            node.name: NodeHands(node.name, SureSender(node.link, sure), self._not_done) for node in nodes
        }
        self._board = Switchboard(duties)
        self._hearings = {
            node.name: Hearing(node, self._board, duties=duties, dispatcher=dispatcher, clock=clock)
            for node in nodes
        }
        self.call_backs = CallBacks(
            self._board,
            KeptPlaces(keeps=0, bound=lambda queue: 0) if kept is None else kept,
            memberships=duties.memberships,
            nodes=self._nodes,
            away=self._presence.away,
            carry_out=self._carry_out,
            clock=clock,
        )
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._plan_due: asyncio.TimerHandle | None = None

    # ------------------------------------------------------------------ life

    async def start(self, *, known_until: Instant | None = None) -> None:
        """Take up calls and agents as the ledger left them.

        `known_until`: what whoever led before has told after that may not be in the ledger.
        """
        now = self._clock()
        calls = await take_up(self._book, self._board, now)
        ended = await self.call_backs.take_up(self._book, await self._book.before(now - LOOK_BACK))
        for name, last in self._presence.last().items():
            known = last if known_until is None else min(last, known_until)
            self._hearings[name].absent_since = known - _BEAT_S * SECOND
        self._book.listen(self._on_facts)
        self._carry_out(Outcome(list(ended)))
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

    async def stop(self, *, leave: bool = True) -> None:
        """Waits for commands under way, logs off from all nodes; `run()` is to be cancelled after it.

        `leave` False: another program leads; the sign of life is its own to keep or to end.
        """
        for timer in self._timers.values():
            timer.cancel()
        for hearing in self._hearings.values():
            hearing.stop()
        self._stopping = True
        await self.call_backs.settled()
        await self.told()
        if leave:
            self._presence.leave(self._clock())
        for node in self._nodes.values():
            self._dispatcher.node_went(node.name)
            await node.link.stop()

    async def told(self) -> None:
        """Returns when every command given so far has ended, one way or another."""
        for hands in self._hands.values():
            await hands.settled()

    async def _serve(self, node: Node) -> None:
        async for batch in node.link.batches():
            self._carry_out(await self._hearings[node.name].hear(batch))

    # ------------------------------------------------------------------ what follows from it

    def _carry_out(self, outcome: Outcome) -> None:
        self.call_backs.hear(outcome)
        self._offer_to_the_freed(outcome)
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

    def _offer_to_the_freed(self, outcome: Outcome) -> None:
        """Reserve whoever takes calls again for a caller who is overdue, before app_queue hears of it."""
        for fact in tuple(outcome.facts):
            if not isinstance(fact, f.AgentStateChanged) or fact.state is not AgentState.READY:
                continue
            agent = self._board.agent(fact.agent)
            if agent.state is not AgentState.READY or self.call_backs.give(agent, fact.at, outcome):
                continue
            chosen = self._dispatcher.choose(agent, fact.at)
            call = self._board.calls.get(chosen.call.id) if chosen is not None else None
            # Chosen from a picture of up to half a second ago: is that still the same wait, and nobody rung?
            if chosen is None or call is None or call.phase is not f.Phase.WAITING:
                continue
            if call.wait is None or call.wait.queue != chosen.wait.queue:
                continue
            freed = [c.SetPause(node, agent.device, False, "") for node in self._nodes]
            outcome.commands = [command for command in outcome.commands if command not in freed]
            outcome.add(self._board.wish(agent.number, a.Reserve(fact.at, call.id)))
            outcome.commands.append(c.Offer(call.node, call.channel, call.id, agent.number))

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
        now = self._clock()
        self._perform(self._dispatcher.plan(self._board.lines(now), self._board.agents, now))
        self._carry_out(self.call_backs.plan(now))

    async def _tick(self) -> None:
        """What time alone brings about: heartbeat, announcements, ageing, legs that never said goodbye."""
        while not self._stopping:
            self._beat()
            self._carry_out(self._board.sweep(self._clock()))
            self._plan()
            await asyncio.sleep(_TICK_S)

    def _beat(self) -> None:
        turn = self._presence.beat()
        if turn is Turn.WENT:
            for name in self._nodes:
                self._dispatcher.node_went(name)
        elif turn is Turn.CAME:  # what could not be told is found out, and told, by comparing
            for hearing in self._hearings.values():
                hearing.look_soon(0)

    def _on_facts(self, batch: Sequence[Numbered]) -> None:
        for numbered in batch:
            fact = numbered.fact
            if isinstance(fact, f.SummarySaved):
                self._carry_out(self._board.wish(fact.agent, a.SummaryDone(fact.at, fact.leg)))
            elif isinstance(fact, f.CustomerIdentified):
                self._board.identify(fact)
                if fact.favoured:
                    self._plan_soon()

    def _not_done(self, command: c.Command, how: How, _why: str) -> None:
        """Something we told a node may not be so: look, rather than say it again."""
        if how is How.REFUSED and isinstance(command, c.AddMember | _Published):
            return  # a queue it does not know, a right we do not have: looking again and again mends neither
        if isinstance(command, c.Offer):
            self._carry_out(self._board.wish(command.agent, a.Release(self._clock(), command.call)))
        if isinstance(command, c.CallCustomer | c.CallCustomerFirst):
            call = command.call if isinstance(command, c.CallCustomer) else command.calling.call
            if how is How.REFUSED:
                self._carry_out(self._board.not_dialled(call, self._clock()))
            elif not self._presence.away():
                self._hearings[command.node].look_soon(_AFTER_FAILURE_S)
        if self._presence.away():
            return  # it is looked at as soon as anything can be told
        if isinstance(command, c.AddMember | c.RemoveMember | c.SetPause | c.SetPenalty | _Published):
            self._hearings[command.node].look_soon(_AFTER_FAILURE_S)

    # ------------------------------------------------------------------ what the directory says

    def memberships_changed(self, before: Mapping[str, Sequence[Membership]]) -> None:
        """The directory gives other queues from now on; `before`: those of each agent until now.

        Who has none any more is logged out, after the call on hand (SEC-21).
        """
        for agent in list(self._board.agents.values()):
            had, has = before.get(agent.number, ()), self._duties.memberships(agent.number)
            if agent.state is AgentState.LOGGED_OUT or tuple(had) == tuple(has):
                continue
            pause = pause_of(agent, lambda agent: self._duties.wrapup_limit(agent.queue) > 0)
            self._perform(moved(agent, had, has, nodes=self._nodes, pause=pause))
            if not has:
                self._carry_out(self._board.wish(agent.number, a.Dismiss(self._clock())))
        self._plan_soon()

    # ------------------------------------------------------------------ for the API

    def sessions_down(self) -> list[SessionDown]:
        """Every log-in that does not stand, since when and why."""
        return [down for hearing in self._hearings.values() for down in hearing.sessions_down.values()]

    @property
    def bad_events(self) -> int:
        """Events of all nodes that could not be read or folded, since the start."""
        return sum(hearing.bad_events for hearing in self._hearings.values())

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
        if self._presence.away():
            raise Conflict(
                "nothing can be told to the telephones just now, another program may lead: dial the star "
                "code (*11 in, *12 ready, *13 and the reason's digit, *14 out), or try again in a minute"
            )
        self._carry_out(self._board.wish(number, make(self._clock())))
        return self._board.agent(number)

    def raise_help(self, number: str) -> None:
        """举手 (CALL-22)."""
        self._carry_out(self._board.raise_help(number, self._clock()))

    def end_help(self, number: str, by: str) -> None:
        """A leader has come."""
        self._carry_out(self._board.end_help(number, by, self._clock()))

    def explain_hold(self, number: str, reason: str) -> None:
        """Write down why this agent's customer is put on hold (CALL-07); `Conflict` says why not."""
        agent = self._board.agent(number)
        if agent.state is not AgentState.TALKING:
            raise Conflict(f"agent {number} has no customer on the line: nobody to be put on hold")
        about = {"call": agent.call, "leg": agent.leg, "agent": number, "queue": agent.queue}
        self._carry_out(Outcome([f.HoldExplained(at=self._clock(), node=agent.node, reason=reason, **about)]))

    async def on_duty(self, queue: str) -> int:
        """Agents on duty for a queue, after every node has heard of them: who is sent there is not turned
        away because somebody has only just come."""
        self._plan()
        await self.told()
        return self._dispatcher.on_duty(queue)

    def write_down(self, fact: f.Fact) -> None:
        """A fact that people make, not Asterisk."""
        self._carry_out(Outcome([fact]))

    async def order(self, command: c.Command) -> Reply:
        """Tell a node something and hear how it ended; never repeated."""
        hands = self._hands.get(command.node)
        if hands is None:
            return Reply(How.REFUSED, why=f"no node {command.node!r} is configured")
        return await hands.ask(command)

    async def call_out(self, order: Order) -> None:
        """Call a customer on this agent's behalf; the fact comes before the order to Asterisk.

        `Conflict`: no node has a line for it, the phone is away, or the agent has something on hand;
        `PhoneInUse` among them, for what the state of an agent does not tell: a call between colleagues, or a
        leader who listens.
        """
        agent = self._board.require_free(order)
        node = agent.node if agent.node in self._outgoing else next(iter(self._outgoing), "")
        if not node:
            raise Conflict(
                "no node has a line for calls that we make: name an outgoing trunk in its settings"
            )
        self.require_phone(agent.device)
        shown = self._outgoing[node]
        way = await self._way_of(order, node)
        seen = await self._hands[node].ask(c.LookAtPhone(node, agent.device))
        require_free(agent.device, (seen.message.get("Value") or "") if seen.message is not None else "")
        self._carry_out(self._board.dial(order, node=node, shown=shown, at=self._clock(), way=way))

    async def _way_of(self, order: Order, node: str) -> Way | None:
        """In which way the customer is called before the agent, if he is. `Conflict`: not at all."""
        if self._customer_first is None or not order.held:
            return None
        place = self.call_backs.place(order.record)
        if place is None:
            raise Conflict(f"the place kept for {order.record} is over: nobody is to be called for it")
        asked = await self._hands[node].ask(c.LookAtList(node, order.number))
        if asked.message is None or asked.message.get("Value") != "1":
            raise Conflict(
                f"{node} has no place for this number on its own list, or did not answer: see `[outgoing]` "
                "allow, then `hotline prepare` and `hotline reload`"
            )
        return self._customer_first.way(node, queue=place.queue, language=place.language)

    async def send_to_survey(self, number: str) -> None:
        """Transfer the customer this agent talks with to the survey (CALL-11); `Conflict` says why not."""
        agent = self._board.agent(number)
        call = self._board.call(agent.call)
        if agent.state is not AgentState.TALKING or call is None or not call.channel:
            raise Conflict(f"agent {number} has no customer on the line: nothing to transfer")
        if call.outgoing and call.first is None:
            raise Conflict(
                "we have called this customer: the survey is for those who call us; hang up instead"
            )
        reply = await self._hands[call.node].ask(c.SendToSurvey(call.node, call.channel))
        if not reply.done:
            raise Conflict(
                f"the transfer was {reply.outcome.value}: {reply.why}; the call goes on, try again"
            )
