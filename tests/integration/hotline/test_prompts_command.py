"""`hotline prompts` with the real voice: how each stands, replaced, taken back, listened to."""

from __future__ import annotations

import math
import shutil
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest

from hotline.__main__ import main
from hotline.content import CATALOGUE
from ivr.prompts import read_catalogue
from ivr.render import render_prompts
from ivr.sound import RATE, TARGET_DBOV, to_wav
from telephony.instance import cache_dir

SETTINGS = """\
data_dir = "{home}/data"
catalogue = "{home}/catalogue.yaml"
[[nodes]]
name = "node1"
accounts = "{home}/accounts.json"
directory = "{home}/node1"
"""
WORDS = "非常抱歉，让您久等了[le5]。"


def recording(dbov: float = TARGET_DBOV) -> bytes:
    peak = 32768 * 10 ** (dbov / 20) * math.sqrt(2)
    return to_wav(array("h", (round(peak * math.sin(0.7 * at)) for at in range(RATE))))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node with its prompts, and settings that name it."""
    (tmp_path / "hotline.toml").write_text(SETTINGS.format(home=tmp_path))
    shutil.copy(CATALOGUE, tmp_path / "catalogue.yaml")
    render_prompts(read_catalogue(CATALOGUE), tmp_path / "node1/prompts", cache=cache_dir() / "prompts")
    (tmp_path / "studio.wav").write_bytes(recording())
    monkeypatch.setenv("HOTLINE_CONFIG", str(tmp_path / "hotline.toml"))
    return tmp_path


def change_the_text(home: Path) -> None:
    file = home / "catalogue.yaml"
    text = file.read_text("utf-8")
    assert WORDS in text
    file.write_text(text.replace(WORDS, "抱歉。"), "utf-8")


Said = Callable[..., tuple[int, str]]


@pytest.fixture
def said(home: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    def run(*words: str) -> tuple[int, str]:
        status = main(["prompts", *words])
        output = capsys.readouterr()
        return status, output.out + output.err

    return run


def test_each_prompt_is_listed_as_it_stands(home: Path, said: Said) -> None:
    status, told = said()
    assert status == 0
    assert [line.split() for line in told.splitlines() if line.startswith("  welcome ")] == [
        ["welcome", "rendered", "rendered", "rendered"]
    ]
    (home / "node1/prompts/en/welcome.alaw").unlink()
    change_the_text(home)
    status, told = said("list", "--check")
    assert status == 1
    assert "node1: en/welcome: missing" in told
    assert "node1: cmn/queue-wait-sorry: stale, its text" in told
    assert said("list", "--check", "--node", "node2")[0] == 2


def test_a_recording_replaces_is_stale_in_time_and_goes_again(home: Path, said: Said) -> None:
    prompts, words = home / "node1/prompts", ("queue-wait-sorry", "cmn")
    voice = (prompts / "cmn/queue-wait-sorry.wav").read_bytes()
    status, told = said("replace", *words, str(home / "studio.wav"), "--by", "wang")
    assert status == 0, told
    assert "put in by wang" in told
    assert (prompts / "cmn/queue-wait-sorry.wav").read_bytes() == recording()
    assert "1 studio" in said()[1]
    change_the_text(home)
    assert said("render", str(prompts))[0] == 0
    status, told = said("list", "--check")
    assert status == 1
    assert "cmn/queue-wait-sorry: stale, its text has changed since the studio recorded it" in told
    status, told = said("back", *words)
    assert (status, "the voice speaks it again" in told) == (0, True), told
    assert said("list", "--check")[0] == 0
    assert (prompts / "cmn/queue-wait-sorry.wav").read_bytes() not in (voice, recording())
    status, told = said("back", *words)
    assert (status, "no studio recording" in told) == (2, True), told


def test_what_does_not_fit_changes_nothing(home: Path, said: Said) -> None:
    loud = home / "loud.wav"
    loud.write_bytes(recording(-8))
    status, told = said("replace", "welcome", "cmn", str(loud))
    assert (status, "make it 12.0 dB quieter" in told) == (2, True), told
    assert not (home / "data/studio").exists()
    assert said("replace", "welcome", "cmn", str(home / "nowhere.wav"))[0] == 2
    assert said("replace", "welcom", "cmn", str(home / "studio.wav"))[0] == 2
    assert said("list", "--check")[0] == 0


def test_a_prompt_is_copied_played_or_shown_where_it_is(
    home: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home / "node1/prompts/en/welcome.wav"
    status, told = said("listen", "welcome", "en", "--out", str(home / "copy.wav"))
    assert (status, "Welcome to the nine" in told) == (0, True), told
    assert (home / "copy.wav").read_bytes() == file.read_bytes()
    assert said("listen", "welcome", "en", "--out", str(home / "copy.wav"))[0] == 2
    programs = home / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    status, told = said("listen", "welcome", "en")
    assert (status, f"the file is {file}" in told) == (0, True), told
    player = programs / "aplay"
    player.write_text(f'#!/bin/sh\necho "$@" > {home}/played\n')
    player.chmod(0o755)
    assert said("listen", "welcome", "en")[0] == 0
    assert (home / "played").read_text() == f"--quiet {file}\n"
    player.write_text("#!/bin/sh\necho no sound card >&2\nexit 1\n")
    status, told = said("listen", "welcome", "en")
    assert (status, "could not play it: no sound card" in told) == (2, True), told


def test_a_catalogue_of_ones_own_has_all_that_the_program_says(home: Path, said: Said) -> None:
    file = home / "catalogue.yaml"
    kept, _, rest = file.read_text("utf-8").partition("  no-input:\n")
    file.write_text(kept + rest.partition("\n  wrong-key:")[2].join(["  wrong-key:", ""]), "utf-8")
    status, told = said()
    assert status == 2
    assert "prompts are missing" in told
    assert told.rstrip().endswith("no-input")
