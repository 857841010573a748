"""Every route of the whole program, asked over HTTP in every role of the seed, and by nobody at all.

What comes back is held against what the route declares, and both against docs/rights.md.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import WSServerHandshakeError

from directory.lookup import Directory
from directory.model import Role
from directory.seed import DEMO, load, parse
from hotline.commands.rights_page import IN_PART, LET_IN, REFUSED, cell, topic_cell
from hotline.settings_sign_in import SessionSettings
from tests.integration.web.program import Answer, Program, running_program
from web.app import LIVE
from web.route import Route

PUBLIC = {
    ("POST", "/api/session"),
    ("GET", "/api/sign-in"),
    ("GET", "/api/session/oidc"),
    ("GET", "/api/session/oidc/back"),
    ("GET", "/api/session/oidc/out"),
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/metrics"),
    ("GET", "/api/openapi.json"),
}
SIGNED = {("POST", "/api/notices/sms/reports"), ("POST", "/api/session/oidc/ended")}
"""For programs that sign what they send: nobody's session opens them."""
PAGES = {"/", "/board", "/board/{file}", "/agent", "/agent/{file}"}
"""Files without data, open to everyone."""
CLOSED = {401, 403}
GUEST = ("  - {code: guest, zh: 访客, en: Guest, rights: []}\n", "5001")


def _directory() -> Directory:
    """The demo's, with one more role that has no right at all."""
    role, number = GUEST
    seed = DEMO.read_text(encoding="utf-8").replace("roles:\n", f"roles:\n{role}", 1)
    person = f"  - {{number: {number}, name: 访客, en: Guest, team: S, roles: [guest]}}\n"
    return parse(f"{seed}\n{person}", "demo.yaml")


DIRECTORY = _directory()
ROLES = [pytest.param(role, id=role.code) for role in DIRECTORY.roles.values()]


def _someone(role: Role) -> str:
    """A person of this role and no other."""
    return next(str(one.number) for one in DIRECTORY.staff.values() if one.roles == (role.code,))


def _is_open_to(route: Route, role: Role) -> bool:
    """What the route declares, read here by a rule of our own."""
    if route.right is None or route.right == "":
        return not route.proof
    return not role.rights.keys().isdisjoint({route.right, *route.wider})


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    async with running_program(DIRECTORY, tmp_path) as running:
        yield running


def test_every_role_of_the_seed_is_walked() -> None:
    assert set(load(DEMO).roles) | {"guest"} == {role.code for role in DIRECTORY.roles.values()}


@pytest.mark.rule("SEC-19")
async def test_who_is_not_signed_in_gets_to_the_public_routes_alone(program: Program) -> None:
    without = {(route.method, route.path): route.proof for route in program.routes if route.right is None}
    assert without.keys() == PUBLIC | SIGNED
    assert {name for name, proof in without.items() if proof} == SIGNED
    for route in program.routes:
        answer = await program.ask(route)
        if route.proof:
            assert answer == Answer(401, "unsigned"), f"{route.method} {route.path}"
        elif route.right is None:
            assert answer.status not in CLOSED, f"{route.method} {route.path}: {answer}"
        else:
            assert answer == Answer(401, "not-signed-in"), f"{route.method} {route.path}"
    assert len(program.routes) > 40


@pytest.mark.rule("SEC-19")
@pytest.mark.parametrize("role", ROLES)
async def test_a_role_gets_through_exactly_where_its_rights_let_it(program: Program, role: Role) -> None:
    await program.sign_in(_someone(role))
    wrong: dict[str, Answer] = {}
    for route in program.routes:
        answer = await program.ask(route)
        name = f"{route.method} {route.path}"
        closed = answer.status in CLOSED
        refused = Answer(401, "unsigned") if route.proof else Answer(403, "forbidden")
        if closed if _is_open_to(route, role) else answer != refused:
            wrong[name] = answer
        if (route.method, route.path) == ("DELETE", "/api/session"):
            await program.sign_in(_someone(role))
    assert wrong == {}


@pytest.mark.rule("SEC-19")
@pytest.mark.parametrize("role", ROLES)
async def test_the_page_says_of_every_route_what_a_role_meets_there(program: Program, role: Role) -> None:
    await program.sign_in(_someone(role))
    for route in program.routes:
        if (route.method, route.path) == ("DELETE", "/api/session"):
            continue
        told = cell(route, role)
        closed = (await program.ask(route)).status in CLOSED
        assert closed == (told == REFUSED), f"{route.method} {route.path}: {told}"
        assert told == LET_IN or route.right is not None or route.proof


@pytest.mark.parametrize("role", ROLES)
async def test_head_is_let_through_no_further_than_get(program: Program, role: Role) -> None:
    readable = [route for route in program.routes if route.method == "GET" and route.status != 101]
    for route in readable:
        closed = (await program.ask(route, "HEAD")).status in CLOSED
        assert closed == (route.right is not None), route.path
    await program.sign_in(_someone(role))
    for route in readable:
        closed = (await program.ask(route, "HEAD")).status in CLOSED
        assert closed != _is_open_to(route, role), route.path


@pytest.mark.rule("SEC-19")
@pytest.mark.parametrize("role", ROLES)
async def test_no_right_makes_up_for_the_token_of_our_own_pages(program: Program, role: Role) -> None:
    await program.sign_in(_someone(role))
    changes = [route for route in program.routes if route.method != "GET" and route.right is not None]
    for route in changes:
        kind = "untrusted" if _is_open_to(route, role) else "forbidden"
        assert await program.ask(route, csrf=False) == Answer(403, kind), f"{route.method} {route.path}"
    assert changes


@pytest.mark.rule("SEC-19")
@pytest.mark.parametrize("role", ROLES)
async def test_live_topics_are_open_as_the_page_says(program: Program, role: Role) -> None:
    hub, me = program.hotline.app[LIVE], _someone(role)
    await program.sign_in(me)
    for topic in hub.rights():
        members = [f"{topic}:{me}", f"{topic}:{GUEST[1]}"] if hub.is_family(topic) else [topic]
        opened = [await _opens(program, member) for member in members]
        told = LET_IN if all(opened) else IN_PART if any(opened) else REFUSED
        assert topic_cell(hub, topic, role) == told, topic


@pytest.mark.rule("SEC-12")
async def test_with_an_initial_password_no_route_is_open_but_three(tmp_path: Path) -> None:
    async with running_program(DIRECTORY, tmp_path, session=SessionSettings()) as program:
        await program.sign_in("9001")
        open_all_the_same = set()
        for route in program.routes:
            if route.right is None:
                continue
            answer = await program.ask(route)
            if answer != Answer(403, "password-due"):
                open_all_the_same.add((route.method, route.path))
            if (route.method, route.path) == ("DELETE", "/api/session"):
                await program.sign_in("9001")
    path = "/api/session"
    assert open_all_the_same == {("GET", path), ("DELETE", path), ("POST", f"{path}/password")}


async def _opens(program: Program, topic: str) -> bool:
    url = (program.url / "api/live").with_query(topic=topic)
    try:
        async with program.client.ws_connect(url):
            return True
    except WSServerHandshakeError as refused:
        assert refused.status == 403
        return False


def _served(program: Program) -> set[tuple[str, str]]:
    return {
        (route.method, route.resource.canonical)
        for route in program.hotline.app.router.routes()
        if route.resource is not None
    }


async def test_nothing_is_served_past_the_declared_routes(program: Program) -> None:
    declared = {(route.method, route.path) for route in program.routes}
    heads = {("HEAD", path) for method, path in declared if method == "GET"}
    pages = {(method, path) for method in ("GET", "HEAD") for path in PAGES}
    assert _served(program) - declared - heads - pages == set()
