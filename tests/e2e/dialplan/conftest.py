"""The `line` fixture: a running exchange. With HOTLINE_RECORD=1 each test leaves its capture behind."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from telephony import instance
from tests.support.exchange import Exchange, exchange

CAPTURES = Path(__file__).parents[2] / "scenarios" / "captures"


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
        if os.environ.get("HOTLINE_RECORD") and _is_recorded(request):
            name = request.node.originalname.removeprefix("test_")
            for gone in running.tap.all("CallGone"):  # the recording ends with the channel, not before
                await running.tap.wait_for("Hangup", Uniqueid=gone["Uniqueid"])
            version = instance.version_of(await running.asterisk.cli("core show version"))
            assert version is not None
            running.tap.write(
                CAPTURES / f"{name}.txt",
                f"{name}; Asterisk {'.'.join(map(str, version))}; +ms since start; '>' lines: what was done",
            )
