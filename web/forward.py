"""What a web process cannot answer itself is handed on to the leader, as if that had been asked.

The session's cookie goes along: sessions are in the database that both share, so the leader checks session,
right, CSRF token and body itself, and nothing is trusted because of who hands it on. The Origin is checked
here, where it is known. Nothing is sent twice: a change that may have been carried out says so (504).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection

import structlog
from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, TCPConnector, web
from aiohttp.client_exceptions import ClientConnectorError, ConnectionTimeoutError
from yarl import URL

from web.errors import LeaderAway, LeaderSilent
from web.guard import check_origin, is_unsafe

_log = structlog.get_logger("web.forward")
_CONNECT_S, _ANSWER_S = 2.0, 30.0
_CHUNK = 1 << 16
_ASKED = (
    "Accept",
    "Accept-Language",
    "Content-Type",
    "Cookie",
    "If-Match",
    "If-None-Match",
    "If-Range",
    "Range",
    "User-Agent",
    "X-CSRF-Token",
)
_MARK = "X-Handed-On"
_TOLD = (
    "Accept-Ranges",
    "Allow",
    "Cache-Control",
    "Content-Disposition",
    "Content-Length",
    "Content-Range",
    "Content-Type",
    "ETag",
    "Last-Modified",
    "Retry-After",
)


class Forward:
    """`leader`: its address, `http://host:port`. `origins`: whose pages may send changes besides our own."""

    def __init__(self, leader: str, origins: Collection[str]) -> None:
        self.leader = URL(leader)
        self._origins = origins
        self._client: ClientSession | None = None

    def lead_to(self, leader: str) -> None:
        """Hand on to this address from now on; what is under way stays where it is."""
        if self.leader != URL(leader):
            _log.info("the leader is elsewhere", before=str(self.leader), now=leader)
            self.leader = URL(leader)

    async def running(self, _app: web.Application) -> AsyncIterator[None]:
        """For `cleanup_ctx`."""
        # A connection for each: one that was kept may be dead, and what went into it must not be sent again.
        connector = TCPConnector(force_close=True, limit=200)
        timeout = ClientTimeout(total=None, connect=_CONNECT_S, sock_read=_ANSWER_S)
        async with ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as client:
            self._client = client
            yield
        self._client = None

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The leader's answer. `LeaderAway` or `LeaderSilent` if there is none."""
        if _MARK in request.headers:
            raise LeaderAway(
                f"the setting web.leader leads to a web process: name the service ({self.leader})"
            )
        check_origin(request, self._origins)
        body = await request.read()
        answer = await self._ask(request, body)
        try:
            return await _passed_on(request, answer)
        finally:
            answer.close()

    async def reach(self) -> None:
        """`LeaderAway` unless it answers."""
        try:
            async with self._session().get(self.leader.with_path("/health")) as answer:
                if answer.status == 200:
                    return
                problem = f"it says {answer.status}"
        except (ClientError, OSError) as error:
            problem = str(error) or type(error).__name__
        raise LeaderAway(f"the leader at {self.leader} does not answer: {problem}")

    async def _ask(self, request: web.Request, body: bytes) -> ClientResponse:
        headers = {name: request.headers[name] for name in _ASKED if name in request.headers}
        headers |= {_MARK: "1", "Via": "1.1 hotline-web"}
        asked = request.rel_url  # never the request's own line: it may name another host
        url = URL.build(
            scheme=self.leader.scheme,
            authority=self.leader.raw_authority,
            path=asked.raw_path,
            query_string=asked.raw_query_string,
            encoded=True,
        )
        try:
            return await self._session().request(
                request.method, url, headers=headers, data=body or None, allow_redirects=False
            )
        except (ClientConnectorError, ConnectionTimeoutError) as error:
            raise LeaderAway(
                "the service that handles calls cannot be reached; nothing was done: try again in a moment"
            ) from error
        except (ClientError, OSError) as error:
            if not is_unsafe(request):
                raise LeaderAway(
                    "the service that handles calls gave no answer: try again in a few seconds"
                ) from error
            raise LeaderSilent(
                "the service that handles calls gave no answer; whether it was carried out is not known: "
                "look how it stands before you try again"
            ) from error

    def _session(self) -> ClientSession:
        if self._client is None:
            raise LeaderAway("this process is stopping: try again in a few seconds")
        return self._client


async def _passed_on(request: web.Request, answer: ClientResponse) -> web.StreamResponse:
    headers = {name: answer.headers[name] for name in _TOLD if name in answer.headers}
    told = web.StreamResponse(status=answer.status, headers=headers)
    if answer.status >= 400:
        _log.info("refused by the leader", status=answer.status, there=answer.headers.get("X-Request-Id", ""))
    await told.prepare(request)
    if request.method != "HEAD":
        async for chunk in answer.content.iter_chunked(_CHUNK):
            await told.write(chunk)
    await told.write_eof()
    return told
