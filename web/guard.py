"""Whether a request comes from our own pages: Origin, Sec-Fetch-Site and the CSRF token."""

from __future__ import annotations

import hmac
from collections.abc import Collection

from aiohttp import web

from web.errors import Untrusted
from web.session import csrf_token

CSRF_HEADER = "X-CSRF-Token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def is_unsafe(request: web.Request) -> bool:
    """Whether the request may change something."""
    return request.method not in _SAFE


def check_origin(request: web.Request, origins: Collection[str]) -> None:
    """`Untrusted` if a page of another origin sends a change or opens a live connection.

    Browsers state the origin with both; a client that states none is no browser, and has no cookie it was
    not given.
    """
    if not is_unsafe(request) and request.headers.get("Upgrade", "").lower() != "websocket":
        return
    origin = request.headers.get("Origin")
    if origin is None:
        if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
            raise Untrusted("the request comes from a page of another site")
        return
    own = f"{request.scheme}://{request.host}"
    if origin != own and origin not in origins:
        raise Untrusted(
            f"pages of {origin[:100]} may not use this service: add it to the web origins if they should"
        )


def check_csrf(request: web.Request, token: str) -> None:
    """`Untrusted` if a change lacks the token that signing in gave."""
    if is_unsafe(request):
        given = request.headers.get(CSRF_HEADER, "")
        # A header may hold bytes that are no UTF-8; they are compared like all others.
        if not hmac.compare_digest(given.encode(errors="surrogateescape"), csrf_token(token).encode()):
            raise Untrusted(
                f"header {CSRF_HEADER} is missing or out of date: GET /api/session tells the current one"
            )
