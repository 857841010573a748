"""The telephones in agents' pages: who sits at which, in which of his tabs, and what a page that goes means.

A telephone of the pool whose kind is `web` has no place of its own: whoever opens the page gets a free one.
One tab holds it. Asterisk would let the tab that came last push the first one out, and leave neither with a
telephone once the second is closed (measured); so a second tab is told that there is a first.

A page that is left, closed or loaded anew while its agent talks takes the sound with it. Its browser says so,
the leg is ended as that of a telephone that fell silent (cause 44), and the dialplan gives the customer back
to the head of the queue, unrated. The same where the page's session ends: who is not signed in talks to no
customer. A connection that breaks says nothing: the sound goes on without it.

A browser that is closed logs nobody out. A seat whose page has been away for GRACE is given back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from core.causes import SILENT
from core.clock import MINUTE, Clock, Duration, Instant
from core.errors import Conflict
from core.facts import AgentState
from core.names import DeviceName
from directory.lookup import Directory
from directory.model import DeviceKind
from telephony import agents as a
from telephony import commands as c
from telephony.agents import Agent
from telephony.seat_address import seat_address
from telephony.service import Telephony
from web.errors import Elsewhere
from web.tunnel import Tunnel

_log = structlog.get_logger(__name__)

ELSEWHERE = 4009
"""Another tab of the agent has the telephone."""
LEFT = 4010
"""The agent sits at no telephone in a page."""
_BUSY = frozenset({AgentState.RESERVED, AgentState.RINGING, AgentState.TALKING, AgentState.CONSULTING})
_AT_REST = frozenset({AgentState.READY, AgentState.NOT_READY})
GRACE: Duration = 5 * MINUTE
"""So long a seat waits for its page. A machine that is started anew is back by then, and nothing is lost to
callers meanwhile: whose telephone is away is offered none. Longer, and the next shift finds no free one.
"""
_LOOK_S = 5.0
"""How much later than that it is given back at most."""


@dataclass(frozen=True, slots=True)
class Seat:
    """What a page needs to be the telephone `device`. `secret` is for the page alone: never log it."""

    device: str
    secret: str = field(repr=False)


@dataclass(slots=True)
class _Held:
    """Which tab has an agent's telephone `device`, and its lines: node → tunnel. `seen`: when it got it, or
    its last line ended.
    """

    tab: str
    device: str
    seen: Instant
    lines: dict[str, Tunnel] = field(default_factory=dict)


class PagePhones:
    """`nodes`: node → where its Asterisk takes telephones in pages. `secrets`: device → SIP secret."""

    def __init__(
        self,
        telephony: Telephony,
        *,
        directory: Callable[[], Directory],
        nodes: Mapping[str, str],
        secrets: Mapping[str, str],
        clock: Clock,
    ) -> None:
        self.nodes = nodes
        self._telephony = telephony
        self._directory = directory
        self._secrets = secrets
        self._clock = clock
        self._since = clock()
        self._held: dict[str, _Held] = {}

    def sit(self, staff: str, tab: str, *, take: bool) -> Seat:
        """Take a seat at a telephone in the page, in this tab; where the agent sits at one, at that one.

        `Elsewhere`: another tab has it (`take`: leave it to this one, unless there is a call). `Conflict`:
        the agent sits at a telephone on a desk, or all are taken.
        """
        if not self.nodes:
            raise Conflict("no node takes telephones in pages: set its page_port, or log in at another one")
        held = self._held.get(staff)
        agent = self._telephony.switchboard.agent(staff)
        if held is not None and held.tab != tab and held.lines:
            if not take:
                raise Elsewhere(f"the telephone of {staff} is in another tab of the browser: use that one")
            if agent.state in _BUSY:
                raise Conflict(f"agent {staff} has a call in another tab: finish it there")
        device = agent.device or self._free()
        if not self._in_page(device):
            raise Conflict(f"agent {staff} is logged in at {device}: log out there first")
        if device not in self._secrets:
            raise Conflict(f"there is no secret for {device} yet: prepare the node anew")
        if not agent.device:
            self._telephony.wish(staff, lambda at: a.LogIn(at, device))
        self._give(staff, tab, device)
        return Seat(device, self._secrets[device])

    def refusal(self, staff: str, tab: str, line: Tunnel) -> int:
        """The code with which this line of this tab's is ended; 0 if it may go on."""
        device, held = self._telephony.switchboard.agent(staff).device, self._held.get(staff)
        if not self._in_page(device):
            return LEFT
        if held is None or held.tab != tab:
            return ELSEWHERE
        return 0 if held.device == device and line in held.lines.values() else LEFT

    def opened(self, staff: str, tab: str, node: str, line: Tunnel) -> str:
        """A line of this tab's; one that it had before is dead and has not been noticed.

        Returns the address that it speaks from, the seat's own; "" for one that ends at its first check.
        """
        device, held = self._telephony.switchboard.agent(staff).device, self._held.get(staff)
        if not self._in_page(device):
            return ""
        if held is None or held.device != device:
            # Which tab it was is forgotten when the service is started anew: the one that comes back has it.
            held = self._give(staff, tab, device)
        if held.tab != tab:
            return ""
        if before := held.lines.pop(node, None):
            before.end(ELSEWHERE)
        held.lines[node] = line
        return seat_address(device)

    async def closed(self, staff: str, node: str, line: Tunnel, *, silent: bool) -> None:
        """The line has ended. `silent`: and nobody talks there any more, since the page has, by its browser's
        own word, or its session."""
        held = self._held.get(staff)
        if held is not None and held.lines.get(node) is line:
            del held.lines[node]
            held.seen = self._clock()
        if silent:  # a page that is loaded anew may have a new line by now: the talk was the old one's
            await self._give_customer_back(staff, node)

    async def run(self) -> None:
        """Look for seats whose pages are gone; until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_S)
            self.give_seats_back()

    def give_seats_back(self) -> None:
        """Log out whose page has been away for GRACE, and who is in no call, nor in the work after it."""
        for agent in list(self._telephony.switchboard.agents.values()):
            if not self._is_deserted(agent):
                continue
            try:
                self._telephony.wish(agent.number, lambda at: a.LogOut(at, a.PAGE_GONE_REASON))
            except Conflict:
                return  # another program may lead: it sees to it
            _log.info("telephony.page_seat_given_back", agent=agent.number, device=agent.device)

    def stop(self) -> None:
        """The service stops: pages come back when it does, or to another one."""
        for held in self._held.values():
            for line in held.lines.values():
                line.end(1012)

    def _give(self, staff: str, tab: str, device: str) -> _Held:
        """From now on this tab is the telephone, and nobody else: not even for the moment until a check."""
        for number, held in list(self._held.items()):
            if number == staff or held.device == device:
                del self._held[number]
                for line in held.lines.values():
                    line.end(ELSEWHERE if number == staff else LEFT)
        given = self._held[staff] = _Held(tab, device, self._clock())
        return given

    def _is_deserted(self, agent: Agent) -> bool:
        if agent.state not in _AT_REST or not self._in_page(agent.device):
            return False
        held = self._held.get(agent.number)
        # On a node that takes no telephones in pages it is one like all others, and may be registered.
        if (held is not None and held.lines) or self._telephony.switchboard.reachable.get(agent.device):
            return False
        # After a start of ours a page has as long to come back; who sat where is in the ledger.
        since = max(self._since, agent.since, held.seen if held is not None else 0)
        return self._clock() - since >= GRACE

    def _in_page(self, device: str) -> bool:
        found = self._directory().devices.get(DeviceName(device))
        return found is not None and found.kind is DeviceKind.WEB

    def _free(self) -> str:
        board = self._telephony.switchboard
        for device in self._directory().devices.values():
            if device.kind is DeviceKind.WEB and board.agent_at(device.name) is None:
                return device.name
        raise Conflict("every telephone for pages is taken: have some added to the directory's devices")

    async def _give_customer_back(self, staff: str, node: str) -> None:
        board = self._telephony.switchboard
        agent = board.agent(staff)
        call = board.call(agent.call)
        leg = call.leg_of(agent.leg) if call is not None else None
        if call is None or leg is None or call.node != node or not leg.talking or not leg.channel:
            return
        _log.warning("telephony.page_left_in_a_talk", agent=staff, call=call.id, leg=leg.id)
        reply = await self._telephony.order(c.HangUp(node, leg.channel, SILENT))
        if not reply.done:  # then it is found out by its silence
            _log.warning(
                "telephony.page_left_not_ended", leg=leg.id, outcome=reply.outcome.value, why=reply.why
            )
