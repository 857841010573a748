"""Figures over time over HTTP, as JSON and as a sheet that an independent program opens."""

from __future__ import annotations

import json
from datetime import datetime
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import aiohttp
import openpyxl
import pytest

from board.formulas import QUEUE_FORMULAS
from core.clock import BANK_ZONE
from core.facts import AgentState, AgentStateChanged, GapDeclared, LeaveReason
from tests.integration.board.conftest import AGENT, House
from tests.integration.board.test_live_board import some_calls
from tests.unit.board.story import NOON, QUEUE, Story, s

DAY = {"from": "2026-03-02", "to": "2026-03-03"}
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def asked(house: House, staff: str = "8001", **query: str) -> dict[str, Any]:
    path = "/api/reports/intervals"
    async with house.signed_in(staff) as client, client.get(path, params=DAY | query) as answer:
        assert answer.status == 200, await answer.text()
        told: dict[str, Any] = await answer.json()
        return told


async def sheet(client: aiohttp.ClientSession, **query: str) -> bytes:
    async with client.get("/api/reports/intervals.xlsx", params=DAY | query) as answer:
        assert (answer.status, answer.content_type) == (200, SHEET), await answer.text()
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert answer.headers["Cache-Control"] == "no-store"
        return await answer.read()


@pytest.mark.rule("CALL-02")
async def test_a_day_in_the_report_is_the_day_on_the_board(house: House) -> None:
    house.append(*[each.fact for each in some_calls(60).told()])
    async with house.signed_in() as client, client.get("/api/board") as answer:
        board = await answer.json()
    report = (await asked(house, step="day"))["queues"]
    assert len(report["rows"]) == 3
    shared = {each.figure for each in QUEUE_FORMULAS} & report["rows"][0].keys()
    assert len(shared) > 30
    for row in report["rows"]:
        on_board = board["queues"][row["queue"]]
        assert {name: row[name] for name in shared} == {name: on_board[name] for name in shared}
    assert {name: report["whole"][0][name] for name in shared} == {
        name: board["total"][name] for name in shared
    }
    assert report["total"][0] == report["whole"][0]


@pytest.mark.rule("REPORT-18")
async def test_longer_intervals_are_sums_of_the_shorter_ones(house: House) -> None:
    house.append(*[each.fact for each in some_calls(600).told()])
    sums = {}
    for step in ("15", "30", "60", "day"):
        rows = (await asked(house, step=step, name=QUEUE))["queues"]["rows"]
        sums[step] = [
            sum(row[name] for row in rows) for name in ("offered", "answered_10", "abandoned_5", "talks")
        ]
        assert {row["queue"] for row in rows} == {QUEUE}
    assert sums["15"] == sums["30"] == sums["60"] == sums["day"]
    assert sums["15"][0] == 200


async def test_agents_have_their_calls_and_their_time(house: House) -> None:
    ready = AgentStateChanged(
        at=NOON - s(1200), agent=AGENT, before=AgentState.LOGGED_OUT, state=AgentState.READY, device="d001"
    )
    gap = GapDeclared(at=NOON - s(30), node="node1", since=NOON - s(90), cause="connection reset")
    house.append(ready, gap, *[each.fact for each in some_calls(40).told()])
    told = await asked(house, by="agent", step="60", name=AGENT)
    assert told["queues"] is None
    rows = told["agents"]["rows"]
    assert {row["agent"] for row in rows} == {AGENT}
    assert sum(row["answered"] for row in rows) == 1
    assert rows[0]["start"] == "2026-03-02T03:00:00.000000Z"
    assert rows[0]["logged_in_ms"] == 1_200_000  # up to noon, whatever the state
    assert [(each["node"], each["cause"]) for each in told["gaps"]] == [("node1", "connection reset")]
    assert (told["zone"], told["since"]) == ("Asia/Shanghai", "2026-03-02T00:00:00+08:00")
    assert told["counted"] == house.ledger.last


@pytest.mark.parametrize(
    ("query", "where", "says"),
    [
        ({"from": "2026-03-02"}, "query.to", "is missing"),
        (DAY | {"step": "20"}, "query.step", "'15', '30', '60' or 'day'"),
        (DAY | {"by": "team"}, "query.by", "'queue' or 'agent'"),
        (DAY | {"from": "yesterday"}, "query.from", "date"),
        (DAY | {"from": "2026-03-02T08:07:00+08:00"}, "query.from", "multiple of 15 minutes after midnight"),
        (DAY | {"from": "1999-03-02"}, "query.from", "between the years 2000 and 2100"),
        (DAY | {"to": "9999-12-31"}, "query.to", "between the years 2000 and 2100"),
        (DAY | {"to": "2026-03-02"}, "query.to", "is not after `from`"),
        (DAY | {"to": "2027-03-02"}, "query.to", "more than 3000 intervals"),
        (DAY | {"name": "'; DROP TABLE interval_queues"}, "query.name", "match pattern"),
        (DAY | {"queue": QUEUE}, "query.queue", "is not known here"),
    ],
)
async def test_bad_input_is_told_by_its_place(
    house: House, query: dict[str, str], where: str, says: str
) -> None:
    async with house.signed_in() as client:
        for path in ("/api/reports/intervals", "/api/reports/intervals.xlsx"):
            async with client.get(path, params=query) as answer:
                problem = await answer.json(content_type="application/problem+json")
                assert (answer.status, problem["type"]) == (422, "/problems/bad-input")
                told = {each["where"]: each["problem"] for each in problem["errors"]}
                assert any(place.startswith(where) and says in text for place, text in told.items()), told


async def test_too_much_at_once_is_refused_with_a_way_out(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("board.report_api.MOST_ROWS", 2)
    house.append(*[each.fact for each in some_calls(9).told()])
    async with house.signed_in() as client:
        async with client.get("/api/reports/intervals", params=DAY) as answer:
            assert answer.status == 422
            assert "more than 2 rows: take a longer step" in (await answer.json())["detail"]
        async with client.get("/api/reports/intervals", params=DAY | {"name": QUEUE}) as answer:
            assert answer.status == 200


async def test_a_report_says_how_far_it_counts_when_counting_is_stuck(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.reports, "_patience_s", 0.05)
    told = some_calls(3).told()
    counted = house.append(*[each.fact for each in told])
    await house.reports.consumer.caught_up(counted)

    async def broken(*_: object) -> None:
        raise RuntimeError("out of paper")

    monkeypatch.setattr(house.reports.consumer, "_handle", broken)
    house.append(*[each.fact for each in some_calls(6).told()[-20:]])
    report = await asked(house, step="day")
    assert report["counted"] == counted < house.ledger.last
    assert report["queues"]["whole"][0]["offered"] == 3


@pytest.mark.rule("SEC-19")
async def test_leader_qa_and_admin_may_read_reports_and_agents_may_not(house: House) -> None:
    staff, path = house.directory.staff.values(), "/api/reports/intervals"
    for role in ("leader", "qa", "admin", "agent"):
        number = next(each.number for each in staff if each.roles == (role,))
        async with house.signed_in(number) as client, client.get(path, params=DAY) as answer:
            assert (role, answer.status) == (role, 403 if role == "agent" else 200)


async def test_a_sheet_holds_numbers_times_of_the_banks_clock_and_a_chart(house: House) -> None:
    house.append(*[each.fact for each in some_calls(60).told()])
    async with house.signed_in() as client:
        content = await sheet(client, step="15")
        report = (await asked(house))["queues"]
    book = openpyxl.load_workbook(BytesIO(content))
    assert book.sheetnames == ["汇总", "分时合计", "分时明细"]
    heads = [cell.value for cell in book["分时明细"][3]]
    assert heads[:9] == [
        "开始",
        "结束",
        "代码",
        "名称",
        "正在等待",
        "进队量",
        "接通量",
        "十秒内接通",
        "二十秒内接通",
    ]
    assert "平均应答时间 (秒)" in heads
    lines = [
        dict(zip(heads, row, strict=True)) for row in book["分时明细"].iter_rows(min_row=4, values_only=True)
    ]
    assert len(lines) == len(report["rows"])
    for line, row in zip(lines, report["rows"], strict=True):
        start = datetime.fromisoformat(row["start"]).astimezone(BANK_ZONE).replace(tzinfo=None)
        assert (line["开始"], line["代码"], line["进队量"]) == (start, row["queue"], row["offered"])
        assert line["十秒服务水平"] == row["sl10"]
        mean = row["answer_mean_ms"]
        assert line["平均应答时间 (秒)"] == (None if mean is None else mean / 1000)
        assert isinstance(line["进队量"], int)
        assert line["名称"] == house.directory.queues[row["queue"]].name_zh
    assert book["汇总"]["A4"].value in (None, "")
    assert len(book["分时合计"]._charts) == 1
    chart = ZipFile(BytesIO(content)).read("xl/charts/chart1.xml").decode()
    assert "barChart" in chart
    assert "lineChart" in chart


async def test_a_sheet_in_english_and_of_agents(house: House) -> None:
    house.append(*[each.fact for each in some_calls(60).told()])
    async with house.signed_in() as client:
        book = openpyxl.load_workbook(BytesIO(await sheet(client, by="agent", step="60", language="en")))
    assert book.sheetnames == ["Overview", "By interval", "Detail"]
    heads = [cell.value for cell in book["Detail"][3]]
    assert {"Start", "Code", "Answered", "Logged in", "Occupancy", "Mean talk time (s)"} <= set(heads)
    first = dict(zip(heads, next(book["Detail"].iter_rows(min_row=4, values_only=True)), strict=True))
    assert first["Name"] == house.directory.staff[first["Code"]].name_en


async def test_nothing_in_a_sheet_is_run_as_a_formula(house: House) -> None:
    evil = '=HYPERLINK("http://evil","x")'
    story = Story(NOON - s(600))
    story.joins("a", 0, evil)
    story.leaves("a", 0, 3, LeaveReason.ABANDONED, evil)
    gap = GapDeclared(at=NOON - s(30), node="node1", since=NOON - s(90), cause="+cmd|' /C calc'!A0")
    house.append(gap, *[each.fact for each in story.told()])
    async with house.signed_in() as client:
        content = await sheet(client)
    with ZipFile(BytesIO(content)) as parts:
        sheets = [name for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
        assert len(sheets) == 3
        assert all(b"<f>" not in parts.read(name) for name in sheets)
        assert not any("externalLink" in name for name in parts.namelist())
        assert b'quotePrefix="1"' in parts.read("xl/styles.xml")
    book = openpyxl.load_workbook(BytesIO(content))
    texts = {str(cell.value): cell for page in book for row in page.iter_rows() for cell in row}
    for text in (evil, gap.cause):
        assert texts[text].quotePrefix  # typed over, it stays text


async def test_a_day_without_anything_is_a_sheet_without_figures(house: House) -> None:
    async with house.signed_in() as client:
        content = await sheet(client, **{"from": "2020-01-01", "to": "2020-01-02"})
        told = await asked(house, **{"from": "2020-01-01", "to": "2020-01-02"})
    assert openpyxl.load_workbook(BytesIO(content)).sheetnames[0] == "汇总"
    assert len(told["queues"]["total"]) == 96
    assert told["queues"]["rows"] == []
    assert json.dumps(told["queues"]["whole"][0]["sl10"]) == "null"
