"""An agent as people see them: the answer of the API, and the live topic `agent:<number>`.

Past ten seconds of waiting the agent is told how long it was, and to apologise first (CALL-03).
From the first ring on he sees who calls as far as that is known, from memory, and where there is more of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from core import facts as f
from core.clock import MILLISECOND, Clock, Duration, Instant, iso
from core.facts import AgentState, Numbered
from core.masking import mask_number
from telephony.agents import Agent
from telephony.calls import Call, Known
from telephony.switchboard import Switchboard
from telephony.waiting import APOLOGY_AFTER
from web.live import LiveHub, Topic
from web.route import Out, Principal

TOPIC = "agent"
"""Family: `agent:1001` is for 1001, and for those whose `agents.read` reaches them."""
_IN_CALL = frozenset({AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP})
RIGHT, READ = "agents.act", "agents.read"
_OF_LEADERS = f.LeaderJoined | f.LeaderModeChanged | f.LeaderLeft
_OF_AGENTS = f.AgentStateChanged | f.HelpRaised | f.HelpEnded
_UNKNOWN = Known(customer="", level="ordinary")


class CallerOut(Out):
    """Who is on the line, or rings. `number`: masked. `customer`: their number with the bank, "" for one who
    is not known: those are `ordinary`. `language`: preferred, "" if none is. `history`: where their record
    and their last calls are.
    """

    number: str
    customer: str
    level: str
    language: str
    history: str


class LeaderOut(Out):
    """A leader in the talk: `mode` is listen, whisper or barge, since then. `since`: RFC 3339."""

    leader: str
    mode: str
    since: str


class AgentOut(Out):
    """An agent as they are now. `since`: RFC 3339.

    While an offer rings and during the talk: `waited_ms`, how long the customer has waited (0 otherwise);
    `apologise`: longer than ten seconds. `after_call`, while there is a call or its wrap-up: where the agent
    goes then, `ready`, `logged_out` or the reason of a pause; else empty. `caller`: null without a call from
    outside. `leaders`: who is in the talk now; always empty where the bank does not tell its agents.
    """

    agent: str
    state: str
    reason: str
    since: str
    device: str
    call: str
    leg: str
    queue: str
    help: bool
    waited_ms: int
    apologise: bool
    after_call: str
    caller: CallerOut | None
    leaders: list[LeaderOut]


class AgentView:
    """Looks at the switchboard; tells the hub of every change of an agent. `told_of_leaders`: whether agents
    see that a leader is in their talk."""

    def __init__(
        self, board: Switchboard, hub: LiveHub, clock: Clock, *, told_of_leaders: bool = True
    ) -> None:
        self._told_of_leaders = told_of_leaders
        self._board = board
        self._hub = hub
        self._clock = clock
        hub.declare(Topic(name=TOPIC, right=RIGHT, snapshot=self._payload, allowed=may_watch, wider=(READ,)))

    def of(self, agent: Agent) -> AgentOut:
        """The agent with what their call tells."""
        waited = self._waited(agent)
        call = self._board.call(agent.call) if agent.call and agent.state in _IN_CALL else None
        return AgentOut(
            agent=agent.number,
            state=agent.state.value,
            reason=agent.reason,
            since=iso(agent.since),
            device=agent.device,
            call=agent.call,
            leg=agent.leg,
            queue=agent.queue,
            help=agent.number in self._board.helps,
            waited_ms=waited // MILLISECOND,
            apologise=waited > APOLOGY_AFTER,
            after_call=(agent.rest.reason or agent.rest.state.value) if agent.state in _IN_CALL else "",
            caller=None if call is None or call.outgoing else _caller(call),
            leaders=[] if call is None else self._leaders(call, agent.leg),
        )

    def hear(self, batch: Sequence[Numbered]) -> None:
        """A listener of the ledger: the switchboard is where the facts say when they are appended."""
        for numbered in batch:
            fact = numbered.fact
            if isinstance(fact, _OF_AGENTS) or (self._told_of_leaders and isinstance(fact, _OF_LEADERS)):
                self._tell(fact.agent, fact.at)
            elif isinstance(fact, f.CustomerIdentified):
                # The switchboard hears it from the ledger, too, perhaps after us.
                asyncio.get_running_loop().call_soon(self._identified, fact)

    def _identified(self, fact: f.CustomerIdentified) -> None:
        """Found while a telephone rings already, or later."""
        call = self._board.call(fact.call)
        if call is None:
            return
        for number in {leg.agent for leg in call.legs}:
            if self._board.agent(number).call == fact.call:
                self._tell(number, fact.at)

    def _tell(self, number: str, at: Instant) -> None:
        topic = f"{TOPIC}:{number}"
        if self._hub.watched(topic):
            self._hub.publish(topic, self._payload(number), at=at)
        else:
            self._hub.reset(topic)  # nobody looks: whoever comes back is shown all of it

    def _payload(self, number: str) -> Mapping[str, Any]:
        return self.of(self._board.agent(number)).model_dump()

    def _leaders(self, call: Call, leg: str) -> list[LeaderOut]:
        if not self._told_of_leaders:
            return []
        return [
            LeaderOut(leader=one.leader, mode=one.mode, since=iso(one.at))
            for one in call.leaders
            if one.leg == leg and not one.left
        ]

    def _waited(self, agent: Agent) -> Duration:
        call = self._board.call(agent.call) if agent.call else None
        if call is None or call.wait is None:
            return 0
        if agent.state is AgentState.RINGING:
            return max(0, self._clock() - call.wait.joined_at)
        leg = call.leg_of(agent.leg)
        if agent.state is not AgentState.TALKING or leg is None or leg.answered_at is None:
            return 0
        return max(0, leg.answered_at - call.wait.joined_at)


def _caller(call: Call) -> CallerOut:
    known = call.known or _UNKNOWN
    return CallerOut(
        number=mask_number(call.caller),
        customer=known.customer,
        level=known.level,
        language=known.language,
        history=f"/api/calls/{call.id}/customer",
    )


def may_watch(person: Principal, number: str) -> bool:
    """Oneself who acts, or whoever may read that agent."""
    return (person.staff == number and person.may(RIGHT)) or person.may_of(READ, number)
