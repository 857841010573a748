"""Who cannot sign in, as `check`, `serve` and `prepare` see it: passwords live in the database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.clock import system_clock
from directory import credentials
from directory.book import DirectoryBook
from directory.changes import Line
from directory.entries import entries_of
from directory.people import DirectoryPeople
from directory.seed import DEMO, load
from hotline.__main__ import main
from hotline.commands.check import findings
from hotline.findings import Finding, Weight
from hotline.serve import assembled
from hotline.settings import Settings, WebSettings
from hotline.settings_sign_in import OidcSettings
from storage import Database, migrate
from storage.timers import Timers
from tests.integration.web.site import CHEAP
from tests.support.ports import own
from web.password_book import PasswordBook

SEED = load(DEMO)
NEW = "1999"
COLLEAGUE = {**entries_of(SEED)["staff", "1001"], "number": NEW, "name": "新同事"}
PORT = own().web


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Of a hotline whose people were given passwords by set-up, before somebody new came."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOTLINE_DATA_DIR", str(tmp_path))
    made = Settings(data_dir=tmp_path, web=WebSettings(port=PORT))
    credentials.issue(made.credentials_file, SEED, passwords=CHEAP)
    asyncio.run(somebody_comes(made))
    yield made


async def somebody_comes(settings: Settings) -> None:
    database = Database(settings.main_url, name="main")
    await database.open()
    await migrate(database, "main")
    book = DirectoryBook(database=database, timers=Timers(clock=system_clock), clock=system_clock, seed=SEED)
    await book.open()
    await book.change([Line("staff", NEW, COLLEAGUE)], by="9001", reason="comes")
    await database.close()


async def given_a_password(settings: Settings) -> None:
    """By an administrator, beside the credentials file."""
    database = Database(settings.main_url, name="main")
    await database.open()
    book = DirectoryBook(database=database, timers=Timers(clock=system_clock), clock=system_clock, seed=SEED)
    await book.refresh()
    people = DirectoryPeople(book.current, credentials.load(settings.credentials_file))
    await PasswordBook(database, people, clock=system_clock, passwords=CHEAP).reset(NEW, by="9001")
    await database.close()


def found(settings: Settings, about: str) -> Finding:
    return next(one for one in findings(settings) if one.about == about)


def test_the_check_names_who_cannot_sign_in_and_who_has_no_pin(settings: Settings) -> None:
    before = found(settings, "passwords")
    assert (before.weight, before.what) == (
        Weight.WARNING,
        f"{NEW}: cannot sign in, nobody has made a password",
    )
    asyncio.run(given_a_password(settings))
    assert found(settings, "passwords").weight is Weight.GOOD
    assert found(settings, "credentials").what == f"{NEW}: no PIN, so no log-in at a telephone"


def test_where_people_come_by_a_provider_nobody_lacks_a_password(settings: Settings) -> None:
    oidc = OidcSettings(issuer="https://id.bank.example")
    assert found(settings.model_copy(update={"oidc": oidc}), "passwords").weight is Weight.GOOD


@pytest.mark.parametrize("given", [False, True])
def test_the_service_warns_of_the_same(
    settings: Settings, capsys: pytest.CaptureFixture[str], given: bool
) -> None:
    if given:
        asyncio.run(given_a_password(settings))
    asyncio.run(started_and_stopped(settings))
    assert ("cannot sign in" in capsys.readouterr().out) is not given


async def started_and_stopped(settings: Settings) -> None:
    hotline = await assembled(settings)
    await hotline.close()


def test_prepare_makes_a_pin_and_leaves_the_password(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(given_a_password(settings))
    assert main(["prepare"]) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(NEW)]
    assert "(as it is)" in row
    assert not credentials.load(settings.credentials_file).staff[NEW].password
    assert found(settings, "credentials").weight is Weight.GOOD
