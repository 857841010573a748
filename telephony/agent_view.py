"""An agent as people see them: the answer of the API, and the live topic `agent:<number>`.

Past ten seconds of waiting the agent is told how long it was, and to apologise first (CALL-03).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core import facts as f
from core.clock import MILLISECOND, Clock, Duration, Instant, iso
from core.facts import AgentState, Numbered
from telephony.agents import Agent
from telephony.switchboard import Switchboard
from telephony.waiting import APOLOGY_AFTER
from web.live import LiveHub, Topic
from web.route import Out, Principal

TOPIC = "agent"
"""Family: `agent:1001` is for 1001, and for those whose `agents.read` reaches them."""
_IN_CALL = frozenset({AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP})
RIGHT, READ = "agents.act", "agents.read"


class AgentOut(Out):
    """An agent as they are now. `since`: RFC 3339.

    While an offer rings and during the talk: `waited_ms`, how long the customer has waited (0 otherwise);
    `apologise`: longer than ten seconds. `after_call`, while there is a call or its wrap-up: where the agent
    goes then, `ready`, `logged_out` or the reason of a pause; else empty.
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


class AgentView:
    """Looks at the switchboard; tells the hub of every change of an agent."""

    def __init__(self, board: Switchboard, hub: LiveHub, clock: Clock) -> None:
        self._board = board
        self._hub = hub
        self._clock = clock
        hub.declare(Topic(name=TOPIC, right=RIGHT, snapshot=self._payload, allowed=may_watch, wider=(READ,)))

    def of(self, agent: Agent) -> AgentOut:
        """The agent with what their call tells."""
        waited = self._waited(agent)
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
        )

    def hear(self, batch: Sequence[Numbered]) -> None:
        """A listener of the ledger: the switchboard is where the facts say when they are appended."""
        for numbered in batch:
            if isinstance(numbered.fact, f.AgentStateChanged | f.HelpRaised | f.HelpEnded):
                self._tell(numbered.fact.agent, numbered.fact.at)

    def _tell(self, number: str, at: Instant) -> None:
        topic = f"{TOPIC}:{number}"
        if self._hub.watched(topic):
            self._hub.publish(topic, self._payload(number), at=at)
        else:
            self._hub.reset(topic)  # nobody looks: whoever comes back is shown all of it

    def _payload(self, number: str) -> Mapping[str, Any]:
        return self.of(self._board.agent(number)).model_dump()

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


def may_watch(person: Principal, number: str) -> bool:
    """Oneself who acts, or whoever may read that agent."""
    return (person.staff == number and person.may(RIGHT)) or person.may_of(READ, number)
