"""First passwords, PINs and the phones' secrets: made at random, kept in one file for its owner alone.

The file is JSON, mode 0600. Passwords are kept as argon2 hashes and PINs as salted SHA-1 (the one digest the
dialplan can compute on its own); so both can be shown only in the moment they are made: `Issued`. Device
secrets stay readable, because a phone and its endpoint must both have them.

Of passwords these are the first alone: `web.password_book` takes each over at its first use, and keeps it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import string
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from core.clock import system_clock
from core.names import fits
from directory.errors import CredentialsRefused
from directory.lookup import Directory
from web.passwords import Passwords

_ALPHABET = "".join(c for c in string.ascii_letters + string.digits if c not in "0O1lI")
_PASSWORD_LENGTH = 14
_PIN_DIGITS = 6
_SECRET_BYTES = 24


class Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept of one person's credentials. `password`: "" where another way has made the first one.

    `pin_sha1` is hex; see `pin_digest`. `made_at`: when the password was made (an `Instant`).
    """

    password: str
    pin_sha1: str
    made_at: int = 0


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file: staff number → login, device → SIP secret in clear, and the salt of all PINs."""

    pin_salt: str
    staff: dict[str, Login] = {}
    devices: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Issued:
    """What was made just now, in clear, to be told to people once. Never logged: `repr` hides it."""

    passwords: Mapping[str, str] = field(repr=False)
    pins: Mapping[str, str] = field(repr=False)


def pin_digest(staff: str, pin: str, salt: str) -> str:
    """What the dialplan compares: `${SHA1(<salt><number><pin>)}`, as small hex."""
    return hashlib.sha1(f"{salt}{staff}{pin}".encode()).hexdigest()  # noqa: S324  see the module's docstring


def pin_fits(credentials: Credentials, staff: str, pin: str) -> bool:
    """Whether a PIN is the person's own; compared in constant time."""
    login = credentials.staff.get(staff)
    expected = login.pin_sha1 if login is not None else ""
    return hmac.compare_digest(pin_digest(staff, pin, credentials.pin_salt), expected)


def load(path: Path) -> Credentials:
    """The credentials; `CredentialsRefused` if the file is missing, not ours, or open to others."""
    try:
        mode = path.stat().st_mode & 0o777
        body = path.read_bytes()
    except OSError as error:
        raise CredentialsRefused(f"{path} cannot be read ({error.strerror}): run the set-up again") from error
    if mode & 0o077:
        raise CredentialsRefused(
            f"{path} is open to others (mode {mode:o}): chmod 600 it, then renew passwords"
        )
    try:
        found = msgspec.json.decode(body, type=Credentials)
    except msgspec.DecodeError as error:
        raise CredentialsRefused(
            f"{path} is not a credentials file ({error}): restore or remove it"
        ) from error
    wrong = [key for key in found.staff if not fits("staff", key)]
    wrong += [key for key in found.devices if not fits("device", key)]
    if wrong:
        raise CredentialsRefused(
            f"{path} names {', '.join(wrong)}, which are neither staff nor devices: remove them"
        )
    return found


def issue(
    path: Path, directory: Directory, *, passwords: Passwords | None = None, have: Collection[str] = ()
) -> Issued:
    """Make what is missing for the directory's people and devices; whoever has credentials keeps them.

    `have`: for whom a password is kept already; a newer one here would end it, so they get a PIN alone.
    Those who have left the directory lose theirs. Called again with nothing missing, it issues nothing.
    """
    kept = load(path) if path.exists() else Credentials(pin_salt=secrets.token_hex(16))
    people = [number for number, person in directory.staff.items() if person.active]
    staff = {number: kept.staff[number] for number in people if number in kept.staff}
    made, issued = _make([n for n in people if n not in staff], kept.pin_salt, passwords or Passwords(), have)
    devices = {
        str(name): kept.devices.get(name) or secrets.token_urlsafe(_SECRET_BYTES)
        for name in directory.devices
    }
    _write(path, Credentials(pin_salt=kept.pin_salt, staff=staff | made, devices=devices))
    return issued


def renew(path: Path, staff: Collection[str], *, passwords: Passwords | None = None) -> Issued:
    """A new password and PIN for people who have credentials already; the old ones end at once.

    `CredentialsRefused` for a number that has none.
    """
    kept = load(path)
    if unknown := [number for number in staff if number not in kept.staff]:
        raise CredentialsRefused(f"{', '.join(unknown)}: no credentials to renew; issue them first")
    made, issued = _make(staff, kept.pin_salt, passwords or Passwords())
    _write(path, Credentials(pin_salt=kept.pin_salt, staff=kept.staff | made, devices=kept.devices))
    return issued


def issue_pin(path: Path, staff: str) -> str:
    """A new PIN for one person, who may have had none; the old one ends, and the password is left alone.

    Telephones ask for it once the node has been prepared anew and reloaded.
    """
    kept = load(path)
    pin = _new_pin()
    before = kept.staff.get(staff)
    login = Login(
        password=before.password if before is not None else "",
        pin_sha1=pin_digest(staff, pin, kept.pin_salt),
        made_at=before.made_at if before is not None else 0,
    )
    _write(path, msgspec.structs.replace(kept, staff=kept.staff | {staff: login}))
    return pin


def _new_pin() -> str:
    return f"{secrets.randbelow(10**_PIN_DIGITS):0{_PIN_DIGITS}d}"


def _make(
    staff: Collection[str], salt: str, passwords: Passwords, have: Collection[str] = ()
) -> tuple[dict[str, Login], Issued]:
    clear = {
        number: "".join(secrets.choice(_ALPHABET) for _ in range(_PASSWORD_LENGTH))
        for number in staff
        if number not in have
    }
    pins = {number: _new_pin() for number in staff}
    logins = {
        number: Login(
            password=passwords.hash(clear[number]) if number in clear else "",
            pin_sha1=pin_digest(number, pins[number], salt),
            made_at=system_clock() if number in clear else 0,
        )
        for number in staff
    }
    return logins, Issued(clear, pins)


def _write(path: Path, credentials: Credentials) -> None:
    """Written aside and renamed: a crash leaves the old file or the new one, and both closed to others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(credentials), indent=1))
            file.flush()
            os.fsync(file.fileno())
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
