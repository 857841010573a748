"""The whole program, assembled as in service but without a node: every route answers, and is described."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from directory.seed import DEMO, load
from hotline.settings import DatabaseSettings
from tests.integration.web.program import Program, running_program
from tests.support.databases import Databases


@pytest.fixture
async def program(databases: Databases, tmp_path: Path) -> AsyncIterator[Program]:
    kept = DatabaseSettings(main=databases.url("main"), ledger=databases.url("ledger", "ledger"))
    async with running_program(load(DEMO), tmp_path, database=kept) as running:
        yield running


async def test_no_route_falls_over_empty_input(program: Program) -> None:
    """Nobody knows `xcall` and the like: an honest answer is anything but 500."""
    for staff in ("1001", "8001", "7001", "9001"):
        await program.sign_in(staff)
        for route in program.routes:
            if (route.method, route.path) != ("DELETE", "/api/session"):
                status = (await program.ask(route)).status
                assert status < 500 or route.path == "/ready", (
                    f"{staff}: {route.method} {route.path}: {status}"
                )


async def test_every_page_and_answer_is_described(program: Program) -> None:
    async with program.client.get(program.url / "api/openapi.json") as response:
        document = await response.json(content_type=None)
    validate(document)
    described = {(m.upper(), path) for path, methods in document["paths"].items() for m in methods}
    assert described == {(route.method, route.path) for route in program.routes}
