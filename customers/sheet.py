"""Customers as a spreadsheet's rows: each a customer, by customer number. Pure.

A column that the sheet has not leaves its field as it is, an empty cell takes it away; customers that the
sheet has not are left alone. Numbers stand in one cell, apart by commas, semicolons or lines.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from core.errors import BadInput
from customers.model import Customer, Details, Level
from customers.rules import check_id, refusals, tidy
from directory import grid
from directory.errors import Refusal
from directory.grid import Record, Wrong

MOST_ROWS = 5_000
KEY: Final = "id"
HEADS: Final[Mapping[str, str]] = MappingProxyType(
    {
        KEY: "客户号 id",
        "name": "姓名 name",
        "level": "等级 level",
        "language": "语种 language",
        "numbers": "号码 numbers",
        "until": "截止日 until",
    }
)
"""Field → what its column is called."""
_LEVELS: Final[Mapping[str, Level]] = MappingProxyType(
    {"普通": Level.ORDINARY, "贵宾": Level.VIP, "私人银行": Level.PRIVATE, "": Level.ORDINARY}
    | {level.value: level for level in Level}
)
_APART = re.compile(r"[,;,;、\n]+")


@dataclass(frozen=True, slots=True)
class Row:
    """A row as what it makes of a customer. `number`: as the sheet's own program counts it."""

    number: int
    customer: str
    details: Details


def records(content: bytes) -> tuple[list[Record], list[Wrong]]:
    """The sheet's rows as text, and what is wrong with their customer numbers (`directory.grid.read`)."""
    return grid.read(content, HEADS, KEY, most_rows=MOST_ROWS)


def rows(
    records: Sequence[Record],
    wrong: Sequence[Wrong],
    there: Mapping[str, Customer],
    languages: Collection[str],
) -> list[Row]:
    """What each row makes of the customer that is there. `SheetRefused`: with all mistakes, those in `wrong`
    too."""
    found, mistakes = [], list(wrong)
    for record in records:
        before = there.get(record.key)
        details, problems = _details(record, before.details if before else Details(name=""))
        details = tidy(details)
        known = {problem.field for problem in problems}
        problems += [one for one in refusals(details, languages) if one.field not in known]
        for one in problems:
            refusal = Refusal(grid.at(record.number, HEADS[one.field]), one.problem)
            mistakes.append((record.number, refusal))
        found.append(Row(record.number, record.key, details))
    grid.refuse(mistakes)
    return found


def _details(record: Record, before: Details) -> tuple[Details, list[Refusal]]:
    told: dict[str, Any] = {}
    wrong: list[Refusal] = []
    try:
        check_id(record.key, KEY)
    except BadInput as error:
        wrong.append(Refusal(KEY, error.problem))
    for field, cell in record.cells.items():
        if field in {"name", "language"}:
            told[field] = cell
        elif field == "numbers":
            told[field] = tuple(filter(None, map(str.strip, _APART.split(cell))))
        elif field == "level" and cell in _LEVELS:
            told[field] = _LEVELS[cell]
        elif field == "level":
            wrong.append(
                Refusal(field, f"{cell[:20]!r} is no level; known: {', '.join(filter(None, _LEVELS))}")
            )
        elif field == "until":
            try:
                told[field] = date.fromisoformat(cell) if cell else None
            except ValueError:
                wrong.append(Refusal(field, "is no date: write 2027-12-31"))
    return replace(before, **told), wrong
