"""Databases: units of work, migrations, and errors that say what to do."""

from storage.database import Database
from storage.errors import DatabaseDown, DatabaseNotOpen, SchemaMismatch, StorageError
from storage.migrate import check_schema, migrate, migrate_down
from storage.schema import ledger_metadata, metadata
from storage.upsert import insert_new, upsert

__all__ = [
    "Database",
    "DatabaseDown",
    "DatabaseNotOpen",
    "SchemaMismatch",
    "StorageError",
    "check_schema",
    "insert_new",
    "ledger_metadata",
    "metadata",
    "migrate",
    "migrate_down",
    "upsert",
]
