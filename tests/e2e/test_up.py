"""The way of an operator: `hotline init`, `hotline prepare`, `hotline up`, signing in, the end."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from directory import credentials, seed
from hotline import configuration
from hotline.content import PROJECT
from hotline.keeping import unaccounted
from hotline.settings import Settings
from tests.support.ports import own
from web.passwords import Passwords

PORTS = own()
ANSWERS = {
    "data": "data",
    "zone": "",
    "web_host": "",
    "web_port": str(PORTS.web),
    "origin": "",
    "redis": "",
    "sip_address": "",
    "sip_port": str(PORTS.sip),
    "ami_port": str(PORTS.ami),
    "rtp": f"{PORTS.sound[0]}-{PORTS.sound[99]}",
    "trunk": "127.0.0.2",
    "dtmf": "info",
}
"""What a person types, question by question; nothing for the default."""
RETURNED_MAIL = """
[mail]
host = "127.0.0.1"
port = 9
sender = "hotline@bank.example"
returns = "hotline+*@bank.example"
returns_maildir = "HOME/returned"
"""

pytestmark = pytest.mark.asterisk


async def hotline(home: Path, *arguments: str, typed: str = "") -> tuple[int, str]:
    """Exit status and everything that was printed; `typed` is what a person would type."""
    process = await asyncio.create_subprocess_exec(
        *_command(arguments),
        cwd=home,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(typed.encode()), 120)
    return process.returncode or 0, output.decode()


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "hotline", *arguments]


class Up:
    """A running `hotline up`, and what it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._said: list[str] = []

    async def says(self, text: str) -> None:
        """Returns with the first line from now on that has `text`; AssertionError with all if none comes."""
        assert self.process.stderr is not None
        try:
            async with asyncio.timeout(60):
                while line := (await self.process.stderr.readline()).decode():
                    self._said.append(line)
                    if text in line:
                        return
        except TimeoutError:
            pass
        raise AssertionError(f"{text!r} was not said:\n{''.join(self._said)}")


@asynccontextmanager
async def up(home: Path) -> AsyncIterator[Up]:
    """`hotline up`, once it has seen its node; stopped as an operator stops it."""
    process = await asyncio.create_subprocess_exec(
        *_command(["up"]), cwd=home, stderr=asyncio.subprocess.PIPE
    )
    running = Up(process)
    try:
        await running.says("telephony.reconciled")
        yield running
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 60)


@pytest.fixture
async def home(tmp_path: Path) -> Path:
    """A folder with settings as `hotline init` writes them, and nothing else."""
    status, said = await hotline(tmp_path, "init", typed="\n".join(ANSWERS.values()) + "\n")
    assert status == 0, said
    # Who signs in below does so to look at something else than passwords.
    with (tmp_path / "hotline.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n[session]\nchange_initial = false\n")
    return tmp_path


async def prepared(home: Path) -> Mapping[str, str]:
    """`hotline prepare` where people have passwords already, cheap ones: staff number → password."""
    (home / "data").mkdir(mode=0o750)
    file = home / "data" / "credentials.yaml"
    issued = credentials.issue(file, seed.load(seed.DEMO), passwords=Passwords(cheap=True))
    status, said = await hotline(home, "prepare")
    assert status == 0, said
    return issued.passwords


async def test_serve_makes_no_passwords_that_nobody_is_told(home: Path) -> None:
    for command in ("serve", "up"):
        status, said = await hotline(home, command)
        assert status == 2, said
        assert "`hotline prepare`" in said
    assert not (home / "data" / "credentials.yaml").exists()


async def test_from_settings_to_a_sign_in_and_back(home: Path) -> None:
    status, said = await hotline(home, "prepare", "--sign-ins", "sign-ins.txt")
    assert status == 0, said
    handed_out = home / "sign-ins.txt"
    assert handed_out.stat().st_mode & 0o777 == 0o600
    rows = {
        match[1]: match[2]
        for match in re.finditer(r"^(\d{4,8})\s+(\S+)\s+\d{6}", handed_out.read_text(), re.M)
    }
    assert len(rows) == 29
    assert not any(password in said for password in rows.values())
    async with up(home) as running:
        asked, answer = await hotline(home, "asterisk", "node1", "--ask", "pjsip show endpoint carrier")
        assert (asked, "info" in answer) == (0, True), answer
        status, said = await hotline(home, "reload", "--telephones", "--queues")
        assert status == 0, said
        await _signs_in(rows["8001"])
        assert running.process.returncode is None
    assert running.process.returncode == 0
    assert not (home / "data" / "node1" / "run" / "asterisk.ctl").exists()
    status, said = await hotline(home, "prepare")
    assert (status, "everyone has a password and a PIN already" in said) == (0, True), said
    status, said = await hotline(home, "prepare", "--renew", "8001")
    assert status == 0
    assert re.search(r"^8001 ", said, re.M)
    assert rows["8001"] not in said


async def test_check_says_what_is_wrong_and_what_to_do(home: Path) -> None:
    """Before anything is there; running; with an agent whom Asterisk has lost; after the service has died."""
    status, said = await hotline(home, "check")
    assert status == 1
    assert errors(said) == {
        "credentials": "`hotline prepare`",
        "main database": "start the service once: it migrates",
        "ledger database": "start the service once: it migrates",
        "files of node1": "`hotline prepare`",
        "service beside node1": "`hotline up`, or start its unit",
        "AMI of node1": "`hotline prepare`",
        "queues of node1": "mend what is said above first",
    }
    assert not (home / "data").exists()
    rows = await prepared(home)
    async with up(home):
        status, said = await hotline(home, "check")
        assert (status, errors(said)) == (0, {}), said
        assert "queues and members as the service says" in said
        await _asks(rows["1001"], "/api/agent/login", {"device": "d031"})
        status, said = await hotline(home, "check", "--quiet")
        assert (status, said) == (0, ""), said
        await hotline(home, "asterisk", "node1", "--ask", "queue remove member PJSIP/d031 from card-cmn")
        status, said = await hotline(home, "check", "--quiet")
        assert status == 1
        assert "is not_ready here, but no member of card-cmn" in said
        (home / "data/node1/etc/queues.conf").write_text("; somebody else's\n", "utf-8")
        status, said = await hotline(home, "check", "--quiet")
        assert errors(said)["files of node1"] == "`hotline prepare`, then `hotline reload`"
    status, said = await hotline(home, "check", "--quiet")
    assert errors(said)["service beside node1"] == "start it and read its log"
    assert "nobody answers at 127.0.0.1" in said


async def test_everything_is_lost_and_comes_back_from_a_backup(home: Path) -> None:
    """Made while the service runs; then the whole data folder is gone.

    Whatever the running system has made in it is in the backup, or said to be made anew.
    """
    settings = _with_all_there_is(home)
    rows = await prepared(home)
    async with up(home):
        await _asks(rows["1001"], "/api/agent/login", {"device": "d031"})
        key = (home / "data/returns.key").read_bytes()
        flow = home / "flows/95559.yaml"
        flow.write_text(flow.read_text("utf-8").replace("timeout_s: 5", "timeout_s: 20"), "utf-8")
        for what in ("publish", "back"):
            status, said = await hotline(home, "flow", what)
            assert status == 0, said
        voice = home / "data/node1/recordings/voice-agent.wav"
        voice.write_bytes(b"RIFF a voice")
        status, said = await hotline(home, "restore", "nowhere")
        assert (status, "no folder nowhere" in said) == (2, True)
        status, said = await hotline(home, "backup", "backups")
        assert status == 0, said
        made = said.splitlines()[-1]
        status, said = await hotline(home, "restore", made)
        assert status == 2
        assert "the service runs on these data" in said
        assert unaccounted(settings) == []
    assert unaccounted(settings) == []
    (home / "data/pin.key").touch()
    assert unaccounted(settings) == [home / "data/pin.key"]
    assert (home / made / "settings/hotline.toml").read_bytes() == (home / "hotline.toml").read_bytes()
    shutil.rmtree(home / "data")
    status, said = await hotline(home, "restore", made)
    assert status == 0, said
    assert (home / "data/returns.key").read_bytes() == key
    assert voice.read_bytes() == b"RIFF a voice"
    status, said = await hotline(home, "prepare")
    assert (status, "everyone has a password and a PIN already" in said) == (0, True), said
    assert "to which somebody went back" in said
    async with up(home):
        status, said = await hotline(home, "check", "--quiet")
        assert errors(said) == {}, said
        agents = await _asks(rows["8001"], "/api/agents", staff="8001")
        (agent,) = [one for one in agents["agents"] if one["agent"] == "1001"]
        assert (agent["state"], agent["device"]) == ("not_ready", "d031")


def _with_all_there_is(home: Path) -> Settings:
    """Settings with which the service makes every file it can, and a flow of one's own; with whole paths."""
    file = home / "hotline.toml"
    shutil.copytree(PROJECT / "ivr/flows", home / "flows")
    for folder in ("new", "cur", "tmp"):
        (home / "returned" / folder).mkdir(parents=True)
    words = (f'flows = "{home}/flows"', file.read_text("utf-8"), RETURNED_MAIL.replace("HOME", str(home)))
    file.write_text("\n".join(words), "utf-8")
    found = configuration.load(file, {})
    nodes = tuple(
        node.model_copy(update={"directory": home / node.directory, "accounts": home / node.accounts})
        for node in found.nodes
    )
    return found.model_copy(update={"data_dir": home / found.data_dir, "nodes": nodes})


async def test_a_backup_that_is_not_what_was_written_restores_nothing(home: Path) -> None:
    await prepared(home)
    async with up(home):
        pass
    status, said = await hotline(home, "backup", "backups", "--without-recordings")
    made = home / said.splitlines()[-1]
    before = (home / "data/credentials.yaml").read_bytes()
    status, said = await hotline(home, "restore", str(made), "--check")
    assert (status, "whole" in said) == (0, True), said
    (made / "credentials.yaml").write_bytes(before.replace(b"1001", b"1002"))
    status, said = await hotline(home, "restore", str(made))
    assert (status, "credentials.yaml is not what was written" in said) == (2, True), said
    (made / "ledger/database.db").unlink()
    (made / "credentials.yaml").write_bytes(before)
    status, said = await hotline(home, "restore", str(made))
    assert (status, "database.db is missing" in said) == (2, True), said
    assert (home / "data/credentials.yaml").read_bytes() == before
    assert not list((home / "data").glob("*before-restore*"))


def errors(said: str) -> dict[str, str]:
    """What each error is about → its remedy."""
    found = re.findall(r"^error +([^:]+): .* → (.*)$", said, re.M)
    return dict(found)


async def _asks(
    password: str, path: str, body: dict[str, str] | None = None, *, staff: str = "1001"
) -> dict[str, Any]:
    """Signed in as `staff`: GET, or POST with a body."""
    address = f"http://127.0.0.1:{PORTS.web}"
    async with aiohttp.ClientSession(
        address, headers={"Origin": address}, cookie_jar=aiohttp.CookieJar(unsafe=True)
    ) as client:
        async with client.post("/api/session", json={"staff": staff, "password": password}) as answer:
            token = (await answer.json())["csrf_token"]
        method = "GET" if body is None else "POST"
        async with client.request(method, path, json=body, headers={"X-CSRF-Token": token}) as answer:
            assert answer.status < 300, await answer.text()
            found: dict[str, Any] = await answer.json()
            return found


async def _signs_in(password: str) -> None:
    address = f"http://127.0.0.1:{PORTS.web}"
    async with aiohttp.ClientSession(address, headers={"Origin": address}) as client:
        async with client.post("/api/session", json={"staff": "8001", "password": password}) as answer:
            assert answer.status in (200, 201), await answer.text()
        async with client.get("/ready") as answer:
            assert answer.status == 200, await answer.text()


async def test_asterisk_is_started_again_when_it_dies(home: Path) -> None:
    await prepared(home)
    async with up(home) as running:
        before = _pid_of_asterisk(home)
        os.kill(before, signal.SIGKILL)
        await running.says("Asterisk is back")
        await running.says("telephony.reconciled")
        assert _pid_of_asterisk(home) != before


def _pid_of_asterisk(home: Path) -> int:
    return int((home / "data" / "node1" / "run" / "asterisk.pid").read_text())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["asterisk", "node7"], "no node 'node7'; there is: node1"),
        (["reload", "node7"], "no node 'node7'; there is: node1"),
        (["asterisk", "node1"], "`hotline prepare` makes it"),
        (["prepare", "--renew", "1"], "no credentials to renew"),
    ],
)
async def test_what_cannot_be_says_what_to_do(home: Path, arguments: list[str], says: str) -> None:
    status, said = await hotline(home, *arguments)
    assert status == 2, said
    assert says in said
