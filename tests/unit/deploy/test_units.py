"""The systemd units that ship: what they start exists, and they may do no more than they need."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from hotline.__main__ import COMMANDS, _parse
from hotline.configuration import NOT_SETTINGS, leaves, variable
from hotline.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
TIMERS = sorted((ROOT / "deploy" / "systemd").glob("*.timer"))
HOME = "/srv/hotline"


def service_of(unit: Path) -> dict[str, list[str]]:
    """The [Service] section: key → its values, since systemd lets a key come more than once."""
    return section_of(unit, "Service")


def section_of(unit: Path, name: str) -> dict[str, list[str]]:
    """One section of a unit, or nothing."""
    section = unit.read_text("utf-8").partition(f"[{name}]")[2].partition("\n[")[0]
    found: dict[str, list[str]] = {}
    for line in section.splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def is_a_duty(unit: Path) -> bool:
    """Whether it is done by the clock, and then over."""
    return unit.with_suffix(".timer") in TIMERS


def test_there_is_one_for_the_service_its_standby_each_node_and_each_duty() -> None:
    names = [
        "hotline-asterisk@.service",
        "hotline-proof.service",
        "hotline-standby.service",
        "hotline-web@.service",
        "hotline.service",
    ]
    assert [unit.name for unit in UNITS] == names
    assert [unit.name for unit in TIMERS] == ["hotline-proof.timer"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_that_exists_with_the_checkouts_own_program(unit: Path) -> None:
    service = service_of(unit)
    program, *arguments = service["ExecStart"][0].replace("%i", "node1").split()
    assert program == f"{HOME}/app/.venv/bin/hotline"
    assert arguments[0] in COMMANDS
    assert _parse(arguments).command == arguments[0]
    for line in service["Environment"]:
        assert line.partition("=")[0] in NOT_SETTINGS | {variable(path) for path, _ in leaves(Settings)}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_has_the_least_rights(unit: Path) -> None:
    service = service_of(unit)
    assert service["User"] == ["hotline"]
    assert service["ReadWritePaths"] == [HOME]
    wanted = {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "UMask": "0027"}
    assert {key: service[key][-1] for key in wanted} == wanted


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_what_runs_is_kept_running_and_a_duty_is_done_once(unit: Path) -> None:
    service, install = service_of(unit), section_of(unit, "Install")
    if is_a_duty(unit):
        assert service["Type"] == ["oneshot"]
        assert service["Nice"] == ["19"]  # calls come first
        assert "Restart" not in service  # what it found does not go away by finding it again
        assert install == {}  # its timer is what is enabled
    else:
        assert service["Restart"] == ["always"]
        assert install["WantedBy"] == ["multi-user.target"]


@pytest.mark.parametrize("unit", TIMERS, ids=lambda unit: unit.name)
def test_a_timer_goes_by_the_banks_clock_and_makes_up_for_what_it_missed(unit: Path) -> None:
    timer = section_of(unit, "Timer")
    assert unit.with_suffix(".service") in UNITS
    assert timer["OnCalendar"] == ["*-*-* 04:10:00 Asia/Shanghai"]
    assert timer["Persistent"] == ["yes"]
    assert section_of(unit, "Install")["WantedBy"] == ["timers.target"]


WITH_SYSTEMD = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="this machine has no systemd-analyze"
)


def as_systemd_finds_them(folder: Path) -> list[Path]:
    """All that ships, in a folder, with programs and users that exist here, since it looks for both."""
    made = []
    for unit in (*UNITS, *TIMERS):
        text = unit.read_text("utf-8").replace(f"{HOME}/app/.venv/bin/hotline", "/bin/true")
        aside = folder / unit.name.replace("@", "@node1")
        aside.write_text(text.replace("User=hotline", "User=daemon").replace("Group=hotline", "Group=daemon"))
        made.append(aside)
    return made


@WITH_SYSTEMD
@pytest.mark.parametrize("unit", TIMERS, ids=lambda unit: unit.name)
def test_systemd_itself_knows_when_a_timer_is_due(unit: Path) -> None:
    (when,) = section_of(unit, "Timer")["OnCalendar"]
    subprocess.run(["systemd-analyze", "calendar", when], capture_output=True, check=True, timeout=30)


@WITH_SYSTEMD
def test_systemd_itself_finds_nothing_wrong(tmp_path: Path) -> None:
    made = as_systemd_finds_them(tmp_path)
    done = subprocess.run(
        ["systemd-analyze", "verify", *made], capture_output=True, text=True, check=False, timeout=60
    )
    names = [one.name for one in made]
    assert [line for line in done.stderr.splitlines() if any(name in line for name in names)] == []
