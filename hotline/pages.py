"""Telephones in agents' pages, as settings and sessions have them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from hotline.settings import Settings
from telephony.page_phones import PagePhones
from web.endpoint import COOKIE, SECURE_COOKIE
from web.sessions import Sessions


def page_lines(settings: Settings) -> Mapping[str, str]:
    """Node → where its Asterisk takes them; nodes without a port for it take none."""
    return {node.name: f"ws://{node.host}:{node.page_port}/ws" for node in settings.nodes if node.page_port}


def signed_in_by(settings: Settings, sessions: Sessions) -> Callable[[web.Request], Awaitable[bool]]:
    """Whether the session of a request that came long ago goes on; asking counts as a sign of life."""
    cookie = SECURE_COOKIE if settings.web.secure_cookie else COOKIE

    async def signed_in(request: web.Request) -> bool:
        return await sessions.find(request.cookies.get(cookie, "")) is not None

    return signed_in


def stops_with(app: web.Application, phones: PagePhones) -> None:
    """Lines would go on for as long as their pages: they end when the server does."""

    async def stop(_app: web.Application) -> None:
        phones.stop()

    app.on_shutdown.append(stop)
