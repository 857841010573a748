"""A copy of a database to try things on, gone afterwards: a file, or a database on the same server.

    async with scratch(database, backup / "main", aside=folder) as copy:
        await migrate(copy, "main")

On a server it takes a role that may create databases. The copy is known by its comment: one that was left
behind is replaced, somebody else's of that name is not touched.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from storage import postgresql
from storage.copying import fill
from storage.database import Database
from storage.errors import DatabaseDown, StorageError

_MADE = "made by hotline to try migrations on; may be dropped"
_LONGEST = 63 - len("_rehearsal")
_MAY = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
_LIKE = "SELECT datcollate, datctype FROM pg_database WHERE datname = current_database()"
_OURS = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"


class NoScratch(StorageError):
    """No database can be made to try things on; the message says what to do."""


@asynccontextmanager
async def scratch(database: Database, backup: Path, *, aside: Path) -> AsyncIterator[Database]:
    """A new database with what `copy_database` has copied into `backup`; not open. `aside`: a folder for it.

    `NoScratch` if it cannot be made, `DatabaseDown` if the server does not serve.
    """
    if database.is_sqlite:
        copy = Database(f"sqlite+aiosqlite:///{aside / database.name}_rehearsal.db", name=database.name)
        await asyncio.to_thread(fill, copy, backup)
        yield copy
        return
    name = f"{(database.url.database or '')[:_LONGEST]}_rehearsal"
    url = database.url.set(database=name).render_as_string(hide_password=False)
    await _make(database, name)
    try:
        copy = Database(url, name=database.name)
        await asyncio.to_thread(fill, copy, backup)
        yield copy
    finally:
        await _drop(database, name)


async def require_scratch(database: Database) -> None:
    """`NoScratch` if the role may create no databases; nothing is made."""
    if database.is_sqlite:
        return
    async with _serving(database) as connection:
        found = await (await connection.execute(_MAY)).fetchone()
    if found is None or not found[0]:
        role = database.url.username or "the service signs in as"
        raise NoScratch(
            f"the role {role} may not create databases at {database.place}, so nothing can be tried on a "
            f"copy there: have its administrator say ALTER ROLE {role} CREATEDB"
        )


async def _make(database: Database, name: str) -> None:
    await require_scratch(database)
    await _drop(database, name)
    async with _serving(database) as connection:
        found = await (await connection.execute(_LIKE)).fetchone()
        collate, ctype = found or ("C", "C")
        made = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE {} LC_CTYPE {}")
        try:
            await connection.execute(made.format(sql.Identifier(name), collate, ctype))
        except psycopg.errors.DuplicateDatabase as error:
            raise NoScratch(
                f"there is a database {name} at {database.place} that this program has not made: rename it"
            ) from error
        await connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), _MADE))


async def _drop(database: Database, name: str) -> None:
    """Whoever is still connected to it is cut off; one that is not ours stays."""
    async with _serving(database) as connection:
        found = await (await connection.execute(_OURS, (name,))).fetchone()
        if found is not None and found[0] == _MADE:
            await connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@asynccontextmanager
async def _serving(database: Database) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """A connection outside any transaction, whose statements may take their time."""
    given = postgresql.arguments(database.url, f"{database.name} scratch", database.patience)
    try:
        connection = await postgresql.connect(database.patience, autocommit=True, **given)
        try:
            connection.patience_s = None
            await connection.execute("SET statement_timeout = 0")
            yield connection
        finally:
            await connection.close()
    except psycopg.Error as error:
        problem = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DatabaseDown(f"the {database.name} database ({database.place}): {problem}") from error
