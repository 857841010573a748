"""/api/agent/outgoing: a customer is called from a record. No number goes in, and none comes out whole."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field, model_validator

from core.clock import moment
from core.facts import OutgoingOutcome
from core.masking import mask_number
from ticketing.outgoing import OutgoingCalls
from ticketing.outgoing_rules import About
from ticketing.outgoing_store import OutgoingCall
from web.route import ApiRequest, In, Out, Route

_RIGHT = "agents.act"
_PATH, _TAG = "/api/agent/outgoing", "outgoing"


class OfRecord(In):
    """Exactly one record, by its own number."""

    callback: str = Field(default="", max_length=60, description="id of a call-back that is owed")
    ticket: str = Field(default="", max_length=24, description="number of a work order")
    summary: str = Field(default="", max_length=24, description="number of a summary")

    @model_validator(mode="after")
    def _one(self) -> OfRecord:
        if sum(bool(getattr(self, about.value)) for about in About) != 1:
            raise ValueError("name one of callback, ticket and summary")
        return self

    @property
    def record(self) -> tuple[About, str]:
        """Which it is."""
        return next((about, getattr(self, about.value)) for about in About if getattr(self, about.value))


class BegunOut(Out):
    """The agent's telephone rings. `greeting`: what the agent says first (CALL-05)."""

    call: str
    number: str
    tries_left: int
    greeting: str


class AttemptOut(Out):
    """One call to the customer. `outcome` None: it is under way."""

    call: str
    agent: str
    begun_at: datetime
    outcome: OutgoingOutcome | None


class AttemptsOut(Out):
    """Every call on account of a record, in order."""

    attempts: list[AttemptOut]
    tries_left: int


class OutgoingApi:
    """The handlers."""

    def __init__(self, calls: OutgoingCalls) -> None:
        self._calls = calls

    def routes(self) -> list[Route]:
        """The routes of this module."""
        return [
            Route(
                method="POST",
                path=_PATH,
                handler=self._begin,
                right=_RIGHT,
                wider=("summaries.correct",),
                scoped=True,
                body=OfRecord,
                returns=BegunOut,
                status=201,
                summary="Call the customer of a call-back, a work order or a summary; my phone rings first",
                tag=_TAG,
            ),
            Route(
                method="GET",
                path=_PATH,
                handler=self._attempts,
                right=_RIGHT,
                wider=("summaries.correct",),
                scoped=True,
                query=OfRecord,
                returns=AttemptsOut,
                summary="What came of the calls to the customer of a record, and how many more there may be",
                tag=_TAG,
            ),
        ]

    async def _begin(self, request: ApiRequest) -> BegunOut:
        body: OfRecord = request.body
        begun = await self._calls.begin(request.person, *body.record)
        return BegunOut(
            call=begun.call.call,
            number=mask_number(begun.call.number),
            tries_left=begun.tries_left,
            greeting=begun.greeting,
        )

    async def _attempts(self, request: ApiRequest) -> AttemptsOut:
        query: OfRecord = request.query
        made, left = await self._calls.attempts(request.person, *query.record)
        return AttemptsOut(attempts=[_attempt(one) for one in made], tries_left=left)


def _attempt(call: OutgoingCall) -> AttemptOut:
    return AttemptOut(call=call.call, agent=call.agent, begun_at=moment(call.begun_at), outcome=call.outcome)
