"""One hotline for a whole module: Asterisk and the service take seconds to start."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from directory import seed
from directory.lookup import Directory
from tests.support.floor import Floor, floor

PORT = 16300


def quick() -> Directory:
    """The demo's directory with waits and wrap-ups short enough for a test."""
    demo = seed.load(seed.DEMO)
    queues = {
        name: replace(queue, timeout_s=12 if name == "corporate-cmn" else 60, wrapup_limit_s=30)
        for name, queue in demo.queues.items()
    }
    return replace(demo, queues=queues)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hotline(request: pytest.FixtureRequest) -> AsyncIterator[Floor]:
    """A module may name a PORT and a DIRECTORY (a function) of its own."""
    directory = getattr(request.module, "DIRECTORY", quick)
    async with floor(getattr(request.module, "PORT", PORT), directory=directory()) as running:
        yield running


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def cleared(hotline: Floor) -> AsyncIterator[None]:
    """Nobody is logged in and no phone rings when the next test begins."""
    yield
    await hotline.clear()
