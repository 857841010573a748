"""Puts routes, pages, sessions and the live hub together into one aiohttp application."""

from __future__ import annotations

import re
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import structlog
from aiohttp import web

from web.counting import METHODS, RequestCounts
from web.endpoint import BEGUN, COOKIE, REQUEST_ID, ROUTE, SECURE_COOKIE, Gate, endpoint
from web.errors import RouteMistake
from web.forward import Forward
from web.health import Check, health_routes
from web.live_socket import LiveSocket
from web.live_topics import LiveTopics
from web.oidc.api import OidcApi
from web.oidc.ended_api import EndedApi
from web.oidc.provider import ProviderClient
from web.openapi import describe
from web.pages import SECURITY_HEADERS, add_pages
from web.password_api import PasswordApi
from web.problems import problem_of, unforeseen
from web.route import ApiRequest, Route
from web.session_api import SessionApi
from web.sessions import Sessions

_log = structlog.get_logger("web")
_PATH = re.compile(r"/(?:[a-z0-9._-]+|\{[a-z_]+\})(?:/(?:[a-z0-9._-]+|\{[a-z_]+\}))*")
ROUTES: web.AppKey[tuple[Route, ...]] = web.AppKey("routes", tuple)
LIVE: web.AppKey[LiveTopics] = web.AppKey("live", LiveTopics)
_COUNTS: web.AppKey[RequestCounts] = web.AppKey("counts", RequestCounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """`origins`: whose pages may use us besides our own. `pages`: prefix → folder; `home`: where `/` leads.

    `secure_cookies`: behind HTTPS. `body_limit`: bytes. `checks`: of `/ready`. `counts`: where what was
    served is counted. `provider`: by which people may sign in as well. `forward`: of a web process, which
    hands on what it cannot answer itself.
    """

    origins: frozenset[str] = frozenset()
    secure_cookies: bool = False
    body_limit: int = 1024 * 1024
    pages: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))
    home: str = ""
    checks: Mapping[str, Check] = field(default_factory=lambda: MappingProxyType({}))
    counts: RequestCounts = field(default_factory=RequestCounts)
    provider: ProviderClient | None = None
    forward: Forward | None = None
    beat_s: float = 5.0
    version: str = "0.1.0"


def build_app(
    routes: Sequence[Route], *, sessions: Sessions, hub: LiveTopics, options: WebOptions | None = None
) -> web.Application:
    """The application. `RouteMistake` if a route is wrong or asks for a right that does not exist."""
    options = options or WebOptions()
    gate = Gate(
        sessions=sessions,
        origins=options.origins,
        cookie=SECURE_COOKIE if options.secure_cookies else COOKIE,
        secure=options.secure_cookies,
    )
    socket = LiveSocket(hub, gate, beat_s=options.beat_s)
    pages = [f"{prefix}/" for prefix in options.pages]
    oidc = OidcApi(gate, options.provider, home=options.home, pages=pages)
    called = options.provider.options.name if options.provider is not None else ""
    own = [
        *SessionApi(gate, provider=called).routes(),
        *PasswordApi(sessions).routes(),
        *oidc.routes(),
        *health_routes(options.checks),
    ]
    if options.forward is None:  # one place alone, so that all processes hear of it
        own += EndedApi(sessions, options.provider).routes()
    every = [*routes, *own, socket.route()]
    check_routes(every, hub, sessions.people.known_rights(), sessions.people.scoped_rights())
    if options.forward is None:  # else the leader describes all there is
        every.append(_description(every, gate.cookie, options.version))

    app = web.Application(middlewares=[_outermost], client_max_size=options.body_limit)
    app[ROUTES], app[LIVE], app[_COUNTS] = tuple(every), hub, options.counts
    for route in every:
        handler = endpoint(route, gate)
        if route.method == "GET":
            app.router.add_get(route.path, handler, allow_head=route.status != 101)
        else:
            app.router.add_route(route.method, route.path, handler)
    if options.forward is not None:  # last: what is declared here is answered here
        app.router.add_route("*", "/api/{rest:.*}", options.forward.serve)
        app.cleanup_ctx.append(options.forward.running)
    add_pages(app, options.pages, options.home)
    sessions.on_end(
        lambda ended: hub.end_sessions(lambda reader: "session" if reader.session_id == ended else "")
    )
    app.cleanup_ctx.append(socket.running)
    app.cleanup_ctx.append(oidc.running)
    app.on_response_prepare.append(_add_headers)
    app.on_shutdown.append(_shut_down(hub))
    return app


def check_routes(
    routes: Sequence[Route], hub: LiveTopics, known_rights: frozenset[str], scoped: frozenset[str]
) -> None:
    """`RouteMistake` naming every route or live topic that cannot be served as it is declared."""
    mistakes = []
    twice = [key for key, count in Counter((r.method, r.path) for r in routes).items() if count > 1]
    mistakes += [f"{method} {path} is declared twice" for method, path in twice]
    for route in routes:
        name = f"{route.method} {route.path}"
        if route.method not in METHODS or not _PATH.fullmatch(route.path):
            mistakes.append(f"{name}: no method or path we serve")
        for right in (route.right, *route.wider):
            if right and right not in known_rights:
                mistakes.append(f"{name}: there is no right {right!r}")
        mistakes += [f"{name}: {mistake}" for mistake in _of_scope(route, scoped)]
        if route.right is None and route.wider:
            mistakes.append(f"{name}: what is public has nothing wider: nobody is known there")
        if route.body is not None and route.method == "GET":
            mistakes.append(f"{name}: a GET has no body")
        open_change = route.right is None and route.method != "GET" and route.path != "/api/session"
        if open_change and not route.proof:
            mistakes.append(f"{name}: a change cannot be public")
        if route.proof and route.right is not None:
            mistakes.append(f"{name}: asks for a session, and for a proof instead of one")
    for topic, rights in hub.rights().items():
        unknown = [right for right in rights if right and right not in known_rights]
        mistakes += [f"live topic {topic}: there is no right {right!r}" for right in unknown]
    if mistakes:
        raise RouteMistake("; ".join(mistakes))


def _of_scope(route: Route, scoped: frozenset[str]) -> Iterator[str]:
    """A right that may reach less than everybody is asked how far, or it says why that is of no matter."""
    asked = [right for right in (route.right, *route.wider) if right in scoped]
    if asked and not route.scoped and not route.unscoped:
        yield f"{asked[-1]!r} may reach less than everybody: declare `scoped`, or say why not in `unscoped`"
    if route.scoped and route.unscoped:
        yield "is `scoped`, and says why it is not"
    if not asked and (route.scoped or route.unscoped):
        yield "none of its rights has a scope"


def _description(routes: Sequence[Route], cookie: str, version: str) -> Route:
    document: list[dict[str, object]] = []

    async def show(_request: ApiRequest) -> web.StreamResponse:
        return web.json_response(document[0])

    route = Route(
        method="GET",
        path="/api/openapi.json",
        handler=show,
        right=None,
        produces="application/vnd.oai.openapi+json",
        summary="This description",
        tag="health",
    )
    document.append(describe([*routes, route], cookie=cookie, version=version))
    return route


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-Id"] = request[REQUEST_ID]
    request[BEGUN] = response


def _shut_down(hub: LiveTopics) -> Callable[[web.Application], Awaitable[None]]:
    async def shut_down(_app: web.Application) -> None:
        hub.shut_down()

    return shut_down


@web.middleware
async def _outermost(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """A number for the request, every error as a problem, one line in the log."""
    request_id = secrets.token_hex(8)
    request[REQUEST_ID] = request_id
    began = time.perf_counter()
    with structlog.contextvars.bound_contextvars(request=request_id):
        try:
            response = await handler(request)
        except Exception as error:  # noqa: BLE001  the last place where an error can become an answer
            problem = problem_of(error)
            if problem is None and not isinstance(error, ConnectionError):
                _log.exception("request failed", method=request.method, path=_pattern(request))
            response = request.get(BEGUN) or (problem or unforeseen()).response(request_id)
            if response.prepared and request.transport is not None:
                # Half an answer is out: cut it off, so that it cannot be taken for a whole one.
                request.transport.abort()
        took_s = time.perf_counter() - began
        request.app[_COUNTS].add(request.method, _pattern(request), response.status, took_s)
        _log.info(
            "request served",
            method=request.method,
            path=_pattern(request),
            status=response.status,
            ms=round(took_s * 1000, 1),
        )
    return response


def _pattern(request: web.Request) -> str:
    """The route's own path: what stands in its place may name a customer."""
    route = request.get(ROUTE)
    return route.path if route is not None else "(page)"
