"""`hotline upgrade` and `hotline roll-back`, with real versions, a real service and a caller in the menu.

The versions are clones of this checkout with commits of their own. Only pip plays no part: each version's
set-up lends it the interpreter of these tests.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiohttp
import pytest

from directory import credentials, seed
from hotline.commands import healthy
from hotline.content import PROJECT
from hotline.simulation.scripts import Customer, Key, Pause, customer
from hotline.simulation.sipp import Load, Place, Sipp
from storage.migrate import newest
from telephony import instance
from telephony.instance import AsteriskInstance
from tests.support.exchange import NODE_SOUND, PEOPLE_SOUND, until
from tests.support.ports import own
from web.passwords import Passwords

pytestmark = pytest.mark.asterisk

PORTS = own()
SETTINGS = f"""\
data_dir = "HOME/data"
flows = "HOME/flows"
[web]
port = {PORTS.web}
[upgrade]
stop = ["sh", "HOME/stop"]
start = ["sh", "HOME/start"]
ready_s = 120
"""
NODE = f"""\
[[nodes]]
name = "node1"
accounts = "HOME/accounts.json"
directory = "HOME/node1"
sip_port = {PORTS.sip}
port = {PORTS.ami}
rtp_first = {NODE_SOUND[0]}
rtp_last = {NODE_SOUND[-1]}
trunks = [{{ name = "carrier", addresses = ["127.0.0.3"], dtmf = "info" }}]
"""
START = """\
cd HOME
HOTLINE_CONFIG=HOME/hotline.toml setsid app/.venv/bin/hotline serve >>service.log 2>&1 </dev/null &
echo $! >service.pid
"""
# The service lets go of this lock when it ends, however it ends.
STOP = """\
kill "$(cat HOME/service.pid)" 2>/dev/null
flock HOME/data/ledger.spool.lock true
"""
SET_UP = """\
want_python() { :; }
set_up_python() {
  mkdir -p "$venv/bin"
  printf '#!/bin/sh\\nPYTHONPATH=%s exec INTERPRETER -P -m hotline "$@"\\n' "$checkout" >"$venv/bin/hotline"
  chmod +x "$venv/bin/hotline"
}
"""
MIGRATION = """\
from pathlib import Path
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "{revision}", "{before}", None, None


def upgrade() -> None:
    op.execute("{statement}")
    op.create_table("upgraded_{revision}", sa.Column("number", sa.Integer, primary_key=True))


def downgrade() -> None:
    if Path("{trap}").exists():
        raise RuntimeError("there is no way down any more")
    op.drop_table("upgraded_{revision}")
"""
NEVER_READY = """

def ready_checks(*_: object) -> Mapping[str, Check]:
    async def never() -> None:
        raise NotReady("this version never is")

    return {"ledger": never}
"""
SPRINGS = """
_prepare = run


def run(arguments: argparse.Namespace) -> int:
    Path("{trap}").touch()
    return _prepare(arguments)
"""


class Site:
    """An installation: `origin` where versions come from, `releases`, the link `app`, data, settings."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.origin = home / "origin"
        self.trap = home / "trap"
        self.passwords: Mapping[str, str] = {}

    def git(self, *words: str) -> str:
        identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
        done = subprocess.run(
            ["git", "-C", str(self.origin), *identity, *words], check=True, capture_output=True, text=True
        )
        return done.stdout

    def commit(self, branch: str) -> str:
        """What has been changed in `origin`, on a branch of that name; the name of its release."""
        self.git("checkout", "--quiet", "-B", branch)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", branch)
        return self.git("rev-parse", "HEAD")[:12]

    def add_migration(
        self, revision: str, before: str, trap: str = "/nowhere/at/all", statement: str = "SELECT 1"
    ) -> None:
        """A further step of the main database's history; no way down once the file `trap` is there."""
        folder = self.origin / "storage/migrations/versions/main"
        text = MIGRATION.format(revision=revision, before=before, trap=trap, statement=statement)
        (folder / f"{revision}_upgraded.py").write_text(text, "utf-8")

    def append(self, name: str, text: str) -> None:
        """More text at the end of a file of `origin`."""
        with (self.origin / name).open("a", encoding="utf-8") as file:
            file.write(text)

    async def hotline(self, *words: str, more: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Exit status and all that the program in place says."""
        process = await asyncio.create_subprocess_exec(
            *(str(self.home / "app/.venv/bin/hotline"), *words, "--config", str(self.home / "hotline.toml")),
            cwd=self.home,
            env={**os.environ, **(more or {})},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 240)
        return process.returncode or 0, output.decode()

    @property
    def in_place(self) -> str:
        return (self.home / "app").resolve().name

    def releases(self) -> list[Path]:
        """Their folders."""
        return [one for one in (self.home / "releases").iterdir() if (one / "run").is_file()]

    def owners(self, release: str) -> set[int]:
        """Whose its files are."""
        return {path.lstat().st_uid for path in (self.home / "releases" / release).rglob("*")}

    @property
    def service(self) -> str:
        """The service's process."""
        return (self.home / "service.pid").read_text()

    def revision(self) -> str:
        """Where the main database stands."""
        with closing(sqlite3.connect(self.home / "data/hotline.db")) as database:
            return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])

    def log(self) -> str:
        file = self.home / "service.log"
        return file.read_text("utf-8")[-3000:] if file.exists() else ""


@pytest.fixture
def site() -> Iterator[Site]:
    """Version one, in place, not running. Not in pytest's folder: a socket's path has to be short."""
    home = Path(tempfile.mkdtemp(prefix="up-"))
    made = Site(home)
    try:
        _copy_checkout(made.origin)
        made.append("setup/python.sh", SET_UP.replace("INTERPRETER", sys.executable))
        shutil.copytree(PROJECT / "ivr/flows", home / "flows")
        flow = home / "flows/95559.yaml"
        patient = flow.read_text("utf-8").replace("timeout_s: 5", "timeout_s: 20")
        flow.write_text(patient.replace("attempts: 3", "attempts: 5"), "utf-8")
        for name, text in (("start", START), ("stop", STOP)):
            (home / name).write_text(text.replace("HOME", str(home)), "utf-8")
        made.git("init", "--quiet", "--initial-branch", "main")
        first = made.commit("main")
        release = home / "releases" / first
        subprocess.run(["git", "clone", "--quiet", str(made.origin), str(release)], check=True)
        subprocess.run([str(release / "run"), "hotline", "--help"], check=True, capture_output=True)
        (home / "app").symlink_to(release)
        yield made
    finally:
        if (home / "service.pid").exists():
            subprocess.run(["sh", str(home / "stop")], check=False, timeout=30)
        shutil.rmtree(home)


def _copy_checkout(target: Path) -> None:
    """What would be committed here now."""
    names = subprocess.run(
        ["git", "-C", str(PROJECT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    for name in names:
        if name and (PROJECT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, target / name)


async def prepared(site: Site, settings: str) -> None:
    """Settings as an operator has them, and all that has to be there before a start."""
    (site.home / "hotline.toml").write_text(settings.replace("HOME", str(site.home)), "utf-8")
    (site.home / "data").mkdir(mode=0o750)
    file = site.home / "data" / "credentials.yaml"
    # Passwords that cost no time to check: those that `hotline prepare` makes cost seconds.
    issued = credentials.issue(file, seed.load(seed.DEMO), passwords=Passwords(cheap=True))
    site.passwords = issued.passwords
    status, said = await site.hotline("prepare")
    assert status == 0, said


async def started(site: Site) -> None:
    """The service runs and is ready."""
    process = await asyncio.create_subprocess_exec("sh", str(site.home / "start"))
    assert await process.wait() == 0
    await until(lambda: not healthy.problem("127.0.0.1", PORTS.web), "the service to be ready", within=60)


@asynccontextmanager
async def caller_in_the_menu(site: Site) -> AsyncIterator[AsteriskInstance]:
    """Asterisk, the service, and a customer who thinks about the main menu, five times 20 seconds."""
    programs = await instance.find()
    async with AsteriskInstance(site.home / "node1", programs) as asterisk:
        await started(site)
        script = customer(Customer("thinks", steps=(Pause(250), Key("1"))))
        place = Place(
            remote=f"127.0.0.1:{PORTS.sip}",
            ip="127.0.0.3",
            port=PORTS.people[0],
            media=PEOPLE_SOUND[0],
            media_last=PEOPLE_SOUND[8],
        )
        sipp = Sipp(
            programs.sipp, site.home / "sipp", "thinks", scenario=script, place=place, load=Load(rate=10)
        )
        await sipp.start()
        try:
            async with asyncio.timeout(60):
                while "-main!" not in await channels(asterisk):  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.1)
            yield asterisk
        finally:
            await sipp.stop(deadline=0.2)


async def channels(asterisk: AsteriskInstance) -> str:
    """Channels with their places in the dialplan, without how long they have been there."""
    return await asterisk.cli("core show channels concise")


def names(concise: str) -> list[str]:
    """The channels' names and identities."""
    return [f"{row.split('!')[0]} {row.split('!')[-1]}" for row in concise.splitlines() if "!" in row]


@asynccontextmanager
async def signed_in(site: Site) -> AsyncIterator[aiohttp.ClientSession]:
    """A leader, signed in at the version that is in place."""
    address = f"http://127.0.0.1:{PORTS.web}"
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(address, headers={"Origin": address}, cookie_jar=jar) as client:
        async with client.post(
            "/api/session", json={"staff": "8001", "password": site.passwords["8001"]}
        ) as response:
            assert response.status == 200, await response.text()
        yield client


async def still_signed_in(client: aiohttp.ClientSession) -> bool:
    async with client.get("/api/session") as response:
        return response.status == 200


async def test_another_version_comes_and_goes_under_a_caller(site: Site) -> None:
    head, first = newest("main"), site.in_place
    await prepared(site, SETTINGS + NODE)
    site.add_migration("9999", before=head)
    second = site.commit("main")
    async with caller_in_the_menu(site) as asterisk:
        inside = names(await channels(asterisk))
        assert len(inside) == 1
        status, said = await site.hotline("upgrade", "--by", "wang")
        assert status == 0, f"{said}\n{site.log()}"
        assert f"rehearsed on the backup's copy: main {head} → 9999 and back" in said
        assert f"upgraded: {second} is in place" in said
        assert (site.in_place, site.revision()) == (second, "9999")
        assert names(await channels(asterisk)) == inside
        async with signed_in(site) as person:
            status, said = await site.hotline("roll-back", "--by", "li")
            assert status == 0, f"{said}\n{site.log()}"
            assert f"taken down by migrations to main={head}, what was stored since stays" in said
            assert (site.in_place, site.revision()) == (first, head)
            assert await still_signed_in(person)
        assert names(await channels(asterisk)) == inside
        status, said = await site.hotline("roll-back")
        assert (status, "no upgrade is there to be rolled back" in said) == (2, True), said


async def test_what_does_not_get_ready_is_rolled_back_by_itself(site: Site) -> None:
    """And what cannot be right is refused before the service is stopped."""
    head, first = newest("main"), site.in_place
    await prepared(site, SETTINGS)
    await started(site)
    before = site.service
    (site.origin / "directory/seed/demo.yaml").write_text("staff: 1\n", "utf-8")
    site.commit("wrong")
    status, said = await site.hotline("upgrade", "wrong")
    assert (status, "demo.yaml:1" in said) == (2, True), said
    status, said = await site.hotline("upgrade", "nowhere")
    assert (status, "there is no version 'nowhere'" in said) == (2, True), said
    assert (site.service, site.in_place, site.revision()) == (before, first, head)
    site.git("checkout", "--quiet", "main")
    site.add_migration("9999", before=head)
    site.append("hotline/readiness.py", NEVER_READY)
    bad = site.commit("bad")
    status, said = await site.hotline("upgrade", "bad", more={"HOTLINE_UPGRADE__READY_S": "3"})
    assert status == 2, said
    assert f"{bad} was not ready within 3 s" in said
    assert f"taken down by migrations to main={head}" in said
    assert f"rolled back to {first}, which is ready again" in said
    assert (site.in_place, site.revision()) == (first, head)
    assert site.service != before
    assert healthy.problem("127.0.0.1", PORTS.web) == ""


async def test_where_no_migration_leads_down_the_backup_is_put_back(site: Site) -> None:
    """The way down was there when it was rehearsed, and is gone once the version has been prepared."""
    head, first = newest("main"), site.in_place
    await prepared(site, SETTINGS)
    await started(site)
    site.add_migration("9999", before=head, trap=str(site.trap))
    site.append("hotline/readiness.py", NEVER_READY)
    site.append("hotline/commands/prepare.py", SPRINGS.format(trap=site.trap))
    site.commit("main")
    status, said = await site.hotline("upgrade", more={"HOTLINE_UPGRADE__READY_S": "1"})
    assert status == 2, said
    assert f"main {head} → 9999 and back" in said
    assert "the migrations do not go down" in said
    assert "there is no way down any more" in said
    assert "put back from" in said
    assert (site.in_place, site.revision()) == (first, head)
    assert healthy.problem("127.0.0.1", PORTS.web) == ""


async def test_a_checkout_that_is_no_release_is_told_how_to_become_one(tmp_path: Path) -> None:
    (tmp_path / "hotline.toml").write_text("", "utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hotline", "upgrade", "--config", str(tmp_path / "hotline.toml")),
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert (process.returncode, "is no release" in output.decode()) == (2, True), output
