"""One route as aiohttp sees it: who asks, may they, is it valid; then the handler; then the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from types import UnionType
from typing import Any, get_args, get_origin

import structlog
from aiohttp import web
from pydantic import BaseModel, ValidationError

from web.errors import NotJson, NotSignedIn, PasswordDue
from web.guard import check_csrf, check_origin, is_unsafe
from web.problems import FieldProblem, Invalid
from web.route import ApiRequest, Principal, Route
from web.session import Session, Started
from web.sessions import Sessions

REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
ROUTE: web.RequestKey[Route] = web.RequestKey("route", Route)
BEGUN: web.RequestKey[web.StreamResponse] = web.RequestKey("begun", web.StreamResponse)
"""The answer whose head has been sent already."""
COOKIE = "hotline_session"
SECURE_COOKIE = "__Host-hotline_session"
_LONGEST_TOKEN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What every endpoint needs: sessions, the origins besides our own, and how the cookie is called.

    `secure`: the cookie travels over HTTPS alone.
    """

    sessions: Sessions
    origins: Collection[str]
    cookie: str
    secure: bool = False

    def open(self, response: web.StreamResponse, started: Started) -> None:
        """Let the browser that gets this answer have the session."""
        response.set_cookie(
            self.cookie,
            started.token,
            max_age=self.sessions.limits.longest // 1_000_000,
            httponly=True,
            secure=self.secure,
            samesite="Strict",
            path="/",
        )


def endpoint(route: Route, gate: Gate) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """aiohttp's handler for a route."""

    async def serve(raw: web.Request) -> web.StreamResponse:
        raw[ROUTE] = route
        check_origin(raw, gate.origins)
        found = await _admit(route, gate, raw)
        session, person = found if found is not None else (None, None)
        request = ApiRequest(
            signed_in=person,
            path=dict(raw.match_info),
            raw=raw,
            request_id=raw[REQUEST_ID],
            session_id=session.id if session is not None else "",
            query=_query(route, raw),
            body=await _body(route, raw),
        )
        with structlog.contextvars.bound_contextvars(staff=person.staff if person is not None else ""):
            return answer(route, await route.handler(request))

    return serve


async def _admit(route: Route, gate: Gate, raw: web.Request) -> tuple[Session, Principal] | None:
    """Whose session it is, with the right the route asks for."""
    token = raw.cookies.get(gate.cookie, "")[:_LONGEST_TOKEN]
    if route.right is None:
        # A page that asks whether someone is signed in must get its answer even after the session's end.
        return await gate.sessions.find(token) if token and not is_unsafe(raw) else None
    found = await gate.sessions.find(token) if token else None
    if found is None:
        raise NotSignedIn("sign in first: there is no session, or it has ended")
    if found[0].must_change and not route.before_change:
        raise PasswordDue("change your password first: POST /api/session/password, or on the sign-in page")
    found[1].require(route.right, *route.wider)
    check_csrf(raw, token)
    return found


def answer(route: Route, returned: BaseModel | web.StreamResponse | None) -> web.StreamResponse:
    """What is sent for what a handler returned. TypeError if it is not what the route promises."""
    if isinstance(returned, web.StreamResponse):
        return returned
    if returned is None and route.returns is None:
        return web.Response(status=204 if route.status == 200 else route.status)
    if route.returns is None or not isinstance(returned, route.returns):
        promised = route.returns.__name__ if route.returns else "nothing"
        raise TypeError(
            f"{route.method} {route.path} promises {promised} and returned {type(returned).__name__}"
        )
    return web.Response(
        body=returned.model_dump_json(by_alias=True).encode(),
        status=route.status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


async def _body(route: Route, raw: web.Request) -> BaseModel | None:
    if route.body is None:
        return None
    if raw.content_type != "application/json":
        raise NotJson("send the body as application/json")
    content = await raw.read()
    try:
        return route.body.model_validate_json(content)
    except ValidationError as error:
        raise Invalid(_problems("body", error)) from error


def _query(route: Route, raw: web.Request) -> BaseModel | None:
    if route.query is None:
        return None
    given: dict[str, Any] = {}
    for name in raw.query:
        values = raw.query.getall(name)
        takes_many = name in route.query.model_fields and _is_list(route.query, name)
        given[name] = values if takes_many or len(values) > 1 else values[0]
    try:
        return route.query.model_validate(given)
    except ValidationError as error:
        raise Invalid(_problems("query", error)) from error


def _is_list(model: type[BaseModel], name: str) -> bool:
    annotation = model.model_fields[name].annotation
    choices = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    return any(get_origin(choice) in {list, tuple} for choice in choices)


def _problems(part: str, error: ValidationError) -> list[FieldProblem]:
    """Where and what; the value itself is left out, it may be a password or a card number."""
    return [
        FieldProblem(where=".".join([part, *map(str, one["loc"])]), problem=_plain(one["type"], one["msg"]))
        for one in error.errors(include_url=False, include_context=False, include_input=False)
    ]


_PLAIN = {
    "missing": "is missing: send it",
    "extra_forbidden": "is not known here: leave it out (/api/openapi.json tells what is)",
}


def _plain(kind: str, message: str) -> str:
    return _PLAIN.get(kind) or message.removeprefix("Value error, ")
