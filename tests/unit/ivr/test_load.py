"""A flow that could strand a caller is refused, with every mistake under its file, line and node."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from core.errors import BadInput
from ivr.lines import Refused
from ivr.load import load_flow, read_flow
from ivr.model import HangUp, Menu, Message, ToNode, ToQueue
from tests.unit.ivr.flows import SMALL, around, hotline, small


def line_of(source: str, piece: str) -> int:
    return source[: source.index(piece)].count("\n") + 1


def refusal(source: str) -> Refused:
    with pytest.raises(Refused) as caught:
        small(source)
    return caught.value


def test_a_flow_is_read_whole() -> None:
    flow = small()
    top, notice = flow.nodes["top"], flow.nodes["notice"]
    assert isinstance(top, Menu)
    assert [(choice.key, choice.label, choice.to, choice.language) for choice in top.keys] == [
        ("1", "Cards", ToNode("notice"), None),
        ("2", "queue loss", ToQueue("loss"), None),
        ("3", "English", ToNode("top"), "en"),
        ("9", "repeat", ToNode("top"), None),
        ("#", "hangup", HangUp(), None),
    ]
    assert (top.timeout_s, top.attempts, top.give_up) == (5, 2, ToQueue("operator"))
    assert (top.say, top.again, top.no_input) == (("menu-main",), ("menu-main",), "no-input")
    assert notice == Message(name="notice", title="A word first", say=("welcome",), then=ToQueue("card"))


@pytest.mark.rule("CALL-12")
def test_the_hotline_speaks_mandarin_until_another_language_is_asked_for() -> None:
    flow = hotline()
    start = flow.nodes[flow.start]
    assert flow.language == "cmn"
    assert isinstance(start, Menu)
    assert [choice.language for choice in start.keys] == ["cmn", "nan", "en", None]


# (name, what is replaced, by what, the piece whose line is named, node, part of the message)
MISTAKES = [
    ("unknown target", "to: notice}", "to: nowhere}", "to: nowhere", "top", "unknown target 'nowhere'"),
    ("unknown business", "queue loss", "queue lost", "queue lost", "top", "unknown queue business 'lost'"),
    (
        "unknown prompt",
        "say: [welcome]",
        "say: [hello]",
        "say: [hello]",
        "notice",
        "'hello' is not in",
    ),
    ("no prompt", "    say: [welcome]\n", "", "    title: A word", "notice", "'say' is missing"),
    (
        "key twice",
        '"2": queue loss',
        '"1": queue loss',
        '"1": queue loss',
        "top",
        "twice, first in line 15",
    ),
    ("node twice", "  notice:", "  top:", "  top:\n    title", "top", "given twice, first in line 12"),
    ("no key", '"2": queue', '"12": queue', '"12": queue', "top", "key '12' is not one of"),
    ("letter key", '"2": queue', "A: queue", "A: queue", "top", "key 'A' is not one of"),
    (
        "time-out",
        "timeout_s: 5",
        "timeout_s: 90",
        "timeout_s: 90",
        "top",
        "'90' has to be a whole",
    ),
    ("no number", "timeout_s: 5", "timeout_s: ٣", "timeout_s: ٣", "top", "has to be a whole number"),
    ("attempts", "attempts: 2", "attempts: 0", "attempts: 0", "top", "attempts '0' has to be a whole number"),
    ("language", "language: en, ", "language: de, ", "language: de, ", "top", "unknown language 'de'"),
    ("default language", "language: cmn", "language: xx", "language: xx", "", "unknown language 'xx'"),
    ("start", "start: top", "start: bottom", "start: bottom", "", "unknown start node 'bottom'"),
    ("field", "then: queue card", "next: queue card", "next: queue", "notice", "unknown field 'next'"),
    ("no way on", "    then: queue card\n", "", "    title: A word", "notice", "no way on"),
    ("where to", "then: queue card", "then: queue a b", "then: queue a b", "notice", "leads nowhere"),
    ("node name", "  notice:", "  Notice 1:", "  Notice 1:", "Notice 1", "a node's name is small letters"),
    ("flow name", 'flow: "777"', 'flow: "7;7"', 'flow: "7;7"', "", "2 to 12 small letters or digits"),
    ("unreachable", "to: notice}", "to: top}", "  notice:", "notice", "unreachable"),
    ("endless", "then: queue card", "then: notice", "  notice:", "notice", "no way out"),
    ("silent loop", "give_up: queue operator", "give_up: top", "  top:", "top", "a silent caller goes round"),
    (
        "list for a node",
        "  notice:\n",
        "  extra: []\n  notice:\n",
        "  extra: []",
        "extra",
        "a node is a mapping",
    ),
    ("list for a key", '"2": queue loss', '"2": [1]', '"2": [1]', "top", "key '2' leads to a list"),
    ("alias", "say: [welcome]", "say: *it", "say: *it", "", "aliases"),
    ("no YAML", "  notice:", "  notice: }", "  notice: }", "", "not readable as YAML"),
]


@pytest.mark.parametrize(
    ("old", "new", "piece", "node", "text"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES]
)
def test_every_kind_of_mistake_is_named_with_its_place(
    old: str, new: str, piece: str, node: str, text: str
) -> None:
    source = SMALL.replace(old, new)
    assert source != SMALL
    error = refusal(source)
    place = f"777.yaml:{line_of(source, piece)}: "
    lines = [line for line in str(error).splitlines() if text in line]
    assert any(line.startswith((place + node, f"{place}nodes.{node}")) for line in lines), str(error)


def test_all_mistakes_are_reported_at_once_in_the_order_of_their_lines() -> None:
    source = (
        SMALL.replace("timeout_s: 5", "timeout_s: x")
        .replace("queue loss", "queue lost")
        .replace("[welcome]", "nil")
    )
    error = refusal(source)
    assert [problem.place for problem in error.problems] == ["top", "top", "notice"]
    assert [problem.line for problem in error.problems] == sorted(problem.line for problem in error.problems)
    assert "3 mistakes" in str(error)


def test_a_loop_of_messages_needs_no_caller_and_is_refused() -> None:
    source = (
        SMALL.replace("then: queue card", "then: second") + "  second:\n    say: goodbye\n    then: notice\n"
    )
    assert "notice → second → notice" in str(refusal(source))


def test_a_queue_has_to_exist_in_every_language_that_can_be_chosen() -> None:
    fewer = dataclasses.replace(around(), queues=around().queues - {"loss-en"})
    with pytest.raises(Refused, match="no queue 'loss-en' for a caller whose language is en"):
        load_flow(SMALL, "777.yaml", fewer)


@pytest.mark.parametrize("source", ["", "- a\n", "text", "[" * 5000, "nodes: {}", "a: 1\n---\nb: 2\n"])
def test_what_is_no_flow_at_all_is_refused_too(source: str) -> None:
    assert refusal(source).problems


@pytest.mark.parametrize("content", [None, b"flow: \xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "none.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=r"none\.yaml: cannot be read"):
        read_flow(path, around())
