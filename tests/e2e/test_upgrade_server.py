"""`hotline upgrade` on a real PostgreSQL: migrations rehearsed there, and a standby beside its leader."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing

import pytest

from hotline.commands import healthy
from storage.migrate import newest
from tests.e2e.test_upgrade import NEVER_READY, PORTS, SETTINGS, Site, prepared, started
from tests.e2e.test_upgrade import site as site  # noqa: PLC0414 - a fixture
from tests.support import postgres
from tests.support.exchange import until
from tests.support.postgres import OWNER, Cluster

pytestmark = pytest.mark.postgresql
LEADERS_PORT = PORTS.spare[0]


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with postgres.cluster() as running:
        yield running


class Databases:
    """Of one site."""

    def __init__(self, server: Cluster) -> None:
        self.server = server
        self.main, self.ledger = server.create("main"), server.create("ledger")

    def settings(self, more: str = "") -> str:
        return (
            f"{more}{SETTINGS}[database]\n"
            f'main = "{self.server.url(self.main)}"\nledger = "{self.server.url(self.ledger)}"\n'
            "[lease]\nterm_s = 3\nrenew_s = 0.3\n"
        )

    def revision(self) -> str:
        with closing(self.server.connect(self.main)) as connection:
            ((found,),) = connection.execute("SELECT version_num FROM alembic_version").fetchall()
            return str(found)

    def role(self, right: str) -> None:
        with closing(self.server.admin()) as admin:
            admin.execute(f"ALTER ROLE {OWNER} {right}")  # type: ignore[call-overload]

    def there(self) -> set[str]:
        with closing(self.server.admin()) as admin:
            found = admin.execute("SELECT datname FROM pg_database WHERE NOT datistemplate").fetchall()
            return {name for (name,) in found} - {"postgres"}


@pytest.fixture
def databases(server: Cluster) -> Iterator[Databases]:
    made = Databases(server)
    yield made
    made.role("NOCREATEDB")
    server.drop(made.main, made.ledger)


async def test_migrations_are_tried_on_the_server_before_the_stop(databases: Databases, site: Site) -> None:
    """What fails only on what is stored shows there, and the service has not been touched."""
    head, first = newest("main"), site.in_place
    await prepared(site, databases.settings().replace("ready_s = 120", "ready_s = 120\nkeep = 2"))
    await started(site)
    service = site.service
    site.add_migration("9999", before=head)
    second = site.commit("main")
    status, said = await site.hotline("upgrade")
    assert (status, "ALTER ROLE hotline CREATEDB; or say --unrehearsed" in said) == (2, True), said
    databases.role("CREATEDB")
    site.add_migration("9999", before=head, statement="SELECT 1 / count(*) FROM cursors WHERE seq < 0")
    wrong = site.commit("wrong")
    status, said = await site.hotline("upgrade", "wrong")
    assert (status, "division by zero" in said) == (2, True), said
    assert (site.service, site.in_place, databases.revision()) == (service, first, head)
    databases.role("NOCREATEDB")
    status, said = await site.hotline("upgrade", second, "--unrehearsed")
    assert status == 0, f"{said}\n{site.log()}"
    assert "migrations: NOT rehearsed" in said
    assert (site.in_place, databases.revision()) == (second, "9999")
    assert f"removed: the old release {wrong}" in said, "it was never in place"
    assert {one.name for one in site.releases()} == {first, second}
    databases.role("CREATEDB")
    (backup,) = [line.partition(": ")[2] for line in said.splitlines() if line.startswith("backup without")]
    status, said = await site.hotline("migrate", "--rehearse", backup)
    assert status == 0, said
    assert f"rehearsed on the backup's copy: main {head} → 9999 and back" in said
    assert databases.there() == {databases.main, databases.ledger}


@asynccontextmanager
async def leader(site: Site) -> AsyncIterator[None]:
    """Another service on the same databases, with a folder of its own; it leads."""
    environment = {
        "HOTLINE_CONFIG": str(site.home / "hotline.toml"),
        "HOTLINE_DATA_DIR": str(site.home / "leader"),
        "HOTLINE_CREDENTIALS": str(site.home / "data/credentials.yaml"),
        "HOTLINE_WEB__PORT": str(LEADERS_PORT),
    }
    process = await asyncio.create_subprocess_exec(
        *("env", *(f"{name}={value}" for name, value in environment.items())),
        *(str(site.home / "releases" / site.in_place / ".venv/bin/hotline"), "serve"),
        cwd=site.home,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until(lambda: not healthy.problem("127.0.0.1", LEADERS_PORT), "a leader", within=60)
        yield
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 60)


async def test_a_standby_is_put_in_another_version_beside_its_leader(
    site: Site, databases: Databases
) -> None:
    """And back; but not in one that would change the tables under it."""
    head, first = newest("main"), site.in_place
    await prepared(site, databases.settings())
    (site.origin / "README.md").write_text("another\n", "utf-8")
    second = site.commit("another")
    site.append("hotline/readiness.py", NEVER_READY)
    site.add_migration("9999", before=head)
    site.commit("tables")
    async with leader(site):
        await started(site)
        status, said = await site.hotline("upgrade", "another")
        assert status == 0, f"{said}\n{site.log()}"
        assert f"{second} is ready, and stands by (standby of " in said
        assert site.in_place == second
        service = site.service
        status, said = await site.hotline("upgrade", "tables")
        assert (status, "leads on these databases" in said) == (2, True), said
        assert (site.service, site.in_place) == (service, second)
        status, said = await site.hotline("roll-back")
        assert status == 0, f"{said}\n{site.log()}"
        assert "left to the leader" in said
        assert (site.in_place, databases.revision()) == (first, head)
