"""Pure: rows of a spreadsheet as customers; every mistake with its row and column."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Any

import openpyxl
import pytest

from core.errors import BadInput
from customers import sheet
from customers.model import Customer, Details, Level
from directory.grid import SheetRefused

LANGUAGES = ("cmn", "nan", "en")
KNOWN = Customer(
    id="C1",
    version=3,
    changed_at=0,
    changed_by="9001",
    details=Details(name="张三丰", level=Level.VIP, language="nan", numbers=("13800001111",)),
)


def made(*rows: Sequence[Any]) -> bytes:
    """A sheet as a person's own program would write it."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def read(*rows: Sequence[Any]) -> list[sheet.Row]:
    return sheet.rows(*sheet.records(made(*rows)), {"C1": KNOWN}, LANGUAGES)


def test_a_row_is_a_customer_and_what_it_leaves_out_stays() -> None:
    known, new = read(
        ("客户号", "姓名 name", "numbers", "until", "等级"),
        ("C1", "张三丰", "+86 138 0000 1111,0595-88880001", None, None),
        (None, None, None, None, None),
        (1002, "李四", 13900002222, datetime(2027, 12, 31), "私人银行"),  # noqa: DTZ001
    )
    assert (known.number, new.number, new.customer) == (2, 4, "1002")
    assert known.details == Details(name="张三丰", language="nan", numbers=("13800001111", "059588880001"))
    assert new.details == Details(
        name="李四", level=Level.PRIVATE, numbers=("13900002222",), until=date(2027, 12, 31)
    )


def test_every_mistake_has_its_row_and_column_and_no_number_is_repeated() -> None:
    with pytest.raises(SheetRefused) as refused:
        read(
            ("id", "name", "level", "language", "numbers", "until"),
            ("C 1", "张三", "vip", "cmn", "13800001111", "2027-12-31"),
            ("C2", "", "gold", "tlh", "138-call-me", "31.12.2027"),
            (None, "王五", None, None, None, None),
            ("C2", "李四", None, None, None, None),
        )
    assert {one.field for one in refused.value.refusals} == {
        "row 2, column 客户号 id",
        "row 3, column 姓名 name",
        "row 3, column 等级 level",
        "row 3, column 语种 language",
        "row 3, column 号码 numbers",
        "row 3, column 截止日 until",
        "row 4, column 客户号 id",
        "row 5, column 客户号 id",
    }
    assert "138-call-me" not in str(refused.value)


def test_a_column_that_nobody_knows_is_refused_with_those_there_are() -> None:
    with pytest.raises(SheetRefused, match="row 1, column 2: 'phone' is no column here; known: id, name"):
        read(("id", "phone"), ("C1", "13800001111"))


def test_a_sheet_is_only_so_long() -> None:
    with pytest.raises(BadInput, match=f"more than {sheet.MOST_ROWS} rows"):
        read(("id", "name"), *((f"C{n}", "张三") for n in range(sheet.MOST_ROWS + 1)))
