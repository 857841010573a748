"""The images: what they are built of is the checkout's own, and what they start exists. No engine runs here.

./run lint has hadolint look at the Dockerfile; these are the rules that it does not know.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hotline.__main__ import COMMANDS, _parse
from hotline.commands.healthy import DEADLINE_S, PAGES
from hotline.configuration import NOT_SETTINGS
from tests.support.images import DOCKER, HOME, ROOT, copy_context, ignored, parse, patterns, stages

APP = HOME / "app"
IMAGES = ("service", "asterisk")
STEPS = (ROOT / "setup/image.sh").read_text("utf-8")


def steps() -> dict[str, str]:
    """Step of setup/image.sh → what it does."""
    return dict(re.findall(r"^  (\w+)\) #.*?\n(.*?);;$", STEPS, re.M | re.S))


def test_the_parser_joins_lines_and_knows_flags() -> None:
    arguments, found = parse(
        'ARG A=b:1\n# c\nFROM ${A} AS one\nRUN --mount=x \\\n  go far\nCMD ["a b", "c"]\n'
    )
    assert arguments == {"A": "b:1"}
    run, command = found["one"].instructions
    assert (found["one"].base, run.flags, run.words) == ("${A}", {"mount": ["x"]}, ["go", "far"])
    assert command.words == ["a b", "c"]


# ------------------------------------------------------------------ what they are built of


def test_every_base_is_an_earlier_stage_or_a_release_by_name() -> None:
    arguments, found = parse((DOCKER / "Dockerfile").read_text("utf-8"))
    before: list[str] = []
    for stage in found.values():
        if stage.base not in before:
            image, _, tag = arguments[stage.base.strip("${}")].partition(":")
            assert (image, re.match(r"\d", tag) is not None) == ("debian", True), stage.base
        before.append(stage.name)


def test_steps_are_those_of_run_and_all_of_them_are_used() -> None:
    called = [run.words for stage in stages().values() for run in stage.all("RUN")]
    assert all(words[0] == "setup/image.sh" and len(words) == 2 for words in called), called
    assert sorted(words[1] for words in called) == sorted(steps())


def test_lists_of_packages_stay_out_of_the_layers() -> None:
    for stage in stages().values():
        for run in stage.all("RUN"):
            if "install_missing" in steps()[run.words[1]]:
                assert "type=tmpfs,target=/var/lib/apt/lists" in run.flags["mount"], run


def test_nothing_is_fetched_but_by_the_steps() -> None:
    text = (DOCKER / "Dockerfile").read_text("utf-8")
    assert not re.search(r"^ADD|https?:|curl|wget|apt-get|pip install", text, re.M)


def test_what_is_copied_is_there_and_let_in() -> None:
    earlier: list[str] = []
    for stage in stages().values():
        for copy in stage.all("COPY"):
            *sources, _ = copy.words
            if "from" in copy.flags:
                assert copy.flags["from"][0] in earlier
                continue
            for source in sources:
                assert (ROOT / source).exists(), source
                assert source == "." or not ignored(source, patterns()), source
        earlier.append(stage.name)


# ------------------------------------------------------------------ what they start


@pytest.mark.parametrize("name", IMAGES)
def test_nothing_runs_as_root(name: str) -> None:
    number = re.search(r"^number=(\d+)", STEPS, re.M)
    assert number is not None
    assert stages()[name].last("USER").words == [f"{number[1]}:{number[1]}"]
    assert int(number[1]) > 0
    assert [one.word for one in stages()[name].instructions][-5:] == [
        "USER",  # nothing is installed after it
        "STOPSIGNAL",
        "HEALTHCHECK",
        "ENTRYPOINT",
        "CMD",
    ]
    assert stages()[name].last("STOPSIGNAL").rest == "SIGTERM"


@pytest.mark.parametrize("name", IMAGES)
def test_what_an_image_starts_exists(name: str) -> None:
    stage = stages()[name]
    (entry,) = stage.last("ENTRYPOINT").words
    script = ROOT / Path(entry).relative_to(APP)
    assert script.stat().st_mode & 0o111
    assert script.read_text("utf-8").endswith('\numask 027\nexec hotline "$@"\n')
    command = stage.last("CMD").words
    assert _parse(command).command == command[0]
    assert command[0] in COMMANDS


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_knows_whether_it_is_well(name: str) -> None:
    check = stages()[name].last("HEALTHCHECK")
    word, _, command = check.rest.partition(" ")
    assert word == "CMD"
    program, *arguments = parse(f"ARG X\nFROM x AS x\nCMD {command}")[1]["x"].last("CMD").words
    assert program == "hotline"
    assert _parse(arguments).command in COMMANDS
    if name == "service":
        assert len(PAGES) * DEADLINE_S < int(check.flags["timeout"][0].removesuffix("s"))
    else:
        assert arguments[:2] == stages()[name].last("CMD").words


def test_what_the_environment_sets_is_known_and_no_secret() -> None:
    for stage in stages().values():
        for line in stage.all("ENV"):
            for name in re.findall(r"(\w+)=", line.rest):
                assert name in NOT_SETTINGS | {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
    version = re.search(r"^version = (\S+)$", (ROOT / "setup.cfg").read_text("utf-8"), re.M)
    assert version is not None
    assert f'image.version="{version[1]}"' in stages()["ground"].last("LABEL").rest


# ------------------------------------------------------------------ what gets in


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("hotline.toml", True),
        ("var/data/credentials.yaml", True),
        ("docker/.env", True),
        ("docker/settings/hotline.toml", True),
        (".git/config", True),
        (".venv/bin/python", True),
        ("tests/unit/docker/test_images.py", True),
        ("hotline/__pycache__/up.cpython-311.pyc", True),
        ("some.pem", True),
        ("docker/entry.sh", False),
        ("hotline/commands/up.py", False),
        ("ivr/flows/95559.yaml", False),
        ("setup.cfg", False),
    ],
)
def test_secrets_and_data_stay_out(path: str, out: bool) -> None:
    assert ignored(path, patterns()) is out


def test_the_program_in_an_image_is_whole(tmp_path: Path) -> None:
    """With nothing but what gets in: every command can be imported, and all content is there and in order."""
    app = copy_context(tmp_path / "app")
    script = (
        "import importlib, pathlib; from hotline.__main__ import COMMANDS, main\n"
        "found = [importlib.import_module(module).__file__ for module, _ in COMMANDS.values()]\n"
        "assert all(pathlib.Path(one).is_relative_to(pathlib.Path.cwd()) for one in found), found\n"
        "from telephony.nodefiles import TEMPLATES; assert list(TEMPLATES.glob('*.conf.j2'))\n"
        "raise SystemExit(main(['content']))"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", script],
        cwd=app,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("all in order\n")
    packages = re.findall(r"^    (\w+)$", (ROOT / "setup.cfg").read_text("utf-8"), re.M)
    for package in {one for one in packages if (ROOT / one).is_dir()}:
        kept = {one.relative_to(app) for one in (app / package).rglob("*") if one.is_file()}
        there = {one.relative_to(ROOT) for one in (ROOT / package).rglob("*") if one.is_file()}
        assert {one for one in there - kept if "__pycache__" not in one.parts} == set(), package
