"""All calls and agents of all nodes: takes signals and wishes in, gives facts and commands out. No I/O.

    signal ─► call_fold ─► facts of the call ─► agents.follow ─► facts of the agent, commands
    wish   ─► agents.decide ────────────────────────────────────► facts of the agent, commands

Mutable, because it is the one place that holds the present; everything it holds is frozen.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from core import facts as f
from core.causes import OUT_OF_ORDER
from core.clock import MINUTE, SECOND, Duration, Instant
from core.errors import Conflict
from core.facts import AgentState
from telephony import agents as a
from telephony import call_fold, outgoing
from telephony import commands as c
from telephony import signals as s
from telephony.agent_fold import Step, decide, follow
from telephony.agents import Agent, Duties
from telephony.called_first import Way
from telephony.calls import Call, Known
from telephony.waiting import Waiting, line_up

_REMEMBERED = 2_000
"""Finished calls kept for signals that come late."""
_PAST = 200_000
"""Ids of calls long over, kept for the same."""
_LINGER: Duration = MINUTE
"""A finished call whose legs were never heard to end is closed after this."""
_RESERVED_FOR: Duration = 5 * SECOND
"""By then the telephone of a reserved agent rings, or the offer has not come about."""
_UNHEARD: Duration = 150 * SECOND
"""By then the telephone of a customer who is called first has rung out, or it never rang."""
_ASKING: Duration = 10 * MINUTE
"""The same where an agent goes on asking a colleague about it."""
_OF_AGENTS = (
    f.AgentOffered,
    f.OfferEnded,
    f.AgentAnswered,
    f.TalkEnded,
    f.OutgoingStarted,
    f.OutgoingEnded,
)


@dataclass(slots=True)
class Outcome:
    """What one signal or wish led to, in order."""

    facts: list[f.Fact] = field(default_factory=list)
    commands: list[c.Command] = field(default_factory=list)

    def add(self, more: Outcome) -> None:
        """What something else led to comes after it."""
        self.facts += more.facts
        self.commands += more.commands


class Switchboard:
    """The present. `duties`: what the directory says."""

    def __init__(self, duties: Duties) -> None:
        self._duties = duties
        self.calls: dict[str, Call] = {}
        self.agents: dict[str, Agent] = {}
        self.reachable: dict[str, bool] = {}
        self.helps: dict[str, Instant] = {}
        self._contact_of: dict[str, str] = {}
        self._contact_at: dict[str, Instant] = {}
        self._call_of_leg: dict[str, str] = {}
        self._finished: OrderedDict[str, Call] = OrderedDict()
        self._past: OrderedDict[str, None] = OrderedDict()
        self._heard_at: dict[str, Instant] = {}

    # ------------------------------------------------------------------ looking

    def agent(self, number: str) -> Agent:
        """The agent's state; one never seen before is logged out."""
        return self.agents.get(number) or Agent(number)

    def agent_at(self, device: str) -> Agent | None:
        """Who sits at this device."""
        return next((agent for agent in self.agents.values() if agent.device == device), None)

    def lines(self, now: Instant) -> dict[str, list[Waiting]]:
        """Queue → callers waiting, in order."""
        return line_up(self.calls.values(), now)

    def call(self, call_id: str) -> Call | None:
        """An open or lately finished call."""
        return self.calls.get(call_id) or self._finished.get(call_id)

    # ------------------------------------------------------------------ taking up

    def remember_call(self, call: Call) -> None:
        """Take up a call read back from the ledger."""
        self._keep(call)

    def remember_past(self, call_id: str) -> None:
        """A call that is over and told: its arrival, heard once more, begins nothing."""
        self._past[call_id] = None
        if len(self._past) > _PAST:
            self._past.popitem(last=False)

    def remember_agent(self, agent: Agent) -> None:
        """Take up an agent read back from the ledger."""
        self.agents[agent.number] = agent

    # ------------------------------------------------------------------ signals

    def hear(self, signal: s.Signal) -> Outcome:
        """One signal, whatever it is about."""
        outcome = Outcome()
        if isinstance(signal, s.Arrived):
            if self.call(signal.call) is None and signal.call not in self._past:
                self._took(*call_fold.arrive(signal), outcome)
        elif isinstance(signal, s.DeviceCode):
            self._star_code(signal, outcome)
        elif isinstance(signal, s.ContactChanged):
            self._contact(signal, outcome)
        elif isinstance(signal, s.OfferOver):
            self._agent_took(self._release(self.agent(signal.agent), signal.call, signal.at), outcome)
        else:
            call = self._call_spoken_of(signal)
            if call is not None:
                self._heard_at[call.id] = max(signal.at, self._heard_at.get(call.id, 0))
                self._took(*call_fold.reduce(call, signal), outcome)
        return outcome

    def close_call(self, call_id: str, at: Instant, reason: f.EndReason) -> Outcome:
        """End a call that Asterisk will say no more of."""
        outcome = Outcome()
        call = self.calls.get(call_id)
        if call is not None:
            self._took(*call_fold.close(call, at, reason), outcome)
        return outcome

    def heard_at(self, call_id: str) -> Instant:
        """When the node last said something of this open call; 0 if not since we started."""
        return self._heard_at.get(call_id, 0)

    def lose_node(self, node: str, before: Instant, at: Instant) -> Outcome:
        """The node died: every call that came `before` is over, `at` the time when it was last heard of."""
        outcome = Outcome()
        for call in [call for call in self.calls.values() if call.node == node and call.arrived_at <= before]:
            ended = min(before, max(at, self.heard_at(call.id), call.arrived_at))
            self._took(*call_fold.close(call, ended, f.EndReason.NODE_LOST), outcome)
        return outcome

    def sweep(self, now: Instant) -> Outcome:
        """Close what should have been closed long ago: legs of finished calls that never said goodbye,
        reservations that came to nothing, questions that ended unheard."""
        outcome = Outcome()
        for agent in [agent for agent in self.agents.values() if agent.state is AgentState.RESERVED]:
            call = self.call(agent.call)  # one that we are about to make is not known yet
            if call is not None and call.holds_agent:
                continue
            over = agent.call in self._past or (call is not None and not call.waiting)
            if over or now - agent.since > _RESERVED_FOR:
                self._agent_took(self._release(agent, agent.call, now), outcome)
        for agent in [agent for agent in self.agents.values() if agent.state is AgentState.CONSULTING]:
            call = self.calls.get(agent.call)
            if call is None or all(consult.id != agent.leg for consult in call.asking):
                self._agent_took(self._release(agent, agent.call, now), outcome)
        for call in list(self.calls.values()):
            if call.is_unheard and now - call.arrived_at > _UNHEARD:
                self._took(*call_fold.close(call, now, f.EndReason.UNSEEN), outcome)
            if call.ended_at is not None and now - call.ended_at > (_ASKING if call.asking else _LINGER):
                self._took(*call_fold.close(call, now, f.EndReason.UNSEEN), outcome)
        return outcome

    def identify(self, fact: f.CustomerIdentified) -> None:
        """The caller is a customer, perhaps one who is served first."""
        call = self.calls.get(fact.call)
        if call is not None:
            known = Known(fact.customer, fact.level, fact.language)
            self.calls[call.id] = replace(call, favoured=fact.favoured, known=known)

    # ------------------------------------------------------------------ wishes

    def wish(self, number: str, wish: a.Wish) -> Outcome:
        """An agent's or a timer's wish; `Conflict` if it cannot be."""
        if isinstance(wish, a.LogIn):
            taken = self.agent_at(wish.device)
            if taken is not None and taken.number != number:
                raise Conflict(f"{wish.device} is taken by agent {taken.number}: choose another phone")
        outcome = Outcome()
        self._agent_took(decide(self.agent(number), wish, self._duties), outcome)
        return outcome

    def require_free(self, order: outgoing.Order) -> Agent:
        """The agent who is to make this call; `Conflict` unless he can."""
        agent = self.agent(order.agent)
        if order.held:
            free = agent.state is AgentState.RESERVED and agent.call == order.call
        else:
            free = agent.state in (AgentState.READY, AgentState.NOT_READY)
        if not free:
            raise Conflict(
                f"agent {agent.number} is {agent.state.value}: finish that, or log in, and call then"
            )
        return agent

    def dial(
        self, order: outgoing.Order, *, node: str, shown: str, at: Instant, way: Way | None = None
    ) -> Outcome:
        """A call that we make on this agent's behalf; `Conflict` unless the agent has nothing on hand.

        `way`: in which its customer is called first; None: the agent is.
        """
        agent = self.require_free(order)
        outcome = Outcome()
        first = f.Side.AGENT if way is None else f.Side.CUSTOMER
        call, started = outgoing.start(order, node=node, device=agent.device, shown=shown, at=at, first=first)
        self._took(call, (started,), outcome)
        if way is None:
            command = c.CallCustomer(node, started.device, started.leg, call.id, order.number)
            outcome.commands.append(command)
        else:
            outcome.commands.append(c.CallCustomerFirst(node, way.calling(started)))
        return outcome

    def not_dialled(self, call_id: str, at: Instant) -> Outcome:
        """Asterisk has refused to make this call."""
        outcome = Outcome()
        call = self.calls.get(call_id)
        if call is not None and call.ended_at is None:
            call = replace(call, failed=f.OutgoingOutcome.NOT_DIALLED)
            self._took(*call_fold.close(call, at, f.EndReason.SYSTEM), outcome)
        return outcome

    def raise_help(self, number: str, at: Instant) -> Outcome:
        """举手 (CALL-22): in any state, once until it has been answered."""
        outcome = Outcome()
        if number not in self.helps:
            self.helps[number] = at
            agent = self.agent(number)
            outcome.facts.append(f.HelpRaised(at=at, node=agent.node, agent=number, call=agent.call))
        return outcome

    def end_help(self, number: str, by: str, at: Instant) -> Outcome:
        """A leader has come; `Conflict` if nobody called."""
        if self.helps.pop(number, None) is None:
            raise Conflict(f"agent {number} has not asked for help, or somebody has come already")
        return Outcome([f.HelpEnded(at=at, agent=number, by=by)])

    # ------------------------------------------------------------------ inside

    def _call_spoken_of(self, signal: s.Signal) -> Call | None:
        match signal:
            case s.CallSignal():
                return self.call(signal.call)
            case s.OfferSignal():
                call_id = self._call_of_leg.get(signal.caller_leg)
            case s.LegSignal():
                call_id = self._call_of_leg.get(signal.leg)
            case _:
                call_id = None
        return self.call(call_id) if call_id else None

    def _took(self, call: Call, facts: Sequence[f.Fact], outcome: Outcome) -> None:
        self._keep(call)
        for fact in facts:
            outcome.facts.append(self._as_promised(fact))
            if isinstance(fact, _OF_AGENTS):
                self._agent_took(follow(self.agent(fact.agent), fact, self._duties), outcome)
            elif isinstance(fact, f.ConsultStarted | f.ConsultEnded):
                self._agent_took(follow(self.agent(fact.to), fact, self._duties), outcome)

    def _as_promised(self, fact: f.Fact) -> f.Fact:
        """Who joins a queue is measured by what the queue promises now, whatever it will promise later."""
        if isinstance(fact, f.CallerQueued):
            return replace(fact, answer_within=self._duties.answer_within(fact.queue))
        return fact

    def _release(self, agent: Agent, call: str, at: Instant) -> Step:
        return decide(agent, a.Release(at, call), self._duties)

    def _agent_took(self, step: Step, outcome: Outcome) -> None:
        agent, facts, commands = step
        self.agents[agent.number] = agent
        outcome.facts += facts
        outcome.commands += commands

    def _keep(self, call: Call) -> None:
        for leg in call.legs[-2:]:  # a signal adds one leg at most
            self._call_of_leg[leg.id] = call.id
        for consult in call.consults:
            self._call_of_leg[consult.id] = self._call_of_leg[consult.by] = call.id
        if call.leg:
            self._call_of_leg[call.leg] = call.id
        if not call.over:
            self.calls[call.id] = call
            return
        self.calls.pop(call.id, None)
        self._heard_at.pop(call.id, None)
        self._finished[call.id] = call
        while len(self._finished) > _REMEMBERED:
            _, old = self._finished.popitem(last=False)
            self.remember_past(old.id)
            asked = (leg_id for consult in old.consults for leg_id in (consult.id, consult.by))
            for leg_id in (old.leg, *(leg.id for leg in old.legs), *asked):
                self._call_of_leg.pop(leg_id, None)

    def _star_code(self, signal: s.DeviceCode, outcome: Outcome) -> None:
        if signal.result != "ok":
            return
        sitting = self.agent_at(signal.device)
        # The dialplan knows by name only who logged in by telephone; its word may be the older one.
        number = sitting.number if sitting is not None and signal.code != "login" else signal.agent
        if not number:
            return
        if signal.code == "help":
            outcome.facts += self.raise_help(number, signal.at).facts
            return
        if signal.code == "login" and sitting is not None and sitting.number != number:
            self._adopt(sitting.number, signal, AgentState.LOGGED_OUT, "", outcome)
        if signal.code not in _STAR_CODES:
            return
        state, reason = _STAR_CODES[signal.code]
        self._adopt(number, signal, state, reason or signal.reason, outcome)

    def _adopt(
        self, number: str, signal: s.DeviceCode, state: AgentState, reason: str, outcome: Outcome
    ) -> None:
        wish = a.Adopt(signal.at, state, reason, signal.device)
        self._agent_took(decide(self.agent(number), wish, self._duties), outcome)

    def _contact(self, signal: s.ContactChanged, outcome: Outcome) -> None:
        if signal.at < self._contact_at.get(signal.device, 0):
            return  # of an earlier moment, heard late or once more
        self._contact_at[signal.device] = signal.at
        current = self._contact_of.get(signal.device, "")
        if signal.reachable:
            self._contact_of[signal.device] = signal.contact or current
        elif signal.contact and current and signal.contact != current:
            return  # where the phone was before it registered anew: Asterisk removes that address afterwards
        if self.reachable.get(signal.device, False) == signal.reachable:
            return
        self.reachable[signal.device] = signal.reachable
        outcome.facts.append(
            f.DeviceContactChanged(
                at=signal.at, node=signal.node, device=signal.device, reachable=signal.reachable
            )
        )
        sitting = self.agent_at(signal.device)
        if sitting is not None and not signal.reachable:
            self._agent_took(decide(sitting, a.PhoneLost(signal.at), self._duties), outcome)
            self._end_ringing(sitting, signal.at, outcome)

    def _end_ringing(self, agent: Agent, at: Instant, outcome: Outcome) -> None:
        """The telephone of this agent is away: whoever waits for it to be answered need wait no longer."""
        call = self.calls.get(agent.call)
        leg = call.leg_of(agent.leg) if call is not None else None
        if call is not None and agent.held and call.waiting:
            outcome.commands.append(c.Revoke(call.node, call.channel))
        elif call is not None and leg is not None and leg.offering and leg.channel:
            self._took(*call_fold.reduce(call, s.HangupAsked(at, call.node, leg.id, OUT_OF_ORDER)), outcome)
            outcome.commands.append(c.HangUp(call.node, leg.channel))


_STAR_CODES = {
    "login": (AgentState.NOT_READY, a.LOGIN_REASON),
    "ready": (AgentState.READY, ""),
    "not_ready": (AgentState.NOT_READY, ""),
    "logout": (AgentState.LOGGED_OUT, ""),
}


def wrap_ups(agents: Iterable[Agent], duties: Duties) -> list[tuple[Agent, Instant]]:
    """Agents in after-call work with the instant at which it ends by itself."""
    return [
        (agent, agent.since + duties.wrapup_limit(agent.queue))
        for agent in agents
        if agent.state is AgentState.WRAP_UP
    ]
