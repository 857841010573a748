"""`hotline password` beside a service that runs: what it makes is good, and what was before is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.clock import SECOND
from directory import credentials
from directory.seed import DEMO, load
from hotline.__main__ import main
from storage.audit import accesses_of
from tests.integration.web.program import Program, running_program
from tests.integration.web.site import CHEAP, MovableClock

DIRECTORY = load(DEMO)


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOTLINE_DATA_DIR", str(tmp_path))
    credentials.issue(tmp_path / "credentials.yaml", DIRECTORY, passwords=CHEAP)


@pytest.fixture
async def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def program(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Program]:
    async with running_program(DIRECTORY, tmp_path, clock=clock) as running:
        yield running


async def said(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> list[str]:
    """What the command prints, run in a thread of its own: it has an event loop of its own."""
    capsys.readouterr()
    assert await asyncio.to_thread(main, ["password", *arguments]) == status
    told = capsys.readouterr()
    return (told.out if status == 0 else told.err).splitlines()


@pytest.mark.rule("SEC-12", "SEC-21")
async def test_a_password_made_at_the_terminal_is_good_and_ends_what_was(
    program: Program, clock: MovableClock, capsys: pytest.CaptureFixture[str]
) -> None:
    await program.sign_in("1001")
    password, next_step = await said(capsys, "reset", "1001")
    assert "to be changed at the first sign-in" in next_step
    clock.offset += 5 * SECOND
    async with program.client.get(program.url / "api/session") as response:
        assert response.status == 401
    body = {"staff": "1001", "password": password}
    async with program.client.post(program.url / "api/session", json=body) as response:
        assert response.status == 200
    async with program.hotline.main.read() as connection:
        (access,) = await accesses_of(connection, "password:1001")
    assert (access.staff, access.action) == ("", "password_reset")


@pytest.mark.usefixtures("program")
async def test_a_new_pin_leaves_everything_else_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "credentials.yaml"
    before = credentials.load(file)
    pin, next_step = await said(capsys, "pin", "1001")
    after = credentials.load(file)
    assert credentials.pin_fits(after, "1001", pin)
    assert not credentials.pin_fits(before, "1001", pin)
    assert "hotline reload" in next_step
    assert after.staff["1001"].password == before.staff["1001"].password
    assert (after.devices, after.pin_salt) == (before.devices, before.pin_salt)
    assert after.staff["1002"] == before.staff["1002"]


@pytest.mark.usefixtures("program")
async def test_nobody_gets_neither(capsys: pytest.CaptureFixture[str]) -> None:
    for what in ("reset", "pin"):
        (line,) = await said(capsys, what, "4321", status=2)
        assert "nobody who may sign in has the number '4321'" in line


async def test_without_a_database_nothing_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    for what in ("reset", "pin"):
        (line,) = await said(capsys, what, "1001", status=2)
        assert "start the service once" in line
