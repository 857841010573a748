"""The board on a real ledger, a real directory, a real web server; the clock runs, but starts at noon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from board.alarms import Condition
from board.api import BoardApi
from board.export_api import ExportsApi
from board.exports import Exports
from board.report_api import ReportsApi
from board.report_service import Reports
from board.service import Board
from core.clock import BANK_ZONE, HOUR, Clock, Instant, system_clock
from core.facts import Fact
from directory import credentials
from directory.lookup import Directory
from directory.people import DirectoryPeople
from directory.seed import load
from ledger import Ledger
from storage import Database, migrate
from storage.jobs.queue import Jobs
from tests.integration.web.site import GOOD_AT_ONCE
from tests.support.databases import Databases
from tests.unit.board.story import NOON
from web.app import WebOptions, build_app
from web.live import LiveHub
from web.oidc.provider import ProviderClient
from web.password_rules import PasswordRule
from web.passwords import Passwords
from web.route import Route
from web.sessions import Sessions

ROOT = Path(__file__).parents[3]
LEADER, AGENT = "8001", "1001"


@dataclass(frozen=True)
class SigningIn:
    """What a password must be like, the provider of identities, and the port that it leads back to."""

    rule: PasswordRule = GOOD_AT_ONCE
    provider: ProviderClient | None = None
    port: int | None = None


@dataclass
class House:
    """Everything the board stands on."""

    clock: Clock
    ledger: Ledger
    directory: Directory
    hub: LiveHub
    board: Board
    reports: Reports
    main: Database
    jobs: Jobs
    server: TestServer
    passwords: dict[str, str]
    conditions: list[Condition] = field(default_factory=list)

    def append(self, *facts: Fact) -> int:
        return self.ledger.append(facts)

    @asynccontextmanager
    async def signed_in(self, staff: str = LEADER) -> AsyncIterator[aiohttp.ClientSession]:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(self.server.make_url("/"), cookie_jar=jar) as client:
            form = {"staff": staff, "password": self.passwords[staff]}
            async with client.post("/api/session", json=form) as answer:
                assert answer.status == 200, await answer.text()
            yield client


def clock_from(start: Instant) -> Clock:
    """A clock that runs as the machine's does, from `start` on: no test meets a midnight by chance."""
    shift = start - system_clock()
    return lambda: system_clock() + shift


@pytest.fixture(scope="session")
def directory() -> Directory:
    return load(ROOT / "directory/seed/demo.yaml")


@pytest.fixture
def clock() -> Clock:
    return clock_from(NOON)


@pytest.fixture
async def both(databases: Databases) -> AsyncIterator[tuple[Database, Database]]:
    """The main database and the ledger's."""
    main = Database(databases.url("main"), name="main")
    facts = Database(databases.url("ledger", "ledger"), name="ledger")
    await main.open()
    await facts.open()
    await migrate(main)
    await migrate(facts, "ledger")
    yield main, facts
    await main.close()
    await facts.close()


@pytest.fixture
async def ledger(both: tuple[Database, Database], tmp_path: Path) -> AsyncIterator[Ledger]:
    book = Ledger(both[1], spool=tmp_path / "ledger.spool")
    await book.open()
    yield book
    await book.close()


@pytest.fixture
def signing_in() -> SigningIn:
    """How people sign in; for tests of anything else with what was issued, at once."""
    return SigningIn()


@pytest.fixture
def more_routes() -> list[Route]:
    """Of other features, whose rows a page of the board shows."""
    return []


@pytest.fixture
async def house(  # noqa: PLR0917  fixtures come by name
    both: tuple[Database, Database],
    ledger: Ledger,
    directory: Directory,
    clock: Clock,
    tmp_path: Path,
    signing_in: SigningIn,
    more_routes: list[Route],
) -> AsyncIterator[House]:
    cheap = Passwords(cheap=True)
    issued = credentials.issue(tmp_path / "credentials.json", directory, passwords=cheap)
    people = DirectoryPeople(lambda: directory, credentials.load(tmp_path / "credentials.json"))
    hub = LiveHub(clock=clock)
    wrong: list[Condition] = []
    board = Board(ledger=ledger, hub=hub, directory=directory, clock=clock, conditions=lambda: wrong)
    await board.start()
    reports = Reports(ledger=ledger, database=both[0], clock=clock, linger_s=0.05, patience_s=60)
    jobs = Jobs(clock=clock)
    exports = Exports(
        database=both[0],
        jobs=jobs,
        reports=reports,
        directory=lambda: directory,
        folder=tmp_path / "exports",
        clock=clock,
        zone=BANK_ZONE,
        keep=HOUR,
    )
    app = build_app(
        [
            *BoardApi(board, clock).routes(),
            *ExportsApi(exports).routes(),
            *ReportsApi(reports, directory=lambda: directory, clock=clock, zone=BANK_ZONE).routes(),
            *more_routes,
        ],
        sessions=Sessions(both[0], people, clock=clock, passwords=cheap, rule=signing_in.rule),
        hub=hub,
        options=WebOptions(
            pages={"/board": ROOT / "frontend/board"},
            home="/board/",
            beat_s=0.5,
            provider=signing_in.provider,
        ),
    )
    server = TestServer(app, port=signing_in.port)
    await server.start_server()
    running = [asyncio.create_task(board.run()), asyncio.create_task(reports.consumer.run())]
    yield House(
        clock, ledger, directory, hub, board, reports, both[0], jobs, server, dict(issued.passwords), wrong
    )
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await server.close()
