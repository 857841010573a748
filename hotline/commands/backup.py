"""`hotline backup FOLDER` and `hotline restore BACKUP`: all that cannot be made again, and back.

A backup is a folder with copies and a manifest of their checksums; it is made while the service runs, and
appears under its name only when it is whole; what it holds, `hotline.keeping` says. Both databases are copied
as of one moment each, the main one first: its cursors must not run ahead of the facts. The spool goes before
both: what waits in it is stored meanwhile, and then in neither copy. A restore looks at every checksum before
it touches anything, and moves aside what is there.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from core.errors import BadInput, Conflict, HotlineError
from hotline import configuration
from hotline.content import add_config
from hotline.keeping import Place, given, places
from hotline.led import require_not_led
from hotline.settings import Settings
from storage import Database
from storage.copying import copy_database, put_back

MANIFEST = "manifest.json"
_CHUNK = 1 << 20


class BackupRefused(HotlineError):
    """The backup cannot be made, or is not whole; the message names the file."""


class Entry(msgspec.Struct, frozen=True):
    """One file of a backup: where it is in it, its size in bytes and its SHA-256."""

    path: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds, as of when (RFC 3339, UTC)."""

    made_at: str
    files: list[Entry]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline backup`."""
    add_config(parser)
    parser.add_argument("folder", type=Path, help="where backups are kept; each gets a folder of its own")
    parser.add_argument(
        "--without-recordings", action="store_true", help="leave the voices out: they are most of it"
    )


def run(arguments: argparse.Namespace) -> int:
    """Make a backup; its folder is the last line."""
    config = arguments.config or configuration.named_file()
    settings = configuration.load(config)
    recordings = not arguments.without_recordings
    made = asyncio.run(back_up(settings, arguments.folder, recordings=recordings, config=config))
    print(made)
    return 0


async def back_up(
    settings: Settings, folder: Path, *, recordings: bool = True, config: Path | None = None
) -> Path:
    """A new backup in `folder`; its own folder. `config`: the settings' file, kept for comparison.

    `BackupRefused` if it cannot be made whole.
    """
    stamp = datetime.now(UTC)
    target = folder / f"hotline-{stamp:%Y%m%dT%H%M%SZ}"
    aside = folder / f".{target.name}.part"
    if target.exists() or aside.exists():
        raise BackupRefused(f"{target} is there already, or being made: wait a second, then try again")
    aside.mkdir(parents=True, mode=0o700)
    spool, *others = (*places(settings, recordings=recordings), *given(settings, config))
    try:
        await _copy_place(spool, aside)
        for database in _databases(settings):
            await copy_database(database, aside / database.name)
        for place in others:
            await _copy_place(place, aside)
        await asyncio.to_thread(_write_manifest, aside, stamp)
        aside.rename(target)
    except OSError as error:
        raise BackupRefused(f"{error.filename or aside}: {error.strerror}; no backup was made") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target


async def _copy_place(place: Place, aside: Path) -> None:
    if place.source.exists():
        await asyncio.to_thread(_copy, place.source, aside / place.name, 0o700)


def _databases(settings: Settings) -> tuple[Database, ...]:
    """The main one first: its cursors must not run ahead of the facts."""
    return Database(settings.main_url, name="main"), Database(settings.ledger_url, name="ledger")


def _copy(source: Path, target: Path, mode: int) -> None:
    """`mode`: of the folders that have to be made for it."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=mode)
    if source.is_dir():
        # A file that Asterisk is just writing is copied as far as it goes; links lead nowhere we want to go.
        shutil.copytree(source, target, ignore=_not_plain)
    else:
        shutil.copy2(source, target)


def _not_plain(folder: str, names: list[str]) -> list[str]:
    return [
        name
        for name in names
        if (path := Path(folder, name)).is_symlink() or not (path.is_file() or path.is_dir())
    ]


def _write_manifest(folder: Path, stamp: datetime) -> None:
    files = [
        Entry(str(path.relative_to(folder)), path.stat().st_size, checksum(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    manifest = Manifest(stamp.isoformat(timespec="seconds"), files)
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))


def checksum(file: Path) -> str:
    """SHA-256, hex."""
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


# ------------------------------------------------------------------ and back


async def restore(settings: Settings, backup: Path) -> list[Path]:
    """Put everything back where the settings say; what was there before, moved aside.

    `BackupRefused` if a file is missing or not what it was; `Conflict` while the service runs, or another
    leads on the same databases. Nothing has been touched then.
    """
    check(backup)
    with service_stopped(settings, then="restore"):
        await require_not_led(settings, then="restore")
        moved = []
        for database in _databases(settings):
            moved += await put_back(database, backup / database.name, settings.data_dir)
        for place in places(settings, backup=backup):
            source = backup / place.name
            if source.exists():
                moved += await asyncio.to_thread(_replace, source, place.source)
    return moved


def check(backup: Path) -> Manifest:
    """The manifest of a whole backup; `BackupRefused` names the first file that is not as it was."""
    try:
        manifest = msgspec.json.decode((backup / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise BackupRefused(f"{backup} is no backup: {MANIFEST} cannot be read ({error})") from error
    for entry in manifest.files:
        file = backup / entry.path
        if not file.resolve().is_relative_to(backup.resolve()):
            raise BackupRefused(f"{entry.path} leads out of the backup: it was not made by `hotline backup`")
        if not file.is_file():
            raise BackupRefused(f"{file} is missing: take another backup")
        if file.stat().st_size != entry.size or checksum(file) != entry.sha256:
            raise BackupRefused(f"{file} is not what was written: take another backup")
    return manifest


@contextmanager
def service_stopped(settings: Settings, *, then: str) -> Iterator[None]:
    """Nobody writes this ledger, and nobody begins to meanwhile; else `Conflict`: stop it, `then` do it."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o750)
    lock = os.open(settings.data_dir / "ledger.spool.lock", os.O_RDWR | os.O_CREAT, 0o640)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise Conflict(f"the service runs on these data: stop it, then {then}") from error
    try:
        yield
    finally:
        os.close(lock)


def _replace(source: Path, target: Path) -> list[Path]:
    moved = []
    if target.exists():
        aside = target.with_name(f"{target.name}.before-restore-{os.getpid()}")
        target.rename(aside)
        moved.append(aside)
    _copy(source, target, 0o750)
    return moved


def require_backup(backup: Path) -> None:
    """`BadInput` unless there is a folder."""
    if not backup.is_dir():
        raise BadInput("backup", f"there is no folder {backup}: name one that `hotline backup` has made")
