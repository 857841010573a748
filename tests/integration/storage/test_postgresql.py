"""What is particular to PostgreSQL: not getting in, a server that stops, hangs or is asked for too much."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import insert, select

from core.errors import BadInput
from storage import Appender, Database, DatabaseDown
from storage.audit import Access, record_access
from storage.audit_chain import walk
from tests.integration.storage.shelves import book, count, shelf
from tests.support.databases import ServerDatabases
from tests.support.postgres import KEYED, PASSWORD, Cluster

pytestmark = pytest.mark.postgresql


async def refusal(url: str) -> str:
    """What is said when the database cannot be opened."""
    database = Database(url, name="main", answer_timeout_ms=1_000)
    with pytest.raises(DatabaseDown) as refused:
        await database.open()
    assert not database.is_open
    return str(refused.value)


async def asked_again(database: Database) -> int | None:
    """How many shelves there are; None while the server still counts as silent."""
    try:
        return await count(database, shelf)
    except DatabaseDown:
        return None


# ------------------------------------------------------------------ getting in


async def test_the_right_password_opens(server: Cluster) -> None:
    database = Database(server.url("postgres", user=KEYED, password=PASSWORD), name="main")
    await database.open()
    assert database.place == f"postgresql+psycopg://{KEYED}@127.0.0.1:{server.port}/postgres"
    await database.close()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"user": KEYED, "password": "swordfish"}, "user or password is wrong: correct them in the URL"),
        ({"user": KEYED}, "it wants a password: write user:password@ before the host"),
        ({"user": "nobody_here"}, "create the role"),
        ({"database": "nowhere"}, "create the database"),
        ({"host": "no.such.host.invalid"}, "there is no such host: correct it in the URL"),
    ],
)
async def test_who_is_not_let_in_is_told_what_to_do(
    server: Cluster, wrong: dict[str, Any], said: str
) -> None:
    told = await refusal(server.url(**({"database": "postgres"} | wrong)))
    assert said in told
    assert told.startswith("the main database (postgresql+psycopg://")
    assert "swordfish" not in told


async def test_a_server_that_is_not_there_is_told(server: Cluster) -> None:
    url = server.url("postgres")
    with server.stopped():
        assert "check that the server runs" in await refusal(url)


async def test_of_several_hosts_the_one_that_can_be_written_to_is_taken(
    server_databases: ServerDatabases,
) -> None:
    url = server_databases.url("t", None)
    port, name = server_databases.server.port, url.rpartition("/")[2]
    hosts = f"host=127.0.0.1:1&host=127.0.0.1:{port}&target_session_attrs=read-write"  # nobody is at port 1
    database = Database(f"postgresql+psycopg://hotline@/{name}?{hosts}", name="main")
    await database.open()
    async with database.read() as connection:
        assert (await connection.exec_driver_sql("SHOW transaction_read_only")).scalar() == "on"
        assert (await connection.exec_driver_sql("SHOW transaction_isolation")).scalar() == "repeatable read"
    await database.close()


async def test_an_option_that_does_not_exist_is_told(server: Cluster) -> None:
    assert "strike it out" in await refusal(server.url("postgres") + "?sslmod=require")


async def test_a_database_that_cannot_hold_chinese_is_refused(server: Cluster) -> None:
    name = server.create("latin", encoding="LATIN1")
    with pytest.raises(BadInput, match=r"keeps its text in LATIN1: make one with ENCODING 'UTF8'"):
        await Database(server.url(name), name="main").open()
    server.drop(name)


async def test_a_role_without_rights_is_told_to_become_the_owner(server_databases: ServerDatabases) -> None:
    server_databases.url("t", None)
    server_databases.ask("t", "REVOKE ALL ON SCHEMA public FROM PUBLIC")
    url = server_databases.url("t", None).replace("hotline@", f"{KEYED}:open%20sesame@")
    database = Database(url, name="main")
    await database.open()
    with pytest.raises(DatabaseDown, match="make it the owner of the database"):
        async with database.write() as connection:
            await connection.exec_driver_sql("CREATE TABLE public.x (id int)")
    await database.close()


# ------------------------------------------------------------------ a server that fails


async def test_after_a_restart_everything_goes_on_without_an_error(
    on_server: Database, server: Cluster
) -> None:
    assert await count(on_server, shelf) == 0
    with server.stopped(), pytest.raises(DatabaseDown, match="does not serve"):
        await count(on_server, shelf)
    async with on_server.write() as connection:
        await connection.execute(insert(shelf).values(id=1))
    assert await count(on_server, shelf) == 1


async def test_a_server_stopped_in_the_middle_of_a_unit_of_work_undoes_it(
    on_server: Database, server: Cluster
) -> None:
    with pytest.raises(DatabaseDown):
        async with on_server.write() as connection:
            await connection.execute(insert(shelf).values(id=1))
            with server.stopped():
                await connection.execute(insert(shelf).values(id=2))
    assert await count(on_server, shelf) == 0


async def test_a_server_that_hangs_counts_as_down(on_server: Database, server: Cluster) -> None:
    appender = Appender(on_server, book)
    await appender.append([(1, None, "a", None)])
    async with on_server.write() as connection:
        await connection.execute(insert(shelf).values(id=1))
    with server.frozen():
        async with asyncio.timeout(30):
            with pytest.raises(DatabaseDown, match=r"timeout"):  # of a new connection, after the old one
                await count(on_server, shelf)
            with pytest.raises(DatabaseDown, match=r"said nothing for 1\.5 s"):
                await appender.append([(2, None, "b", None)])
            with pytest.raises(DatabaseDown, match="timeout"):  # a new connection
                await appender.append([(2, None, "b", None)])
    async with asyncio.timeout(30):
        while (shelves := await asked_again(on_server)) is None:  # noqa: ASYNC110 - a state, not an event
            await asyncio.sleep(0.05)
    assert shelves == 1
    await appender.close()


async def test_a_statement_that_takes_too_long_is_ended_by_the_server(on_server: Database) -> None:
    with pytest.raises(DatabaseDown, match=r"statement timeout; it took longer than we wait"):
        async with on_server.read() as connection:
            await connection.exec_driver_sql("SELECT pg_sleep(30)")


async def test_changing_tables_may_take_longer_than_a_statement(on_server: Database) -> None:
    async with on_server.reshape() as connection:
        await connection.exec_driver_sql("SELECT pg_sleep(1.6)")
        await connection.exec_driver_sql("ALTER TABLE shelf ADD COLUMN height int")
    with pytest.raises(DatabaseDown):  # impatient again
        async with on_server.write() as connection:
            await connection.exec_driver_sql("SELECT pg_sleep(30)")


# ------------------------------------------------------------------ side by side


async def test_one_table_has_one_appender_at_a_time(on_server: Database) -> None:
    first, second, other = Appender(on_server, book), Appender(on_server, book), Appender(on_server, shelf)
    assert await first.claim()
    assert not await second.claim()
    assert await other.claim()
    await first.close()
    assert await second.claim()
    await second.close()
    await other.close()


async def test_rows_that_would_be_quoted_stay_out_of_messages(on_server: Database) -> None:
    appender = Appender(on_server, book)
    with pytest.raises(Exception, match="takes no such rows") as refused:
        await appender.append([(1, None, "a customer's name", None), (1, 99, "another", None)])
    assert "customer" not in str(refused.value)
    await appender.close()


async def test_a_value_no_server_can_store_is_the_askers_fault(on_server: Database) -> None:
    for statement in (insert(book).values(id=1, title="\0"), select(book).where(book.c.title == "a\0")):
        with pytest.raises(BadInput, match="leave such characters and numbers out"):
            async with on_server.write() as connection:
                await connection.execute(statement)


async def test_accesses_of_many_writers_at_once_make_one_chain(server_databases: ServerDatabases) -> None:
    database = Database(server_databases.url("main"), name="main")
    await database.open()

    async def look(at: int) -> None:
        async with database.write() as connection:
            await record_access(
                connection, Access(at=at, staff="1001", action="read", subject="s", purpose="quality")
            )

    await asyncio.gather(*(look(at) for at in range(40)))
    assert (await walk(database)).findings == ()
    assert server_databases.ask("main", "SELECT count(*), max(seq) FROM access_log") == [(40, 40)]
    await database.close()
