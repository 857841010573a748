"""A whole site on a real socket and a real database, with people who need no file. For tests of any feature.

async with running_site(routes, tmp_path) as site:
    await site.sign_in("8001")
    async with site.get("/api/board") as response: ...
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, CookieJar, web
from yarl import URL

from core.clock import Instant, system_clock
from directory.rights import SCOPED
from storage import Database, migrate
from web.app import WebOptions, build_app
from web.live import LiveHub
from web.live_topics import LiveTopics
from web.lockout import LockoutRule
from web.password_rules import PasswordRule
from web.passwords import Passwords
from web.route import Given, People, Principal, Route
from web.scope import split, widest
from web.sessions import Sessions

PASSWORD = "correct horse"
CHEAP = Passwords(cheap=True)
_KEPT = Given(CHEAP.hash(PASSWORD))
GOOD_AT_ONCE = PasswordRule(change_initial=False)
"""For tests of anything else: nobody has to change a password first."""
EDGE_RIGHTS = frozenset({"passwords.reset", "sessions.end"})
"""Those that the edge's own routes ask for."""


@dataclass
class FakePeople:
    """People by number, all given the same password; `rights` may be changed while the site runs.

    Rights are written as a role grants them: `calls.read`, `calls.read.own`.

    `given`: what set-up has made for some of them instead.
    """

    rights: dict[str, Collection[str]]
    every_right: frozenset[str] = frozenset()
    given: dict[str, Given] = field(default_factory=dict)

    def given_password(self, staff: str) -> Given | None:
        return self.given.get(staff, _KEPT) if staff in self.rights else None

    def principal(self, staff: str) -> Principal | None:
        if staff not in self.rights:
            return None
        return Principal(
            staff=staff, name=f"某{staff}", roles=("some",), rights=widest(map(split, self.rights[staff]))
        )

    def known_rights(self) -> frozenset[str]:
        return self.every_right.union(EDGE_RIGHTS, *map(self._names, self.rights))

    def scoped_rights(self) -> frozenset[str]:
        return SCOPED

    def _names(self, staff: str) -> frozenset[str]:
        return frozenset(split(grant)[0] for grant in self.rights[staff])


@dataclass
class MovableClock:
    """The real time, moved on by hand."""

    offset: int = 0

    def __call__(self) -> Instant:
        return system_clock() + self.offset


@dataclass
class Site:
    """A running site and one browser's worth of cookies."""

    url: URL
    client: ClientSession
    hub: Any
    people: Any
    clock: MovableClock
    database: Database
    sessions: Sessions
    stop: Callable[[], Awaitable[None]]
    headers: dict[str, str] = field(default_factory=dict)

    async def sign_in(self, staff: str, password: str = PASSWORD) -> dict[str, Any]:
        """Sign in and remember the CSRF token; what the API said."""
        body = {"staff": staff, "password": password}
        async with self.client.post(self.url / "api/session", json=body) as response:
            told: dict[str, Any] = await response.json()
            if response.status == 200:
                self.headers["X-CSRF-Token"] = told["csrf_token"]
            return told | {"http": response.status}

    async def call(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        """Status and JSON (None if there is none), with the CSRF token as our own pages send it."""
        headers = self.headers | more.pop("headers", {})
        async with self.client.request(method, self.url.join(URL(path)), headers=headers, **more) as response:
            is_json = "json" in response.content_type
            return response.status, await response.json(content_type=None) if is_json else None


@asynccontextmanager
async def running_site(
    routes: Sequence[Route] = (),
    tmp_path: Path = Path("/nowhere"),
    *,
    url: str = "",
    people: People | None = None,
    hub: LiveTopics | None = None,
    options: WebOptions | None = None,
    lockout: LockoutRule | None = None,
    rule: PasswordRule = GOOD_AT_ONCE,
    port: int = 0,
    clock: MovableClock | None = None,
) -> AsyncIterator[Site]:
    """Everything started; everything stopped again, and nothing left running. `url`: of its database."""
    people = people or FakePeople({"8001": {"board.read"}, "1001": set()})
    clock = clock or MovableClock()
    database = Database(url or f"sqlite+aiosqlite:///{tmp_path / 'web.db'}", name="main")
    await database.open()
    await migrate(database)
    hub = hub or LiveHub(clock=clock)
    sessions = Sessions(database, people, clock=clock, passwords=CHEAP, lockout=lockout, rule=rule)
    runner = web.AppRunner(build_app(routes, sessions=sessions, hub=hub, options=options), access_log=None)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", port)
    await server.start()
    address = URL(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    try:
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:
            yield Site(address, client, hub, people, clock, database, sessions, runner.cleanup)
    finally:
        await runner.cleanup()
        await database.close()
