"""The whole program, assembled as in service but without a node, on a real socket; for all of its routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, CookieJar, web
from yarl import URL

from core.clock import Clock, system_clock
from directory.credentials import Credentials, Login
from directory.lookup import Directory
from hotline.assembly import assemble
from hotline.running import Hotline
from hotline.settings import Settings
from hotline.settings_sign_in import SessionSettings
from tests.integration.web.site import CHEAP, PASSWORD
from web.app import ROUTES
from web.route import Route

SECRET = "secret-of-every-telephone"


@dataclass(frozen=True)
class Answer:
    """What came back; `kind`: of a problem, "" for anything else."""

    status: int
    kind: str = ""


@dataclass
class Program:
    """Every route of the program, and a browser."""

    hotline: Hotline
    url: URL
    client: ClientSession
    csrf: str = ""

    @property
    def routes(self) -> tuple[Route, ...]:
        return self.hotline.app[ROUTES]

    async def sign_in(self, staff: str) -> None:
        self.leave()
        body = {"staff": staff, "password": PASSWORD}
        async with self.client.post(self.url / "api/session", json=body) as response:
            assert response.status == 200
            self.csrf = (await response.json())["csrf_token"]

    def leave(self) -> None:
        """The browser forgets who was signed in."""
        self.client.cookie_jar.clear()
        self.csrf = ""

    async def ask(self, route: Route, method: str = "", *, csrf: bool = True) -> Answer:
        """Ask a route for something that nobody knows."""
        path = route.path.replace("{", "x").replace("}", "")
        more: dict[str, Any] = {"json": {}} if route.body is not None else {}
        headers = {"X-CSRF-Token": self.csrf} if csrf else {}
        url = self.url.join(URL(path))
        async with self.client.request(method or route.method, url, headers=headers, **more) as response:
            problem = response.content_type == "application/problem+json" and method != "HEAD"
            kind = (await response.json(content_type=None))["type"] if problem else ""
            return Answer(response.status, kind.removeprefix("/problems/"))


@asynccontextmanager
async def running_program(
    directory: Directory, folder: Path, *, clock: Clock = system_clock, **settings: Any
) -> AsyncIterator[Program]:
    """Everything assembled and served, nothing else running; all people have the same password."""
    kept = CHEAP.hash(PASSWORD)
    everyone = {str(number): Login(password=kept, pin_sha1="") for number in directory.staff}
    hotline = await assemble(
        Settings(**{"data_dir": folder, "session": SessionSettings(change_initial=False), **settings}),
        directory,
        Credentials(pin_salt="", staff=everyone, devices=dict.fromkeys(directory.devices, SECRET)),
        clock=clock,
    )
    runner = web.AppRunner(hotline.app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = URL(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    try:
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:
            yield Program(hotline, url, client)
    finally:
        await runner.cleanup()
        await hotline.close()
