"""Databases: units of work, migrations, and errors that say what to do."""

from storage.appender import Appender
from storage.database import Database, after_commit, part
from storage.errors import (
    DatabaseDown,
    DatabaseNotOpen,
    RowsRefused,
    SchemaMismatch,
    StorageError,
    Superseded,
)
from storage.migrate import check_schema, migrate, migrate_down
from storage.schema import ledger_metadata, metadata
from storage.turns import take_turn
from storage.upsert import add_up, fill_in, insert_new, upsert

__all__ = [
    "Appender",
    "Database",
    "DatabaseDown",
    "DatabaseNotOpen",
    "RowsRefused",
    "SchemaMismatch",
    "StorageError",
    "Superseded",
    "add_up",
    "after_commit",
    "check_schema",
    "fill_in",
    "insert_new",
    "ledger_metadata",
    "metadata",
    "migrate",
    "migrate_down",
    "part",
    "take_turn",
    "upsert",
]
