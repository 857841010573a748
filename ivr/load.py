"""YAML → `Flow`: every field checked, every mistake reported at once with file, line and node."""

from __future__ import annotations

import re
from pathlib import Path

from ivr.check import check_flow
from ivr.lines import Fields, Many, Piece, Refused, Report, Text, parse, read_text
from ivr.model import KEYS, Choice, Flow, HangUp, Menu, Message, Node, Surroundings, Target, ToNode, ToQueue

__all__ = ["FLOW_NAME", "Refused", "load_flow", "read_flow"]

_NODE = re.compile(r"[a-z][a-z_]{0,23}")
FLOW_NAME = re.compile(r"[a-z0-9]{2,12}")
_TIMEOUT_S = range(1, 21)
_ATTEMPTS = range(1, 6)
_DEFAULTS = ("timeout_s", "attempts", "no_input", "wrong_input", "give_up")
_TOP = ("flow", "title", "language", "start", "defaults", "nodes")
_RESERVED = frozenset({"repeat", "hangup", "queue"})


def read_flow(path: Path, around: Surroundings) -> Flow:
    """`load_flow` of a file."""
    return load_flow(read_text(path), path.name, around)


def load_flow(source: str, file: str, around: Surroundings) -> Flow:
    """The flow written in `source`; `Refused` with every mistake, each under `file:line: node`."""
    report = Report(file)
    reader = _Reader(report)
    top = parse(source, report)
    if not isinstance(top, Fields):
        report.add(top.line, "", "a flow is a mapping: flow, title, language, start, nodes")
        report.refuse()
    reader.known(top, "", _TOP)
    flow = Flow(
        name=reader.shaped(top, "flow", FLOW_NAME, "2 to 12 small letters or digits"),
        title=reader.text(top, "", "title"),
        language=reader.text(top, "", "language"),
        start=reader.text(top, "", "start"),
        nodes=reader.nodes(top),
    )
    check_flow(flow, around, report, reader.lines)
    report.settle()
    return flow


class _Reader:
    """Takes the fields of a flow out of the tree and remembers in which line each node stands."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.lines: dict[tuple[str, ...], int] = {}
        self.defaults = Fields(0, {}, {})

    def known(self, fields: Fields, place: str, allowed: tuple[str, ...]) -> None:
        for name in fields.entries:
            if name not in allowed:
                hint = f"unknown field {name!r}; it can be one of {', '.join(allowed)}"
                self.report.add(fields.key_lines[name], place, hint)

    def text(self, fields: Fields, place: str, name: str, default: str = "") -> str:
        piece = fields.entries.get(name) or self.defaults.entries.get(name)
        self.lines[(place, name)] = piece.line if piece else fields.line
        if isinstance(piece, Text) and piece.value:
            return piece.value
        if piece is not None:
            self.report.add(piece.line, place, f"{name!r} has to be a text")
        elif not default:
            self.report.add(fields.line, place, f"{name!r} is missing")
        return default

    def shaped(self, fields: Fields, name: str, shape: re.Pattern[str], meant: str) -> str:
        value = self.text(fields, "", name)
        if value and not shape.fullmatch(value):
            self.report.add(fields.entries[name].line, "", f"{name} {value!r} has to be {meant}")
        return value

    def number(self, fields: Fields, place: str, name: str, allowed: range) -> int:
        written = self.text(fields, place, name)
        if written.isascii() and written.isdigit() and len(written) < 4 and int(written) in allowed:
            return int(written)
        if written:
            meant = f"a whole number from {allowed[0]} to {allowed[-1]}"
            self.report.add(self.lines[(place, name)], place, f"{name} {written!r} has to be {meant}")
        return allowed[0]

    def names(self, fields: Fields, place: str, name: str) -> tuple[str, ...]:
        piece = fields.entries.get(name)
        self.lines[(place, name)] = piece.line if piece else fields.line
        if piece is None:
            self.report.add(fields.line, place, f"{name!r} is missing")
            return ()
        items = piece.items if isinstance(piece, Many) else (piece,)
        found = [item.value for item in items if isinstance(item, Text) and item.value]
        if len(found) != len(items) or not found:
            self.report.add(piece.line, place, f"{name!r} has to be one prompt name or a list of them")
        return tuple(found)

    def nodes(self, top: Fields) -> dict[str, Node]:
        defaults = top.entries.get("defaults")
        if isinstance(defaults, Fields):
            self.known(defaults, "defaults", _DEFAULTS)
            self.defaults = defaults
        elif defaults is not None:
            self.report.add(defaults.line, "defaults", "has to be a mapping")
        piece = top.entries.get("nodes")
        if not isinstance(piece, Fields) or not piece.entries:
            self.report.add(piece.line if piece else top.line, "", "'nodes' has to be a mapping of nodes")
            return {}
        nodes: dict[str, Node] = {}
        for name, body in piece:
            self.lines[(name,)] = piece.key_lines[name]
            if not _NODE.fullmatch(name) or name in _RESERVED:
                self.report.add(piece.key_lines[name], name, "a node's name is small letters and _, up to 24")
            if isinstance(body, Fields):
                nodes[name] = self.node(name, body)
            else:
                self.report.add(
                    piece.key_lines[name], name, "a node is a mapping: 'say' and 'keys' or 'then'"
                )
        return nodes

    def node(self, name: str, body: Fields) -> Node:
        title, say = self.text(body, name, "title", name), self.names(body, name, "say")
        if "then" in body.entries:
            self.known(body, name, ("title", "say", "then"))
            then = self.target(self.text(body, name, "then"), name, self.lines[(name, "then")])
            return Message(name=name, title=title, say=say, then=then)
        self.known(body, name, ("title", "say", "again", "keys", *_DEFAULTS))
        give_up = self.text(body, name, "give_up")
        return Menu(
            name=name,
            title=title,
            say=say,
            again=self.names(body, name, "again") if "again" in body.entries else say,
            keys=self.choices(name, body),
            timeout_s=self.number(body, name, "timeout_s", _TIMEOUT_S),
            attempts=self.number(body, name, "attempts", _ATTEMPTS),
            no_input=self.text(body, name, "no_input"),
            wrong_input=self.text(body, name, "wrong_input"),
            give_up=self.target(give_up, name, self.lines[(name, "give_up")]),
        )

    def choices(self, node: str, body: Fields) -> tuple[Choice, ...]:
        piece = body.entries.get("keys")
        if not isinstance(piece, Fields) or not piece.entries:
            where = piece.line if piece else body.line
            self.report.add(where, node, "no way on: give it 'keys' (key: where to) or 'then' (where to)")
            return ()
        found = []
        for key, value in piece:
            line = piece.key_lines[key]
            self.lines[(node, "keys", key)] = line
            if len(key) != 1 or key not in KEYS:
                self.report.add(line, node, f"key {key!r} is not one of the telephone's: {' '.join(KEYS)}")
            found.append(self.choice(node, key, line, value))
        return tuple(found)

    def choice(self, node: str, key: str, line: int, piece: Piece) -> Choice:
        if isinstance(piece, Text):
            return Choice(key=key, label=piece.value, to=self.target(piece.value, node, line))
        if not isinstance(piece, Fields):
            self.report.add(line, node, f"key {key!r} leads to a list; write {{label: …, to: …}}")
            return Choice(key=key, label="", to=HangUp())
        place = f"{node}.keys.{key}"
        self.known(piece, place, ("label", "to", "language"))
        to = self.target(self.text(piece, place, "to"), node, line)
        language = self.text(piece, place, "language") if "language" in piece.entries else None
        return Choice(key=key, label=self.text(piece, place, "label", str(to)), to=to, language=language)

    def target(self, written: str, node: str, line: int) -> Target:
        words = written.split()
        if words == ["hangup"]:
            return HangUp()
        if words == ["repeat"]:
            return ToNode(node)
        if len(words) == 2 and words[0] == "queue":
            return ToQueue(words[1])
        if len(words) == 1 and words[0] != "queue":
            return ToNode(words[0])
        if written:
            meant = "a node, 'repeat', 'hangup' or 'queue <business>'"
            self.report.add(line, node, f"{written!r} leads nowhere: write {meant}")
        return HangUp()
