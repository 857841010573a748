"""Keeps what Asterisk said in a test as a recording, to be told again by tests/scenarios."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from telephony import instance
from tests.support.exchange import Exchange

FOLDER = Path(__file__).parents[1] / "scenarios" / "captures"


def wanted() -> bool:
    """Whether tests are to leave their recordings behind."""
    return bool(os.environ.get("HOTLINE_RECORD"))


async def keep(request: pytest.FixtureRequest, exchange: Exchange, since: int = 0) -> None:
    """Write the recording named like the test, of what was heard from index `since` on: of whole calls, whose
    channels are gone."""
    name = request.node.originalname.removeprefix("test_")
    version = instance.version_of(await exchange.asterisk.cli("core show version"))
    assert version is not None
    numbers = ".".join(map(str, version))
    title = f"{name}; Asterisk {numbers}; +ms since start; '>' lines: what was done"
    exchange.tap.write(FOLDER / f"{name}.txt", title, since)
