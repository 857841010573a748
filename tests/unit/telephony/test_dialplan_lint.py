"""Each kind of fault is found, with its place; the dialplan that ships has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.names import LANGUAGES
from ivr.compile import compile_flow, render_file
from ivr.load import read_flow
from ivr.model import Surroundings
from ivr.prompts import read_catalogue
from telephony.dialplan_lint import lint
from telephony.nodefiles import TEMPLATES, render
from tests.unit.telephony.node import node

PROMPTS = frozenset({"welcome", "position-1"})
AROUND = "[other]\nexten => s,1(top),NoOp()\n same => n,Return()\nexten => _9XX,1,NoOp()\n[main]\n"


def _faults(line: str) -> list[str]:
    return lint({"x.conf": f"{AROUND}exten => s,1,{line}\n"}, PROMPTS)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("Goto(nowhere,s,1)", "leads to [nowhere]"),
        ("Goto(other,t,1)", "leads to t in [other]"),
        ("Goto(other,888,1)", "leads to 888 in [other]"),
        ("Goto(other,s,3)", "leads to priority 3"),
        ("Gosub(other,s,3(a,b))", "leads to priority 3"),
        ("Goto(absent)", "leads to priority absent"),
        ('GotoIf($["${A}" = "b,c"]?other,s,1:absent)', "leads to priority absent"),
        ("ExecIf($[1]?Gosub(nowhere,s,1))", "leads to [nowhere]"),
        ("Set(CHANNEL(hangup_handler_push)=nowhere,s,1)", "leads to [nowhere]"),
        ("Queue(q,cb(nowhere^s^1),,,60,,other)", "leads to [nowhere]"),
        ("Queue(q,c,,,60,,nowhere)", "leads to [nowhere]"),
        ("Dial(PJSIP/a,20,gU(nowhere))", "leads to [nowhere]"),
        ("ChannelRedirect(${A},other,s,3)", "leads to priority 3"),
        ("Playback(${HOTLINE_DIR}/prompts/${CALL_LANG}/welcom)", "prompt welcom is not"),
        ("Playback(${VOICES}/place-${AHEAD})", "prompt place-${AHEAD} is not"),
        ("Set(A=${CALLERID(num)})", "without FILTER"),
    ],
)
def test_a_fault_is_found(line: str, fault: str) -> None:
    (found,) = _faults(line)
    assert found.startswith("x.conf:6: ")
    assert fault in found


def test_keys_in_an_expression_need_quotes() -> None:
    steps = "Read(KEY,x,1)\n same => n,GotoIf($[${KEY} = 1]?s,1)\n"
    assert "KEY, keyed in by a person" in _faults(steps)[0]


@pytest.mark.parametrize(
    "line",
    [
        "Goto(other,s,top)",
        "Goto(other,911,1)",
        "Goto(other,${STATUS},1)",
        "Playback(${HOTLINE_DIR}/prompts/${CALL_LANG}/welcome)",
        "Playback(${VOICES}/position-${AHEAD})",
        "Set(A=${FILTER(0-9,${CALLERID(num)}):0:32})",
    ],
)
def test_what_is_right_passes(line: str) -> None:
    assert _faults(line) == []


def test_a_line_that_is_none_is_found() -> None:
    assert "is no line of a dialplan" in lint({"x.conf": "[a]\nexten = wrong\n"}, PROMPTS)[0]


def test_the_dialplan_that_ships_has_no_fault(tmp_path: Path) -> None:
    spec = node(tmp_path)
    catalogue = read_catalogue(TEMPLATES / "prompts" / "catalogue.yaml")
    around = Surroundings(
        prompts=catalogue.names,
        queues=frozenset(queue.name for queue in spec.queues),
        languages=frozenset(LANGUAGES),
    )
    flow = compile_flow(read_flow(TEMPLATES.parent / "ivr" / "flows" / "95559.yaml", around))
    files = {"extensions.conf": render(spec)["extensions.conf"].text, "ivr-95559.conf": render_file(flow)}
    assert lint(files, catalogue.names) == []
