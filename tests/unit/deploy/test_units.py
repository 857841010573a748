"""The systemd units that ship: what they start exists, and they may do no more than they need."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from hotline.__main__ import COMMANDS, _parse
from hotline.configuration import NOT_SETTINGS

ROOT = Path(__file__).resolve().parents[3]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
HOME = "/srv/hotline"


def service_of(unit: Path) -> dict[str, list[str]]:
    """The [Service] section: key → its values, since systemd lets a key come more than once."""
    text = unit.read_text("utf-8")
    section = text[text.index("[Service]") : text.index("[Install]")]
    found: dict[str, list[str]] = {}
    for line in section.splitlines()[1:]:
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def test_there_is_one_for_the_service_and_one_for_each_node() -> None:
    assert [unit.name for unit in UNITS] == ["hotline-asterisk@.service", "hotline.service"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_that_exists_with_the_checkouts_own_program(unit: Path) -> None:
    service = service_of(unit)
    program, *arguments = service["ExecStart"][0].replace("%i", "node1").split()
    assert program == f"{HOME}/app/.venv/bin/hotline"
    assert arguments[0] in COMMANDS
    assert _parse(arguments).command == arguments[0]
    for line in service["Environment"]:
        assert line.partition("=")[0] in NOT_SETTINGS


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_has_the_least_rights(unit: Path) -> None:
    service = service_of(unit)
    assert service["User"] == ["hotline"]
    assert service["ReadWritePaths"] == [HOME]
    wanted = {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "UMask": "0027"}
    assert {key: service[key][-1] for key in wanted} == wanted
    assert service["Restart"] == ["always"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this machine has no systemd-analyze")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_itself_finds_nothing_wrong(unit: Path, tmp_path: Path) -> None:
    """With programs and users that exist here, since it looks for both."""
    text = unit.read_text("utf-8").replace(f"{HOME}/app/.venv/bin/hotline", "/bin/true")
    aside = tmp_path / unit.name.replace("@", "@node1")
    aside.write_text(text.replace("User=hotline", "User=daemon").replace("Group=hotline", "Group=daemon"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(aside)], capture_output=True, text=True, check=False, timeout=30
    )
    assert [line for line in done.stderr.splitlines() if aside.name in line] == []
