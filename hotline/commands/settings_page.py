"""`hotline settings`: what is in force and where it comes from; and docs/settings.md with all there are."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from annotated_types import Ge, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from hotline.configuration import leaves, load_with_origins, variable
from hotline.settings import Settings
from hotline.settings_nodes import NodeSettings
from hotline.settings_section import Section
from storage.urls import database_url, place_of
from web.redis_url import place_of_redis

PAGE = Path("docs/settings.md")

_INTRODUCTION = """\
# Settings

Made from `hotline/settings*.py` by `./run hotline settings --write`; do not edit.

Each setting stands in a TOML file (`--config FILE`, else the file that `HOTLINE_CONFIG` names, else
`hotline.toml` in the working directory) or in the environment, which wins. A value that cannot be used stops
the start with its name, where it was found, and what would be right. `./run hotline settings` shows what is
in force and where it comes from.

Three variables are no settings, because they are read before there are any: `HOTLINE_CONFIG` (the file),
`HOTLINE_CACHE` (where set-up keeps what it downloads; default `~/.cache/hotline95559`) and
`HOTLINE_ASTERISK_ROOT` (a root that holds the Asterisk to use).
"""


def page() -> str:
    """docs/settings.md, whole."""
    parts = [_INTRODUCTION]
    sections: list[tuple[type[BaseModel], tuple[str, ...]]] = [(Settings, ())]
    sections += [
        (field.annotation, (name,))
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
    ]
    sections.append((NodeSettings, ("nodes",)))
    for model, path in sections:
        head, _, line = (model.__doc__ or "").strip().partition("] ")
        title = f"`{head}]`: {line}" if path else "The program as a whole"
        parts.append(f"\n## {title}\n\n{_table(model, path)}")
    return "".join(parts)


def _table(model: type[BaseModel], path: tuple[str, ...]) -> str:
    rows = ["| setting | environment | default | what it is |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        if not field.description:
            continue  # a section, with a table of its own
        env = "in `HOTLINE_NODES`" if model is NodeSettings else f"`{variable((*path, name))}`"
        rows.append(f"| `{name}` | {env} | {_default(field)} | {field.description}{_bounds(field)} |")
    return "\n".join(rows) + "\n"


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "must be given"
    if field.default in ("", None, ()):
        return "-"
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def _bounds(field: FieldInfo) -> str:
    low = next((rule.ge for rule in field.metadata if isinstance(rule, Ge)), None)
    high = next((rule.le for rule in field.metadata if isinstance(rule, Le)), None)
    return "" if low is None or high is None else f" ({low} to {high})"


def _in_force(config: Path | None) -> Iterator[str]:
    settings, origins = load_with_origins(config)
    rows = [(path, _value(settings, path)) for path, _ in leaves(Settings) if path != ("nodes",)]
    for index, node in enumerate(settings.nodes):
        rows += [(("nodes", str(index), name), str(value)) for name, value in node]
    width = max(len(".".join(path)) for path, _ in rows)
    for path, value in rows:
        source = next((origins[path[:n]] for n in range(len(path), 0, -1) if path[:n] in origins), "default")
        yield f"{'.'.join(path):{width}}  {value}  ({source})"


def _value(settings: Settings, path: tuple[str, ...]) -> str:
    value: Any = settings
    for part in path:
        value = getattr(value, part)
    if path[0] == "database" and value:
        return place_of(database_url(value, ".".join(path)))
    if path == ("redis", "url") and value:
        return place_of_redis(value)
    return "-" if value in ("", None, ()) else str(value)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline settings`."""
    parser.add_argument("--config", type=Path, help="the TOML file to read")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--write", action="store_true", help=f"write {PAGE} anew")
    either.add_argument("--check", action="store_true", help=f"fail if {PAGE} is out of date")


def run(arguments: argparse.Namespace) -> int:
    """Shows the settings in force, or writes or checks the page."""
    if arguments.write:
        PAGE.write_text(page(), "utf-8")
    elif arguments.check:
        if not PAGE.exists() or PAGE.read_text("utf-8") != page():
            print(f"{PAGE} is out of date: run ./run hotline settings --write", file=sys.stderr)
            return 1
    else:
        print("\n".join(_in_force(arguments.config)))
    return 0
