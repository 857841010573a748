"""/api/notices/sms/reports: what the SMS gateway says became of a message (docs/adr/0026).

A program calls it that cannot sign in; what lets it in is its signature under the key of both sides. Who
cannot sign is told that and no more: not whether a gateway is set up, not which messages there are.
"""

from __future__ import annotations

import structlog
from aiohttp import web

from core.clock import MINUTE, Clock, Instant
from core.errors import BadInput
from storage import Database
from storage.notices.model import Reported
from storage.notices.outbox import Notices
from storage.notices.sms import Report, verified_report
from web.problems import Problem
from web.route import ApiRequest, Route

PATH = "/api/notices/sms/reports"
LONGEST = 4 * 1024
"""Bytes of a report. Anybody may send one, so no more than this is read before its signature is looked at."""
_log = structlog.get_logger("hotline.notices")


class Refusals:
    """Tells the log of them: the first at once, then once a minute at most, with how many there were."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._untold = 0
        self._next_at: Instant = 0

    def note(self, why: str, by: str) -> None:
        """One more. `by`: the address it came from."""
        self._untold += 1
        now = self._clock()
        if now >= self._next_at:
            _log.warning("sms_reports_refused", refused=self._untold, why=why, by=by)
            self._untold, self._next_at = 0, now + MINUTE


class SmsReportsApi:
    """The handler. `key`: shared with the gateway; "" refuses everything. `database`: the main one."""

    def __init__(self, notices: Notices, database: Database, clock: Clock, *, key: str) -> None:
        self._notices = notices
        self._database = database
        self._clock = clock
        self._key = key
        self._refusals = Refusals(clock)

    def routes(self) -> list[Route]:
        """The one route."""
        return [
            Route(
                method="POST",
                path=PATH,
                handler=self._take,
                right=None,
                proof="the SMS gateway's signature",
                summary="What became of a text message, by the gateway (signed)",
                tag="notices",
            )
        ]

    async def _take(self, request: ApiRequest) -> web.StreamResponse:
        try:
            report = self._verified(await _body(request.raw), request.raw)
        except BadInput as refused:
            self._refusals.note(str(refused), request.raw.remote or "")
            return _refusal(refused).response(request.request_id)
        async with self._database.write() as connection:
            came_of_it = await self._notices.reported(
                connection, report.id, delivered=report.status == "delivered", detail=report.detail
            )
        _log.info("sms_reported", provider_id=report.id, status=report.status, came_of_it=came_of_it)
        # Known or not, the gateway is done with it: an error would have it report the same for days.
        return web.Response(status=202 if came_of_it is Reported.UNKNOWN else 204)

    def _verified(self, body: bytes, raw: web.Request) -> Report:
        if not self._key:
            raise BadInput("X-Signature", "no gateway is set up (sms.key), so none can sign")
        return verified_report(
            body,
            stamp=raw.headers.get("X-Timestamp", ""),
            signature=raw.headers.get("X-Signature", ""),
            key=self._key,
            now=self._clock(),
        )


async def _body(raw: web.Request) -> bytes:
    """`BadInput` as soon as it is longer than a report may be."""
    body = b""
    async for piece in raw.content.iter_any():
        body += piece
        if len(body) > LONGEST:
            raise BadInput("length", f"is more than the {LONGEST} bytes of a report")
    return body


def _refusal(refused: BadInput) -> Problem:
    match refused.where:
        case "X-Signature":
            detail = "sign the body and X-Timestamp with the key of both sides, in X-Signature"
        case "length":
            return Problem("too-large", "Request Entity Too Large", 413, str(refused))
        case "body":
            return Problem("bad-input", "Bad input", 422, str(refused))
        case _:
            detail = str(refused)
    return Problem(
        "unsigned", "Signature missing or not ours", 401, detail, headers={"WWW-Authenticate": "HMAC"}
    )
