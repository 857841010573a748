"""What the containers start, started here: an image's files, the shipped settings, compose's commands.

No engine: no namespaces, no read-only root. All else is real, Asterisk too; folders stand for volumes.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.images import DOCKER, HOME, compose, copy_context, parse, stages
from tests.support.ports import own

PORTS = own()
CHANGED = {
    "[web]": f"[web]\nport = {PORTS.web}",
    'name = "node1"': f'name = "node1"\nport = {PORTS.ami}\nsip_port = {PORTS.sip}\n'
    f"rtp_first = {PORTS.sound[0]}\nrtp_last = {PORTS.sound[99]}",
}

pytestmark = pytest.mark.asterisk


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """What is /srv/hotline in a container; only the ports differ, since other tests run beside this one."""
    copy_context(tmp_path / "app")
    (tmp_path / "settings").mkdir()
    text = (DOCKER / "settings/hotline.toml").read_text("utf-8").replace(str(HOME), str(tmp_path))
    for line, changed in CHANGED.items():
        assert text.count(f"{line}\n") == 1
        text = text.replace(f"{line}\n", f"{changed}\n")
    (tmp_path / "settings/hotline.toml").write_text(text, "utf-8")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/hotline"  # stands for that of the image's own .venv
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -B -m hotline "$@"\n', "utf-8")
    program.chmod(0o755)
    return tmp_path


async def start(home: Path, words: Sequence[str], **more: Any) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *words,
        cwd=home / "app",
        env={
            **os.environ,
            "PATH": f"{home}/bin:{os.environ['PATH']}",
            "HOTLINE_CONFIG": f"{home}/settings/hotline.toml",
        },
        stdin=asyncio.subprocess.DEVNULL,
        **more,
    )


async def output(home: Path, words: Sequence[str]) -> tuple[int, str]:
    process = await start(home, words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    said, _ = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode or 0, said.decode()


def entry(home: Path, service: str, *arguments: str) -> list[str]:
    """The words a container of this service starts with; `arguments` stand in the place of its command."""
    (script,) = stages()["service"].last("ENTRYPOINT").words
    return [script.replace(str(HOME), str(home)), *(arguments or compose()["services"][service]["command"])]


def check(image: str) -> list[str]:
    """The words of the image's health check."""
    command = stages()[image].last("HEALTHCHECK").rest
    return parse(f"ARG X\nFROM x AS x\n{command}")[1]["x"].last("CMD").words


@asynccontextmanager
async def running(home: Path, service: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The container's process; stopped as the engine stops it, in the time that compose gives it."""
    process = await start(home, entry(home, service), stderr=asyncio.subprocess.PIPE)
    seconds = int(compose()["services"][service]["stop_grace_period"].removesuffix("s"))
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.communicate(), seconds)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def says(process: asyncio.subprocess.Process, text: str) -> None:
    """Returns with the first line on standard error that has `text`."""
    assert process.stderr is not None
    said = []
    async with asyncio.timeout(60):
        while line := (await process.stderr.readline()).decode():
            said.append(line)
            if text in line:
                return
    raise AssertionError(f"{text!r} was not said:\n{''.join(said)}")


async def test_prepared_once_then_well_then_stopped(home: Path) -> None:
    status, said = await output(home, entry(home, "tools", "prepare"))
    assert status == 0, said
    assert "made just now, and shown at no other time" in said
    assert (await output(home, check("service")))[0] == 1
    async with running(home, "asterisk") as asterisk, running(home, "service") as service:
        await says(service, "telephony.reconciled")
        assert await output(home, check("service")) == (0, "well\n")
        status, said = await output(home, check("asterisk"))
        assert (status, "System uptime" in said) == (0, True), said
        status, said = await output(home, entry(home, "tools"))
        assert (status, "error " in said) == (0, False), said
    assert (service.returncode, asterisk.returncode) == (0, 0)
    assert (await output(home, check("asterisk")))[0] != 0
    kept_to_the_volumes(home)


def kept_to_the_volumes(home: Path) -> None:
    """Nothing was written but where volumes are, and for owner and group alone."""
    data = [file for file in (home / "data").rglob("*") if file.is_file()]
    assert {"hotline.db", "ledger.db", "credentials.yaml", "node1-accounts.json"} <= {
        one.name for one in data
    }
    assert [one for one in data if one.stat().st_mode & 0o007] == []
    left = {one.name for one in home.iterdir()} - {"app", "bin", "settings"}
    assert left == {"data", "nodes"}
    assert not list((home / "app").glob("var"))


async def test_nothing_starts_before_it_has_been_prepared(home: Path) -> None:
    for service in ("service", "asterisk"):
        status, said = await output(home, entry(home, service))
        assert status == 2, said
        assert "`hotline prepare`" in said
