"""A section of the directory as a spreadsheet, and a spreadsheet read back as a change. Pure.

A row is an entry, a column one of its fields. Lists stand in one cell, apart by spaces or commas; skills and
languages as `card:1 personal:2`, the days of a holiday notice as `元旦:2027-01-01..2027-01-03+2027-01-09`,
days off and then each make-up day. A column that the sheet has not leaves its field as it is, an empty cell
takes it away; entries that the sheet has not are left alone.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from types import MappingProxyType
from typing import Any, Final

from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from core.errors import BadInput
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
MOST_BYTES = 2_000_000
_MOST_UNPACKED = 50_000_000
_MOST_COLUMNS = 60


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the sheet as a line of a change. `number`: as the sheet's own program counts it."""

    number: int
    line: Line


class SheetRefused(BadInput):
    """The sheet is refused whole: every mistake with its row and column."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        told = "; ".join(f"{one.field}: {one.problem}" for one in refusals)
        super().__init__("sheet", f"nothing of it was taken, correct {len(refusals)} place(s): {told}")
        self.refusals = tuple(refusals)


def written(section: str, entries: Entries) -> bytes:
    """The section as it is, as an .xlsx whose cells are all text: no number loses its zeros."""
    out = BytesIO()
    book = Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet(section)
    text, head = book.add_format({"num_format": "@"}), book.add_format({"num_format": "@", "bold": True})
    columns = COLUMNS[section]
    sheet.set_column(0, len(columns) - 1, 16, text)
    for column, field in enumerate(columns):
        sheet.write_string(0, column, _head(section, field), head)
    bodies = [body for (of, _), body in entries.items() if of == section]
    for row, body in enumerate(bodies, 1):
        for column, field in enumerate(columns):
            sheet.write_string(row, column, _cell(body.get(field)), text)
    sheet.freeze_panes(1, 1)
    book.close()
    return out.getvalue()


def read(section: str, content: bytes, entries: Entries) -> list[Row]:
    """The rows of a sheet's first page as lines. `BadInput`, or `SheetRefused` with all mistakes."""
    grid = _grid(content)
    columns = _columns(section, grid[0]) if grid else {}
    key_field = LISTS[section]
    rows: list[Row] = []
    seen: dict[str, int] = {}
    refusals: list[Refusal] = []
    for number, cells in enumerate(grid[1:], 2):
        values = {field: cells[column] for field, column in columns.items() if column < len(cells)}
        if not any(values.values()):
            continue
        key = values.get(key_field, "")
        if not key:
            refusals.append(
                Refusal(_where(section, number, key_field), "is empty: every row says whose it is")
            )
        elif key in seen:
            refusals.append(
                Refusal(_where(section, number, key_field), f"{key} stands in row {seen[key]} already")
            )
        else:
            seen[key] = number
            body, wrong = _body(values, entries.get((section, key), {}))
            refusals += [Refusal(_where(section, number, field), problem) for field, problem in wrong]
            rows.append(Row(number, Line(section, key, body)))
    if refusals:
        raise SheetRefused(refusals)
    if not rows:
        raise BadInput("sheet", "has no row below its head")
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
    return f"row {row}, column {_head(section, field)}"


def _head(section: str, field: str) -> str:
    """What a column is called: `工号 number`, or the field's name alone."""
    word = _WORDS_OF.get((section, field), _WORDS.get(field, ""))
    return f"{word} {field}" if word else field


def _grid(content: bytes) -> list[list[str]]:
    """Every cell of the first page as text, row by row."""
    if len(content) > MOST_BYTES:
        raise BadInput("sheet", f"has more than {MOST_BYTES // 1_000_000} MB: send fewer rows at once")
    try:
        with zipfile.ZipFile(BytesIO(content)) as packed:
            unpacked = sum(part.file_size for part in packed.infolist())
        grid = _cells(content) if unpacked <= _MOST_UNPACKED else None
    except Exception as error:  # the library tells of a broken file in many ways, and all mean the same
        raise BadInput("sheet", f"is no .xlsx that can be read ({type(error).__name__})") from error
    if grid is None:
        raise BadInput("sheet", "unpacks to more than a sheet of people could: it is not read")
    if len(grid) > MOST_LINES + 1:
        raise BadInput("sheet", f"has more than {MOST_LINES} rows: send fewer at once")
    return grid


def _cells(content: bytes) -> list[list[str]]:
    """As far as one change may reach, and a row more, by which one that is longer is known."""
    page = CalamineWorkbook.from_filelike(BytesIO(content)).get_sheet_by_index(0)
    rows = page.to_python(skip_empty_area=False, nrows=MOST_LINES + 2)
    return [[_text(cell) for cell in cells[:_MOST_COLUMNS]] for cells in rows]


def _columns(section: str, head: Sequence[str]) -> dict[str, int]:
    """Field → column. A head is a field's name, its Chinese word, or both."""
    known = {field: field for field in COLUMNS[section]}
    known |= {_head(section, field): field for field in COLUMNS[section]}
    known |= {_head(section, field).split()[0]: field for field in COLUMNS[section]}
    columns: dict[str, int] = {}
    refusals: list[Refusal] = []
    for column, name in enumerate(head):
        where = f"row 1, column {column + 1}"
        if name and name not in known:
            refusals.append(
                Refusal(where, f"{name!r} is no column here; known: {', '.join(COLUMNS[section])}")
            )
        elif name and known[name] in columns:
            refusals.append(Refusal(where, f"{name!r} stands there twice"))
        elif name:
            columns[known[name]] = column
    if not refusals and LISTS[section] not in columns:
        refusals.append(Refusal("row 1", f"has no column {LISTS[section]}: nobody knows whose the rows are"))
    if refusals:
        raise SheetRefused(refusals)
    return columns


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


def _text(cell: object) -> str:
    """A cell as people see it: whole numbers without a fraction, days as 2026-10-01, true and false."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell).strip()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return " ".join(f"{name}:{level}" for name, level in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(_spoken(one) if isinstance(one, Mapping) else str(one) for one in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
