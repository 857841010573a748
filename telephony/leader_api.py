"""What a leader may do with a running call over HTTP: join it, in one way or another, and leave it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from telephony.calls import Presence
from telephony.leaders import JOIN, JoinWish, Leaders
from web.route import ApiRequest, In, Out, Route

Mode = Literal["listen", "whisper", "barge"]
Purpose = Literal["guidance", "quality", "complaint", "help"]
Reason = Annotated[str, Field(max_length=160)]
_TAG = "leaders"


class ModeIn(In):
    """`listen`: heard by nobody; `whisper`: by the agent alone; `barge`: by both.

    `purpose` and `reason` stand in the chain of accesses.
    """

    mode: Mode
    purpose: Purpose = "guidance"
    reason: Reason = ""


class JoinIn(ModeIn):
    """`leg`: of which agent; the one that talks if left out. `device`: the telephone to ring; the one at
    which one is logged in if left out."""

    leg: str = Field(default="", max_length=40)
    device: str = Field(default="", pattern=r"^([a-z]\d{3,5})?$")


class PresenceOut(Out):
    """The leader is in this leg, in this mode."""

    call: str
    leg: str
    leader: str
    mode: str


class LeaderApi:
    """Routes under `/api/leader/calls`."""

    def __init__(self, leaders: Leaders) -> None:
        self._leaders = leaders

    def routes(self) -> list[Route]:
        """All routes of this module."""
        path = "/api/leader/calls/{call}"
        return [
            Route(
                method="POST",
                path=f"{path}/join",
                handler=self.join,
                right=JOIN,
                scoped=True,
                body=JoinIn,
                returns=PresenceOut,
                summary="Be rung and let into an agent's talk; answers once one is in, or says why not",
                tag=_TAG,
            ),
            Route(
                method="POST",
                path=f"{path}/mode",
                handler=self.change,
                right=JOIN,
                scoped=True,
                body=ModeIn,
                returns=PresenceOut,
                summary="Listen, whisper or barge from now on, in a talk one is in",
                tag=_TAG,
            ),
            Route(
                method="POST",
                path=f"{path}/leave",
                handler=self.leave,
                right=JOIN,
                scoped=True,
                summary="Leave a talk one has joined; it goes on",
                tag=_TAG,
                status=204,
            ),
        ]

    async def join(self, request: ApiRequest) -> PresenceOut:
        """Takes as long as the telephone rings."""
        call, body = request.path["call"], request.body
        return _out(call, await self._leaders.join(request.person, call, JoinWish(**body.model_dump())))

    async def change(self, request: ApiRequest) -> PresenceOut:
        """Noted anew, for whispering is not listening."""
        call, body = request.path["call"], request.body
        return _out(call, await self._leaders.change(request.person, call, JoinWish(**body.model_dump())))

    async def leave(self, request: ApiRequest) -> None:
        """The customer and the agent talk on."""
        await self._leaders.leave(request.person, request.path["call"])


def _out(call: str, presence: Presence) -> PresenceOut:
    return PresenceOut(call=call, leg=presence.leg, leader=presence.leader, mode=presence.mode)
