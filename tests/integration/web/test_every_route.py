"""The whole program, assembled as in service but without a node: no route is open to the wrong person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar, web
from openapi_spec_validator import validate
from yarl import URL

from core.clock import system_clock
from directory.credentials import Credentials, Login
from directory.lookup import Directory
from directory.seed import DEMO, parse
from hotline.assembly import assemble
from hotline.settings import Settings
from tests.integration.web.site import CHEAP, PASSWORD
from web.app import ROUTES
from web.route import Route

PUBLIC = {("POST", "/api/session"), ("GET", "/health"), ("GET", "/ready"), ("GET", "/api/openapi.json")}


@dataclass
class Program:
    """Every route of the program, and a browser."""

    routes: tuple[Route, ...]
    url: URL
    client: ClientSession
    csrf: str = ""

    async def sign_in(self, staff: str) -> None:
        body = {"staff": staff, "password": PASSWORD}
        async with self.client.post(self.url / "api/session", json=body) as response:
            assert response.status == 200
            self.csrf = (await response.json())["csrf_token"]

    async def ask(self, route: Route) -> int:
        path = route.path.replace("{", "x").replace("}", "")
        body = {"json": {}} if route.body is not None else {}
        headers = {"X-CSRF-Token": self.csrf}
        url = self.url.join(URL(path))
        async with self.client.request(route.method, url, headers=headers, **body) as response:
            return response.status


def _directory() -> Directory:
    """The demo's, with one more person who may do nothing but be there."""
    seed = DEMO.read_text(encoding="utf-8")
    seed = seed.replace("roles:\n", "roles:\n  - {code: guest, zh: 访客, en: Guest, rights: []}\n", 1)
    return parse(
        f"{seed}\n  - {{number: 5001, name: 访客, en: Guest, team: S, roles: [guest]}}\n", "demo.yaml"
    )


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    kept = CHEAP.hash(PASSWORD)
    directory = _directory()
    everyone = {str(number): Login(password=kept, pin_sha1="") for number in directory.staff}
    hotline = await assemble(
        Settings(data_dir=tmp_path), directory, Credentials(pin_salt="", staff=everyone), clock=system_clock
    )
    runner = web.AppRunner(hotline.app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:
        yield Program(hotline.app[ROUTES], URL(f"http://127.0.0.1:{runner.addresses[0][1]}/"), client)
    await runner.cleanup()
    await hotline.ledger.close()
    await hotline.main.close()
    await hotline.facts.close()


@pytest.mark.rule("SEC-19")
async def test_without_a_session_all_but_the_public_ones_are_closed(program: Program) -> None:
    told = {(route.method, route.path): await program.ask(route) for route in program.routes}
    assert {key for key in told if key not in PUBLIC and told[key] != 401} == set()
    assert {(route.method, route.path) for route in program.routes if route.right is None} == PUBLIC
    assert len(told) > 30


@pytest.mark.rule("SEC-19")
async def test_without_the_right_all_that_ask_for_one_are_closed(program: Program) -> None:
    await program.sign_in("5001")
    asking = [route for route in program.routes if route.right]
    told = {(route.method, route.path): await program.ask(route) for route in asking}
    assert {key: status for key, status in told.items() if status != 403} == {}
    assert told


async def test_no_route_falls_over_empty_input(program: Program) -> None:
    """Nobody knows `xcall` and the like: an honest answer is anything but 500."""
    for staff in ("1001", "8001", "7001", "9001"):
        await program.sign_in(staff)
        for route in program.routes:
            if (route.method, route.path) != ("DELETE", "/api/session"):
                status = await program.ask(route)
                assert status < 500 or route.path == "/ready", (
                    f"{staff}: {route.method} {route.path}: {status}"
                )


async def test_every_page_and_answer_is_described(program: Program) -> None:
    async with program.client.get(program.url / "api/openapi.json") as response:
        document = await response.json(content_type=None)
    validate(document)
    described = {(m.upper(), path) for path, methods in document["paths"].items() for m in methods}
    assert described == {(route.method, route.path) for route in program.routes}
