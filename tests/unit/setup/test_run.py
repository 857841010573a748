"""./run and its steps: what is set up when, and the one line it says where it cannot go on.

The steps run in a real bash; only programs that would change the machine (apt-get, pip, mmdebstrap) are
played by scripts that `fake` writes.
"""

import fcntl
import os
import select
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
STEPS = "set -euo pipefail; for step in common packages python asterisk; do . setup/$step.sh; done;"


@pytest.fixture
def sandbox(tmp_path: Path) -> Path:
    """A checkout of the setup files alone, with its own cache and a folder of fakes first in the PATH."""
    (tmp_path / "setup").symlink_to(ROOT / "setup")
    for name in ("setup.cfg", "pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text("", "utf-8")
    (tmp_path / "bin").mkdir()
    return tmp_path


def fake(folder: Path, name: str, script: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/bash\n{script}\n", "utf-8")
    file.chmod(0o755)
    return file


def bash(sandbox: Path, script: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{sandbox}/bin:/usr/bin:/bin", "HOME": str(sandbox), "LC_ALL": "C.UTF-8", **more}
    return subprocess.run(
        ["bash", "-c", f"checkout={sandbox}; {STEPS} {script}"],
        cwd=sandbox,
        env={"HOTLINE_CACHE": f"{sandbox}/cache", **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
        stdin=subprocess.DEVNULL,
    )


def refused(sandbox: Path, script: str) -> str:
    done = bash(sandbox, script)
    assert done.returncode == 3, done
    return done.stderr.splitlines()[-1]


# ------------------------------------------------------------------ the command itself


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / "run", *arguments], check=False, capture_output=True, text=True, timeout=30)


def test_help_names_every_command() -> None:
    done = run("help")
    assert done.returncode == 0
    for command in ("demo", "test", "bench", "lint", "setup"):
        assert f"./run {command}" in done.stdout


def test_an_unknown_command_is_refused() -> None:
    done = run("dmeo")
    assert done.returncode == 3
    assert done.stderr.endswith("./run: there is no command 'dmeo'\n")


def test_an_unknown_kind_of_test_is_refused_before_any_set_up() -> None:
    done = run("test", "units")
    assert done.returncode == 3
    assert "'units' is no kind of test (unit scenarios integration" in done.stderr
    assert done.stdout == ""


def test_what_the_program_prints_is_not_mixed_with_progress() -> None:
    done = run("hotline", "flow", "draw")
    assert done.returncode == 0, done
    assert done.stdout.startswith("<svg")


# ------------------------------------------------------------------ steps and how they fail


def test_a_step_runs_quietly_and_leaves_its_log(sandbox: Path) -> None:
    done = bash(sandbox, "quietly 'Say it' echo loud")
    assert done.returncode == 0
    assert "loud" not in done.stdout
    assert "Say it: done in 0 s" in done.stdout
    assert (sandbox / "var/log/setup/Say-it.log").read_text() == "loud\n"


def test_a_step_that_is_interrupted_ends_whole(sandbox: Path) -> None:
    os.mkfifo(sandbox / "started")
    script = f"quietly Long bash -c 'echo $$ > {sandbox}/started; exec sleep 60'"
    run_ = subprocess.Popen(
        ["bash", "-c", f"checkout={sandbox}; {STEPS} {script}"], cwd=sandbox, stdout=subprocess.DEVNULL
    )
    step = os.pidfd_open(int((sandbox / "started").read_text()))
    run_.terminate()
    assert run_.wait(timeout=10) == 130
    ended, _, _ = select.select([step], [], [], 10)
    os.close(step)
    assert ended


@pytest.mark.parametrize(
    ("logged", "advice"),
    [
        ("E: Unable to fetch: Temporary failure resolving 'x'", "the network or its proxy"),
        ("pip: No matching distribution found for x", "the network or its proxy"),
        ("tar: write error: No space left on device", "the disk is full"),
        ("E: Could not get lock /var/lib/dpkg/lock", "another package installer is at work"),
        ("something else", "read the log"),
    ],
)
def test_a_failed_step_says_what_to_do(sandbox: Path, logged: str, advice: str) -> None:
    said = refused(sandbox, f"quietly Fetch bash -c \"echo '{logged}'; exit 1\" || failed 'fetching it'")
    assert said.startswith(f"./run: fetching it failed: {advice}")
    assert said.endswith(f"(log: {sandbox}/var/log/setup/Fetch.log)")


def test_a_full_disk_is_noticed_before_anything_is_fetched(sandbox: Path) -> None:
    said = refused(sandbox, 'room "$cache" 999999999')
    assert "MB free and set-up needs 999999999 MB" in said
    assert "HOTLINE_CACHE" in said


def test_without_root_or_sudo_the_packages_are_named(sandbox: Path) -> None:
    fake(sandbox / "bin", "id", "echo 1000")
    fake(sandbox / "bin", "sudo", "exit 1")
    fake(sandbox / "bin", "apt-get", "exit 0")
    said = refused(sandbox, "missing=(espeak-ng mmdebstrap); install_missing")
    assert "run 'apt-get install espeak-ng mmdebstrap', then start again" in said


def test_with_sudo_packages_are_installed_in_one_go(sandbox: Path) -> None:
    fake(sandbox / "bin", "id", "echo 1000")
    fake(sandbox / "bin", "sudo", 'shift; exec "$@"')
    fake(sandbox / "bin", "apt-get", f'echo "$@" >> {sandbox}/asked')
    done = bash(sandbox, "missing=(one two); install_missing")
    assert done.returncode == 0, done
    asked = (sandbox / "asked").read_text().splitlines()
    assert asked[0] == "update"
    assert asked[1].endswith("install --yes --no-install-recommends one two")


def test_only_what_is_not_there_is_wanted(sandbox: Path) -> None:
    files = "[c]=/etc/passwd [d]=/no/such/file [e]='/etc/pass?d' [f]='/no/*'"
    signs = f"sign_of=([a]=bash [b]=no-such-program {files})"
    assert bash(sandbox, f"{signs}; want a b c d e f; echo ${{missing[*]}}").stdout == "b d f\n"


def test_installing_postgresql_makes_no_cluster_and_leaves_no_note(sandbox: Path) -> None:
    fake(sandbox / "bin", "id", "echo 0")
    note = sandbox / "createcluster.d/none.conf"
    fake(sandbox / "bin", "apt-get", f'[ "$1" = update ] || cat {note} > {sandbox}/asked; exit 1')
    done = bash(sandbox, f"cluster_note={note}; missing=(tzdata postgresql); install_missing")
    assert "installing the packages tzdata postgresql failed" in done.stderr
    assert (sandbox / "asked").read_text() == "create_main_cluster = false\n"
    assert not note.exists()


def test_a_second_run_waits_for_the_first(sandbox: Path) -> None:
    (sandbox / "cache").mkdir()
    with (sandbox / "cache/.lock-asterisk").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = subprocess.Popen(
            ["bash", "-c", f"checkout={sandbox}; {STEPS} under_lock asterisk; echo mine"],
            cwd=sandbox,
            env={**os.environ, "HOTLINE_CACHE": f"{sandbox}/cache"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert waiting.stdout is not None
        assert "another ./run is setting up (asterisk): waiting" in waiting.stdout.readline()
    assert waiting.communicate(timeout=10)[0] == "mine\n"


# ------------------------------------------------------------------ Python


def fake_venv(sandbox: Path, script: str) -> None:
    """An environment made in this checkout, whose interpreter is `script`."""
    fake(sandbox / ".venv/bin", "python", script)
    (sandbox / ".venv/bin/activate").write_text(f"VIRTUAL_ENV={sandbox}/.venv\n", "utf-8")


def test_an_environment_from_elsewhere_is_made_anew(sandbox: Path) -> None:
    installs = f'[ "$1" = -c ] || echo "$@" >> {sandbox}/asked'
    fake_venv(sandbox, installs)
    (sandbox / ".venv/bin/activate").write_text("VIRTUAL_ENV=/moved/away/.venv\n", "utf-8")
    fake(sandbox / "bin", "python3", f'[ "$1" = -c ] || echo made anew >> {sandbox}/asked')
    assert bash(sandbox, "set_up_python").returncode == 0
    assert (sandbox / "asked").read_text().startswith("made anew\n-m pip install")


def test_python_packages_are_installed_once_per_recipe(sandbox: Path) -> None:
    fake_venv(sandbox, f'[ "$1" = -c ] || echo "$@" >> {sandbox}/asked')

    def installs() -> int:
        assert bash(sandbox, "set_up_python dev").returncode == 0
        return len((sandbox / "asked").read_text().splitlines())

    assert [installs(), installs()] == [1, 1]
    assert bash(sandbox, "set_up_python").returncode == 0  # those for developers include the others
    (sandbox / "constraints.txt").write_text("x==1\n", "utf-8")
    assert installs() == 2


def test_a_failed_installation_is_tried_again(sandbox: Path) -> None:
    fake_venv(sandbox, '[ "$1" = -c ] || { echo "Connection refused"; exit 1; }')
    for _ in range(2):
        assert "installing the Python packages failed: the network" in refused(sandbox, "set_up_python")


# ------------------------------------------------------------------ Asterisk


@pytest.mark.parametrize(
    ("version", "fits"),
    [
        ("22.10.1", True),
        ("22.10.2", True),
        ("22.11.0", True),
        ("22.10.0", False),
        ("22.9.0", False),
        ("20.15.0", False),
        ("23.0.0", False),
        ("", False),
    ],
)
def test_which_asterisk_will_do(sandbox: Path, version: str, fits: bool) -> None:
    assert (bash(sandbox, f"asterisk_fits '{version}'").returncode == 0) is fits


def test_a_package_version_is_understood(sandbox: Path) -> None:
    assert bash(sandbox, "version_in <<< 'Asterisk 22.10.1+dfsg+~cs6.17.60671434-1'").stdout == "22.10.1\n"


def fake_mmdebstrap(sandbox: Path, version: str, ending: str = "") -> None:
    """Unpacks a root whose loader runs a script and whose Asterisk tells `version`."""
    fake(
        sandbox / "bin",
        "mmdebstrap",
        f"""root=${{!#}}; mkdir -p $root/usr/lib64 $root/usr/lib/x-linux-gnu $root/usr/sbin
        printf '#!/bin/bash\\nshift 2; exec bash "$@"\\n' > $root/usr/lib64/ld-linux-x.so.2
        echo 'echo Asterisk {version}+dfsg' > $root/usr/sbin/asterisk
        chmod +x $root/usr/lib64/* $root/usr/sbin/*; echo made >> {sandbox}/asked; {ending}""",
    )


SET_UP = "want_asterisk; set_up_asterisk"


def test_asterisk_is_unpacked_once_and_linked(sandbox: Path) -> None:
    fake_mmdebstrap(sandbox, "22.10.1")
    for _ in range(2):
        done = bash(sandbox, SET_UP)
        assert done.returncode == 0, done
        assert "Asterisk 22.10.1+dfsg in " in done.stdout
    assert (sandbox / "asked").read_text() == "made\n"
    root = sandbox / "cache/asterisk"
    assert root.is_symlink()
    assert (root / "lib64/ld-linux-x.so.2").exists()


def test_a_cut_off_download_leaves_nothing_behind(sandbox: Path) -> None:
    fake_mmdebstrap(sandbox, "22.10.1", "echo 'E: Failed to fetch'; exit 1")
    assert "fetching Asterisk failed: the network" in refused(sandbox, SET_UP)
    assert [file.name for file in (sandbox / "cache").iterdir()] == [".lock-asterisk"]


def test_an_asterisk_of_the_wrong_version_is_not_kept(sandbox: Path) -> None:
    fake_mmdebstrap(sandbox, "23.1.0")
    said = refused(sandbox, SET_UP)
    assert "now holds Asterisk 23.1.0" in said
    assert "HOTLINE_ASTERISK_ROOT" in said
    assert not (sandbox / "cache/asterisk").exists()


def test_the_systems_own_asterisk_is_used_if_it_is_new_enough(sandbox: Path) -> None:
    fake(sandbox / "bin", "asterisk", "echo Asterisk 22.11.0")
    fake(sandbox / "bin", "sipp", "echo ' SIPp v3.8.0-TLS'; exit 99")
    done = bash(sandbox, SET_UP)
    assert done.returncode == 0, done
    assert "Asterisk 22.11.0 of this system, SIPp v3.8.0-TLS" in done.stdout
    assert not (sandbox / "cache").exists()


def test_a_machine_that_does_not_know_its_own_name_is_told(sandbox: Path) -> None:
    fake_mmdebstrap(sandbox, "22.10.1")
    fake(sandbox / "bin", "getent", "exit 2")
    done = bash(sandbox, SET_UP)
    assert done.returncode == 0
    assert "to /etc/hosts" in done.stdout


def test_a_root_of_ones_own_is_checked(sandbox: Path) -> None:
    done = bash(sandbox, SET_UP, HOTLINE_ASTERISK_ROOT="/nowhere")
    assert done.returncode == 3
    assert "HOTLINE_ASTERISK_ROOT=/nowhere holds no usr/sbin/asterisk" in done.stderr


# ------------------------------------------------------------------ the telephone of the agents' page

PAGE = ". setup/page.sh; set_up_page"
BUNDLES = r"""echo asked >> SANDBOX/asked
while [ "$1" != --prefix ]; do shift; done
mkdir -p "$2/node_modules/.bin"
esbuild=$2/node_modules/.bin/esbuild
printf '#!/bin/bash\nfor last; do :; done; echo telephone > "${last#--outfile=}"\n' > "$esbuild"
chmod +x "$esbuild"
"""


def fake_npm(sandbox: Path, ending: str = "") -> None:
    """Installs an esbuild that makes one file of nothing."""
    for name in ("package.json", "package-lock.json"):
        file = sandbox / "frontend/agent" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}", "utf-8")
    fake(sandbox / "bin", "npm", BUNDLES.replace("SANDBOX", str(sandbox)) + ending)


def test_the_pages_telephone_is_made_once_and_lent_to_every_checkout(sandbox: Path) -> None:
    fake_npm(sandbox)
    made = sandbox / "frontend/agent/lib/jssip.js"
    for _ in range(2):
        done = bash(sandbox, PAGE)
        assert done.returncode == 0, done
        assert made.read_text() == "telephone\n"
        made.unlink()
    assert (sandbox / "asked").read_text() == "asked\n"
    assert bash(sandbox, ". setup/page.sh; page_was_made").returncode == 0
    (sandbox / "frontend/agent/package-lock.json").write_text("{ }", "utf-8")
    assert bash(sandbox, PAGE).returncode == 0
    assert (sandbox / "asked").read_text() == "asked\nasked\n"


def test_a_telephone_of_the_page_that_was_cut_off_leaves_nothing_behind(sandbox: Path) -> None:
    fake_npm(sandbox, "echo 'npm error network request to x failed, reason: connection refused'; exit 1")
    assert "making the telephone of the agents' page failed: the network" in refused(sandbox, PAGE)
    assert [file.name for file in (sandbox / "cache").iterdir()] == [".lock-page"]
    assert bash(sandbox, ". setup/page.sh; page_was_made").returncode == 1
