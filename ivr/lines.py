"""YAML read so that everything still knows its line, and every mistake is reported, not the first one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import yaml

from core.errors import BadInput


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where a person finds it, what is wrong, what to do."""

    line: int
    place: str
    text: str


class Refused(BadInput):
    """A file is refused whole; `problems` holds every mistake in it, in the order of its lines."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        listed = [f"{file}:{p.line}: {p.place + ': ' if p.place else ''}{p.text}" for p in self.problems]
        super().__init__(file, "\n".join([f"{len(listed)} mistake{'s' * (len(listed) > 1)}", *listed]))


class Report:
    """Collects the problems of one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def add(self, line: int, place: str, text: str) -> None:
        self.problems.append(Problem(line, place, text))

    def settle(self) -> None:
        """Raise `Refused` if anything was reported."""
        if self.problems:
            self.refuse()

    def refuse(self) -> NoReturn:
        """Raise `Refused` with what has been reported so far."""
        raise Refused(self.file, self.problems)


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar, as it is written."""

    line: int
    value: str


@dataclass(frozen=True, slots=True)
class Many:
    """A sequence."""

    line: int
    items: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping with its keys in order; a key given twice has been reported and counts once."""

    line: int
    entries: dict[str, Piece]
    key_lines: dict[str, int]

    def __iter__(self) -> Iterator[tuple[str, Piece]]:
        return iter(self.entries.items())


Piece = Text | Many | Fields


class _PlainLoader(yaml.SafeLoader):
    """Refuses aliases: a few of them, nested, grow to any size or have no end."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="aliases (*name) are not allowed", problem_mark=self.get_mark()
            )
        return super().compose_node(parent, index)


def parse(source: str, report: Report) -> Piece:
    """The document as a tree that knows its lines; `Refused` at once if it is no YAML at all."""
    try:
        node = yaml.compose(source, Loader=_PlainLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        report.add(line, "", f"not readable as YAML: {error.problem}")
    except (yaml.YAMLError, RecursionError) as error:
        report.add(1, "", f"not readable as YAML: {error}")
    else:
        if node is None:
            report.add(1, "", "the file is empty")
        else:
            return _piece(node, report, "")
    return report.refuse()


def read_text(path: Path) -> str:
    """The text of a file in UTF-8; `BadInput` if there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(str(path), f"cannot be read: {error}") from error


def _piece(node: yaml.Node, report: Report, place: str) -> Piece:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        return Text(line, node.value)
    if isinstance(node, yaml.SequenceNode):
        return Many(line, tuple(_piece(item, report, place) for item in node.value))
    if not isinstance(node, yaml.MappingNode):
        raise BadInput(report.file, f"line {line} holds something that is no mapping, list or text")
    entries: dict[str, Piece] = {}
    key_lines: dict[str, int] = {}
    for key, value in node.value:
        name, key_line = str(key.value), key.start_mark.line + 1
        inner = f"{place}.{name}" if place else name
        if name in entries:
            report.add(key_line, inner, f"given twice, first in line {key_lines[name]}: keep one")
            continue
        key_lines[name] = key_line
        entries[name] = _piece(value, report, inner)
    return Fields(line, entries, key_lines)
