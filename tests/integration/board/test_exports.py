"""Reports made aside: ordered, looked after, fetched by who ordered them, on record, and removed in time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import openpyxl
import pytest

from board.exports import MAKE, MOST_OPEN, REMOVE
from core.clock import HOUR
from core.names import StaffId
from storage.audit import accesses_of
from storage.jobs.model import Job, Pace
from storage.jobs.runner import JobRunner
from storage.retry import Retry
from tests.integration.board.conftest import House
from tests.integration.board.test_live_board import some_calls
from tests.integration.board.test_reports_api import DAY, SHEET, sheet
from tests.integration.storage.jobs.conftest import at_work

PATH = "/api/reports/exports"
PACE = Pace(retry=Retry(first=1, most=1, tries=1), at_once=1, look_s=0.2)


async def ordered(client: aiohttp.ClientSession, status: int = 202, **query: Any) -> dict[str, Any]:
    async with client.get("/api/session") as answer:
        token = (await answer.json())["csrf_token"]
    headers = {"X-CSRF-Token": token}
    async with client.post(PATH, json=DAY | query, headers=headers) as answer:
        assert answer.status == status, await answer.text()
        told: dict[str, Any] = await answer.json(content_type=None)
        return told


async def stands(client: aiohttp.ClientSession, number: int) -> dict[str, Any]:
    async with client.get(f"{PATH}/{number}") as answer:
        assert answer.status == 200, await answer.text()
        told: dict[str, Any] = await answer.json()
        return told


async def ready(client: aiohttp.ClientSession, number: int) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while (told := await stands(client, number))["state"] in {"waiting", "running"}:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return told


def cells(content: bytes) -> list[list[Any]]:
    """Of all sheets but the line that says when it was made."""
    book = openpyxl.load_workbook(BytesIO(content))
    return [
        [cell.value for cell in row]
        for page in book
        for row in page.iter_rows()
        if not any("统计至" in str(cell.value) or "生成" in str(cell.value) for cell in row)
    ]


async def status_of(client: aiohttp.ClientSession, path: str) -> int:
    async with client.get(path) as answer:
        return answer.status


@pytest.mark.rule("SEC-05")
async def test_a_report_on_agents_holds_those_whom_the_right_reaches_and_no_others(house: House) -> None:
    """The leader's right reaches the team: that is so of what is made aside, too."""
    house.append(*[each.fact for each in some_calls(60).told()])
    leader = house.directory.staff["8001"]
    mates = {each.number for each in house.directory.staff.values() if each.team == leader.team}
    async with house.signed_in() as client, at_work(house.main, house.jobs, PACE, clock=house.clock):
        number = (await ordered(client, by="agent", step="day"))["number"]
        assert (await ready(client, number))["state"] == "done"
        async with client.get(f"{PATH}/{number}/file") as answer:
            content = await answer.read()
        told = {word for row in cells(content) for word in map(str, row) if word in house.directory.staff}
        assert told == told & mates
        assert told
        stranger = next(each for each in sorted(house.directory.staff) if each not in mates)
        await ordered(client, 403, by="agent", step="day", name=[stranger])


@pytest.mark.rule("SEC-05", "SEC-09")
async def test_a_sheet_whose_agents_are_not_the_orderers_any_more_is_not_handed_out(house: House) -> None:
    house.append(*[each.fact for each in some_calls(60).told()])
    staff = dict(house.directory.staff)
    async with house.signed_in() as client, at_work(house.main, house.jobs, PACE, clock=house.clock):
        agents = (await ordered(client, by="agent", step="day"))["number"]
        queues = (await ordered(client, step="day"))["number"]
        for number in (agents, queues):
            assert (await ready(client, number))["state"] == "done"
        moved = {**staff, StaffId("8001"): replace(staff[StaffId("8001")], team="another")}
        for people, status in ((staff, 200), (moved, 409), (staff, 200)):
            object.__setattr__(house.directory, "staff", people)  # as a change of the directory does
            assert await status_of(client, f"{PATH}/{agents}/file") == status
            assert await status_of(client, f"{PATH}/{queues}/file") == 200


@pytest.mark.rule("SEC-09")
async def test_a_report_that_was_ordered_is_the_same_sheet_and_goes_to_no_one_else(
    house: House, tmp_path: Path
) -> None:
    house.append(*[each.fact for each in some_calls(60).told()])
    other = next(each.number for each in house.directory.staff.values() if each.roles == ("qa",))
    async with house.signed_in() as client, at_work(house.main, house.jobs, PACE, clock=house.clock):
        number = (await ordered(client, step="15"))["number"]
        told = await ready(client, number)
        assert (told["state"], told["steps_done"], told["steps"]) == ("done", 3, 3), told
        assert told["kept_until"] > told["ended_at"] > told["ordered_at"]
        async with client.get(f"{PATH}/{number}/file") as answer:
            assert (answer.status, answer.content_type) == (200, SHEET)
            assert answer.headers["Content-Disposition"] == 'attachment; filename="queue-20260302-15.xlsx"'
            assert answer.headers["Cache-Control"] == "no-store"
            content = await answer.read()
        assert cells(content) == cells(await sheet(client, step="15"))
        async with house.signed_in(other) as stranger:
            assert await status_of(stranger, f"{PATH}/{number}") == 404
            assert await status_of(stranger, f"{PATH}/{number}/file") == 404
        for nonsense in ("0", "x", "9" * 40, str(number + 1000)):
            assert await status_of(client, f"{PATH}/{nonsense}") == 404
    async with house.main.read() as connection:
        accesses = await accesses_of(connection, f"report:{number}")
    assert [(each.staff, each.action, each.purpose) for each in accesses] == [("8001", "export", "reports")]
    folder = tmp_path / "exports"
    assert [file.name for file in folder.iterdir()] == [f"{number}.xlsx"]
    assert folder.stat().st_mode & 0o777 == 0o700


async def test_it_is_removed_when_its_time_is_over(house: House, tmp_path: Path) -> None:
    async with house.signed_in() as client:
        number = (await ordered(client, by="agent", step="day", language="en"))["number"]
        assert (await stands(client, number))["state"] == "waiting"
        assert await status_of(client, f"{PATH}/{number}/file") == 409
        async with at_work(house.main, house.jobs, PACE, clock=house.clock):
            assert (await ready(client, number))["state"] == "done"
        later = JobRunner(
            database=house.main, jobs=house.jobs, clock=lambda: house.clock() + HOUR, random=lambda: 0.0
        )
        (removal,) = await jobs_of(house, REMOVE)
        assert removal.key == str(number)
        await JobRunner(
            database=house.main, jobs=house.jobs, clock=house.clock, random=lambda: 0.0
        ).carry_out(removal.number)
        assert await status_of(client, f"{PATH}/{number}/file") == 200
        await later.carry_out(removal.number)
        assert list((tmp_path / "exports").iterdir()) == []
        async with client.get(f"{PATH}/{number}/file") as answer:
            assert answer.status == 404
            assert "kept no longer: order it anew" in (await answer.json(content_type=None))["detail"]


async def jobs_of(house: House, kind: str) -> list[Job]:
    async with house.main.read() as connection:
        return await house.jobs.listed(connection, kind=kind)


async def test_one_order_is_made_once_and_nobody_orders_without_end(house: House) -> None:
    async with house.signed_in() as client:
        number = (await ordered(client))["number"]
        assert (await ordered(client))["number"] == number
        for step in ("30", "60"):
            await ordered(client, step=step)
        refused = await ordered(client, status=409, step="day")
        assert f"{MOST_OPEN} of your reports are under way" in refused["detail"]
        async with client.get("/api/session") as answer:
            headers = {"X-CSRF-Token": (await answer.json())["csrf_token"]}
        for status in (204, 409):
            async with client.delete(f"{PATH}/{number}", headers=headers) as answer:
                assert answer.status == status
        assert (await stands(client, number))["state"] == "cancelled"
        assert (await ordered(client))["number"] != number
    assert len(await jobs_of(house, MAKE)) == MOST_OPEN + 1


async def test_what_cannot_be_a_report_is_refused_at_once_and_what_is_too_long_says_so(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("board.exports.MOST_EXPORT_ROWS", 2)
    house.append(*[each.fact for each in some_calls(9).told()])
    async with house.signed_in() as client:
        refused = await ordered(client, status=422, to="2026-03-02")
        assert "is not after `from`" in refused["detail"]
        async with at_work(house.main, house.jobs, PACE, clock=house.clock):
            told = await ready(client, (await ordered(client))["number"])
    assert (told["state"], told["steps"]) == ("dead", 3)
    assert "more than 2 rows: take a longer step" in told["why"]


@pytest.mark.rule("SEC-19")
async def test_agents_order_no_reports(house: House) -> None:
    async with house.signed_in("1001") as client:
        await ordered(client, status=403)
        assert await status_of(client, f"{PATH}/1") == 403
