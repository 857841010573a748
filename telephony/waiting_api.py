"""What a leader may order for a caller who waits."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field

from core.errors import BadInput
from directory.lookup import Directory
from telephony.orders import Orders
from web.route import ApiRequest, In, Route

RIGHT = "calls.move"


class QueueIn(In):
    """Where the caller is to wait."""

    queue: str = Field(pattern=r"^[a-z0-9-]{1,32}$")


class WaitingApi:
    """The routes of this module."""

    def __init__(self, orders: Orders, directory: Callable[[], Directory]) -> None:
        self._orders, self._directory = orders, directory

    def routes(self) -> list[Route]:
        """All of them. A caller who waits is nobody's yet: the right has no scope."""
        return [
            Route(
                method="PUT",
                path="/api/calls/{call}/queue",
                handler=self.move,
                right=RIGHT,
                body=QueueIn,
                summary="Let a waiting caller wait in another queue, as one who joined when they joined",
                tag="calls",
                status=204,
            )
        ]

    async def move(self, request: ApiRequest) -> None:
        """204 once Asterisk has taken the order."""
        queue: str = request.body.queue
        if queue not in self._directory().queues:
            raise BadInput("body.queue", f"there is no queue {queue}: look at the board")
        await self._orders.move(request.person, request.path["call"], queue)
