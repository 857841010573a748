"""Touches files only: credentials are made once, kept closed, and renewed on demand."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest

from directory import credentials
from directory.credentials import pin_digest, pin_fits
from directory.errors import CredentialsRefused
from directory.people import DirectoryPeople
from directory.seed import DEMO, load, parse
from web.passwords import Passwords

DIRECTORY = load(DEMO)
CHEAP = Passwords(cheap=True)


def hash_of(people: DirectoryPeople, staff: str) -> str:
    given = people.given_password(staff)
    assert given is not None
    return given.hash


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "etc" / "credentials.json"


@pytest.mark.rule("SEC-12")
async def test_everyone_gets_a_password_of_their_own_that_works(path: Path) -> None:
    issued = credentials.issue(path, DIRECTORY, passwords=CHEAP)
    people = DirectoryPeople(lambda: DIRECTORY, credentials.load(path))
    assert set(issued.passwords) == set(issued.pins) == set(DIRECTORY.staff)
    assert len(set(issued.passwords.values())) == len(DIRECTORY.staff)
    checks = [CHEAP.fits(password, hash_of(people, number)) for number, password in issued.passwords.items()]
    assert all(await asyncio.gather(*checks))
    assert not await CHEAP.fits(issued.passwords["1001"], hash_of(people, "1002"))


def test_the_file_is_closed_and_holds_no_password(path: Path) -> None:
    issued = credentials.issue(path, DIRECTORY, passwords=CHEAP)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert not [number for number, password in issued.passwords.items() if password in text]
    assert issued.passwords["1001"] not in repr(issued)
    assert list(path.parent.iterdir()) == [path], "something was left beside the file"


def test_a_second_issue_changes_nothing(path: Path) -> None:
    credentials.issue(path, DIRECTORY, passwords=CHEAP)
    before = path.read_bytes()
    again = credentials.issue(path, DIRECTORY, passwords=CHEAP)
    assert (again.passwords, again.pins) == ({}, {})
    assert path.read_bytes() == before


def test_who_leaves_loses_the_password_and_who_comes_gets_one(path: Path) -> None:
    credentials.issue(path, DIRECTORY, passwords=CHEAP)
    kept = credentials.load(path)
    seed = DEMO.read_text(encoding="utf-8").replace("number: 1001,", "number: 1901,")
    issued = credentials.issue(path, parse(seed, "demo.yaml"), passwords=CHEAP)
    after = credentials.load(path)
    assert set(issued.passwords) == {"1901"}
    assert "1001" not in after.staff
    assert after.staff["1002"] == kept.staff["1002"]
    assert after.devices == kept.devices


async def test_renewing_ends_the_old_password(path: Path) -> None:
    old = credentials.issue(path, DIRECTORY, passwords=CHEAP).passwords["8001"]
    new = credentials.renew(path, ["8001"], passwords=CHEAP).passwords["8001"]
    kept = hash_of(DirectoryPeople(lambda: DIRECTORY, credentials.load(path)), "8001")
    assert await CHEAP.fits(new, kept)
    assert not await CHEAP.fits(old, kept)
    with pytest.raises(CredentialsRefused, match="4321"):
        credentials.renew(path, ["4321"], passwords=CHEAP)


async def test_somebody_new_can_have_a_pin_before_a_password(path: Path) -> None:
    credentials.issue(path, DIRECTORY, passwords=CHEAP)
    pin = credentials.issue_pin(path, "1999")
    kept = credentials.load(path)
    assert pin_fits(kept, "1999", pin)
    seed = DEMO.read_text(encoding="utf-8").replace("number: 1001,", "number: 1999,")
    assert DirectoryPeople(lambda: parse(seed, "demo.yaml"), kept).given_password("1999") is None


def test_the_pin_is_what_the_dialplan_computes(path: Path) -> None:
    issued = credentials.issue(path, DIRECTORY, passwords=CHEAP)
    kept = credentials.load(path)
    assert kept.staff["1001"].pin_sha1 == pin_digest("1001", issued.pins["1001"], kept.pin_salt)
    assert all(len(pin) == 6 and pin.isdigit() for pin in issued.pins.values())
    assert pin_fits(kept, "1001", issued.pins["1001"])
    assert not pin_fits(kept, "1002", issued.pins["1001"])
    assert not pin_fits(kept, "4321", issued.pins["1001"])


def test_the_digest_is_plain_sha1_of_salt_number_and_pin() -> None:
    # computed with `printf %s salt1001123456 | sha1sum`
    assert pin_digest("1001", "123456", "salt") == "be09aa5fea2d267c40ca85f58bfe654f5e4ea880"


def test_secrets_of_the_phones_are_long_and_their_own(path: Path) -> None:
    credentials.issue(path, DIRECTORY, passwords=CHEAP)
    secrets = credentials.load(path).devices
    assert set(secrets) == set(DIRECTORY.devices)
    assert len(set(secrets.values())) == len(secrets)
    assert min(map(len, secrets.values())) >= 32


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda p: p.chmod(0o640), "open to others"),
        (lambda p: p.write_text("{}"), "not a credentials file"),
        (lambda p: p.write_text("no json"), "not a credentials file"),
        (lambda p: p.unlink(), "cannot be read"),
        (
            lambda p: p.write_text(json.dumps({"pin_salt": "x", "devices": {"../etc": "x"}})),
            "neither staff nor",
        ),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused(path: Path, damage: object, says: str) -> None:
    credentials.issue(path, DIRECTORY, passwords=CHEAP)
    assert callable(damage)
    damage(path)
    with pytest.raises(CredentialsRefused, match=says):
        credentials.load(path)


@pytest.mark.rule("SEC-21")
def test_who_is_not_active_may_not_sign_in(path: Path) -> None:
    credentials.issue(path, DIRECTORY, passwords=CHEAP)
    seed = DEMO.read_text(encoding="utf-8").replace("number: 1001,", "number: 1001, active: false,")
    people = DirectoryPeople(lambda: parse(seed, "demo.yaml"), credentials.load(path))
    assert people.given_password("1001") is None
    assert people.principal("1001") is None
    assert people.given_password("1002") is not None


async def test_the_real_hash_is_argon2id_and_nobody_costs_as_much_as_somebody() -> None:
    real = Passwords()
    kept = real.hash("correct horse")
    assert kept.startswith("$argon2id$")
    assert await real.fits("correct horse", kept)
    assert not await real.fits("correct horse", None)
    assert not await real.fits("nobody has this password", None)
    assert not await real.fits("x", "not a hash")


@pytest.mark.rule("SEC-12")
def test_who_has_a_password_of_their_own_gets_a_pin_and_keeps_it(path: Path) -> None:
    issued = credentials.issue(path, DIRECTORY, passwords=CHEAP, have={"1001"})
    people = DirectoryPeople(lambda: DIRECTORY, credentials.load(path))
    assert ("1001" in issued.passwords, "1002" in issued.passwords) == (False, True)
    assert "1001" in issued.pins
    assert people.given_password("1001") is None
