"""What can go wrong with a database, told to people.

    StorageError
    ├── DatabaseDown      the file or server does not answer, is full, locked for too long, not a database,
    │                     or does not let us in
    ├── SchemaMismatch    it answers, but its tables are not those this program was built for
    ├── RowsRefused       an Appender's rows break a rule of their table
    │   └── Superseded    another program has become the one that may append
    └── DatabaseNotOpen   a mistake of ours: used before open() or after close()

Violated constraints stay `sqlalchemy.exc.IntegrityError`: only the feature knows what they mean. A value that
a server cannot store (a NUL in a text) is `core.errors.BadInput`: it came from a person.
"""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from core.errors import BadInput, HotlineError
from storage.postgresql_errors import Blame, judged

_MISSING_SCHEMA = ("no such table", "no such column", "has no column")
_SERVER_ERRORS = {"OperationalError", "InterfaceError"}


class StorageError(HotlineError):
    """Root of this package's errors."""


class DatabaseDown(StorageError):
    """The database cannot serve just now; nothing of the unit of work was kept."""


class SchemaMismatch(StorageError):
    """The tables are older or newer than this program."""


class RowsRefused(StorageError):
    """The rows are not such as the table takes: a number given twice, most likely."""


class Superseded(RowsRefused):
    """Another program leads, and has used the numbers that this one would give."""


class DatabaseNotOpen(StorageError):
    """The database is not open."""


def translated(error: DBAPIError, name: str, place: str) -> HotlineError | None:
    """The error of ours for a driver's error, or None where only the feature can judge it."""
    return translated_cause(error.orig, name, place)


def translated_cause(error: BaseException | None, name: str, place: str) -> HotlineError | None:
    """The same for the bare error of a driver. Only its first line is told: the next ones may quote rows."""
    problem = (str(error).strip() or type(error).__name__).splitlines()[0]
    where = f"the {name} database ({place})"
    if error is not None and hasattr(error, "sqlstate"):
        return _of_postgresql(error, problem, where)
    return _of_sqlite(error, problem, where)


def _of_postgresql(error: BaseException, problem: str, where: str) -> HotlineError | None:
    match judged(error):
        case Blame.SCHEMA, advice:
            return SchemaMismatch(f"{where} lacks what this program expects ({problem}): {advice}")
        case Blame.VALUE, advice:
            return BadInput("a value", f"{where} cannot store it ({problem}): {advice}")
        case Blame.SERVER, advice:
            return DatabaseDown(f"{where} does not serve: {problem}; {advice}")
    return None


def _of_sqlite(error: BaseException | None, problem: str, where: str) -> StorageError | None:
    """Told by the class names that PEP 249 lays down."""
    if any(sign in problem for sign in _MISSING_SCHEMA):
        return SchemaMismatch(f"{where} lacks what this program expects ({problem}): run the migrations")
    # A file that is no database is a plain DatabaseError; its subclasses blame the statement, not the server.
    kind = type(error).__name__
    if kind == "DatabaseError" or any(base.__name__ in _SERVER_ERRORS for base in type(error).__mro__):
        return DatabaseDown(
            f"{where} does not serve: {problem}; "
            "check that its disk is mounted and not full and that no other program holds it"
        )
    return None
