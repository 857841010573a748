"""One hotline for a whole module: Asterisk and the service take seconds to start."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
import pytest_asyncio

from directory import seed
from directory.lookup import Directory
from hotline.settings import DatabaseSettings
from tests.support import postgres
from tests.support.floor import Floor, floor
from tests.support.postgres import Cluster


def quick() -> Directory:
    """The demo's directory with waits and wrap-ups short enough for a test."""
    demo = seed.load(seed.DEMO)
    queues = {
        name: replace(queue, timeout_s=12 if queue.business == "corporate" else 60, wrapup_limit_s=30)
        for name, queue in demo.queues.items()
    }
    return replace(demo, queues=queues)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A module that names DATABASES is run on each of them."""
    kinds = getattr(metafunc.module, "DATABASES", None)
    if kinds is not None and "hotline" in metafunc.fixturenames:
        metafunc.parametrize("hotline", kinds, indirect=True, scope="module")


@pytest.fixture(scope="session")
def server() -> Iterator[Cluster]:
    """A PostgreSQL for this run of the tests, gone at its end."""
    with postgres.cluster() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hotline(request: pytest.FixtureRequest) -> AsyncIterator[Floor]:
    """A module may name a DIRECTORY (a function), DATABASES, RTP_TIMEOUT_S, PAGES and CALLBACK_FIRST."""
    directory = getattr(request.module, "DIRECTORY", quick)
    on_server = getattr(request, "param", "sqlite") == "postgresql"
    database = _on(request.getfixturevalue("server")) if on_server else None
    rtp_timeout_s = getattr(request.module, "RTP_TIMEOUT_S", 0)
    pages = getattr(request.module, "PAGES", False)
    async with floor(
        directory=directory(),
        database=database,
        rtp_timeout_s=rtp_timeout_s,
        pages=pages,
        callback_first=getattr(request.module, "CALLBACK_FIRST", "agent"),
    ) as running:
        yield running


def _on(server: Cluster) -> DatabaseSettings:
    """Two new databases, which the service itself fills with its tables."""
    main, ledger = (server.url(server.create(name, template="template0")) for name in ("main", "ledger"))
    return DatabaseSettings(main=main, ledger=ledger)


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def cleared(hotline: Floor) -> AsyncIterator[None]:
    """Nobody is logged in and no phone rings when the next test begins."""
    yield
    await hotline.clear()
