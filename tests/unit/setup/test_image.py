"""setup/image.sh: the steps that images are built of, run in a checkout of the setup files alone.

As in test_run: real bash, and scripts in the place of what would change this machine.
"""

import subprocess
from pathlib import Path
from shutil import copytree

import pytest

from tests.unit.setup.test_run import ROOT, fake, fake_mmdebstrap, fake_npm

PYTHONS = ("python3", "python3.13", "python3.12", "python3.11")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A machine without anything of ours: `app` holds the set-up, `bin` what would change the machine."""
    copytree(ROOT / "setup", tmp_path / "app/setup")
    for name in ("setup.cfg", "pyproject.toml", "constraints.txt"):
        (tmp_path / "app" / name).write_text("", "utf-8")
    for name in ("apt-get", "groupadd", "useradd", "chown"):
        fake(tmp_path / "bin", name, f'echo {name} "$@" >> {tmp_path}/asked')
    fake(tmp_path / "bin", "id", "echo 0")
    for name in PYTHONS:
        fake(tmp_path / "bin", name, "exit 1")
    return tmp_path


def step(home: Path, name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [home / "app/setup/image.sh", name],
        cwd=home,
        env={
            "PATH": f"{home}/bin:/usr/bin:/bin",
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "HOTLINE_CACHE": f"{home}/opt",
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def asked(home: Path) -> list[str]:
    return (home / "asked").read_text("utf-8").splitlines()


def test_the_ground_is_python_an_account_and_folders_of_its_own(home: Path) -> None:
    done = step(home, "ground")
    assert done.returncode == 0, done
    update, install, group, user, *owners = asked(home)
    assert update == "apt-get update"
    assert install.endswith("install --yes --no-install-recommends python3 python3-venv")
    assert group == "groupadd --gid 9559 hotline"
    assert f"--uid 9559 --gid 9559 --home-dir {home} " in user
    assert "--shell /usr/sbin/nologin hotline" in user
    folders = [home / name for name in ("data", "nodes", "cache")]
    assert owners == [f"chown 9559:9559 {folder}" for folder in folders]
    assert [folder.stat().st_mode & 0o777 for folder in folders] == [0o750] * 3


def test_the_program_comes_without_what_developers_need_and_compiled(home: Path) -> None:
    made = home / "app/.venv"
    fake(
        home / "bin",
        "python3",
        f"""[ "$1" = -c ] && exit 0
        mkdir -p {made}/bin; echo "VIRTUAL_ENV={made}" > {made}/bin/activate
        printf '#!/bin/bash\\n[ "$1" = -c ] || echo "$@" >> {home}/asked\\n' > {made}/bin/python
        chmod +x {made}/bin/python""",
    )
    done = step(home, "program")
    assert done.returncode == 0, done
    install, compiled = asked(home)
    assert install.startswith("-m pip install ")
    assert install.endswith(f"--constraint {home}/app/constraints.txt --editable {home}/app")
    assert compiled == rf"-m compileall -q -x /\.venv/ {home}/app"


def test_asterisk_is_the_one_of_run_behind_a_link_that_stays(home: Path) -> None:
    fake_mmdebstrap(home, "22.10.1")
    done = step(home, "asterisk")
    assert done.returncode == 0, done
    assert (home / "opt/asterisk").is_symlink()
    assert (home / "opt/asterisk/usr/sbin/asterisk").exists()


def test_a_build_stops_at_an_asterisk_of_the_wrong_version(home: Path) -> None:
    fake_mmdebstrap(home, "23.1.0")
    done = step(home, "asterisk")
    assert done.returncode == 3
    assert "now holds Asterisk 23.1.0" in done.stderr


def test_the_voice_is_asked_for_by_its_package(home: Path) -> None:
    packages = home / "app/setup/packages.sh"
    signs = packages.read_text("utf-8")
    packages.write_text(signs.replace("[espeak-ng]=espeak-ng", "[espeak-ng]=no-such-program"), "utf-8")
    assert step(home, "prompts").returncode == 0
    assert asked(home)[-1].endswith("--no-install-recommends espeak-ng")


def test_the_pages_telephone_is_where_the_service_looks_for_it(home: Path) -> None:
    fake_npm(home / "app")
    (home / "app/bin/npm").rename(home / "bin/npm")
    done = step(home, "page")
    assert done.returncode == 0, done
    assert (home / "app/frontend/agent/lib/jssip.js").read_text("utf-8") == "telephone\n"


@pytest.mark.parametrize("name", ["", "service"])
def test_an_unknown_step_is_refused(home: Path, name: str) -> None:
    done = step(home, name)
    assert done.returncode == 3
    assert "ground, program, asterisk, page or prompts" in done.stderr
    assert not (home / "asked").exists()


def test_a_failed_installation_stops_the_build(home: Path) -> None:
    fake(home / "bin", "apt-get", "echo 'E: Failed to fetch'; exit 1")
    done = step(home, "ground")
    assert done.returncode == 3
    assert "installing the packages python3 python3-venv failed: the network" in done.stderr
    assert not (home / "data").exists()
