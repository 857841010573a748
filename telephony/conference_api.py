"""What an agent may ask about a conference over HTTP: to begin one."""

from __future__ import annotations

from pydantic import Field

from telephony.conferences import Conferences
from web.route import ApiRequest, Out, Route


class ConferenceOut(Out):
    """The customer, the agent and a colleague hear each other."""

    call: str
    colleague: str = Field(description="staff number")
    leg: str = Field(description="the colleague's, who owes a summary of his own")


class ConferenceApi:
    """One route under `/api/agent`."""

    def __init__(self, conferences: Conferences) -> None:
        self._conferences = conferences

    def routes(self) -> list[Route]:
        """All routes of this module."""
        return [
            Route(
                method="POST",
                path="/api/agent/conference",
                handler=self.start,
                right="agents.act",
                returns=ConferenceOut,
                summary="Bring the colleague whom I ask and my customer together",
                tag="agents",
            )
        ]

    async def start(self, request: ApiRequest) -> ConferenceOut:
        """Answers once all three are together."""
        fact = await self._conferences.start(request.person.staff)
        return ConferenceOut(call=fact.call, colleague=fact.to, leg=fact.to_leg)
