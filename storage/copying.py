"""A database copied whole while it is in use, and put back where it was lost."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from core.errors import BadInput
from storage.database import Database
from storage.errors import DatabaseDown

COPY = "database.db"
_SIDE_FILES = ("", "-wal", "-shm")


async def copy_database(database: Database, folder: Path) -> None:
    """A copy as of one moment, into the new `folder`; who reads and writes meanwhile is not held up."""
    if not database.is_sqlite:
        raise BadInput(f"URL of the {database.name} database", "only SQLite is copied by this command so far")
    await asyncio.to_thread(_copy_sqlite, database, folder)


async def put_back(database: Database, folder: Path) -> list[Path]:
    """Put a copy back; nobody may use the database meanwhile. Where what was there before is now."""
    if not database.is_sqlite:
        raise BadInput(
            f"URL of the {database.name} database", "only SQLite is put back by this command so far"
        )
    return await asyncio.to_thread(_put_back_sqlite, database.file, folder / COPY)


def _copy_sqlite(database: Database, folder: Path) -> None:
    if not database.file.exists():
        raise DatabaseDown(f"{database.file} is not there: nothing to copy; has the service ever run?")
    folder.mkdir(mode=0o700)
    try:
        with (
            closing(sqlite3.connect(f"file:{database.file}?mode=rw", uri=True)) as source,
            closing(sqlite3.connect(folder / COPY)) as copy,
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
    with closing(sqlite3.connect(copy)) as source, closing(sqlite3.connect(file)) as target:
        source.backup(target)
    return moved
