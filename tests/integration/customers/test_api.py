"""The routes on a real socket and real databases: found, masked, read for a purpose, changed, taken in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from customers.api import CustomersApi
from customers.service import Customers
from directory.grid import MEDIA_TYPE
from directory.rights import RIGHTS
from directory.seed import DEMO, load
from storage import Database
from storage.audit import accesses_of
from tests.integration.web.site import FakePeople, Site, running_site

NOW = 1_795_276_800_000_000
"""2026-11-22 00:00:00 in the bank's zone."""
AGENT, ADMIN, OTHER = "1001", "9001", "1002"
NUMBER = "13800001111"
ZHANG = {
    "id": "C-001",
    "name": "张三丰",
    "level": "vip",
    "language": "nan",
    "numbers": ["+86 138-0000-1111", "0595 8888 0001"],
    "reason": "开户",
}


@pytest.fixture
async def site(main: Database, tmp_path: Path) -> AsyncIterator[Site]:
    directory = load(DEMO)
    rights = {staff: directory.rights(staff) for staff in (AGENT, ADMIN)}  # type: ignore[arg-type]
    people = FakePeople({**rights, OTHER: set()}, every_right=frozenset(RIGHTS))
    customers = Customers(database=main, directory=lambda: directory, clock=lambda: NOW)
    async with running_site(CustomersApi(customers).routes(), tmp_path, people=people) as running:
        yield running


async def keep(site: Site, **details: Any) -> dict[str, Any]:
    await site.sign_in(ADMIN)
    status, kept = await site.call("POST", "/api/customers", json=ZHANG | details)
    assert status == 201, kept
    return dict(kept)


def sheet(*rows: Sequence[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    out = BytesIO()
    book.save(out)
    return out.getvalue()


async def send(site: Site, query: str, content: bytes, kind: str = MEDIA_TYPE) -> tuple[int, Any]:
    path = f"/api/customers/sheet?{query}"
    return await site.call("POST", path, data=content, headers={"Content-Type": kind})


@pytest.mark.rule("SEC-19")
async def test_found_by_number_however_written_and_masked(site: Site) -> None:
    kept = await keep(site)
    await site.sign_in(AGENT)
    for written in (NUMBER, "%2B8613800001111", "0086 138 0000 1111"):
        status, told = await site.call("GET", f"/api/customers?number={written}")
        assert (status, told["level"], told["customers"]) == (200, "vip", [kept])
    assert (kept["name"], kept["numbers"]) == ("张**", ["138****1111", "059****0001"])
    _, told = await site.call("GET", "/api/customers?number=13899999999")
    assert told == {"customers": [], "level": "ordinary"}
    assert (await site.call("GET", "/api/customers?number=nobody"))[0] == 422


async def test_those_who_share_a_number_are_all_told_and_the_most_favoured_decides(site: Site) -> None:
    await keep(site, id="C-1", name="张大", level="ordinary")
    await keep(site, id="C-2", name="张二", level="private")
    await keep(site, id="C-3", name="张三", level="private", until="2026-11-21")
    _, told = await site.call("GET", f"/api/customers?number={NUMBER}")
    assert ([one["id"] for one in told["customers"]], told["level"]) == (["C-2", "C-1"], "private")


@pytest.mark.rule("SEC-15")
async def test_whole_only_for_a_purpose_and_on_record(site: Site, main: Database) -> None:
    await keep(site)
    await site.sign_in(AGENT)
    status, problem = await site.call("GET", "/api/customers/C-001")
    assert (status, problem["errors"][0]["where"]) == (422, "query.purpose")
    status, whole = await site.call("GET", "/api/customers/C-001?purpose=handling&reason=来电")
    assert (status, whole["name"], whole["numbers"]) == (200, "张三丰", [NUMBER, "059588880001"])
    status, told = await site.call("GET", "/api/customers/C-001/changes?purpose=complaint")
    assert (status, told["changes"][0]["after"]["name"]) == (200, "张三丰")
    async with main.read() as connection:
        links = await accesses_of(connection, "customer:C-001")
    assert [(one.staff, one.action, one.purpose, one.reason) for one in links] == [
        (ADMIN, "change", "upkeep", "开户"),
        (AGENT, "read", "handling", "来电"),
        (AGENT, "read", "complaint", ""),
    ]


@pytest.mark.rule("SEC-10", "SEC-15")
async def test_each_right_opens_what_it_says_and_nothing_else(site: Site) -> None:
    await keep(site)
    assert (await site.call("GET", "/api/customers/C-001?purpose=upkeep"))[0] == 403
    assert (await site.call("POST", "/api/customers/C-001/notes", json={"text": "x"}))[0] == 403
    await site.sign_in(AGENT)
    change = {"version": 1, "level": "private", "reason": "x"}
    assert (await site.call("PUT", "/api/customers/C-001", json=change))[0] == 403
    assert (await send(site, "reason=x", b""))[0] == 403
    await site.sign_in(OTHER)
    for path in (f"?number={NUMBER}", "/C-001?purpose=handling", "/C-001/changes?purpose=handling"):
        assert (await site.call("GET", f"/api/customers{path}"))[0] == 403


async def test_a_change_keeps_what_was_there_and_never_overwrites_another(site: Site) -> None:
    await keep(site)
    path, change = "/api/customers/C-001", {"version": 1, "level": "private", "reason": "升级"}
    status, changed = await site.call("PUT", path, json=change)
    assert (status, changed["version"], changed["level"], changed["name"]) == (200, 2, "private", "张**")
    assert (await site.call("PUT", path, json=change))[0] == 409
    assert (await site.call("PUT", path, json=change | {"version": 2}))[0] == 422
    status, problem = await site.call("PUT", path, json={"version": 2, "language": "tlh", "reason": "x"})
    assert (status, problem["errors"][0]["where"]) == (422, "body.language")
    assert (await site.call("PUT", "/api/customers/C-002", json=change))[0] == 404
    assert (await site.call("POST", "/api/customers", json=ZHANG))[0] == 409
    moved = {"version": 2, "numbers": ["13900002222"], "until": None, "reason": "换号"}
    assert (await site.call("PUT", path, json=moved))[0] == 200
    assert (await site.call("GET", f"/api/customers?number={NUMBER}"))[1]["customers"] == []
    await site.sign_in(AGENT)
    _, told = await site.call("GET", f"{path}/changes?purpose=investigation")
    newest, upgraded, first = told["changes"]
    assert (newest["fields"], newest["before"]["numbers"]) == (["numbers"], [NUMBER, "059588880001"])
    assert (upgraded["by"], upgraded["reason"], upgraded["before"]["level"]) == (ADMIN, "升级", "vip")
    assert (first["before"], first["version"]) == (None, 1)


async def test_notes_stand_below_each_other_newest_first_without_card_numbers(site: Site) -> None:
    await keep(site)
    await site.sign_in(AGENT)
    path = "/api/customers/C-001"
    for text in ("听力不便,请慢说", "卡 6222021234567890123 已停"):
        assert (await site.call("POST", f"{path}/notes", json={"text": text}))[0] == 201
    _, whole = await site.call("GET", f"{path}?purpose=handling")
    assert [(one["number"], one["by"], one["text"]) for one in whole["notes"]] == [
        (2, AGENT, "卡 ***************0123 已停"),
        (1, AGENT, "听力不便,请慢说"),
    ]
    assert (await site.call("POST", "/api/customers/C-9/notes", json={"text": "x"}))[0] == 404


async def test_a_sheet_is_tried_first_then_taken_whole(site: Site, main: Database) -> None:
    await keep(site)
    content = sheet(
        ("客户号", "姓名", "等级", "号码"),
        ("C-001", "张三丰", "贵宾", "13800001111, 059588880001"),
        *((f"D{n}", f"客户{n}", "普通", f"137{n:08}") for n in range(1_200)),
    )
    status, tried = await send(site, "reason=名单", content)
    assert (status, tried["dry_run"], tried["created"], tried["unchanged"]) == (200, True, 1_200, 1)
    assert (await site.call("GET", "/api/customers?number=13700000007"))[1]["customers"] == []
    status, made = await send(site, "reason=名单&dry_run=false", content)
    assert (status, made) == (200, tried | {"dry_run": False})
    _, told = await site.call("GET", "/api/customers?number=13700001199")
    assert [(one["id"], one["name"]) for one in told["customers"]] == [("D1199", "客*****")]
    status, again = await send(site, "reason=名单&dry_run=false", content)
    assert (again["created"], again["changed"], again["unchanged"]) == (0, 0, 1_201)
    less = sheet(("id", "numbers"), ("D7", None), ("D8", "13600000000"))
    status, made = await send(site, "reason=换号&dry_run=false", less)
    assert [(one["id"], one["fields"]) for one in made["lines"]] == [("D7", ["numbers"]), ("D8", ["numbers"])]
    async with main.read() as connection:
        links = await accesses_of(connection, "customers")
    assert [(one.action, one.staff, one.reason) for one in links] == [
        ("import", ADMIN, "名单"),
        ("import", ADMIN, "换号"),
    ]


async def test_a_sheet_with_a_mistake_leaves_everything_as_it_is(site: Site) -> None:
    await keep(site)
    content = sheet(("id", "name", "numbers"), ("C-001", "李四", NUMBER), ("C-002", "", NUMBER))
    status, told = await send(site, "reason=x&dry_run=false", content)
    assert (status, [one["where"] for one in told["errors"]]) == (422, ["body.row 3, column 姓名 name"])
    _, found = await site.call("GET", f"/api/customers?number={NUMBER}")
    assert [(one["id"], one["name"], one["version"]) for one in found["customers"]] == [("C-001", "张**", 1)]
    assert (await send(site, "reason=x", content, "application/json"))[0] == 415
    assert (await send(site, "reason=x", b"no sheet"))[0] == 422
