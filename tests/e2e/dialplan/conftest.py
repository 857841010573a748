"""The `line` fixture: a running exchange. With HOTLINE_RECORD=1 each test leaves its capture behind."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support import captures
from tests.support.exchange import Exchange, exchange


def _is_recorded(request: pytest.FixtureRequest) -> bool:
    """Whether the test goes a whole way of a call, from its arrival to its end."""
    name = request.node.originalname
    return request.module.__name__.endswith("_paths") or name.startswith(("test_offered_", "test_leader_"))


@pytest.fixture
async def line(request: pytest.FixtureRequest) -> AsyncIterator[Exchange]:
    """`@pytest.mark.parametrize("line", [{...}], indirect=True)` changes fields of the node, a module's NODE
    those of all its nodes."""
    changes = getattr(request.module, "NODE", {}) | getattr(request, "param", {})
    async with exchange(**changes) as running:
        yield running
        if captures.wanted() and _is_recorded(request):
            for gone in running.tap.all("CallGone"):  # the recording ends with the channel, not before
                await running.tap.wait_for("Hangup", Uniqueid=gone["Uniqueid"])
            await captures.keep(request, running)
