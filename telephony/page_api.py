"""The telephone in an agent's page over HTTP: a seat, and the line on which page and Asterisk talk SIP.

Closing codes of the line: 4001 the session has ended, 4009 the telephone is in another tab, 4010 the agent
sits at none, 1013 the node is not to be reached, 1012 the service stops.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from pydantic import Field

from core.errors import BadInput
from directory.lookup import Directory
from storage import StorageError
from telephony.api import require_queue
from telephony.page_phones import PagePhones
from web.route import ApiRequest, In, Out, Route
from web.tunnel import Tunnel

_RIGHT, _TAG = "agents.act", "agents"
_EVERY_S = 5.0
"""How late the end of a session, or of a seat, is noticed."""
_SESSION = 4001
_TAB = Field(pattern=r"^[A-Za-z0-9-]{8,64}$", description="what the page calls itself, as long as it is open")


class SeatIn(In):
    """`take`: from another tab of mine."""

    tab: str = _TAB
    take: bool = False


class SeatOut(Out):
    """What the page registers with, at each of the nodes."""

    device: str
    secret: str
    nodes: list[str]


class LineQuery(In):
    """To which node."""

    node: str = Field(pattern=r"^[a-z][a-z0-9]{0,15}$")
    tab: str = _TAB


class PageApi:
    """`signed_in`: whether the session with which a request came goes on."""

    def __init__(
        self,
        phones: PagePhones,
        directory: Callable[[], Directory],
        signed_in: Callable[[web.Request], Awaitable[bool]],
    ) -> None:
        self._phones = phones
        self._directory = directory
        self._signed_in = signed_in

    def routes(self) -> list[Route]:
        """The routes of this module."""
        return [
            Route(
                method="POST",
                path="/api/agent/phone",
                handler=self.sit,
                right=_RIGHT,
                body=SeatIn,
                returns=SeatOut,
                summary="Take a seat at a telephone in my page",
                tag=_TAG,
            ),
            Route(
                method="GET",
                path="/api/agent/phone/line",
                handler=self.line,
                right=_RIGHT,
                query=LineQuery,
                status=101,
                summary="The telephone's line to a node: SIP over a WebSocket (RFC 7118)",
                tag=_TAG,
            ),
        ]

    async def sit(self, request: ApiRequest) -> SeatOut:
        """The secret is told to nobody but whoever sits there."""
        body: SeatIn = request.body
        staff = request.person.staff
        require_queue(self._directory(), staff)
        seat = self._phones.sit(staff, body.tab, take=body.take)
        return SeatOut(device=seat.device, secret=seat.secret, nodes=list(self._phones.nodes))

    async def line(self, request: ApiRequest) -> web.StreamResponse:
        """Until page, node, session or seat ends."""
        query: LineQuery = request.query
        staff, url = request.person.staff, self._phones.nodes.get(query.node)
        if url is None:
            raise BadInput("query.node", f"{query.node!r} takes no telephones in pages")

        line = Tunnel("sip")

        async def check() -> int:
            if code := self._phones.refusal(staff, query.tab, line):
                return code
            try:
                return 0 if await self._signed_in(request.raw) else _SESSION
            except StorageError:
                return 0  # whoever is signed in stays so while the database is away

        source = self._phones.opened(staff, query.tab, query.node, line)
        silent = False
        try:
            socket, ended = await line.run(request.raw, url, source=source, every_s=_EVERY_S, check=check)
            # A page that has been signed out leaves its calls, too; one that would not may talk no longer.
            silent = ended.left or ended.code == _SESSION
        finally:
            await self._phones.closed(staff, query.node, line, silent=silent)
        return socket
