"""docker/: the Dockerfile taken apart, and what of the checkout gets into an image. Enough for ours."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
HOME = Path("/srv/hotline")
"""What is `/srv/hotline` in a container: the checkout in `app`, volumes beside it."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One line of the Dockerfile, continuations joined: `COPY`, its `--flags` and the rest."""

    word: str
    flags: dict[str, list[str]]
    rest: str

    @property
    def words(self) -> list[str]:
        """The rest, from the JSON form or split at blanks."""
        return list(json.loads(self.rest)) if self.rest.startswith("[") else self.rest.split()


@dataclass(slots=True)
class Stage:
    """From one FROM to the next."""

    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, word: str) -> list[Instruction]:
        """Every instruction of this word, in order."""
        return [one for one in self.instructions if one.word == word]

    def last(self, word: str) -> Instruction:
        """The one in force; AssertionError if there is none."""
        found = self.all(word)
        assert found, f"stage {self.name} has no {word}"
        return found[-1]


def parse(text: str) -> tuple[dict[str, str], dict[str, Stage]]:
    """(ARG → default, before the first FROM; stages by name, in order)."""
    arguments: dict[str, str] = {}
    stages: dict[str, Stage] = {}
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for line in lines.replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        one = _instruction(line)
        if one.word == "FROM":
            base, _, name = one.rest.partition(" AS ")
            stages[name] = Stage(name, base)
        elif stages:
            list(stages.values())[-1].instructions.append(one)
        else:
            assert one.word == "ARG", line
            name, _, default = one.rest.partition("=")
            arguments[name] = default
    return arguments, stages


def _instruction(line: str) -> Instruction:
    word, _, rest = line.strip().partition(" ")
    flags: dict[str, list[str]] = {}
    while match := re.match(r"\s*--([a-z-]+)=(\S+)\s*", rest):
        flags.setdefault(match[1], []).append(match[2])
        rest = rest[match.end() :]
    return Instruction(word, flags, " ".join(rest.split()))


def ignored(path: str, patterns: list[str]) -> bool:
    """Whether .dockerignore keeps this path out: the last pattern to fit it, or a folder above, decides."""
    parts = path.split("/")
    above = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    out = False
    for pattern in patterns:
        expression = _expression(pattern.removeprefix("!"))
        if any(re.fullmatch(expression, one) for one in above):
            out = not pattern.startswith("!")
    return out


def _expression(pattern: str) -> str:
    pieces = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    split = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return "".join(pieces.get(piece, re.escape(piece)) for piece in split)


def patterns() -> list[str]:
    """The lines of .dockerignore that say something."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def context() -> Iterator[Path]:
    """Every file of this checkout that gets into an image, relative to it."""
    rules = patterns()
    tops = [one.name for one in ROOT.iterdir() if not ignored(one.name, rules)]
    for top in sorted(tops):
        if (ROOT / top).is_file():
            yield Path(top)
        for folder, below, files in os.walk(ROOT / top):
            relative = Path(folder).relative_to(ROOT)
            below[:] = [one for one in below if not ignored((relative / one).as_posix(), rules)]
            yield from (relative / one for one in files if not ignored((relative / one).as_posix(), rules))


def copy_context(into: Path) -> Path:
    """What `COPY . .` would lay into `into`."""
    for file in context():
        (into / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, into / file)
    return into


def stages() -> dict[str, Stage]:
    """Those of docker/Dockerfile."""
    return parse((DOCKER / "Dockerfile").read_text("utf-8"))[1]


def compose() -> dict[str, Any]:
    """docker/compose.yaml, its variables left as they stand."""
    loaded: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))
    return loaded
