"""A database copied whole while it is in use, and put back where it was lost.

SQLite by its own backup, PostgreSQL by its own pg_dump and pg_restore: both give a copy as of one moment.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from core.errors import BadInput
from storage.database import Database
from storage.errors import DatabaseDown

FILE, DUMP = "database.db", "database.dump"
_SIDE_FILES = ("", "-wal", "-shm")
_SERVER_PROGRAMS = Path("/usr/lib/postgresql")
_EMPTIED = """
DO $$ DECLARE ours text; BEGIN
    FOR ours IN
        SELECT format('%I.%I', 'public', relname) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relowner = current_user::regrole
            AND relkind IN ('r', 'p') AND NOT relispartition
    LOOP EXECUTE 'DROP TABLE ' || ours || ' CASCADE'; END LOOP;
    DROP SCHEMA IF EXISTS procrastinate CASCADE;
END $$"""


async def copy_database(database: Database, folder: Path) -> None:
    """A copy as of one moment, into the new `folder`; who reads and writes meanwhile is not held up.

    `DatabaseDown` if it cannot be had.
    """
    copy = _copy_sqlite if database.is_sqlite else _copy_server
    await asyncio.to_thread(copy, database, folder)


async def put_back(database: Database, folder: Path, aside: Path) -> list[Path]:
    """Put a copy back; nobody may use the database meanwhile.

    What was there before is kept: beside it (SQLite), or as a dump in the folder `aside`. Returns where.
    `BadInput` if the copy is one of the other kind of database.
    """
    wanted = _require_copy(database, folder)
    if database.is_sqlite:
        return await asyncio.to_thread(_put_back_sqlite, database.file, wanted)
    return await asyncio.to_thread(_put_back_server, database, wanted, aside)


def fill(database: Database, folder: Path) -> None:
    """Put a copy into a database of the same kind that is new and empty. Blocks for as long as it takes."""
    wanted = _require_copy(database, folder)
    if database.is_sqlite:
        _fill_sqlite(database.file, wanted)
        return
    options = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")
    _server_program(database, "pg_restore", *options, str(wanted))


def _require_copy(database: Database, folder: Path) -> Path:
    wanted = folder / (FILE if database.is_sqlite else DUMP)
    if not wanted.is_file():
        raise BadInput(
            f"backup of the {database.name} database",
            f"{folder} holds no {wanted.name}: it is of another kind of database than the settings name",
        )
    return wanted


# ------------------------------------------------------------------ SQLite


def _copy_sqlite(database: Database, folder: Path) -> None:
    if not database.file.exists():
        raise DatabaseDown(f"{database.file} is not there: nothing to copy; has the service ever run?")
    folder.mkdir(mode=0o700)
    try:
        with (
            closing(sqlite3.connect(f"file:{database.file}?mode=rw", uri=True)) as source,
            closing(sqlite3.connect(folder / FILE)) as copy,
        ):
            source.backup(copy, pages=1_000)
            (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise DatabaseDown(
            f"the {database.name} database ({database.place}) cannot be copied: {error}"
        ) from error
    if verdict != "ok":
        raise DatabaseDown(f"the copy of the {database.name} database is damaged: {verdict}")


def _put_back_sqlite(file: Path, copy: Path) -> list[Path]:
    moved = []
    for suffix in _SIDE_FILES:  # a log of the old file must not be taken for one of the new
        old = file.with_name(file.name + suffix)
        if old.exists():
            aside = old.with_name(f"{file.name}.before-restore-{os.getpid()}{suffix}")
            old.rename(aside)
            moved.append(aside)
    _fill_sqlite(file, copy)
    return moved


def _fill_sqlite(file: Path, copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as source, closing(sqlite3.connect(file)) as target:
        source.backup(target)


# ------------------------------------------------------------------ PostgreSQL


def _copy_server(database: Database, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    _dump(database, folder / DUMP)


def _put_back_server(database: Database, copy: Path, aside: Path) -> list[Path]:
    before = aside / f"{database.name}.before-restore-{os.getpid()}.dump"
    _dump(database, before)
    # All of it or nothing: what fails leaves the database as it was. pg_restore's own --clean cannot drop a
    # table in parts, nor does it know the parts that were made since: so it only writes the statements.
    statements = aside / f"{database.name}.restore-{os.getpid()}.sql"
    try:
        written = ("--no-owner", "--no-privileges", f"--file={statements}", str(copy))
        _server_program(database, "pg_restore", *written, connected=False)
        options = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction")
        _server_program(database, "psql", *options, f"--command={_EMPTIED}", f"--file={statements}")
    finally:
        statements.unlink(missing_ok=True)
    return [before]


def _dump(database: Database, file: Path) -> None:
    _server_program(database, "pg_dump", "--format=custom", "--no-owner", f"--file={file}")


def _server_program(database: Database, name: str, *arguments: str, connected: bool = True) -> None:
    """Run a program of PostgreSQL, on the database unless it works on files alone; the password travels in
    the environment."""
    address = database.url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environment = dict(os.environ)
    if database.url.password:
        environment["PGPASSWORD"] = str(database.url.password)
    done = subprocess.run(  # noqa: S603 - the settings' own URL, and no shell
        [_found(name), *([f"--dbname={address}"] if connected else []), *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[-1:] or [f"it ended with status {done.returncode}"]
        raise DatabaseDown(f"{name} of the {database.name} database ({database.place}): {said[0]}")


def _found(name: str) -> str:
    """The program in the PATH, else the newest of Debian's."""
    versions = sorted(
        (path for path in _SERVER_PROGRAMS.glob(f"*/bin/{name}")), key=lambda path: float(path.parts[-3])
    )
    found = str(versions[-1]) if versions else shutil.which(name)
    if not found:
        raise BadInput(name, "is not installed: install Debian's postgresql-client, then try again")
    return found
