"""Reading the settings: from a TOML file and the environment, checked all at once.

The environment wins over the file, the file over the defaults. `HOTLINE_WEB__PORT=9560` is `port` in the
table `[web]`; a list is written as JSON in the environment. A value that cannot be used is reported with its
name, where it was found and what would be right, together with all others like it.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from core.errors import BadInput, HotlineError
from hotline.settings import Settings

PREFIX = "HOTLINE_"
DEFAULT_FILE = Path("hotline.toml")
# Read by set-up and by the search for Asterisk, before there are any settings.
NOT_SETTINGS = frozenset({"HOTLINE_CONFIG", "HOTLINE_CACHE", "HOTLINE_ASTERISK_ROOT"})
_SECRET = re.compile(r"password|secret|key|token")
SettingPath = tuple[str | int, ...]
Origins = dict[SettingPath, str]


class BadSettings(HotlineError):
    """The settings cannot be used; `problems` has one entry for each value that is wrong."""

    def __init__(self, problems: Sequence[BadInput]) -> None:
        lines = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(f"the settings cannot be used; correct and start again:{lines}")
        self.problems = tuple(problems)


def load(file: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this start; `BadSettings` naming every value that cannot be used.

    `file`: a TOML file that must exist; without it the one HOTLINE_CONFIG names, else hotline.toml where
    there is one. `environment`: the process's own unless given.
    """
    return load_with_origins(file, environment)[0]


def named_file(environment: Mapping[str, str] | None = None) -> Path | None:
    """The file that counts where none is given: HOTLINE_CONFIG's, else hotline.toml if it is there."""
    environment = os.environ if environment is None else environment
    if named := environment.get("HOTLINE_CONFIG"):
        return Path(named)
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def load_with_origins(
    file: Path | None = None, environment: Mapping[str, str] | None = None
) -> tuple[Settings, Origins]:
    """As `load`, with where each value that is not a default was found, by its path."""
    environment = os.environ if environment is None else environment
    file = file or named_file(environment)
    table, origins, problems = _read_file(file)
    from_environment, set_there, bad_names = _read_environment(environment)
    problems += bad_names
    origins |= set_there

    settings = Settings()
    try:
        settings = Settings.model_validate(_merged(table, from_environment))
    except ValidationError as error:
        problems += [_problem(detail, origins) for detail in error.errors(include_url=False)]
    if problems:
        raise BadSettings(problems)
    return settings, origins


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = dict(under)
    for key, value in over.items():
        below = both.get(key)
        both[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return both


# ------------------------------------------------------------------ the file


def _read_file(file: Path | None) -> tuple[dict[str, Any], Origins, list[BadInput]]:
    if file is None:
        return {}, {}, []
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        return {}, {}, [BadInput(str(file), f"cannot be read ({error.strerror}): name a file that can")]
    except UnicodeDecodeError:
        return {}, {}, [BadInput(str(file), "is not UTF-8 text: save it as UTF-8")]
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return {}, {}, [BadInput(str(file), f"is not TOML: {error}")]
    lines = {path: f"{file}:{line}" for path, line in _lines(text)}
    return table, {path: lines.get(path, str(file)) for path in _paths(table)}, []


_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.-]+)\s*\]\]?")
_KEY = re.compile(r"\s*([\w.-]+)\s*=")


def _lines(text: str) -> Iterator[tuple[SettingPath, int]]:
    """Where each plain key of a TOML text stands; (path, line from 1)."""
    table: SettingPath = ()
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = tuple(header[2].split("."))
            if header[1] == "[[":
                counts[header[2]] = counts.get(header[2], -1) + 1
                table = (*table, counts[header[2]])
            yield table, number
        elif key := _KEY.match(line):
            yield (*table, *key[1].split(".")), number


def _paths(value: Any, path: SettingPath = ()) -> Iterator[SettingPath]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        yield from _paths(below, (*path, key))


# ------------------------------------------------------------------ the environment


def variable(path: Sequence[str | int]) -> str:
    """The name that a setting has in the environment."""
    return PREFIX + "__".join(str(part) for part in path).upper()


def _read_environment(environment: Mapping[str, str]) -> tuple[dict[str, Any], Origins, list[BadInput]]:
    known = {variable(path): (path, model) for path, model in leaves(Settings)}
    table: dict[str, Any] = {}
    origins: Origins = {}
    problems: list[BadInput] = []
    for name, text in environment.items():
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            advice = f"did you mean {near[0]}?" if near else "docs/settings.md lists them"
            problems.append(BadInput(name, f"is no setting; {advice} Unset it or correct it"))
            continue
        path, many = known[name]
        try:
            value: Any = json.loads(text) if many else text
        except ValueError:
            problems.append(BadInput(name, f"{text[:60]!r} is not JSON: write the list as JSON"))
            continue
        at = table
        for part in path[:-1]:
            at = at.setdefault(part, {})
        at[path[-1]] = value
        origins[path] = name
    return table, origins, problems


def leaves(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Every setting that has a value of its own; (path, whether its value is a list)."""
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from leaves(annotation, (*path, name))
        else:
            yield (*path, name), bool(get_args(annotation)) and Ellipsis in get_args(annotation)


# ------------------------------------------------------------------ what is wrong, for people


def _problem(detail: Any, origins: Origins) -> BadInput:
    path: SettingPath = tuple(detail["loc"])
    if not path:  # a check of the settings as a whole names what it is about
        where, _, problem = str(detail["ctx"]["error"]).partition(": ")
        found = _nearest(tuple(where.split(".")), origins)
        return BadInput(f"{where} ({found})" if found else where, problem)
    name = ".".join(str(part) for part in path)
    if detail["type"] == "missing":
        found = _nearest(path, origins)
        return BadInput(f"{name} ({found})" if found else name, "is missing: give it a value")
    source = _nearest(path, origins)
    where = f"{name} ({source})" if source else name
    if detail["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, [".".join(known) for known, _ in leaves(Settings)], 1)
        advice = f"did you mean {near[0]}?" if near else "docs/settings.md lists them all"
        return BadInput(where, f"is no setting; {advice}")
    said = str(detail["ctx"]["error"]) if detail["type"] == "value_error" else _lower(detail["msg"])
    return BadInput(where, f"{_shown(path, detail['input'])} cannot be used: {said}")


def _shown(path: SettingPath, value: object) -> str:
    """The value as it was given, cut to a line; of one that may hold a password only that there is one."""
    if path[0] in ("database", "redis"):  # a URL holds a password
        return "this URL"
    return "what is given" if _SECRET.search(str(path[-1])) else repr(value)[:60]


def _nearest(path: SettingPath, origins: Origins) -> str:
    for length in range(len(path), 0, -1):
        if path[:length] in origins:
            return origins[path[:length]]
    return ""


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
