"""The catalogue of everything that is said: name → what is spoken, per language.

A text may fix how a character is read: `银行[hang2]` shows as 银行 and is spoken with hang2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from core.names import LANGUAGES
from ivr.lines import Fields, Many, Piece, Report, Text, parse, read_text

FALLBACK = {"nan": "cmn"}
"""Whose text is heard where no voice speaks the language: Mandarin is understood, a guessed Minnan not."""

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-(?:[a-z0-9]+|\{n\}))*")
_READING = re.compile(r"(\w)\[([a-z]+[1-5])\]")
_NUMBERS = range(1000)


@dataclass(frozen=True, slots=True)
class Words:
    """A text and the language it is written in."""

    language: str
    text: str

    @property
    def shown(self) -> str:
        """As people read it."""
        return _READING.sub(r"\1", self.text)

    @property
    def spoken(self) -> str:
        """As the voice reads it: the marked characters as pinyin."""
        return _READING.sub(r" \2 ", self.text)


Part = tuple[Words, ...]
"""The same words in several languages, the best first: the first one that has a voice is spoken."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """`parts`: language of the caller → what is said one after the other."""

    name: str
    parts: dict[str, tuple[Part, ...]] = field(hash=False)

    def shown(self, language: str) -> str:
        return "".join(part[0].shown for part in self.parts[language])


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every prompt by name."""

    prompts: dict[str, Prompt] = field(hash=False)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.prompts)


def read_catalogue(path: Path) -> Catalogue:
    """The catalogue in a file; `ivr.lines.Refused` with every mistake, each with its line and prompt."""
    report = Report(path.name)
    top = parse(read_text(path), report)
    piece = top.entries.get("prompts") if isinstance(top, Fields) else None
    if not isinstance(piece, Fields):
        report.add(top.line, "", "a catalogue is a mapping with 'prompts'")
        report.refuse()
    found: dict[str, Prompt] = {}
    for name, body in piece:
        line = piece.key_lines[name]
        for prompt in _prompts(name, body, line, report):
            if prompt.name in found:
                report.add(line, name, f"{prompt.name!r} is there already: give each prompt once")
            found[prompt.name] = prompt
    report.settle()
    return Catalogue(found)


def _prompts(name: str, body: Piece, line: int, report: Report) -> list[Prompt]:
    if not _NAME.fullmatch(name) or name.count("{n}") > 1:
        report.add(line, name, "a prompt's name is small letters, digits and hyphens, with {n} once at most")
    if not isinstance(body, Fields):
        report.add(line, name, f"has to be a mapping with a text for each of {', '.join(LANGUAGES)}")
        return []
    numbers = _numbers(name, body, report)
    parts = _each(name, body, report) if "each" in body.entries else _texts(name, body, report)
    if "{n}" not in name:
        return [Prompt(name, parts)]
    return [_numbered(name, parts, number) for number in numbers]


def _numbers(name: str, body: Fields, report: Report) -> range:
    piece = body.entries.get("numbers")
    if ("{n}" in name) != (piece is not None):
        report.add(body.line, name, "{n} in the name and 'numbers: [first, last]' go together")
    if piece is None:
        return range(0)
    items = [item.value for item in piece.items if isinstance(item, Text)] if isinstance(piece, Many) else []
    if len(items) == 2 and all(item.isdigit() and int(item) in _NUMBERS for item in items):
        return range(int(items[0]), int(items[1]) + 1)
    report.add(piece.line, name, "'numbers' has to be [first, last], whole numbers below 1000")
    return range(0)


def _texts(name: str, body: Fields, report: Report) -> dict[str, tuple[Part, ...]]:
    for key in body.entries:
        if key not in (*LANGUAGES, "numbers"):
            report.add(
                body.key_lines[key], name, f"unknown field {key!r}; languages are {', '.join(LANGUAGES)}"
            )
    written = {language: _words(name, language, body, report) for language in LANGUAGES}
    return {
        language: (tuple(written[each] for each in (language, FALLBACK.get(language)) if each),)
        for language in LANGUAGES
    }


def _words(name: str, language: str, body: Fields, report: Report) -> Words:
    piece = body.entries.get(language)
    if not isinstance(piece, Text) or not piece.value.strip():
        report.add(piece.line if piece else body.line, name, f"the {language} text is missing")
        return Words(language, "")
    if "[" in _READING.sub("", piece.value):
        report.add(piece.line, name, f"a reading is one character and its pinyin, 行[hang2]: {piece.value!r}")
    return Words(language, piece.value)


def _each(name: str, body: Fields, report: Report) -> dict[str, tuple[Part, ...]]:
    """Texts that callers of every language hear alike: a list of parts, each in the voices it names."""
    piece = body.entries["each"]
    parts: list[Part] = []
    for item in piece.items if isinstance(piece, Many) else ():
        languages = list(item.entries) if isinstance(item, Fields) else []
        if not isinstance(item, Fields) or not languages or not set(languages) <= set(LANGUAGES):
            report.add(item.line, name, f"a part of 'each' is 'language: text'; {', '.join(LANGUAGES)}")
            continue
        parts.append(tuple(_words(name, language, item, report) for language in languages))
    if not parts:
        report.add(piece.line, name, "'each' has to be a list of parts")
    return dict.fromkeys(LANGUAGES, tuple(parts))


def _numbered(name: str, parts: dict[str, tuple[Part, ...]], number: int) -> Prompt:
    def fill(words: Words) -> Words:
        return Words(words.language, words.text.replace("{n}", str(number)))

    filled = {
        language: tuple(tuple(fill(words) for words in part) for part in each)
        for language, each in parts.items()
    }
    return Prompt(name.replace("{n}", str(number)), filled)
