"""/metrics: the figures, to those who may have them.

Without a token they are for programs on this host. A proxy on this host makes everyone a program on this
host: what one has passed on is refused, as far as it says so. With a token everyone has to show it.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from core.errors import BadInput
from web.problems import Problem
from web.route import ApiRequest, Route

_TOKEN = re.compile(r"[!-~]{16,200}")
_OPEN_TO_ALL = 0o007
_PASSED_ON = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")
_SETTING = "metrics.token_file"


def read_token(file: Path | None) -> str:
    """The token of the settings, "" if there is none. `BadInput` for a file that holds none fit for use."""
    if file is None:
        return ""
    try:
        mode, token = file.stat().st_mode, file.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise BadInput(_SETTING, f"{file} cannot be read ({error}): write a token into it") from error
    if mode & _OPEN_TO_ALL:
        raise BadInput(_SETTING, f"{file} is open to everyone (mode {mode & 0o777:o}): chmod 640 it")
    if not _TOKEN.fullmatch(token):
        raise BadInput(_SETTING, f"{file} holds no token: write 16 to 200 printable characters, no spaces")
    return token


def is_this_host(address: str | None) -> bool:
    """Whether a request from `address` was made on this host."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    inner = getattr(found, "ipv4_mapped", None)
    return (inner or found).is_loopback


class MetricsApi:
    """The handler. `token`: what everyone must show; "" for this host alone, without one. `before`: looks
    anew at what cannot be looked at while the figures are read.
    """

    def __init__(
        self, registry: CollectorRegistry, *, token: str, before: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._registry = registry
        self._token = token
        self._before = before

    def routes(self) -> list[Route]:
        """The one route: public, for it asks for no session; what it asks for instead is its own matter."""
        return [
            Route(
                method="GET",
                path="/metrics",
                handler=self._show,
                right=None,
                produces="text/plain",
                summary="Figures for Prometheus: on this host alone or, where one is set, with the token",
                tag="health",
            )
        ]

    async def _show(self, request: ApiRequest) -> web.StreamResponse:
        problem = self._refusal(request.raw)
        if problem is not None:
            return problem.response(request.request_id)
        if self._before is not None:
            await self._before()
        encode, content_type = choose_encoder(request.raw.headers.get("Accept", ""))
        headers = {"Content-Type": content_type, "Cache-Control": "no-store"}
        return web.Response(body=encode(self._registry), headers=headers)

    def _refusal(self, raw: web.Request) -> Problem | None:
        if self._token:
            given = raw.headers.get("Authorization", "").encode(errors="surrogateescape")
            if hmac.compare_digest(given, f"Bearer {self._token}".encode()):
                return None
            detail = "send Authorization: Bearer with the token of metrics.token_file"
            challenge = {"WWW-Authenticate": "Bearer"}
            return Problem("not-signed-in", "Not signed in", 401, detail, headers=challenge)
        if is_this_host(raw.remote) and not any(name in raw.headers for name in _PASSED_ON):
            return None
        detail = f"figures are for programs on this host: ask there, or set {_SETTING} and show the token"
        return Problem("forbidden", "Right missing", 403, detail)
