"""Programs of their own that may lead one ledger on a real PostgreSQL: killed, frozen, without a database.

Most of them only write facts, by the parts that the service uses (`WRITER`); two are the service itself.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from directory.credentials import issue
from directory.seed import DEMO, load
from hotline.check_lease import of_lease
from hotline.commands import healthy
from hotline.findings import Weight
from hotline.keeping import unaccounted
from hotline.leader_finder import LeaderFinder
from hotline.leading import Candidate
from hotline.node import issue_accounts
from hotline.settings import DatabaseSettings, Settings, WebSettings
from hotline.settings_lease import LeaseSettings
from ledger.errors import LedgerTaken
from ledger.spool import lines_set_aside
from ledger.store import FactStore
from storage import Database
from tests.integration.web.site import CHEAP
from tests.support.databases import ServerDatabases
from tests.support.ports import own
from web.forward import Forward

pytestmark = pytest.mark.postgresql
ROOT = Path(__file__).resolve().parents[3]
TERM_S, RENEW_S, WITHIN_S = 3.0, 0.3, 60
PORTS = own().spare
LEASE = "SELECT fence, token, renewed FROM leases WHERE name = 'leader'"
GIVEN_UP = "UPDATE leases SET expires = 0 WHERE name = 'leader'"

WRITER = """
import asyncio, sys
from core.facts import DeviceContactChanged
from hotline.leader_finder import LeaderFinder
from hotline.leading import Candidate
from hotline.settings import Settings
from ledger.errors import LedgerError
from ledger.ledger import Ledger
from storage import Database
from storage.lease import LeaseLost

async def write(ledger, name):
    while True:
        fact = DeviceContactChanged(at=ledger.last + 1, device=name, reachable=True)
        await ledger.stored(ledger.append([fact]))
        print("stored", ledger.last, flush=True)

async def main(settings):
    async with Candidate(settings) as candidate:
        await candidate.leads()
        facts = Database(settings.ledger_url, name="ledger", busy_timeout_ms=500, answer_timeout_ms=2000)
        await facts.open()
        ledger = Ledger(facts, spool=settings.data_dir / "ledger.spool", lead=candidate.won.lead)
        await ledger.open()
        print("writes", candidate.won.lead.tenure.fence, ledger.last, flush=True)
        writing = asyncio.create_task(write(ledger, settings.data_dir.name))
        try:
            await candidate.kept()
        except LeaseLost as error:
            print("lost", error, flush=True)
        writing.cancel()
        try:
            await ledger.close()
        except LedgerError as error:
            print("closed", error, flush=True)
        await facts.close()

asyncio.run(main(Settings.model_validate_json(sys.argv[1])))
"""


@dataclass(eq=False)
class Program:
    """A program and what it has said."""

    process: asyncio.subprocess.Process
    said: list[str] = field(default_factory=list)

    async def says(self, *words: str) -> str:
        """The next line with one of `words` in it."""
        assert self.process.stdout is not None
        async with asyncio.timeout(WITHIN_S):
            while line := (await self.process.stdout.readline()).decode():
                self.said.append(line.strip())
                if any(word in line for word in words):
                    return line.strip()
        raise AssertionError(f"it ended without a word of {words}: {self.said[-20:]}")

    async def ends(self) -> int:
        """Its status, once all it has said is read."""
        assert self.process.stdout is not None
        async with asyncio.timeout(WITHIN_S):
            self.said += (await self.process.stdout.read()).decode().splitlines()
            return await self.process.wait()

    def numbers(self) -> list[int]:
        """Facts it was told are stored."""
        return [int(line.split()[1]) for line in self.said if line.startswith("stored ")]

    def sent(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


class House:
    """Where programs may lead."""

    def __init__(self, folder: Path, databases: ServerDatabases) -> None:
        self.databases = databases
        self._folder = folder
        self._programs: list[Program] = []

    def settings(self, name: str) -> Settings:
        """Those of one of them: a folder and a port of its own."""
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        port = PORTS["abc".index(name)]
        return Settings(
            data_dir=folder,
            web=WebSettings(port=port),
            lease=LeaseSettings(term_s=TERM_S, renew_s=RENEW_S, address=f"http://127.0.0.1:{port}"),
            database=DatabaseSettings(main=self.databases.url("main"), ledger=self.url),
        )

    @property
    def url(self) -> str:
        return self.databases.url("ledger", "ledger")

    async def writer(self, name: str) -> Program:
        """A program that writes facts while it leads."""
        return await self.begin("-c", WRITER, self.settings(name).model_dump_json())

    async def begin(self, *arguments: str, environment: dict[str, str] | None = None) -> Program:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            cwd=ROOT,
            env=os.environ | (environment or {}),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=1 << 20,
        )
        program = Program(process)
        self._programs.append(program)
        return program

    def numbers(self) -> list[tuple[int, int]]:
        """Number and time of every fact in the ledger; a writer's facts tell their number as their time."""
        return self.databases.ask("ledger", "SELECT seq, at FROM facts ORDER BY seq")

    def lease(self) -> tuple[int, str, int]:
        """Fence, token and the time of the last renewal."""
        ((fence, token, renewed),) = self.databases.ask("ledger", LEASE)
        return fence, token, renewed

    async def close(self) -> None:
        for program in self._programs:
            if program.process.returncode is None:
                program.sent(signal.SIGKILL)
                program.sent(signal.SIGCONT)
            await program.process.communicate()


@pytest.fixture
async def house(tmp_path: Path, server_databases: ServerDatabases) -> AsyncIterator[House]:
    made = House(tmp_path, server_databases)
    yield made
    await made.close()


async def roles(*programs: Program, leads: str) -> tuple[Program, str, list[Program]]:
    """Who leads of these, what it says of that, and who stands by."""
    said = await asyncio.gather(*(one.says(leads, "stands by") for one in programs))
    ((leader, word),) = [(one, line) for one, line in zip(programs, said, strict=True) if leads in line]
    return leader, word, [one for one in programs if one is not leader]


async def next_of(standbys: list[Program]) -> tuple[Program, str, list[Program]]:
    """Who of them leads next, what it says of that, and who still stands by."""
    leading = [asyncio.create_task(one.says("writes")) for one in standbys]
    done, waiting = await asyncio.wait(leading, timeout=WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    (led,) = done
    leader = standbys[leading.index(led)]
    return leader, led.result(), [one for one in standbys if one is not leader]


async def test_frozen_or_killed_a_leader_is_followed_by_one_standby_and_no_fact_is_lost_or_doubled(
    house: House,
) -> None:
    """Whoever was frozen writes nothing when it wakes, and ends."""
    programs = [await house.writer(name) for name in "abc"]
    frozen, began, standbys = await roles(*programs, leads="writes")
    assert began == "writes 1 0"
    await frozen.says("stored")
    frozen.sent(signal.SIGSTOP)
    second, took, (third,) = await next_of(standbys)
    fence, last = map(int, took.split()[1:])
    assert (fence, last > 0) == (2, True)
    await second.says("stored")
    frozen.sent(signal.SIGCONT)
    assert await frozen.ends() == 0
    assert any("lost the lease (fence 1)" in line and "leads, by fence 2" in line for line in frozen.said)
    assert 0 < max(frozen.numbers()) <= last, "it declared stored what nobody will store"
    before = len(house.numbers())
    while second.numbers()[-1] <= before:
        await second.says("stored")
    second.sent(signal.SIGKILL)
    await second.ends()
    _, took, _ = await next_of([third])
    assert took.startswith("writes 3 ")
    assert int(took.split()[2]) >= max(second.numbers())
    await third.says("stored")
    third.sent(signal.SIGKILL)
    await third.ends()
    stored = house.numbers()
    assert stored == [(n, n) for n in range(1, len(stored) + 1)]
    name = "abc"[programs.index(frozen)]
    by_frozen = f"SELECT max(seq), count(*) FROM facts WHERE body LIKE '%\"{name}\"%'"  # noqa: S608
    assert house.databases.ask("ledger", by_frozen) == [(last, last)]


async def told_to_stand_by(house: House) -> None:
    """`hotline check` says that somebody does, once they have said so for the first time."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            found = await asyncio.to_thread(lambda: list(of_lease(house.settings("a"))))
            (line,) = [one.line() for one in found if one.about == "standby"]
            if "stands by with this version" in line:
                return
            assert "nobody has ever stood by" in line
            await asyncio.sleep(0.05)


async def test_with_the_database_down_nobody_is_elected_and_the_leader_goes_on(house: House) -> None:
    """The lease has run out for everybody when the database is back."""
    leader = await house.writer("a")
    await leader.says("stored")
    standby = await house.writer("b")
    await standby.says("stands by")
    await told_to_stand_by(house)
    leader.sent(signal.SIGSTOP)
    fence, token, renewed = house.lease()
    house.databases.ask("ledger", "UPDATE leases SET expires = 1 WHERE name = 'leader'")
    with house.databases.server.stopped():
        leader.sent(signal.SIGCONT)
        await standby.says("nobody is elected meanwhile")
        blind = await asyncio.to_thread(healthy.problem, "127.0.0.1", house.settings("b").web.port)
        assert "the lease cannot be watched" in blind
        told = int((await leader.says("stored")).split()[1])
        while int((await leader.says("stored")).split()[1]) < told + 20:
            pass
        leader.sent(signal.SIGSTOP)  # so that the standby is the first to look
    looked = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'hotline ledger' AND query = 'ROLLBACK'"
    async with asyncio.timeout(WITHIN_S):
        while not house.databases.ask("ledger", looked):  # noqa: ASYNC110 - a state, not an event
            await asyncio.sleep(0.02)
    leader.sent(signal.SIGCONT)
    async with asyncio.timeout(WITHIN_S):
        while house.lease()[2] == renewed:  # noqa: ASYNC110 - a state, not an event
            await asyncio.sleep(0.05)
    assert house.lease()[:2] == (fence, token)
    spool = house.settings("a").data_dir / "ledger.spool"
    async with asyncio.timeout(WITHIN_S):
        while spool.exists():
            await leader.says("stored")
    leader.sent(signal.SIGKILL)
    await leader.ends()
    stored = house.numbers()
    assert stored == [(n, n) for n in range(1, len(stored) + 1)]
    assert len(stored) >= max(leader.numbers())


async def test_what_waits_in_a_spool_is_stored_by_its_own_folder_until_another_has_led(house: House) -> None:
    """At once: nobody else has led, and the folder's lock says that the last one is dead."""
    folder = house.settings("a").data_dir
    program = await house.writer("a")
    for fence in (2, 4):
        await program.says("stored")
        with house.databases.server.stopped():
            while not (folder / "ledger.spool").exists():
                await program.says("stored")
            program.sent(signal.SIGKILL)
            await program.ends()
        if fence == 4:
            house.databases.ask("ledger", GIVEN_UP)  # no need to wait
            other = await house.writer("b")
            await other.says("writes 3")
            await other.says("stored")
            other.sent(signal.SIGTERM)
            await other.ends()
            house.databases.ask("ledger", GIVEN_UP)
        spooled = max(program.numbers())
        program = await house.writer("a")
        began = int((await program.says(f"writes {fence}")).split()[2])
        assert fence == 4 or began >= spooled
        while (folder / "ledger.spool").exists():
            await program.says("stored")
    await program.says("stored")
    program.sent(signal.SIGKILL)
    await program.ends()
    assert any("facts set aside" in line for line in program.said)
    (aside,) = folder.glob("ledger.spool.superseded-3")
    assert lines_set_aside(folder / "ledger.spool") == aside.read_bytes().count(b"\n") > 0
    stored = house.numbers()
    assert stored == [(n, n) for n in range(1, len(stored) + 1)]
    found = await asyncio.to_thread(lambda: list(of_lease(house.settings("a"))))
    assert [one.about for one in found if one.weight is Weight.WARNING][-1] == "ledger"


async def serve(house: House, name: str, node: Path) -> tuple[Program, int]:
    """`hotline serve` as its unit starts it, beside a node whose Asterisk is away; its port."""
    settings = house.settings(name)
    issue(settings.credentials_file, load(DEMO), passwords=CHEAP)
    issue_accounts(node / "accounts.json")
    nodes = [
        {"name": "node1", "port": 1, "accounts": str(node / "accounts.json"), "directory": str(node)},
    ]
    given = {
        "DATA_DIR": str(settings.data_dir),
        "WEB__PORT": str(settings.web.port),
        "LEASE__TERM_S": str(TERM_S),
        "LEASE__RENEW_S": str(RENEW_S),
        "DATABASE__MAIN": settings.database.main,
        "DATABASE__LEDGER": settings.database.ledger,
        "NODES": json.dumps(nodes),
        "LOG__FORM": "json",
    }
    environment = {f"HOTLINE_{name}": value for name, value in given.items()}
    return await house.begin("-m", "hotline", "serve", environment=environment), settings.web.port


@asynccontextmanager
async def asked(port: int, page: str) -> AsyncIterator[aiohttp.ClientResponse]:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(WITHIN_S)) as client,
        client.get(f"http://127.0.0.1:{port}{page}") as answer,
    ):
        yield answer


async def test_the_service_stands_by_leads_and_leaves_telephones_alone_once_another_leads(
    house: House, tmp_path: Path
) -> None:
    node = tmp_path / "node"
    node.mkdir()
    programs = dict([await serve(house, name, node) for name in "ab"])
    old, _, (new,) = await roles(*programs, leads="hotline serves")
    port = programs[new]
    async with asked(port, "/health") as answer:
        assert answer.status == 200
    async with asked(port, "/ready") as answer:
        ready = await answer.json()
        assert (answer.status, ready["status"]) == (503, "standby")
        assert f":{old.process.pid}:" in ready["checks"]["lease"]
    well = await asyncio.to_thread(healthy.state, "127.0.0.1", port)
    assert (well.problem, f"standby of {socket.gethostname()}:{old.process.pid}:" in well.standby) == (
        "",
        True,
    )
    async with asked(port, "/metrics") as answer:
        assert "hotline_lease_leads 0.0" in await answer.text()
    async with asked(port, "/api/board") as answer:
        assert (answer.status, (await answer.json())["type"]) == (503, "/problems/leader-away")
    old.sent(signal.SIGSTOP)
    await new.says("hotline serves")
    async with asked(port, "/metrics") as answer:
        figures = await answer.text()
    assert "hotline_lease_leads 1.0" in figures
    assert "hotline_lease_fence 2.0" in figures
    old.sent(signal.SIGCONT)
    assert await old.ends() == 2
    assert any(line.startswith("hotline serve: ") and "has lost the lease" in line for line in old.said)
    heartbeat = node / "heartbeat"
    assert heartbeat.stat().st_mtime > 0
    assert heartbeat.read_text() == "", "leaving was written down by one that had nothing to leave"
    new.sent(signal.SIGTERM)
    assert await new.ends() == 0
    assert heartbeat.read_text() != ""
    assert house.databases.ask("ledger", "SELECT expires FROM leases WHERE name = 'leader'") == [(0,)]
    for name in "ab":
        assert unaccounted(house.settings(name)) == []


async def test_a_second_program_on_the_same_folder_is_refused(house: House) -> None:
    settings = house.settings("a")
    async with Candidate(settings) as first:
        await first.leads()
        with pytest.raises(LedgerTaken, match="give this one a data folder of its own"):
            async with Candidate(settings):
                pass
    assert house.lease()[0] == 1


async def test_beside_a_program_that_knows_no_lease_nobody_leads(house: House) -> None:
    facts = Database(house.url, name="ledger")
    await facts.open()
    older = FactStore(facts)
    await older.claim()
    async with Candidate(house.settings("a")) as refused:
        with pytest.raises(LedgerTaken, match="another program stores facts"):
            await refused.leads()
    assert house.databases.ask("ledger", "SELECT count(*) FROM leases") == [(0,)]
    await older.close()
    await facts.close()


async def test_web_processes_hand_on_to_where_the_lease_says(house: House) -> None:
    settings = house.settings("a")
    forward = Forward("http://127.0.0.1:1", ())
    finder = LeaderFinder(settings, forward)
    looking = asyncio.create_task(finder.run())
    async with Candidate(settings) as first:
        await first.leads()
        async with asyncio.timeout(WITHIN_S):
            while forward.leader.port != settings.web.port:  # noqa: ASYNC110 - a state, not an event
                await asyncio.sleep(0.01)
    second = house.settings("b")
    async with Candidate(second) as other, asyncio.timeout(WITHIN_S):
        await other.leads()
        while forward.leader.port != second.web.port:  # noqa: ASYNC110 - a state, not an event
            await asyncio.sleep(0.01)
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
