"""A copy to try things on, on both kinds of database: whole, gone afterwards, and never somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from storage import Database, DatabaseDown, migrate, migrate_down
from storage.copying import DUMP, copy_database
from storage.scratch import NoScratch, require_scratch, scratch
from tests.support.databases import Databases, ServerDatabases
from tests.support.postgres import OWNER, Cluster


@pytest.fixture
def may_create(server: Cluster) -> Iterator[None]:
    """The role may create databases; by itself it has no more rights than in operation."""
    for right in ("CREATEDB", "NOCREATEDB"):
        with closing(server.admin()) as admin:
            admin.execute(f"ALTER ROLE {OWNER} {right}")
        if right == "CREATEDB":
            yield


def scratches(server: Cluster) -> list[str]:
    with closing(server.admin()) as admin:
        found = admin.execute("SELECT datname FROM pg_database WHERE datname LIKE '%rehearsal'").fetchall()
    return [name for (name,) in found]


async def copied(url: str, folder: Path) -> Database:
    """The database, with one row in it, and its copy in `folder`; not open."""
    database = Database(url, name="main")
    await database.open()
    await migrate(database, "main")
    async with database.write() as connection:
        await connection.execute(text("INSERT INTO cursors VALUES ('somebody', 7)"))
    await database.close()
    await copy_database(database, folder)
    return database


@pytest.mark.usefixtures("may_create")
async def test_what_is_done_to_the_copy_is_not_done_to_the_database(
    databases: Databases, server: Cluster, tmp_path: Path
) -> None:
    url = databases.url("main")
    database = await copied(url, tmp_path / "copy")
    async with scratch(database, tmp_path / "copy", aside=tmp_path) as copy:
        await copy.open()
        async with copy.read() as connection:
            assert (await connection.execute(text("SELECT * FROM cursors"))).all() == [("somebody", 7)]
        await migrate_down(copy, "main", to="base")
        if databases.kind == "postgresql":
            assert len(scratches(server)) == 1
        await copy.close()
    assert databases.ask("main", "SELECT count(*) FROM cursors") == [(1,)]
    assert scratches(server) == []


@pytest.mark.postgresql
async def test_without_the_right_it_says_what_to_do(server_databases: ServerDatabases) -> None:
    database = Database(server_databases.url("main"), name="main")
    with pytest.raises(NoScratch, match=f"ALTER ROLE {OWNER} CREATEDB"):
        await require_scratch(database)


@pytest.mark.postgresql
@pytest.mark.usefixtures("may_create")
async def test_one_left_behind_is_replaced_and_somebody_elses_is_not_touched(
    server_databases: ServerDatabases, server: Cluster, tmp_path: Path
) -> None:
    database = await copied(server_databases.url("main"), tmp_path / "copy")
    name = f"{database.url.database}_rehearsal"
    with closing(server.connect("postgres")) as hotline:
        hotline.execute(f"CREATE DATABASE {name}")
        with pytest.raises(NoScratch, match="this program has not made"):
            async with scratch(database, tmp_path / "copy", aside=tmp_path):
                pass
        assert scratches(server) == [name]
        hotline.execute(
            f"COMMENT ON DATABASE {name} IS 'made by hotline to try migrations on; may be dropped'"
        )
    async with scratch(database, tmp_path / "copy", aside=tmp_path) as copy:
        await copy.open()
        await copy.close()
    assert scratches(server) == []


@pytest.mark.postgresql
@pytest.mark.usefixtures("may_create")
async def test_a_damaged_copy_leaves_nothing_behind(
    server_databases: ServerDatabases, server: Cluster, tmp_path: Path
) -> None:
    database = await copied(server_databases.url("main"), tmp_path / "copy")
    dump = tmp_path / "copy" / DUMP
    dump.write_bytes(dump.read_bytes()[:-200])
    with pytest.raises(DatabaseDown, match="pg_restore of the main database"):
        async with scratch(database, tmp_path / "copy", aside=tmp_path):
            pass
    assert scratches(server) == []
