"""`./run upgrade` as docs/operations.md has it: by a user without rights, sudo and the shipped sudoers file.

In a mount namespace of its own, where /srv, /etc/passwd, /etc/sudoers.d and systemctl are the test's. No
systemd runs there: `fake_systemctl` starts and stops what the shipped unit says. Nothing of the machine is
touched.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hotline.commands import healthy
from hotline.content import PROJECT
from tests.e2e.test_upgrade import PORTS, Site, prepared
from tests.e2e.test_upgrade import site as site  # noqa: PLC0414 - a fixture
from tests.support.exchange import until

USER = 59_559
"""Of the service's user and group, whom this machine need not have."""
SETTINGS = f"""\
data_dir = "HOME/data"
[web]
port = {PORTS.web}
"""
AS_IT_IS_DOCUMENTED = ("sudo", "-u", "hotline", "--preserve-env=HOTLINE_CONFIG,HOTLINE_CACHE", "./run")


def lacking() -> str:
    """What this machine does not have of what it takes; "" if it has all."""
    if os.geteuid() != 0:
        return "it takes root: to be another user, and to mount"
    for program in ("sudo", "visudo", "unshare", "systemctl"):
        if shutil.which(program) is None:
            return f"{program} is not installed here"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        return "nothing can be mounted here"
    if hidden(PROJECT) or hidden(Path(sys.prefix)):
        return "this checkout lies where another user may not read"
    return ""


def hidden(path: Path) -> Path | None:
    """The outermost folder above `path` into which another user may not go."""
    return next((one for one in reversed((path, *path.parents)) if not one.stat().st_mode & 0o001), None)


def python_to_be_seen() -> list[str]:
    """What has to be mounted so that another user may run the Python of these tests."""
    base = Path(sys.base_prefix).resolve()
    over = hidden(base)
    if over is None:
        return []
    return [
        "mkdir /srv/python",
        f"mount --bind {base} /srv/python",
        f"mount -t tmpfs -o mode=755 none {over}",
        f"mkdir -p {base}",
        f"mount --bind /srv/python {base}",
    ]


class World:
    """The namespace: what runs in it sees the site at /srv/hotline, its user `hotline`, and our systemctl."""

    def __init__(self, site: Site) -> None:
        self._home = site.home
        self._things = site.home / "world"
        self._things.mkdir()
        users = {"passwd": f"hotline:*:{USER}:{USER}::/srv/hotline:/bin/sh", "group": f"hotline:*:{USER}:"}
        for name, line in users.items():
            (self._things / name).write_text(f"{Path('/etc', name).read_text('utf-8')}{line}\n", "utf-8")
        shutil.copytree(PROJECT / "deploy/systemd", self._things / "units")
        shutil.copytree(PROJECT / "deploy/sudoers.d", self._things / "sudoers.d")
        (self._things / "sudoers.d/hotline").chmod(0o440)
        fake = (PROJECT / "tests/e2e/fake_systemctl.py").read_text("utf-8")
        (self._things / "systemctl").write_text(f"#!{sys.executable}\n{fake}", "utf-8")
        (self._things / "systemctl").chmod(0o755)

    async def run(self, *words: str) -> tuple[int, str]:
        """Exit status and all that a command of root's says in there, in the release in place."""
        binds = {
            "/srv/hotline": self._home,
            "/etc/passwd": self._things / "passwd",
            "/etc/group": self._things / "group",
            "/etc/sudoers.d": self._things / "sudoers.d",
            "/etc/systemd/system": self._things / "units",
            "/usr/bin/systemctl": self._things / "systemctl",
        }
        mounts = [f"mount --bind {source} {target}" for target, source in binds.items()]
        steps = [
            "mount -t tmpfs none /srv",
            "mkdir /srv/hotline",
            *mounts,
            *python_to_be_seen(),
            "cd /srv/hotline/app",
            'exec "$@"',
        ]
        process = await asyncio.create_subprocess_exec(
            *("unshare", "--mount", "sh", "-c", " && ".join(steps), "sh", *words),
            env={"PATH": os.environ["PATH"], "HOTLINE_CONFIG": "/srv/hotline/hotline.toml"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 240)
        return process.returncode or 0, output.decode()

    def runs_as(self) -> int:
        """The user of the service's process."""
        pid = (self._home / "pids/hotline.pid").read_text("ascii")
        return Path("/proc", pid).stat().st_uid


@pytest.fixture
async def world(site: Site) -> AsyncIterator[World]:
    """A release in place that belongs to `hotline`, its service running, another version to be had."""
    if why := lacking():
        pytest.skip(why)
    await prepared(site, SETTINGS)
    (site.origin / "README.md").write_text("another\n", "utf-8")
    site.commit("main")
    (site.home / "app").unlink()
    (site.home / "app").symlink_to(Path("releases", site.releases()[0].name))
    for path in (site.home, *site.home.rglob("*")):
        os.chown(path, USER, USER, follow_symlinks=False)
    made = World(site)
    try:
        status, said = await made.run("systemctl", "start", "hotline")
        assert status == 0, said
        try:
            await until(lambda: not healthy.problem("127.0.0.1", PORTS.web), "the service to be ready")
        except AssertionError as late:
            raise AssertionError(f"{late}\n{site.log()}") from late
        yield made
    finally:
        await made.run("systemctl", "stop", "hotline")


async def test_a_user_without_rights_upgrades_and_rolls_back_and_may_do_nothing_else(
    site: Site, world: World
) -> None:
    first = site.in_place
    status, said = await world.run("visudo", "--check", "--strict", "--file=/etc/sudoers.d/hotline")
    assert status == 0, said
    status, said = await world.run(*AS_IT_IS_DOCUMENTED, "upgrade")
    assert status == 0, f"{said}\n{site.log()}"
    assert "upgraded: " in said
    assert site.in_place != first
    assert site.owners(site.in_place) == {USER}
    assert healthy.problem("127.0.0.1", PORTS.web) == ""
    assert world.runs_as() == USER
    status, said = await world.run(*AS_IT_IS_DOCUMENTED, "roll-back")
    assert (status, site.in_place) == (0, first), f"{said}\n{site.log()}"
    for words in (("systemctl", "stop", "ssh"), ("systemctl", "stop"), ("id",)):
        status, said = await world.run("sudo", "-u", "hotline", "sudo", "--non-interactive", *words)
        assert (status, "a password is required" in said) == (1, True), said
