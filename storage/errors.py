"""What can go wrong with a database, told to people.

    StorageError
    ├── DatabaseDown      the file or server does not answer, is full, locked for too long or not a database
    ├── SchemaMismatch    it answers, but its tables are not those this program was built for
    └── DatabaseNotOpen   a mistake of ours: used before open() or after close()

Violated constraints stay `sqlalchemy.exc.IntegrityError`: only the feature knows what they mean.
"""

from __future__ import annotations

from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError

from core.errors import HotlineError

_MISSING_SCHEMA = ("no such table", "no such column", "does not exist", "has no column")


class StorageError(HotlineError):
    """Root of this package's errors."""


class DatabaseDown(StorageError):
    """The database cannot serve just now; nothing of the unit of work was kept."""


class SchemaMismatch(StorageError):
    """The tables are older or newer than this program."""


class DatabaseNotOpen(StorageError):
    """The database is not open."""


def translated(error: DBAPIError, name: str, place: str) -> StorageError | None:
    """The error of ours for a driver's error, or None where only the feature can judge it."""
    problem = str(error.orig).strip() or type(error.orig).__name__
    if any(sign in problem for sign in _MISSING_SCHEMA):
        return SchemaMismatch(
            f"the {name} database ({place}) lacks what this program expects ({problem}): run the migrations"
        )
    # A file that is no database is a plain DatabaseError; its subclasses blame the statement, not the server.
    if isinstance(error, (OperationalError, InterfaceError)) or type(error) is DatabaseError:
        return DatabaseDown(
            f"the {name} database ({place}) does not serve: {problem}; "
            "check that its disk is mounted and not full and that no other program holds it"
        )
    return None
