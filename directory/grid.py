"""Spreadsheets, whatever they hold: columns known by their heads, cells as text, there and back. Pure.

A head is a field's name, its Chinese word, or both (`工号 number`). Whose a row is says its key column.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from typing import Final

from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from core.errors import BadInput
from directory.errors import Refusal

MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_BYTES = 2_000_000
_MOST_UNPACKED = 50_000_000
_MOST_COLUMNS = 60


class SheetRefused(BadInput):
    """The sheet is refused whole: every mistake with its row and column."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        told = "; ".join(f"{one.field}: {one.problem}" for one in refusals)
        super().__init__("sheet", f"nothing of it was taken, correct {len(refusals)} place(s): {told}")
        self.refusals = tuple(refusals)


Wrong = tuple[int, Refusal]
"""A row and what is wrong in it."""


@dataclass(frozen=True, slots=True)
class Record:
    """A row that says whose it is. `number`: as the sheet's own program counts it; `cells`: field → text."""

    number: int
    key: str
    cells: Mapping[str, str]


def written(title: str, heads: Iterable[str], rows: Iterable[Sequence[str]]) -> bytes:
    """An .xlsx whose cells are all text: no number loses its zeros."""
    out = BytesIO()
    book = Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet(title)
    text, bold = book.add_format({"num_format": "@"}), book.add_format({"num_format": "@", "bold": True})
    for column, head in enumerate(heads):
        sheet.set_column(column, column, 16, text)
        sheet.write_string(0, column, head, bold)
    for row, cells in enumerate(rows, 1):
        for column, cell in enumerate(cells):
            sheet.write_string(row, column, cell, text)
    sheet.freeze_panes(1, 1)
    book.close()
    return out.getvalue()


def read(
    content: bytes, heads: Mapping[str, str], key: str, *, most_rows: int
) -> tuple[list[Record], list[Wrong]]:
    """The rows of a sheet's first page that hold something, and what is wrong with whose they are.

    `heads`: field → head. `BadInput` for what is no sheet or too long, `SheetRefused` for a head that is
    not known: of the rows nothing can be said then.
    """
    grid = _grid(content, most_rows)
    columns = _columns(grid[0], heads, key) if grid else {}
    records: list[Record] = []
    wrong: list[Wrong] = []
    seen: dict[str, int] = {}
    for number, cells in enumerate(grid[1:], 2):
        values = {field: cells[column] for field, column in columns.items() if column < len(cells)}
        if not any(values.values()):
            continue
        whose, where = values.get(key, ""), at(number, heads[key])
        if not whose:
            wrong.append((number, Refusal(where, "is empty: every row says whose it is")))
        elif whose in seen:
            wrong.append((number, Refusal(where, f"{whose} stands in row {seen[whose]} already")))
        else:
            seen[whose] = number
            records.append(Record(number, whose, values))
    if not records and not wrong:
        raise BadInput("sheet", "has no row below its head")
    return records, wrong


def refuse(wrong: Sequence[Wrong]) -> None:
    """`SheetRefused` if there is anything wrong, row by row."""
    if wrong:
        raise SheetRefused([refusal for _, refusal in sorted(wrong, key=lambda one: one[0])])


def at(row: int, head: str) -> str:
    """A cell as people find it."""
    return f"row {row}, column {head}"


def _grid(content: bytes, most_rows: int) -> list[list[str]]:
    """Every cell of the first page as text, row by row."""
    if len(content) > MOST_BYTES:
        raise BadInput("sheet", f"has more than {MOST_BYTES // 1_000_000} MB: send fewer rows at once")
    try:
        with zipfile.ZipFile(BytesIO(content)) as packed:
            unpacked = sum(part.file_size for part in packed.infolist())
        grid = _cells(content, most_rows) if unpacked <= _MOST_UNPACKED else None
    except Exception as error:  # the library tells of a broken file in many ways, and all mean the same
        raise BadInput("sheet", f"is no .xlsx that can be read ({type(error).__name__})") from error
    if grid is None:
        raise BadInput("sheet", "unpacks to more than a sheet of people could: it is not read")
    if len(grid) > most_rows + 1:
        raise BadInput("sheet", f"has more than {most_rows} rows: send fewer at once")
    return grid


def _cells(content: bytes, most_rows: int) -> list[list[str]]:
    """As far as one change may reach, and a row more, by which one that is longer is known."""
    page = CalamineWorkbook.from_filelike(BytesIO(content)).get_sheet_by_index(0)
    rows = page.to_python(skip_empty_area=False, nrows=most_rows + 2)
    return [[_text(cell) for cell in cells[:_MOST_COLUMNS]] for cells in rows]


def _columns(row: Sequence[str], heads: Mapping[str, str], key: str) -> dict[str, int]:
    """Field → column."""
    known = {field: field for field in heads}
    known |= {head: field for field, head in heads.items()}
    known |= {head.split()[0]: field for field, head in heads.items()}
    columns: dict[str, int] = {}
    refusals: list[Refusal] = []
    for column, name in enumerate(row):
        where = f"row 1, column {column + 1}"
        if name and name not in known:
            refusals.append(Refusal(where, f"{name!r} is no column here; known: {', '.join(heads)}"))
        elif name and known[name] in columns:
            refusals.append(Refusal(where, f"{name!r} stands there twice"))
        elif name:
            columns[known[name]] = column
    if not refusals and key not in columns:
        refusals.append(Refusal("row 1", f"has no column {key}: nobody knows whose the rows are"))
    if refusals:
        raise SheetRefused(refusals)
    return columns


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
