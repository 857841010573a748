"""A real Asterisk takes the compiled flow without a word of complaint, and calls in it go as `walk` says.

Callers are Local channels that press keys. What the dialplan tells is listened to live and read back from
Asterisk's own event log (CEL); both have to be the same.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from ivr.compile import compile_flow
from ivr.model import Flow, Menu
from ivr.publish import publish
from ivr.sound import silence, to_alaw
from ivr.walk import SILENCE, Told, walk
from telephony.instance import AsteriskInstance, find
from telephony.nodefiles import write_node
from tests.support.ami_tap import AmiTap
from tests.support.exchange import SECRET, node_spec
from tests.support.ports import own
from tests.unit.ivr.flows import LANGUAGES, catalogue, hotline, small

pytestmark = pytest.mark.asterisk

PORTS = own()
LONG_MS = 3000
EXTENSIONS = """\
[general]
static=yes
[globals]
HOTLINE_DIR={node}
#include "ivr-95559.conf"
#include "ivr-777.conf"
[hotline-queue]
exten => _[a-z].,1,UserEvent(Ended,Call: ${{CALL_ID}},Queue: ${{EXTEN}})
 same => n,Hangup()
[test-line]
exten => _c.,1,Set(__CALL_ID=${{EXTEN}})
 same => n,Answer()
 same => n,Goto(ivr-95559,s,1)
exten => message,1,Set(__CALL_ID=message)
 same => n,Answer()
 same => n,Goto(ivr-777,s,1)
[test-caller]
exten => message,1,SendDTMF(w1)
 same => n,Wait(10)
"""
Facts = dict[str, list[Told]]


@dataclass(frozen=True, slots=True)
class Line:
    """A running node with the flow on it, and everything it says."""

    folder: Path
    asterisk: AsteriskInstance
    tap: AmiTap


def quick(flow: Flow) -> Flow:
    """The same flow with two seconds' patience: tests of silence need not last longer."""
    menus = {name: replace(node, timeout_s=2) for name, node in flow.nodes.items() if isinstance(node, Menu)}
    return replace(flow, nodes={**flow.nodes, **menus})


def ways(flow: Flow) -> list[str]:
    """Keys for every key of every menu, and for every way of failing in it."""
    to_menu = {"language": "", "main": "2", "personal": "31", "card": "12", "corporate": "13"}
    assert to_menu.keys() == flow.nodes.keys()
    found = []
    for name, keys in to_menu.items():
        menu = flow.nodes[name]
        assert isinstance(menu, Menu)
        found += [keys + choice.key for choice in menu.keys]
        wrong = next(key for key in "678" if key not in {choice.key for choice in menu.keys})
        found += [keys + failing for failing in (wrong * 3, SILENCE * 3, wrong + SILENCE + "0")]
    return found


def dialled(keys: str) -> str:
    """For SendDTMF (w: half a second, W: a second); a key after silence falls well into the next attempt."""
    pressed = "".join("WW" if key == SILENCE else f"w{key}" for key in keys)
    return pressed.replace("Ww", "Www")


def write_line(folder: Path, callers: list[str]) -> None:
    lines = [
        f"exten => c{number},1,SendDTMF({dialled(keys)},120,60)\n same => n,Wait(1.2)\n"
        f" same => n,UserEvent(Ended,Call: c{number},Queue: )\n same => n,Hangup()\n"
        for number, keys in enumerate(callers)
    ]
    (folder / "etc" / "extensions.conf").write_text(EXTENSIONS.format(node=folder) + "".join(lines))
    with (folder / "etc" / "modules.conf").open("a") as modules:
        modules.write("load = app_senddtmf.so\n")
    for language in LANGUAGES:
        (folder / "prompts" / language).mkdir()
        for name in (*catalogue().names, "../music-on-hold"):
            (folder / "prompts" / language / f"{name}.alaw").write_bytes(to_alaw(silence(40)))
    (folder / "prompts" / "en" / "menu-main.alaw").write_bytes(to_alaw(silence(LONG_MS)))


@pytest.fixture(scope="module")
def flow() -> Flow:
    return quick(hotline())


@pytest.fixture
async def line(flow: Flow) -> AsyncIterator[Line]:
    # Not pytest's own folder: the path of the control socket has to be short.
    folder = Path(tempfile.mkdtemp(prefix="ivr-"))
    try:
        programs = await find()
        write_node(node_spec(folder, programs))
        write_line(folder, ways(flow))
        for version in (hotline(), flow):
            publish(compile_flow(version), folder / "etc" / "ivr-95559.conf")
        publish(compile_flow(small()), folder / "etc" / "ivr-777.conf")
        tap = AmiTap()
        async with AsteriskInstance(folder, programs) as asterisk:
            await tap.connect(PORTS.ami, "tap", SECRET)
            yield Line(folder, asterisk, tap)
        await tap.close()
        words = (folder / "log" / "messages").read_text().splitlines()
        assert [word for word in words if "WARNING" in word or "ERROR" in word] == []
    finally:
        shutil.rmtree(folder)


def heard_live(tap: AmiTap) -> Facts:
    facts: Facts = {}
    for heard in tap.heard:
        if heard["Event"] == "UserEvent" and heard["UserEvent"] != "Ended":
            names = ("Language", "Menu", "Key", "Target", "Cause", "Attempt")
            # A channel snapshot has a Language too: ours comes last.
            headers = {key: value for key, value in heard.headers if key in names}
            if heard["UserEvent"] != "LanguageChosen":
                headers.pop("Language")
            facts.setdefault(heard["Call"], []).append(Told(heard["UserEvent"], headers))
    return facts


def read_back(folder: Path) -> Facts:
    facts: Facts = {}
    for text in (folder / "log" / "cel-custom" / "facts.jsonl").read_text().splitlines():
        row = json.loads(text)
        if row["userdeftype"]:
            headers = dict(parse_qsl(json.loads(row["eventextra"])["extra"], strict_parsing=True))
            facts.setdefault(headers.pop("Call"), []).append(Told(row["userdeftype"], headers))
    return facts


async def call(line: Line, name: str) -> None:
    """The caller `name` of [test-caller] dials in."""
    place = {"Context": "test-caller", "Exten": name, "Priority": "1"}
    reply = await line.tap.action("Originate", Channel=f"Local/{name}@test-line/n", Async="true", **place)
    assert reply["Response"] == "Success", reply


@pytest.mark.rule("CALL-12")
async def test_every_way_through_the_menus_on_a_real_asterisk(line: Line, flow: Flow) -> None:
    callers = ways(flow)
    for number in range(len(callers)):
        await call(line, f"c{number}")
    ends: dict[str, str] = {}
    while len(ends) < len(callers):
        ended = await line.tap.wait_until(
            lambda heard: heard["UserEvent"] == "Ended" and heard["Call"] not in ends, "Ended", within=30
        )
        ends[ended["Call"]] = ended["Queue"]
    live = heard_live(line.tap)
    for number, keys in enumerate(callers):
        way = walk(flow, keys)
        assert tuple(live[f"c{number}"]) == way.told, keys
        assert ends[f"c{number}"] == way.end, keys
    await line.asterisk.stop()  # what is written down is complete once Asterisk is gone
    assert read_back(line.folder) == live


async def test_both_versions_are_there_and_the_active_one_is_entered(line: Line, flow: Flow) -> None:
    for version in (compile_flow(hotline()).version, compile_flow(flow).version):
        assert f"[ Context 'ivr-95559-{version}-main-3'" in await line.asterisk.cli(
            f"dialplan show ivr-95559-{version}-main-3"
        )
    entry = await line.asterisk.cli("dialplan show s@ivr-95559")
    assert f"Goto(ivr-95559-{compile_flow(flow).version}-language,s,1)" in entry
    assert f"IVR_95559_VERSION={compile_flow(flow).version}" in await line.asterisk.cli(
        "dialplan show globals"
    )


async def test_a_key_is_taken_while_the_prompt_still_plays(line: Line, flow: Flow) -> None:
    await call(line, f"c{ways(flow).index('311')}")
    chosen = await line.tap.wait_for("LanguageChosen")
    pressed = await line.tap.wait_for("MenuChosen", Menu="main")
    assert pressed.ms - chosen.ms < LONG_MS / 2


async def test_a_message_is_heard_before_the_queue(line: Line) -> None:
    await call(line, "message")
    chosen = await line.tap.wait_for("MenuChosen", Call="message")
    ended = await line.tap.wait_for("Ended", Call="message")
    assert (chosen["Target"], ended["Queue"]) == ("notice", "card-cmn")
