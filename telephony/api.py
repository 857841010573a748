"""What agents may ask of telephony over HTTP, everybody for themselves, and the list of all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field

from core.errors import BadInput
from directory.lookup import Directory
from directory.rules import may_use_reason
from telephony import agents as a
from telephony.agent_view import READ, AgentOut, AgentView
from telephony.agents import Agent
from telephony.harassment import Harassment
from telephony.service import Telephony
from web.route import ApiRequest, In, Out, Route

StaffNumber = Annotated[str, Field(pattern=r"^\d{4,8}$")]


class AgentsOut(Out):
    """Agents who have ever logged in, by number, as far as agents.read reaches."""

    agents: list[AgentOut]


class LogInIn(In):
    """Where the agent sits."""

    device: str = Field(pattern=r"^[a-z]\d{3,5}$")


class NotReadyIn(In):
    """A code of the reason list (CALL-21)."""

    reason: str = Field(pattern=r"^[a-z][a-z0-9_]{0,23}$")


class HoldIn(In):
    """A code of the hold reasons; `consent`: the customer has been told, and agrees (CALL-07)."""

    reason: str = Field(pattern=r"^[a-z][a-z0-9_]{0,23}$")
    consent: Literal[True]


class HarassmentIn(In):
    """`warned`: the customer was asked to stop, and did not (CALL-09). `note` goes to the leaders."""

    warned: Literal[True]
    note: str = Field(default="", max_length=200)


class HarassmentOut(Out):
    """The leg whose summary has to say so, and the leaders who are told."""

    leg: str
    told: list[str]


class TelephonyApi:
    """Routes under `/api/agent` (oneself), and the list of all; orders of leaders: `command_api`."""

    def __init__(
        self,
        telephony: Telephony,
        view: AgentView,
        directory: Callable[[], Directory],
        harassment: Harassment,
    ) -> None:
        self._telephony = telephony
        self._harassment = harassment
        self._view = view
        self._directory = directory

    def routes(self) -> list[Route]:
        """All routes of this feature."""
        own = "agents.act"
        return [
            Route(
                method="GET",
                path="/api/agent",
                handler=self.me,
                right=own,
                returns=AgentOut,
                summary="My own state",
                tag="agents",
            ),
            Route(
                method="POST",
                path="/api/agent/login",
                handler=self.log_in,
                right=own,
                body=LogInIn,
                returns=AgentOut,
                summary="Take a seat at a device",
                tag="agents",
            ),
            Route(
                method="POST",
                path="/api/agent/logout",
                handler=self.log_out,
                right=own,
                returns=AgentOut,
                summary="Leave the seat",
                tag="agents",
            ),
            Route(
                method="POST",
                path="/api/agent/ready",
                handler=self.ready,
                right=own,
                returns=AgentOut,
                summary="Take calls",
                tag="agents",
            ),
            Route(
                method="POST",
                path="/api/agent/not-ready",
                handler=self.not_ready,
                right=own,
                body=NotReadyIn,
                returns=AgentOut,
                summary="Take no calls, for a reason",
                tag="agents",
            ),
            Route(
                method="POST",
                path="/api/agent/hold",
                handler=self.hold,
                right=own,
                body=HoldIn,
                summary="Say why my customer is put on hold, and that they agree",
                tag="agents",
                status=204,
            ),
            Route(
                method="POST",
                path="/api/agent/survey",
                handler=self.to_survey,
                right=own,
                summary="Transfer my customer to the survey",
                tag="agents",
                status=204,
            ),
            Route(
                method="POST",
                path="/api/agent/harassment",
                handler=self.harassed,
                right=own,
                body=HarassmentIn,
                returns=HarassmentOut,
                summary="End my call after a warning, for malicious harassment, and report it",
                tag="agents",
            ),
            Route(
                method="POST",
                path="/api/agent/help",
                handler=self.raise_help,
                right="help.raise",
                summary="Ask the leader for help without a word",
                tag="agents",
                status=204,
            ),
            Route(
                method="GET",
                path="/api/agents",
                handler=self.everyone,
                right=READ,
                scoped=True,
                returns=AgentsOut,
                summary="Agents and what they are doing, as far as agents.read reaches",
                tag="agents",
            ),
        ]

    # ------------------------------------------------------------------ oneself

    async def me(self, request: ApiRequest) -> AgentOut:
        """My own state."""
        return self._view.of(self._telephony.switchboard.agent(request.person.staff))

    async def log_in(self, request: ApiRequest) -> AgentOut:
        """Bind me to a device of the pool that has a phone registered at it."""
        body: LogInIn = request.body
        if body.device not in self._directory().devices:
            raise BadInput("body.device", f"there is no device {body.device}: look at the label on the phone")
        number = request.person.staff
        require_queue(self._directory(), number)
        self._telephony.require_phone(body.device)
        return self._view.of(self._telephony.wish(number, lambda at: a.LogIn(at, body.device)))

    async def log_out(self, request: ApiRequest) -> AgentOut:
        """Refused while I have a call."""
        return self._view.of(self._telephony.wish(request.person.staff, a.LogOut))

    async def ready(self, request: ApiRequest) -> AgentOut:
        """At a phone that is there."""
        number = request.person.staff
        self._telephony.require_phone(self._telephony.switchboard.agent(number).device)
        return self._view.of(self._telephony.wish(number, a.BeReady))

    async def not_ready(self, request: ApiRequest) -> AgentOut:
        """For a reason I may use."""
        staff = request.person.staff
        return self._view.of(pause(self._telephony, self._directory(), staff, staff, request.body.reason))

    async def to_survey(self, request: ApiRequest) -> None:
        """My customer rates the call (CALL-11)."""
        await self._telephony.send_to_survey(request.person.staff)

    async def harassed(self, request: ApiRequest) -> HarassmentOut:
        """恶意骚扰 (CALL-09): the caller hears why; no survey."""
        leg, told = await self._harassment.report(request.person.staff, request.body.note)
        return HarassmentOut(leg=leg, told=list(told))

    async def hold(self, request: ApiRequest) -> None:
        """The telephone holds; this writes down why."""
        known, reason = self._directory().hold_reasons, request.body.reason
        if reason not in known:
            raise BadInput(
                "body.reason", f"{reason!r} is none of {', '.join(known) or 'the list, which is empty'}"
            )
        self._telephony.explain_hold(request.person.staff, reason)

    async def raise_help(self, request: ApiRequest) -> None:
        """举手 (CALL-22)."""
        self._telephony.raise_help(request.person.staff)

    # ------------------------------------------------------------------ leaders

    async def everyone(self, request: ApiRequest) -> AgentsOut:
        """By number."""
        agents = sorted(self._telephony.switchboard.agents.items())
        reach = request.person.reach(READ)
        return AgentsOut(agents=[self._view.of(agent) for number, agent in agents if number in reach])


def require_queue(directory: Directory, number: str) -> None:
    """`BadInput` for one who serves no queue: nobody takes a seat for nothing."""
    if not directory.memberships(number):
        raise BadInput("session", f"{number} serves no queue: ask your leader for a skill")


def pause(telephony: Telephony, directory: Directory, number: str, who: str, code: str) -> Agent:
    """Take `number` off the line for a reason that `who` may use; the agent as he is then (CALL-20, 21)."""
    reason = directory.reasons.get(code)
    if reason is None:
        raise BadInput("body.reason", f"{code!r} is none of {', '.join(directory.reasons)}")
    person = next((p for p in directory.staff.values() if p.number == who), None)
    if person is None or not may_use_reason(person, reason):
        raise BadInput("body.reason", f"{who} may not use {code!r}: ask your leader")
    return telephony.wish(number, lambda at: a.BeNotReady(at, code))
