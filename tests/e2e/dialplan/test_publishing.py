"""`hotline flow publish` and `back` on a real Asterisk with callers in it: nobody in a menu is harmed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from hotline.content import PROJECT
from hotline.simulation.scripts import Key, Pause
from hotline.simulation.sipp import Sipp
from tests.support.ami_tap import Heard
from tests.support.exchange import Exchange

pytestmark = pytest.mark.asterisk

SETTINGS = """\
data_dir = "{home}/data"
flows = "{home}/flows"
[[nodes]]
name = "node1"
port = {port}
accounts = "{home}/accounts.json"
directory = "{node}"
"""
LATER = ('"4": {label: 投诉建议, to: queue complaints}', '"4": {label: 投诉建议, to: queue personal}')
"""What version B does otherwise: key 4 of the main menu leads elsewhere."""


@pytest.fixture
def home(line: Exchange) -> Path:
    """Settings of the running node, with flows of their own: version A, which is live."""
    home = line.folder
    (home / "flows").mkdir(parents=True)
    text = (PROJECT / "ivr/flows/95559.yaml").read_text("utf-8")
    (home / "flows/95559.yaml").write_text(text, "utf-8")
    settings = SETTINGS.format(home=home, port=line.spec.ami_port, node=line.spec.directory)
    (home / "hotline.toml").write_text(settings, "utf-8")
    return home


def change(home: Path, before: str, after: str) -> None:
    """Another text of the flow."""
    file = home / "flows/95559.yaml"
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, after), "utf-8")


async def flow(home: Path, *words: str) -> tuple[int, str]:
    """Exit status and all that `hotline flow` says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hotline", "flow", *words, "--config", str(home / "hotline.toml")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, output.decode()


async def live(line: Exchange) -> str:
    """The version a caller would be led into."""
    entry = await line.asterisk.cli("dialplan show s@ivr-95559")
    return entry.partition("Goto(ivr-95559-")[2][:8]


async def complains(line: Exchange, name: str) -> tuple[Sipp, Heard]:
    """A caller who presses 4 in the main menu as soon as it is heard; and where that led."""
    since = len(line.tap.heard)
    caller = await line.call(Pause(250), Key("1"), Pause(250), Key("4"), name=name)
    return caller, await line.tap.wait_for("MenuChosen", after=since, Menu="main", Key="4")


async def test_who_is_in_a_menu_stays_in_its_version_and_the_next_caller_gets_the_new_one(
    line: Exchange, home: Path
) -> None:
    change(home, "timeout_s: 5", "timeout_s: 20")  # so long a caller may think, three times
    status, said = await flow(home, "publish", "--by", "wang")
    assert status == 0, said
    first = await live(line)
    early = await line.call(Pause(250), Key("1"), name="early")
    waiting = await line.tap.wait_for("LanguageChosen")
    change(home, *LATER)
    status, said = await flow(home, "publish", "--by", "wang")
    assert status == 0, said
    second = await live(line)
    assert second != first
    assert f"node1: 95559 {first} → {second}\n  changed: main\n" in said
    assert f"node1: {second} is live, Asterisk leads callers into it; callers in {first} go on there" in said
    later, chosen = await complains(line, "later")
    assert chosen["Target"] == "queue:personal"
    await line.asterisk.cli("module load app_senddtmf.so")
    await line.tap.action("PlayDTMF", Channel=waiting["Channel"], Digit="4", Receive="true")
    chosen = await line.tap.wait_for("MenuChosen", Call=waiting["Call"])
    assert chosen["Target"] == "queue:complaints"
    assert line.tap.all("CallArrived", Call=chosen["Call"], Version=first)
    status, said = await flow(home, "back", "--by", "li")
    assert status == 0, said
    assert await live(line) == first
    again, chosen = await complains(line, "again")
    assert chosen["Target"] == "queue:complaints"
    for caller in (early, later, again):
        assert (await caller.done(60)).succeeded == 1, caller.errors()
    status, said = await flow(home, "versions")
    lines = [row.split() for row in said.splitlines()]
    assert lines[0] == ["95559", "on", "node1"]
    assert (lines[1][:4], lines[1][-1]) == (["live", first, "went", "back"], "li"), said
    assert (lines[2][:3], lines[2][-1]) == (["kept", second, "published"], "wang"), said
    unexpected = [text for text in line.messages.splitlines() if "Unable to join queue" not in text]
    assert unexpected == []  # nobody is on duty: every caller is told so


async def test_what_asterisk_does_not_take_is_taken_back(line: Exchange, home: Path) -> None:
    """Its configuration is broken at another place: the reload fails, and the old version stays live."""
    first = await live(line)
    change(home, *LATER)
    entry, aside = (line.spec.directory / "etc" / name for name in ("extensions.conf", "aside"))
    entry.rename(aside)
    status, said = await flow(home, "publish")
    assert status == 2, said
    assert f"node1: Asterisk still leads callers into {first}" in said
    assert f"taken back: node1 leads callers into {first}" in said
    aside.rename(entry)
    await line.asterisk.cli("dialplan reload")
    assert await live(line) == first
    status, said = await flow(home, "back")
    assert (status, "nothing was live before" in said) == (2, True), said


async def test_a_flow_with_a_mistake_is_refused_whole(line: Exchange, home: Path) -> None:
    first = await live(line)
    change(home, "to: queue complaints", "to: queue complants")
    status, said = await flow(home, "publish")
    assert status == 2
    assert "95559.yaml:" in said
    assert "main: unknown queue business 'complants'" in said
    assert await live(line) == first
    (line.spec.directory / "prompts/nan/menu-card.wav").unlink()
    change(home, "to: queue complants", "to: queue personal")
    status, said = await flow(home, "publish")
    assert (status, "callers would hear nothing where it says nan/menu-card" in said) == (2, True), said
    assert await live(line) == first


async def test_going_back_twice_goes_back_two_versions(line: Exchange, home: Path) -> None:
    versions = [await live(line)]
    for seconds in (6, 7):
        change(home, f"timeout_s: {seconds - 1}", f"timeout_s: {seconds}")
        status, said = await flow(home, "publish")
        assert status == 0, said
        versions.append(await live(line))
    for expected in (versions[1], versions[0]):
        status, said = await flow(home, "back")
        assert status == 0, said
        assert await live(line) == expected
    status, said = await flow(home, "back", "--to", versions[2])
    assert (status, await live(line)) == (0, versions[2]), said
    status, said = await flow(home, "back", "--to", "00000000")
    assert (status, "version '00000000' is not kept" in said) == (2, True), said
