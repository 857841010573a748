"""Data read with its place: every value knows where it stands, every problem is collected.

From a YAML text (`read`), where places are lines, or from values that came as JSON or as a sheet (`given`).

Scalars are taken as they are written, so that `no` is a word and `0012` keeps its zeros. A reading method
that meets a problem notes it and answers with something harmless; whoever reads goes on, and at the end
looks at `Problems`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date

import yaml

from directory.errors import Problem


class Problems:
    """All that is wrong with one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: list[tuple[int, Problem]] = []

    def note(self, line: int, path: str, text: str) -> None:
        """Remember a problem; `line` counts from 1."""
        self._found.append((line, Problem(f"{self.file}:{line}", path, text)))

    def all(self) -> list[Problem]:
        """In the order of the file's lines."""
        return [problem for _line, problem in sorted(self._found, key=lambda found: found[0])]


class Place:
    """One value of the file and its path in it."""

    def __init__(self, node: yaml.Node, path: str, problems: Problems) -> None:
        self._node = node
        self._problems = problems
        self.path = path

    @property
    def line(self) -> int:
        """Counting from 1."""
        return int(self._node.start_mark.line) + 1

    def refuse(self, text: str) -> None:
        """Note that something is wrong here."""
        self._problems.note(self.line, self.path, text)

    def text(self, *, longest: int = 60) -> str:
        """A word or a line, as it is written; "" after a problem."""
        if not isinstance(self._node, yaml.ScalarNode):
            self.refuse("write a single value here")
            return ""
        value = str(self._node.value)
        if not value.strip() or self._node.tag.endswith(":null"):
            self.refuse("is empty: write a value or remove the line")
            return ""
        if len(value) > longest or not value.isprintable():
            self.refuse(f"at most {longest} characters on one line, nothing unprintable")
            return ""
        return value

    def shaped(self, shape: str, meaning: str) -> str:
        """A text of that regular shape; "" after a problem."""
        value = self.text()
        if value and not re.fullmatch(shape, value):
            self.refuse(f"{value!r} is not {meaning}")
            return ""
        return value

    def one_of(self, known: Collection[str], what: str) -> str:
        """One of the names that are known; "" after a problem."""
        value = self.text()
        if value and value not in known:
            self.refuse(f"there is no {what} {value!r}; known: {', '.join(sorted(known)) or 'none'}")
            return ""
        return value

    def whole(self, low: int, high: int, *, otherwise: int | None = None) -> int:
        """A whole number from `low` to `high`; after a problem `otherwise`, or else `low`."""
        harmless = low if otherwise is None else otherwise
        value = self.text()
        if not value:
            return harmless
        if not re.fullmatch(r"-?\d{1,9}", value) or not low <= int(value) <= high:
            self.refuse(f"{value!r} is not a whole number from {low} to {high}")
            return harmless
        return int(value)

    def yes_no(self) -> bool:
        """`true` or `false`; False after a problem."""
        value = self.text()
        if value and value not in {"true", "false"}:
            self.refuse(f"{value!r} is neither true nor false")
        return value == "true"

    def day(self) -> date | None:
        """A date such as 2026-10-01; None after a problem."""
        return self.day_of(self.text())

    def day_of(self, text: str) -> date | None:
        """The date that a part of this value says; None after a problem, or of nothing."""
        if not text:
            return None
        try:
            if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
                return date.fromisoformat(text)
        except ValueError:
            pass
        self.refuse(f"{text!r} is no date such as 2026-10-01")
        return None

    def entries(self) -> list[Place]:
        """The entries of a list; none after a problem."""
        if not isinstance(self._node, yaml.SequenceNode):
            self.refuse("write a list here")
            return []
        return [
            Place(node, f"{self.path}[{index}]", self._problems)
            for index, node in enumerate(self._node.value)
        ]

    def pairs(self) -> Iterator[tuple[Place, Place]]:
        """Names and values; a name that stands there twice is refused."""
        if not isinstance(self._node, yaml.MappingNode):
            self.refuse("write `name: value` pairs here")
            return
        seen: set[str] = set()
        for key_node, node in self._node.value:
            key = Place(key_node, self.path, self._problems)
            name = key.text()
            prefix = f"{self.path}." if self.path else ""
            key.path = f"{prefix}{name}"
            if name in seen:
                key.refuse("stands here twice")
            elif name:
                seen.add(name)
                yield key, Place(node, key.path, self._problems)

    def fields(self, required: Collection[str], optional: Collection[str] = ()) -> dict[str, Place]:
        """The fields of a record; unknown and missing ones are noted.

        A required field that is missing can be read all the same and gives something harmless.
        """
        found: dict[str, Place] = {}
        known = [*required, *optional]
        for key, value in self.pairs():
            name = key.text()
            if name in known:
                found[name] = value
            else:
                key.refuse(f"is not known here; known: {', '.join(known)}")
        missing = [name for name in required if name not in found]
        if missing and isinstance(self._node, yaml.MappingNode):
            self.refuse(f"lacks {', '.join(missing)}")
        return found | {name: _Absent(self._node, self.path, self._problems) for name in missing}


class _Absent(Place):
    """What is not there; that has been noted already."""

    def __init__(self, above: yaml.Node, path: str, problems: Problems) -> None:
        nothing = yaml.ScalarNode("tag:yaml.org,2002:null", "", above.start_mark, above.end_mark)
        super().__init__(nothing, path, problems)

    def refuse(self, text: str) -> None:
        """Says nothing more."""


def read(text: str, file: str, problems: Problems) -> Place | None:
    """The whole document; None, with the problem noted, if it is no YAML at all or empty."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problems.note(line, "", f"is not YAML: {error.problem or error}")
        return None
    except yaml.YAMLError as error:
        problems.note(1, "", f"is not YAML: {error}")
        return None
    if node is None:
        problems.note(1, "", "is empty")
        return None
    return Place(node, "", problems)


def given(value: object, problems: Problems) -> Place:
    """What was given as plain data: mappings, sequences and single values, by their written form."""
    return Place(_node(value), "", problems)


def _node(value: object) -> yaml.Node:
    if isinstance(value, Mapping):
        pairs = [(_node(str(key)), _node(inner)) for key, inner in value.items()]
        return yaml.MappingNode("tag:yaml.org,2002:map", pairs, _NOWHERE, _NOWHERE)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return yaml.SequenceNode(
            "tag:yaml.org,2002:seq", [_node(inner) for inner in value], _NOWHERE, _NOWHERE
        )
    if value is None:
        return yaml.ScalarNode("tag:yaml.org,2002:null", "", _NOWHERE, _NOWHERE)
    written = str(value).lower() if isinstance(value, bool) else str(value)
    return yaml.ScalarNode("tag:yaml.org,2002:str", written, _NOWHERE, _NOWHERE)


_NOWHERE = yaml.Mark("", 0, 0, 0, None, 0)
