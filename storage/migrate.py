"""Bring a database's tables to the state this program was built for, or back.

Each database has one linear history of numbered revisions: `migrations/versions/main` and
`migrations/versions/ledger`. A run is one transaction: either the whole way or not a step.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from storage.database import Database
from storage.errors import SchemaMismatch
from storage.schema import ledger_metadata, metadata

History = Literal["main", "ledger"]
# At every start it would tell what kind of database it has found; what is migrated is said here.
logging.getLogger("alembic").setLevel(logging.WARNING)
_log = logging.getLogger("storage")
_FOLDER = Path(__file__).parent / "migrations"
_METADATA = {"main": metadata, "ledger": ledger_metadata}


async def migrate(database: Database, history: History = "main", *, to: str = "head") -> None:
    """Upgrade to revision `to`. `SchemaMismatch` if the database comes from a newer program."""
    async with database.reshape() as connection:
        await connection.run_sync(_run, database, history, to, up=True)


async def migrate_down(database: Database, history: History = "main", *, to: str = "base") -> None:
    """Go back to revision `to`; `base` leaves no table of ours."""
    async with database.reshape() as connection:
        await connection.run_sync(_run, database, history, to, up=False)


async def check_schema(database: Database, history: History = "main") -> None:
    """`SchemaMismatch` unless the database stands at the newest revision: for those who must not migrate."""
    stands, wanted = await revision(database), newest(history)
    if stands != wanted:
        raise SchemaMismatch(
            f"the {database.name} database ({database.place}) stands at revision {stands or 'none'}, "
            f"this program needs {wanted}: run the migrations"
        )


async def revision(database: Database) -> str | None:
    """The revision at which the open database stands; None if it has none of our tables."""
    async with database.read() as connection:
        return await connection.run_sync(_revision)


def newest(history: History) -> str:
    """The revision this program was built for."""
    return str(scripts(history).get_current_head())


def scripts(history: History) -> ScriptDirectory:
    """The revisions of one history."""
    return ScriptDirectory.from_config(_config(history))


def _config(history: History) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("version_locations", str(_FOLDER / "versions" / history).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.attributes["metadata"] = _METADATA[history]
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _run(connection: Connection, database: Database, history: History, to: str, *, up: bool) -> None:
    stands, known = _revision(connection), scripts(history)
    if stands is not None and stands not in {script.revision for script in known.walk_revisions()}:
        raise SchemaMismatch(
            f"the {database.name} database ({database.place}) stands at revision {stands}, which this "
            "program does not know: it was written by a newer one; start that, or restore a backup"
        )
    config = _config(history)
    config.attributes["connection"] = connection
    (command.upgrade if up else command.downgrade)(config, to)
    if (now := _revision(connection)) != stands:
        _log.info(
            "%s database migrated from revision %s to %s", database.name, stands or "none", now or "none"
        )
