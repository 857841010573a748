"""A section of the directory as a spreadsheet, and a spreadsheet read back as a change. Pure.

A row is an entry, a column one of its fields. Lists stand in one cell, apart by spaces or commas; skills and
languages as `card:1 personal:2`, the days of a holiday notice as `元旦:2027-01-01..2027-01-03+2027-01-09`,
days off and then each make-up day. A column that the sheet has not leaves its field as it is, an empty cell
takes it away; entries that the sheet has not are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from directory import grid
from directory.changes import MOST_LINES, Line
from directory.entries import LISTS, Body, Entries
from directory.errors import Refusal

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "staff": (
            "number", "name", "en", "team", "unit", "roles", "skills", "languages", "trainee", "since",
            "until", "active",
        ),
        "units": ("code", "zh", "en", "kind", "parent"),
        "reasons": ("code", "zh", "en", "roles", "max_minutes", "digit", "on_duty"),
        "hold_reasons": ("code", "zh", "en"),
        "call_types": ("code", "zh", "en", "mandatory", "ticket_kinds", "callback", "report"),
        "ticket_kinds": ("code", "zh", "en"),
        "thresholds": ("alarm", "zh", "en", "severity", "raise_at", "clear_at", "window"),
        "vip_numbers": ("number",),
        "holiday_notices": ("number", "published", "since", "until", "days"),
    }
)  # fmt: skip
"""The sections that can be had as a sheet, each with its columns in their order."""
_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "number": "工号", "name": "姓名", "en": "英文名", "team": "班组", "unit": "机构", "roles": "角色",
        "skills": "技能", "languages": "语种", "trainee": "见习", "since": "入职日", "until": "离职日",
        "active": "启用", "code": "代码", "zh": "中文名", "kind": "类别", "parent": "上级", "alarm": "告警",
    }
)  # fmt: skip
_WORDS_OF: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("vip_numbers", "number"): "号码",
        ("holiday_notices", "number"): "文号",
        ("holiday_notices", "published"): "发布日",
        ("holiday_notices", "since"): "起始日",
        ("holiday_notices", "until"): "截止日",
        ("holiday_notices", "days"): "放假与调休",
    }
)
_MAPS = frozenset({"skills", "languages"})
_MANY = frozenset({"roles", "mandatory", "ticket_kinds"})
_HOLIDAYS = "days"
_APART = re.compile(r"[\s,;,;、]+")
_HOLIDAYS_APART = re.compile(r"[\s,;,;]+")  # 国庆节、中秋节 is one
_YES_NO: Final[Mapping[str, str]] = MappingProxyType({"是": "true", "否": "false"})


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the sheet as a line of a change. `number`: as the sheet's own program counts it."""

    number: int
    line: Line


def written(section: str, entries: Entries) -> bytes:
    """The section as it is, as an .xlsx."""
    columns = COLUMNS[section]
    bodies = [body for (of, _), body in entries.items() if of == section]
    rows = [[_cell(body.get(field)) for field in columns] for body in bodies]
    return grid.written(section, _heads(section).values(), rows)


def read(section: str, content: bytes, entries: Entries) -> list[Row]:
    """The rows of a sheet's first page as lines. `BadInput`, or `SheetRefused` with all mistakes."""
    records, wrong = grid.read(content, _heads(section), LISTS[section], most_rows=MOST_LINES)
    rows: list[Row] = []
    for record in records:
        body, problems = _body(record.cells, entries.get((section, record.key), {}))
        for field, problem in problems:
            wrong.append((record.number, Refusal(_where(section, record.number, field), problem)))
        rows.append(Row(record.number, Line(section, record.key, body)))
    grid.refuse(wrong)
    return rows


def at_its_cell(refusal: Refusal, section: str, rows: Sequence[Row]) -> Refusal:
    """A problem of an entry (`staff 1003: roles[0]`) as a problem of the cell that it stands in."""
    entry, _, path = refusal.field.partition(": ")
    of = {f"{section} {row.line.key}": row.number for row in rows}
    if entry not in of:
        return refusal
    field = re.split(r"[.\[]", path, maxsplit=1)[0]
    return Refusal(_where(section, of[entry], field) if field else f"row {of[entry]}", refusal.problem)


def _where(section: str, row: int, field: str) -> str:
    return grid.at(row, _head(section, field))


def _head(section: str, field: str) -> str:
    """What a column is called: `工号 number`, or the field's name alone."""
    word = _WORDS_OF.get((section, field), _WORDS.get(field, ""))
    return f"{word} {field}" if word else field


def _heads(section: str) -> dict[str, str]:
    return {field: _head(section, field) for field in COLUMNS[section]}


def _body(values: Mapping[str, str], before: Body) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """An entry of a row's cells, over what was there; and what is wrong, by field."""
    body = {field: value for field, value in before.items() if field not in values}
    wrong: list[tuple[str, str]] = []
    for field, value in values.items():
        parts = list(filter(None, (_HOLIDAYS_APART if field == _HOLIDAYS else _APART).split(value)))
        if field in _MANY:
            body[field] = parts
        elif field == _HOLIDAYS:
            body[field] = [_holiday(part) for part in parts]
            wrong += [
                (field, f"{one['name']!r} has no day: write {one['name']}:2027-01-01..2027-01-03")
                for one in body[field]
                if not one["off"]
            ]
        elif field in _MAPS:
            pairs = [part.replace(":", ":").partition(":") for part in parts]
            wrong += [
                (field, f"{name!r} has no level: write {name}:1") for name, apart, _ in pairs if not apart
            ]
            if pairs:
                body[field] = {name: level for name, _, level in pairs}
        elif value:
            body[field] = _YES_NO.get(value, value)
    return body, wrong


def _holiday(part: str) -> dict[str, Any]:
    name, _, days = part.replace(":", ":").partition(":")
    off, *work = days.split("+")
    return {"name": name, "off": off} | ({"work": work} if work else {})


def _spoken(holiday: Mapping[str, Any]) -> str:
    return "+".join([f"{holiday['name']}:{holiday['off']}", *holiday.get("work", ())])


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return " ".join(f"{name}:{level}" for name, level in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(_spoken(one) if isinstance(one, Mapping) else str(one) for one in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
