"""What PostgreSQL says is wrong, and what a person can do about it. Pure.

A server names each error by a code (SQLSTATE, five characters). What goes wrong before there is a connection
has no code: there libpq's own words are looked at, and whatever is not recognised gets the general advice.
"""

from __future__ import annotations

import re
from enum import Enum, auto


class Blame(Enum):
    """Whose fault it is."""

    SERVER = auto()
    """It cannot serve just now, or does not let us."""
    SCHEMA = auto()
    """Its tables are not those this program was built for."""
    VALUE = auto()
    """What was to be stored is nothing that a database takes."""


_UNREACHABLE = "check that the server runs, and that host, port, user and database in the URL are right"
_GENERAL = "look at the server and its log"

_BY_CODE = {
    "25006": "it is read-only, a standby most likely: name the primary in the URL",
    "28000": "correct the user in the URL, or let this user and machine in (pg_hba.conf)",
    "28P01": "user or password is wrong: correct them in the URL, or set the password anew",
    "3D000": "create the database (docs/operations.md), or correct its name in the URL",
    "40001": "another program wrote the same at the same moment: try again",
    "40P01": "two units of work waited for each other: try again",
    "42501": "the user lacks a right there: make it the owner of the database (docs/operations.md)",
    "53100": "its disk is full: free some space",
    "53300": "it has no connection left: end some of other programs, or raise max_connections",
    "55P03": "another program holds what was asked for: try again, or look for it in pg_locks",
    "57014": "it took longer than we wait: look at its load (pg_stat_activity)",
    "57P01": "it was stopped: start it, or wait until it is back",
    "57P03": "it is starting or stopping: wait a moment",
}
_SERVER_CLASSES = ("08", "25", "28", "40", "53", "55", "57", "58", "F0", "XX")
_SCHEMA_CODES = frozenset({"42P01", "42703", "3F000"})  # no such table, column, schema
_VALUE_CLASS = "22"

_BY_WORDS = (
    (r'database ".*" does not exist', _BY_CODE["3D000"]),
    (r'role ".*" does not exist', "create the role (docs/operations.md), or correct the user in the URL"),
    (r"password authentication failed", _BY_CODE["28P01"]),
    (r"no password supplied", "it wants a password: write user:password@ before the host in the URL"),
    (r"no pg_hba\.conf entry", "let this user and machine in (pg_hba.conf on the server)"),
    (r"too many clients|too many connections|connection slots", _BY_CODE["53300"]),
    (r"starting up|shutting down|recovery mode|not yet accepting", _BY_CODE["57P03"]),
    (
        r"translate host name|resolve host|name resolution|not known",
        "there is no such host: correct it in the URL",
    ),
    (r"invalid connection option", "the URL holds an option that libpq does not know: strike it out"),
    (r"certificate|SSL", "look at the options sslmode and sslrootcert in the URL"),
    (r"refused|timeout|timed out|No such file|No route|unreachable", _UNREACHABLE),
)


def judged(error: BaseException) -> tuple[Blame, str] | None:
    """Whose fault an error of psycopg is, and what to do about it; None where only the feature can say."""
    code: str | None = getattr(error, "sqlstate", None)
    if code is not None:
        return _judged_by_code(code)
    kinds = {base.__name__ for base in type(error).__mro__}
    if "DataError" in kinds:  # found by the driver: a NUL in a text, a number too large
        return Blame.VALUE, "leave such characters and numbers out"
    words = str(error)
    advice = next((advice for pattern, advice in _BY_WORDS if re.search(pattern, words)), None)
    if kinds & {"OperationalError", "InterfaceError"} or advice is not None:
        return Blame.SERVER, advice or _UNREACHABLE
    return None


def _judged_by_code(code: str) -> tuple[Blame, str] | None:
    if code in _SCHEMA_CODES:
        return Blame.SCHEMA, "run the migrations"
    if code in _BY_CODE or code[:2] in _SERVER_CLASSES:
        return Blame.SERVER, _BY_CODE.get(code, _GENERAL)
    if code[:2] == _VALUE_CLASS:
        return Blame.VALUE, "leave such characters and numbers out"
    return None
