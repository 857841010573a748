"""Which URLs a database may have. Pure; no message repeats a URL, because a password may stand in it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from core.errors import BadInput

SQLITE, POSTGRESQL = "sqlite+aiosqlite", "postgresql+psycopg"
_SHAPES = f"{SQLITE}:////srv/hotline.db or {POSTGRESQL}://user:password@host:5432/hotline"
_SECRETS = frozenset({"password", "passfile", "sslpassword"})


def database_url(text: str, where: str) -> URL:
    """`text` as SQLAlchemy takes it; `BadInput` for `where` if no database of ours can be behind it."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:  # the second for a port that is no number
        raise BadInput(where, f"what it holds is not a database URL: write {_SHAPES}") from error
    backend = url.drivername.partition("+")[0]
    if backend == "sqlite":
        _check_sqlite(url, where)
    elif backend in {"postgresql", "postgres"}:
        _check_postgresql(url, where)
    else:
        raise BadInput(where, f"{url.drivername} is none of the databases we know: write {_SHAPES}")
    return url


def place_of(url: URL) -> str:
    """Where the database is, for people: without password and options."""
    return URL.create(
        url.drivername, username=url.username, host=url.host, port=url.port, database=url.database
    ).render_as_string()


def file_of(url: URL) -> Path | None:
    """The file a database of SQLite is kept in; None for one in a server."""
    return Path(url.database) if url.drivername == SQLITE and url.database else None


def same_place(one: URL, other: URL) -> bool:
    """Whether two URLs name one database."""
    return all(
        getattr(one, part) == getattr(other, part) for part in ("drivername", "host", "port", "database")
    ) and one.query.get("host") == other.query.get("host")


def _check_sqlite(url: URL, where: str) -> None:
    if url.drivername != SQLITE:
        raise BadInput(where, f"SQLite is spoken through aiosqlite: begin with {SQLITE}:")
    if not url.database or url.database == ":memory:":
        raise BadInput(where, f"SQLite needs a file here: {SQLITE}:////absolute/path.db")


def _check_postgresql(url: URL, where: str) -> None:
    if url.drivername != POSTGRESQL:
        raise BadInput(where, f"PostgreSQL is spoken through psycopg: begin with {POSTGRESQL}:")
    if not url.database:
        raise BadInput(where, f"PostgreSQL needs a database's name: {POSTGRESQL}://user@host:5432/hotline")
    if url.host and "@" in url.host:
        raise BadInput(where, "a password with an @ in it is cut in two there: write %40 for the @")
    if found := sorted(_SECRETS & url.query.keys()):
        raise BadInput(where, f"{found[0]} may be read in logs there: write user:password@ before the host")
