"""What leaders order of agents over HTTP: a state, an end to the wrap-up, the answer to a raised hand.

Each order is in the chain of accesses before it is given, and answered with the agent as he is then;
`after_call` says what is kept for him if he has a call. What cannot be done is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Callable

from core.errors import NotFound
from core.facts import AgentState
from directory.lookup import Directory
from telephony import agents as a
from telephony.agent_view import AgentOut, AgentView
from telephony.api import NotReadyIn, pause
from telephony.service import Telephony
from telephony.trail import Trail
from web.route import ApiRequest, Route

COMMAND, ANSWER = "agents.command", "help.answer"


class CommandApi:
    """Routes under `/api/agents/{agent}`."""

    def __init__(
        self, telephony: Telephony, view: AgentView, directory: Callable[[], Directory], trail: Trail
    ) -> None:
        self._telephony = telephony
        self._view = view
        self._directory = directory
        self._trail = trail

    def routes(self) -> list[Route]:
        """All routes of this module."""
        path, tag = "/api/agents/{agent}", "agents"
        return [
            Route(
                method="DELETE",
                path=f"{path}/help",
                handler=self.end_help,
                right=ANSWER,
                scoped=True,
                summary="I have come",
                tag=tag,
                status=204,
            ),
            Route(
                method="POST",
                path=f"{path}/not-ready",
                handler=self.not_ready,
                right=COMMAND,
                scoped=True,
                body=NotReadyIn,
                returns=AgentOut,
                summary="Take an agent off the line, on a leader's order",
                tag=tag,
            ),
            Route(
                method="POST",
                path=f"{path}/ready",
                handler=self.ready,
                right=COMMAND,
                scoped=True,
                returns=AgentOut,
                summary="Put an agent back on the line, or end the wrap-up, on a leader's order",
                tag=tag,
            ),
            Route(
                method="POST",
                path=f"{path}/logout",
                handler=self.log_out,
                right=COMMAND,
                scoped=True,
                returns=AgentOut,
                summary="Log an agent out, on a leader's order",
                tag=tag,
            ),
        ]

    async def end_help(self, request: ApiRequest) -> None:
        """The leader has come."""
        self._telephony.end_help(self._reached(request, ANSWER), request.person.staff)

    async def not_ready(self, request: ApiRequest) -> AgentOut:
        """The reason must be one the leader may use."""
        number, reason = self._reached(request, COMMAND), request.body.reason
        await self._note(request, "not_ready", number, reason)
        return self._view.of(pause(self._telephony, self._directory(), number, request.person.staff, reason))

    async def ready(self, request: ApiRequest) -> AgentOut:
        """From a wrap-up he goes where he had wanted to be after the call; the summary stays owed."""
        number = self._reached(request, COMMAND)
        await self._note(request, "ready", number, "")
        agent = self._telephony.switchboard.agent(number)
        if agent.state is AgentState.WRAP_UP:
            return self._view.of(
                self._telephony.wish(number, lambda at: a.WrapUpOver(at, agent.leg, "command"))
            )
        self._telephony.require_phone(agent.device)
        return self._view.of(self._telephony.wish(number, a.BeReady))

    async def log_out(self, request: ApiRequest) -> AgentOut:
        """Refused while the agent has a call."""
        number = self._reached(request, COMMAND)
        await self._note(request, "log_out", number, "")
        return self._view.of(self._telephony.wish(number, a.LogOut))

    # ------------------------------------------------------------------ inside

    def _reached(self, request: ApiRequest, right: str) -> str:
        """The agent of the path; `NotFound`, or `Forbidden` if the right does not reach them."""
        number = request.path["agent"]
        if number not in self._directory().staff:
            raise NotFound(f"there is no agent {number[:8]}")
        request.person.require_of(right, number)
        return number

    async def _note(self, request: ApiRequest, action: str, agent: str, reason: str) -> None:
        await self._trail.note(request.person.staff, action, f"agent:{agent}", reason)
