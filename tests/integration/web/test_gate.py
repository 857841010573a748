"""Real HTTP: who gets through to a handler, what the others are told, what every answer carries."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, web
from openapi_spec_validator import validate
from pydantic import Field, field_validator
from structlog.testing import capture_logs

from core.errors import BadInput, Conflict, NotFound
from directory.api import directory_routes
from directory.credentials import Credentials
from directory.people import DirectoryPeople
from directory.seed import DEMO, load
from storage import DatabaseDown
from tests.integration.web.site import FakePeople, Site, running_site
from tests.support.databases import Databases
from tests.support.rawhttp import status_of
from web.app import ROUTES, WebOptions, build_app, check_routes
from web.errors import RouteMistake
from web.live import LiveHub, Topic
from web.route import ApiRequest, In, Out, Route

CSP = "default-src 'none'"


class NoteIn(In):
    text: str = Field(min_length=2, max_length=20)
    count: int = Field(ge=1)

    @field_validator("text")
    @classmethod
    def _no_shouting(cls, value: str) -> str:
        if value.isupper():
            raise ValueError("write it in small letters")
        return value


class NoteOut(Out):
    text: str
    by: str


class Filter(In):
    limit: int = Field(default=10, le=100)
    queue: list[str] = Field(default_factory=list)
    agent: list[str] | None = None


class FilterOut(Out):
    limit: int
    queue: list[str]
    agent: list[str] | None


async def _note(request: ApiRequest) -> NoteOut:
    body: NoteIn = request.body
    return NoteOut(text=body.text, by=request.person.staff)


async def _filter(request: ApiRequest) -> FilterOut:
    query: Filter = request.query
    return FilterOut(limit=query.limit, queue=query.queue, agent=query.agent)


async def _fail(request: ApiRequest) -> NoteOut:
    raise {
        "input": BadInput("body.queue", "there is no such queue"),
        "gone": NotFound("no such call"),
        "moved": Conflict("someone else has changed it: look again"),
        "down": DatabaseDown("secret path /srv/db"),
        "ours": RuntimeError("secret detail"),
        "wrong": KeyError("x"),
    }[request.path["how"]]


async def _breaks(request: ApiRequest) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request.raw)
    await response.write(b"half of it")
    raise RuntimeError("the disk is gone")


async def _lies(_request: ApiRequest) -> FilterOut:
    return NoteOut(text="x", by="y")  # type: ignore[return-value]


def _route(method: str, path: str, handler: Any, right: str | None, **more: Any) -> Route:
    return Route(method=method, path=path, handler=handler, right=right, summary="Test", tag="test", **more)


ROUTES_HERE = [
    _route("POST", "/api/notes", _note, "notes.write", body=NoteIn, returns=NoteOut, status=201),
    _route("GET", "/api/filter", _filter, "", query=Filter, returns=FilterOut),
    _route("GET", "/api/fail/{how}", _fail, "", returns=NoteOut),
    _route("GET", "/api/lies", _lies, "", returns=FilterOut),
    _route("GET", "/api/breaks", _breaks, "", produces="audio/wav"),
]
PEOPLE = {"8001": {"notes.write"}, "1001": set()}


@pytest.fixture
async def site(databases: Databases, tmp_path: Path) -> AsyncIterator[Site]:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.html").write_text("<!doctype html><title>板</title>", encoding="utf-8")
    (tmp_path / "pages" / "page.js").write_text("export {};\n", encoding="utf-8")
    (tmp_path / "pages" / "notes.sqlite").write_text("private", encoding="utf-8")
    (tmp_path / "secret.html").write_text("private", encoding="utf-8")
    (tmp_path / "pages" / "link.html").symlink_to(tmp_path / "secret.html")
    options = WebOptions(body_limit=2000, pages={"/board": tmp_path / "pages"}, home="/board/")
    people, url = FakePeople(dict(PEOPLE)), databases.url("main")
    async with running_site(ROUTES_HERE, url=url, people=people, options=options) as site:
        yield site


async def _walk(site: Site, routes: tuple[Route, ...]) -> dict[tuple[str, str], tuple[Route, int]]:
    found = {}
    for route in routes:
        path = route.path.replace("{", "x").replace("}", "")
        body = {"json": {}} if route.body is not None else {}
        found[route.method, route.path] = (route, (await site.call(route.method, path, **body))[0])
    return found


def _app_routes(site: Site) -> tuple[Route, ...]:
    directory = load(DEMO)
    return build_app(
        [*ROUTES_HERE, *directory_routes(lambda: directory)],
        sessions=site.sessions,
        hub=LiveHub(clock=site.clock),
    )[ROUTES]


@pytest.mark.rule("SEC-19")
async def test_without_a_session_every_route_that_is_not_public_is_closed(site: Site) -> None:
    walked = await _walk(site, tuple(r for r in _app_routes(site) if "/directory" not in r.path))
    closed = {key for key, (route, status) in walked.items() if status == 401 and route.right is not None}
    public = {key for key, (route, _status) in walked.items() if route.right is None}
    assert closed | public == set(walked)
    assert public == {
        ("POST", "/api/session"),
        ("GET", "/api/sign-in"),
        ("GET", "/api/session/oidc"),
        ("GET", "/api/session/oidc/back"),
        ("GET", "/api/session/oidc/out"),
        ("POST", "/api/session/oidc/ended"),  # by the provider's signature alone
        ("GET", "/health"),
        ("GET", "/ready"),
        ("GET", "/api/openapi.json"),
    }


@pytest.mark.rule("SEC-19")
async def test_without_the_right_every_route_that_asks_for_one_is_closed(site: Site) -> None:
    await site.sign_in("1001")
    walked = await _walk(site, tuple(r for r in _app_routes(site) if r.right))
    assert {status for _route, status in walked.values()} == {403}
    assert walked


async def test_a_good_request_reaches_its_handler(site: Site) -> None:
    await site.sign_in("8001")
    told = await site.call("POST", "/api/notes", json={"text": "hello", "count": 1})
    assert told == (201, {"text": "hello", "by": "8001"})


async def test_everything_wrong_with_a_body_is_told_at_once_and_not_repeated(site: Site) -> None:
    await site.sign_in("8001")
    body = {"text": "SECRET TEXT", "count": 0, "more": 1}
    status, problem = await site.call("POST", "/api/notes", json=body)
    assert status == 422
    assert {e["where"]: e["problem"] for e in problem["errors"]} == {
        "body.text": "write it in small letters",
        "body.count": "Input should be greater than or equal to 1",
        "body.more": "is not known here: leave it out (/api/openapi.json tells what is)",
    }
    assert problem["detail"].count("body.text") == 1
    assert "SECRET" not in json.dumps(problem)


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"a=b", "application/x-www-form-urlencoded", 415),
        (b"not json", "application/json", 422),
        (b"\xff\xfe", "application/json", 422),
        (b"", "application/json", 422),
        (b"[]", "application/json", 422),
        (b'{"text": "' + b"x" * 3000 + b'"}', "application/json", 413),
    ],
)
async def test_bodies_that_are_none(site: Site, content: bytes, kind: str, status: int) -> None:
    await site.sign_in("8001")
    headers = {"Content-Type": kind}
    got, problem = await site.call("POST", "/api/notes", data=content, headers=headers)
    assert (got, problem["status"]) == (status, status)


async def test_queries_are_checked_and_lists_are_lists(site: Site) -> None:
    await site.sign_in("1001")
    told = await site.call("GET", "/api/filter?limit=5&queue=a&queue=b")
    assert told == (200, {"limit": 5, "queue": ["a", "b"], "agent": None})
    told = await site.call("GET", "/api/filter?queue=a&agent=1001")
    assert told == (200, {"limit": 10, "queue": ["a"], "agent": ["1001"]})
    status, problem = await site.call("GET", "/api/filter?limit=1000&limt=5")
    assert (status, {e["where"] for e in problem["errors"]}) == (422, {"query.limit", "query.limt"})
    assert (await site.call("GET", "/api/filter?limit=5&limit=6"))[0] == 422


@pytest.mark.parametrize(
    ("how", "status", "kind"),
    [
        ("input", 422, "bad-input"),
        ("gone", 404, "not-found"),
        ("moved", 409, "conflict"),
        ("down", 503, "database-down"),
        ("ours", 500, "internal"),
        ("wrong", 500, "internal"),
    ],
)
async def test_errors_become_problems_that_tell_nothing_of_the_inside(
    site: Site, how: str, status: int, kind: str
) -> None:
    await site.sign_in("1001")
    with capture_logs() as logs:
        got, problem = await site.call("GET", f"/api/fail/{how}")
    assert (got, problem["type"], problem["status"]) == (status, f"/problems/{kind}", status)
    assert "secret" not in json.dumps(problem)
    if status == 500:
        assert [line for line in logs if line["event"] == "request failed" and line["exc_info"]]


async def test_an_answer_other_than_promised_is_our_fault_and_not_sent(site: Site) -> None:
    await site.sign_in("1001")
    status, problem = await site.call("GET", "/api/lies")
    assert (status, problem["type"]) == (500, "/problems/internal")


async def test_an_answer_that_breaks_off_cannot_be_taken_for_a_whole_one(site: Site) -> None:
    await site.sign_in("1001")
    with capture_logs() as logs:
        async with site.client.get(site.url / "api/breaks") as response:
            assert response.status == 200
            with pytest.raises(ClientError):
                await response.read()
    assert [line["event"] for line in logs].count("request failed") == 1


async def test_addresses_that_are_none(site: Site) -> None:
    assert (await site.call("GET", "/api/nothing"))[1]["type"] == "/problems/not-found"
    async with site.client.put(site.url / "api/notes") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "POST"
        assert response.content_type == "application/problem+json"


# ------------------------------------------------------------------ our own pages only


@pytest.mark.parametrize("token", [None, "", "0" * 64, "中文"])
async def test_a_change_without_the_csrf_token_is_refused(site: Site, token: str | None) -> None:
    await site.sign_in("8001")
    site.headers.clear()
    headers = {} if token is None else {"X-CSRF-Token": token}
    status, problem = await site.call(
        "POST", "/api/notes", json={"text": "hello", "count": 1}, headers=headers
    )
    assert (status, problem["type"]) == (403, "/problems/untrusted")


async def test_a_csrf_token_that_is_no_text_is_refused_like_any_other(site: Site) -> None:
    await site.sign_in("8001")
    (cookie,) = (f"{one.key}={one.value}".encode() for one in site.client.cookie_jar)
    status = await status_of(site.url, "DELETE", "/api/session", b"Cookie: " + cookie, b"X-CSRF-Token: \xff")
    assert status == 403


async def test_the_csrf_token_of_another_session_is_refused(site: Site) -> None:
    other = await site.sign_in("8001")
    await site.sign_in("8001")
    headers = {"X-CSRF-Token": other["csrf_token"]}
    assert (await site.call("POST", "/api/notes", json={"text": "ab", "count": 1}, headers=headers))[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": ""},
    ],
)
async def test_other_pages_can_neither_sign_in_nor_change(site: Site, headers: dict[str, str]) -> None:
    body = {"staff": "8001", "password": "correct horse"}
    async with site.client.post(site.url / "api/session", json=body, headers=headers) as response:
        assert response.status == 403
        assert "Set-Cookie" not in response.headers
    await site.sign_in("8001")
    told = await site.call("POST", "/api/notes", json={"text": "hello", "count": 1}, headers=headers)
    assert told[0] == 403


async def test_our_own_pages_and_those_of_the_proxy_can(tmp_path: Path) -> None:
    options = WebOptions(origins=frozenset({"https://desk.example"}))
    people = FakePeople(dict(PEOPLE))
    async with running_site(ROUTES_HERE, tmp_path, people=people, options=options) as site:
        await site.sign_in("8001")
        for origin in (str(site.url.origin()), "https://desk.example"):
            headers = {"Origin": origin}
            told = await site.call("POST", "/api/notes", json={"text": "hello", "count": 1}, headers=headers)
            assert told[0] == 201


# ------------------------------------------------------------------ what every answer carries


async def test_every_answer_carries_the_policy_and_a_number(site: Site) -> None:
    for path in ("/health", "/api/session", "/board/", "/board/page.js", "/nothing", "/"):
        async with site.client.get(
            site.url.join(site.url.with_path(path)), allow_redirects=False
        ) as response:
            assert response.headers["Content-Security-Policy"].startswith(CSP), path
            assert "unsafe" not in response.headers["Content-Security-Policy"]
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["X-Frame-Options"] == "DENY"
            assert len(response.headers["X-Request-Id"]) == 16


async def test_logs_name_the_route_and_hold_nothing_private(site: Site) -> None:
    with capture_logs() as logs:
        await site.sign_in("8001", "hunter2-password")
        await site.sign_in("8001")
        await site.call("GET", "/api/fail/13812345678?limit=6222020200001234567")
    text = json.dumps(logs, default=str)
    token = site.client.cookie_jar.filter_cookies(site.url)["hotline_session"].value
    for private in ("hunter2", "correct horse", token, site.headers["X-CSRF-Token"], "13812345678", "622202"):
        assert private not in text
    assert "/api/fail/{how}" in text


async def test_a_request_of_the_next_person_is_not_logged_as_the_last_ones(site: Site) -> None:
    await site.sign_in("8001")
    await site.call("GET", "/api/filter")
    site.client.cookie_jar.clear()
    with capture_logs() as logs:
        await site.call("GET", "/api/filter")
    assert "8001" not in json.dumps(logs, default=str)


# ------------------------------------------------------------------ pages


async def test_pages_are_served_with_their_types(site: Site) -> None:
    async with site.client.get(site.url / "") as response:
        assert str(response.url.path) == "/board/"
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "板" in await response.text()
    async with site.client.get(site.url / "board/page.js") as response:
        assert response.headers["Content-Type"].startswith("text/javascript")
        etag = response.headers["ETag"]
    async with site.client.get(site.url / "board/page.js", headers={"If-None-Match": etag}) as response:
        assert response.status == 304


@pytest.mark.parametrize(
    "path",
    [
        "/board/../secret.html",
        "/board/%2e%2e/secret.html",
        "/board/..%2fsecret.html",
        "/board/link.html",
        "/board/notes.sqlite",
        "/board/%00",
        "/board//etc/passwd",
        "/board/nothing.html",
    ],
)
async def test_nothing_but_the_folders_own_pages_is_served(site: Site, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.url.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert b"private" not in answer
    assert b" 404 " in answer.split(b"\r\n", 1)[0] or b" 400 " in answer.split(b"\r\n", 1)[0]


# ------------------------------------------------------------------ start-up, health, description


@pytest.mark.parametrize(
    ("routes", "says"),
    [
        ([_route("GET", "/api/a", _fail, "notes.fly")], "no right 'notes.fly'"),
        ([_route("GET", "/api/a", _fail, "", wider=("notes.fly",))], "no right 'notes.fly'"),
        ([_route("GET", "/api/a", _fail, None, wider=("notes.write",))], "public has nothing wider"),
        ([_route("GET", "/api/a", _fail, ""), _route("GET", "/api/a", _fail, "")], "declared twice"),
        ([_route("POST", "/api/a", _fail, None)], "cannot be public"),
        ([_route("POST", "/api/a", _fail, "", proof="a signature")], "a proof instead of one"),
        ([_route("GET", "/api/a", _fail, "", body=NoteIn)], "GET has no body"),
        ([_route("FETCH", "/api/a", _fail, "")], "no method or path"),
        ([_route("GET", "/api/A b", _fail, "")], "no method or path"),
    ],
)
def test_wrong_routes_are_refused_at_start(routes: list[Route], says: str) -> None:
    with pytest.raises(RouteMistake, match=says):
        check_routes(routes, LiveHub(clock=lambda: 0), frozenset({"notes.write"}), frozenset())


@pytest.mark.parametrize(
    ("right", "more", "says"),
    [
        ("calls.read", {}, "'calls.read' may reach less than everybody"),
        ("calls.read", {"scoped": True, "unscoped": "one's own"}, "says why it is not"),
        ("notes.write", {"scoped": True}, "none of its rights has a scope"),
        ("notes.write", {"unscoped": "one's own"}, "none of its rights has a scope"),
        ("calls.read", {"scoped": True}, ""),
        ("calls.read", {"unscoped": "one's own"}, ""),
    ],
)
def test_a_right_that_may_reach_less_is_asked_how_far(right: str, more: dict[str, Any], says: str) -> None:
    route = Route(method="GET", path="/api/a", handler=_fail, right=right, summary="x", tag="y", **more)
    rights = (frozenset({"notes.write", "calls.read"}), frozenset({"calls.read"}))
    with pytest.raises(RouteMistake, match=says) if says else nullcontext():
        check_routes([route], LiveHub(clock=lambda: 0), *rights)


def test_a_route_must_say_which_right_it_asks_for() -> None:
    with pytest.raises(TypeError, match="right"):
        Route(method="GET", path="/api/a", handler=_fail, summary="x", tag="y")  # type: ignore[call-arg]


def test_a_live_topic_with_an_unknown_right_is_refused_at_start() -> None:
    hub = LiveHub(clock=lambda: 0)
    hub.declare(Topic(name="board", right="board.see", snapshot=lambda _: {}))
    with pytest.raises(RouteMistake, match=r"board\.see"):
        check_routes([], hub, frozenset({"board.read"}), frozenset())


async def test_ready_says_what_is_wrong_and_health_does_not_care(tmp_path: Path) -> None:
    async def good() -> None:
        return

    async def down() -> None:
        raise DatabaseDown("the main database does not answer")

    async def broken() -> None:
        raise ZeroDivisionError("secret")

    options = WebOptions(checks={"ledger": good, "database": down, "node1": broken})
    async with running_site([], tmp_path, options=options) as site:
        assert (await site.call("GET", "/health"))[0] == 200
        status, told = await site.call("GET", "/ready")
    assert (status, told["status"]) == (503, "failing")
    assert told["checks"]["ledger"] == "ok"
    assert told["checks"]["database"] == "the main database does not answer"
    assert "secret" not in told["checks"]["node1"]


async def test_the_description_is_valid_and_complete(tmp_path: Path) -> None:
    directory = load(DEMO)
    people = DirectoryPeople(lambda: directory, Credentials(pin_salt=""))
    fakes = FakePeople(dict(PEOPLE), every_right=people.known_rights())
    async with (
        running_site([*ROUTES_HERE, *directory_routes(lambda: directory)], tmp_path, people=fakes) as site,
        site.client.get(site.url / "api/openapi.json") as response,
    ):
        document = await response.json(content_type=None)
    validate(document)
    assert document["openapi"] == "3.1.0"
    described = {(m.upper(), path) for path, methods in document["paths"].items() for m in methods}
    assert {("POST", "/api/notes"), ("GET", "/api/directory/reasons"), ("GET", "/api/live")} <= described
    notes = document["paths"]["/api/notes"]["post"]
    assert notes["security"] == [{"session": []}]
    assert "notes.write" in notes["description"]
    assert set(notes["responses"]) == {"201", "401", "403", "422", "default"}
