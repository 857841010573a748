"""What a leader may order of a running call over HTTP: to take it over, or to end it."""

from __future__ import annotations

from pydantic import Field

from telephony.orders import COMMAND, Orders
from web.route import ApiRequest, In, Out, Route

_TAG = "leaders"


class OrderIn(In):
    """`reason` stands with the call and in the chain of accesses."""

    reason: str = Field(min_length=1, max_length=120)


class TakenOut(Out):
    """The leader talks with the customer, on this leg, whose summary is the leader's."""

    call: str
    leg: str


class OrderApi:
    """Routes under `/api/leader/calls`."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    def routes(self) -> list[Route]:
        """All routes of this module."""
        path = "/api/leader/calls/{call}"
        return [
            Route(
                method="POST",
                path=f"{path}/take-over",
                handler=self.take_over,
                right=COMMAND,
                scoped=True,
                body=OrderIn,
                returns=TakenOut,
                summary="Take an agent's customer over, at the telephone one is logged in at",
                tag=_TAG,
            ),
            Route(
                method="POST",
                path=f"{path}/end",
                handler=self.end,
                right=COMMAND,
                scoped=True,
                body=OrderIn,
                summary="End an agent's call; the customer hears goodbye",
                tag=_TAG,
                status=204,
            ),
        ]

    async def take_over(self, request: ApiRequest) -> TakenOut:
        """Takes as long as the telephone rings."""
        call = request.path["call"]
        leg = await self._orders.take_over(request.person, call, request.body.reason)
        return TakenOut(call=call, leg=leg)

    async def end(self, request: ApiRequest) -> None:
        """Answers once they are apart."""
        await self._orders.end(request.person, request.path["call"], request.body.reason)
