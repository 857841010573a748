"""Pure: a section as a spreadsheet and back; every mistake with its row and column."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Any

import openpyxl
import pytest

from core.errors import BadInput
from directory import sheet
from directory.changes import Present, apply
from directory.entries import entries_of
from directory.errors import Refusal
from directory.grid import SheetRefused
from directory.seed import DEMO, load

TODAY = date(2026, 11, 25)
ENTRIES = entries_of(load(DEMO, today=TODAY))


def made(*rows: Sequence[Any]) -> bytes:
    """A sheet as a person's own program would write it."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    out = BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("section", sheet.COLUMNS)
def test_taken_away_and_brought_back_it_changes_nothing(section: str) -> None:
    rows = sheet.read(section, sheet.written(section, ENTRIES), ENTRIES)
    assert len(rows) == sum(of == section for of, _ in ENTRIES)
    with pytest.raises(BadInput, match="nothing would change"):
        apply(Present(ENTRIES, {}), [row.line for row in rows], TODAY)


def test_a_row_is_a_person_with_what_the_sheet_says_and_what_was_there() -> None:
    content = made(
        ("工号", "班组", "技能", "语种", "离职日", "见习"),
        (1003, "B", "card:1,personal:2", "cmn:1", datetime(2026, 12, 31), "是"),  # noqa: DTZ001
        (None, None, None, None, None, None),
        ("1004", "C", None, None, None, True),
    )
    rows = sheet.read("staff", content, ENTRIES)
    assert [row.number for row in rows] == [2, 4]
    done = apply(Present(ENTRIES, {}), [row.line for row in rows], TODAY)
    first, second = (line.after or {} for line in done.lines)
    assert (first["name"], first["team"], first["skills"]) == ("张敏", "B", {"card": 1, "personal": 2})
    assert (first["until"], first["trainee"]) == ("2026-12-31", True)
    assert (second["team"], "skills" in second, second["trainee"]) == ("C", False, True)


def test_every_mistake_has_its_row_and_column() -> None:
    content = made(("number", "skills"), (1003, "card"), (None, "card:1"), (1003, "card:1"))
    with pytest.raises(SheetRefused) as refused:
        sheet.read("staff", content, ENTRIES)
    assert [(one.field, one.problem) for one in refused.value.refusals] == [
        ("row 2, column 技能 skills", "'card' has no level: write card:1"),
        ("row 3, column 工号 number", "is empty: every row says whose it is"),
        ("row 4, column 工号 number", "1003 stands in row 2 already"),
    ]


def test_a_problem_of_an_entry_is_told_at_its_cell() -> None:
    rows = sheet.read("staff", made(("number", "team"), (1004, "B"), (1003, "B")), ENTRIES)
    told = sheet.at_its_cell(Refusal("staff 1003: skills.card", "no"), "staff", rows)
    assert told == Refusal("row 3, column 技能 skills", "no")
    assert sheet.at_its_cell(Refusal("staff 1003", "no"), "staff", rows) == Refusal("row 3", "no")
    elsewhere = Refusal("staff 1001: team", "no")
    assert sheet.at_its_cell(elsewhere, "staff", rows) == elsewhere


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("number", "wings"), (1003, 2)], "row 1, column 2: 'wings' is no column here"),
        ([("number", "工号"), (1003, 1003)], "stands there twice"),
        ([("name",), ("张敏",)], "has no column number"),
        ([("number",)], "has no row below its head"),
    ],
)
def test_a_head_that_makes_no_sense_is_refused(rows: list[tuple[Any, ...]], told: str) -> None:
    with pytest.raises(BadInput) as refused:
        sheet.read("staff", made(*rows), ENTRIES)
    assert told in str(refused.value)


def test_what_is_no_sheet_is_refused() -> None:
    for content in (b"", b"number,name\n1003,x\n", zipped({"a.txt": b"x"}), made((1,))[:-40]):
        with pytest.raises(BadInput, match=r"is no \.xlsx"):
            sheet.read("staff", content, ENTRIES)


def test_what_unpacks_without_end_is_not_unpacked() -> None:
    with pytest.raises(BadInput, match="unpacks to more"):
        sheet.read("staff", zipped({"xl/worksheets/sheet1.xml": bytes(60_000_000)}), ENTRIES)
    with pytest.raises(BadInput, match="more than 2 MB"):
        sheet.read("staff", bytes(2_000_001), ENTRIES)


def test_entities_are_not_expanded() -> None:
    """A part that refers to itself many times over: refused by the parser, not worked out."""
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    packed = BytesIO(made(("number",), (1003,)))
    with zipfile.ZipFile(packed) as good:
        parts = {part.filename: good.read(part) for part in good.infolist()}
    with pytest.raises(BadInput, match=r"is no \.xlsx"):
        sheet.read("staff", zipped({**parts, "xl/workbook.xml": bomb}), ENTRIES)


def zipped(parts: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return out.getvalue()


def test_numbers_are_text_and_keep_their_zeros() -> None:
    entries = {**ENTRIES, ("vip_numbers", "059588880001"): {"number": "059588880001"}}
    book = openpyxl.load_workbook(BytesIO(sheet.written("vip_numbers", entries)))
    column = [cell.value for cell in book.active["A"]]
    assert column[0] == "号码 number"
    assert "059588880001" in column


def test_a_years_holidays_stand_in_one_cell() -> None:
    spring = "春节:2027-02-05..2027-02-11+2027-01-31+2027-02-20"
    days = f"元旦:2027-01-01..2027-01-03,{spring} 国庆节、中秋节:2027-10-01"
    head = ("文号", "发布日", "起始日", "截止日", "放假与调休")
    content = made(head, ("国办发明电〔2026〕9号", date(2026, 11, 20), "2027-01-01", "2027-12-31", days))
    (row,) = sheet.read("holiday_notices", content, ENTRIES)
    assert row.line.after == {
        "number": "国办发明电〔2026〕9号",
        "published": "2026-11-20",
        "since": "2027-01-01",
        "until": "2027-12-31",
        "days": [
            {"name": "元旦", "off": "2027-01-01..2027-01-03"},
            {"name": "春节", "off": "2027-02-05..2027-02-11", "work": ["2027-01-31", "2027-02-20"]},
            {"name": "国庆节、中秋节", "off": "2027-10-01"},
        ],
    }
    with pytest.raises(SheetRefused, match="row 2, column 放假与调休 days: '元旦' has no day"):
        sheet.read("holiday_notices", made(("文号", "放假与调休"), ("9号", "元旦")), ENTRIES)
