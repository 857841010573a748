"""docker/compose.yaml: what the systemd units run, with as few rights, and every name in it documented.

./run lint compares it with the published schema; `docker compose config` reads it too where it is installed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hotline import configuration
from hotline.__main__ import COMMANDS, _parse
from hotline.configuration import NOT_SETTINGS, leaves, variable
from hotline.settings import DatabaseSettings, Settings
from telephony.instance import SOCKET_PATH_LIMIT
from tests.support.images import DOCKER, HOME, ROOT, compose, parse, stages

TEXT = (DOCKER / "compose.yaml").read_text("utf-8")
SERVICES: dict[str, Any] = compose()["services"]
LASTING = [name for name, one in SERVICES.items() if one["restart"] != "no"]
SETTINGS_FILE = DOCKER / "settings/hotline.toml"


def variables() -> set[str]:
    """Everything that docker/.env may set."""
    named = [
        table
        for one in SERVICES.values()
        for table in (one.get("environment", {}), one.get("build", {}).get("args", {}))
    ]
    plain = {name for table in named for name, value in table.items() if value is None}
    return plain | set(re.findall(r"\$\{(\w+)", TEXT))


def volumes_of(service: str) -> dict[str, str]:
    """Where in the container → which named volume."""
    found = [one for one in SERVICES[service].get("volumes", []) if isinstance(one, str)]
    pairs = [one.split(":") for one in found if not one.startswith(".")]
    return {pair[1]: pair[0] for pair in pairs}


def test_these_run() -> None:
    profiles = {name: one.get("profiles", []) for name, one in SERVICES.items()}
    assert profiles == {
        "service": [],
        "web": ["web"],
        "asterisk": [],
        "tools": ["tools"],
        "postgres": ["postgres"],
        "redis": ["redis"],
    }


@pytest.mark.parametrize("name", SERVICES)
def test_each_has_the_least_rights(name: str) -> None:
    one = SERVICES[name]
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc"} & one.keys()
    if "build" in one:
        assert stages()[one["build"]["target"]].last("USER").rest not in ("0", "root", "0:0")
        assert "user" not in one
    else:
        assert one["user"] == name


@pytest.mark.parametrize("name", SERVICES)
def test_each_is_bounded(name: str) -> None:
    one = SERVICES[name]
    limits = one["deploy"]["resources"]["limits"]
    assert {"memory", "pids"} <= limits.keys()
    assert ("cpus" in limits) is (name != "asterisk")
    assert one["logging"]["options"] == {"max-size": "20m", "max-file": "5"}
    assert one["init"] is True
    assert all("size=" in place for place in one["tmpfs"])


@pytest.mark.parametrize("name", LASTING)
def test_each_that_lasts_comes_back_and_knows_whether_it_is_well(name: str) -> None:
    one = SERVICES[name]
    assert one["restart"] == "unless-stopped"
    check = (
        stages()[one["build"]["target"]].last("HEALTHCHECK").rest
        if "build" in one
        else " ".join(one["healthcheck"]["test"])
    )
    wanted = {
        "service": "healthy",
        "web": "healthy",
        "asterisk": "core show uptime",
        "postgres": "pg_isready",
        "redis": "redis-cli ping",
    }
    assert wanted[name] in check


@pytest.mark.parametrize("name", [name for name, one in SERVICES.items() if "build" in one])
def test_ours_start_commands_that_exist(name: str) -> None:
    one = SERVICES[name]
    assert _parse(one["command"]).command in COMMANDS
    assert (DOCKER / one["build"]["context"]).resolve() == ROOT
    assert one["build"]["target"] in stages()
    assert (ROOT / one["build"]["dockerfile"]).exists()
    assert set(one["build"]["args"]) <= set(parse((DOCKER / "Dockerfile").read_text("utf-8"))[0])
    for setting in one.get("environment", {}):
        assert setting in {variable(path) for path, _ in leaves(Settings)} | NOT_SETTINGS


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("service", "hotline.service"),
        ("web", "hotline-web@.service"),
        ("asterisk", "hotline-asterisk@.service"),
    ],
)
def test_each_is_given_the_time_to_stop_that_its_unit_is(name: str, unit: str) -> None:
    text = (ROOT / "deploy/systemd" / unit).read_text("utf-8")
    seconds = re.search(r"^TimeoutStopSec=(\d+)$", text, re.M)
    assert seconds is not None
    assert SERVICES[name]["stop_grace_period"] == f"{seconds[1]}s"
    assert (
        SERVICES[name]["stop_signal"]
        == stages()[SERVICES[name]["build"]["target"]].last("STOPSIGNAL").rest
        == "SIGTERM"
    )


def test_images_of_others_are_releases_by_name() -> None:
    for one in SERVICES.values():
        tag = one["image"].partition(":")[2]
        assert "latest" not in one["image"]
        assert ("build" in one) or re.match(r"\d+(\.\d+)?-bookworm$", tag), one["image"]


def test_every_volume_is_declared_used_and_laid_over_a_folder_of_its_owner() -> None:
    used = {volume for name in SERVICES for volume in volumes_of(name).values()}
    assert used == set(compose()["volumes"])
    made = re.search(r"for one in ([\w ]+); do", (ROOT / "setup/image.sh").read_text("utf-8"))
    assert made is not None
    ours = {place for name, one in SERVICES.items() if "build" in one for place in volumes_of(name)}
    assert ours == {str(HOME / folder) for folder in made[1].split()}


def test_asterisk_sees_neither_databases_nor_passwords_of_people() -> None:
    assert set(volumes_of("asterisk").values()) == {"nodes"}
    assert "environment" not in SERVICES["asterisk"]


def test_ports_are_open_to_this_machine_alone() -> None:
    published = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}
    assert published == {
        "postgres": ["127.0.0.1:${POSTGRES_PORT:-5432}:5432"],
        "redis": ["127.0.0.1:${REDIS_PORT:-6379}:6379"],
    }
    for name in ("service", "web", "asterisk", "tools"):
        assert SERVICES[name]["network_mode"] == "host"


def test_the_settings_that_ship_name_what_is_mounted() -> None:
    settings = configuration.load(SETTINGS_FILE, environment={})
    (node,) = settings.nodes
    assert SERVICES["asterisk"]["command"] == ["asterisk", node.name]
    assert (settings.web.host, node.host, node.sip_address) == ("127.0.0.1",) * 3
    needed = {
        "service": [settings.data_dir, settings.credentials_file, node.accounts, node.directory],
        "tools": [settings.data_dir, settings.credentials_file, node.accounts, node.directory],
        "asterisk": [node.directory],
    }
    for name, paths in needed.items():
        for path in paths:
            assert any(path.is_relative_to(place) for place in volumes_of(name)), (name, path)
    assert len(str(node.directory / "run/asterisk.ctl")) <= SOCKET_PATH_LIMIT
    mount = SERVICES["service"]["volumes"][0]
    config = re.search(r"HOTLINE_CONFIG=(\S+)", stages()["ground"].last("ENV").rest)
    assert config is not None
    assert Path(config[1]) == Path(mount["target"]) / SETTINGS_FILE.name
    assert mount["read_only"] is True


def test_every_variable_is_documented() -> None:
    example = (DOCKER / "env.example").read_text("utf-8")
    assert set(re.findall(r"^#(\w+)=", example, re.M)) == variables()
    for page in (DOCKER / "README.md", ROOT / "docs/operations.md"):
        missing = {name for name in variables() if f"`{name}`" not in page.read_text("utf-8")}
        assert missing == set(), page


def test_the_databases_that_are_named_are_made() -> None:
    example = (DOCKER / "env.example").read_text("utf-8")
    made = re.findall(
        r"^CREATE DATABASE (\w+) ", (DOCKER / "postgres/databases.sql").read_text("utf-8"), re.M
    )
    urls = dict(re.findall(r"^#HOTLINE_DATABASE__(\w+)=(\S+)$", example, re.M))
    assert [url.rpartition("/")[2] for url in urls.values()] == made
    DatabaseSettings(main=urls["MAIN"], ledger=urls["LEDGER"])


@pytest.mark.skipif(shutil.which("docker") is None, reason="this machine has no docker client")
def test_docker_compose_itself_reads_it() -> None:
    """Its own reading needs no engine."""
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode != 0:
        pytest.skip("the docker client here has no compose plugin")
    done = subprocess.run(
        ["docker", "compose", "--file", DOCKER / "compose.yaml", "--profile", "*", "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
