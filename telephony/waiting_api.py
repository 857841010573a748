"""What a leader may order for a caller who waits."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field

from core.errors import BadInput
from directory.lookup import Directory
from telephony.service import Telephony
from telephony.trail import Trail
from web.route import ApiRequest, In, Route

RIGHT = "calls.move"


class QueueIn(In):
    """Where the caller is to wait."""

    queue: str = Field(pattern=r"^[a-z0-9-]{1,32}$")


class WaitingApi:
    """The routes of this module."""

    def __init__(self, telephony: Telephony, directory: Callable[[], Directory], trail: Trail) -> None:
        self._telephony, self._directory, self._trail = telephony, directory, trail

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
        call, staff = request.path["call"], request.person.staff
        await self._trail.note(staff, "move", f"call:{call[:60]}", queue)
        await self._telephony.move_waiting(call, queue, staff)
