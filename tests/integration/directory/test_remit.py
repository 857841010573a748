"""Who keeps the people of a branch, in the whole program: whom they change and see, and whom not (SEC-05)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from yarl import URL

from directory.changes import ChangeState, Line
from directory.seed import DEMO, parse
from tests.integration.directory.test_changes_api import call, change, line, send
from tests.integration.web.program import Program, running_program

KEEPER, MATE, BENEATH, STRANGER = "5001", "5002", "5003", "5004"
ROLES = """\
  - {code: keeper, zh: 管, en: Keeper, rights: [directory.change.unit, directory.read.unit, calls.read.unit]}
  - {code: clerk, zh: 员, en: Clerk, rights: [calls.read.own]}
  - {code: viewer, zh: 看, en: Viewer, rights: [calls.read]}
"""
PEOPLE = """
  - {number: 5001, name: 甲, en: A, team: X, unit: xiamen, roles: [keeper]}
  - {number: 5002, name: 乙, en: B, team: X, unit: xiamen, roles: [clerk]}
  - {number: 5003, name: 丙, en: C, team: X, unit: siming, roles: [viewer]}
  - {number: 5004, name: 丁, en: D, team: X, unit: hotline, roles: [clerk]}
"""
CHANGES = "/api/directory/changes"


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    seed = DEMO.read_text("utf-8").replace("roles:\n", f"roles:\n{ROLES}", 1)
    async with running_program(parse(seed + PEOPLE, "demo.yaml"), tmp_path) as running:
        await running.sign_in(KEEPER)
        yield running


def person(number: str, unit: str = "xiamen", *roles: str, **more: Any) -> dict[str, Any]:
    body = {"name": "新", "en": "New", "team": "X", "unit": unit, "roles": list(roles) or ["clerk"], **more}
    return line("staff", number, body)


@pytest.mark.rule("SEC-05")
@pytest.mark.parametrize(
    ("asked", "where", "told"),
    [
        (person(STRANGER, "hotline"), "staff 5004", "does not reach them"),
        (person(STRANGER), "staff 5004", "does not reach them"),
        (person(MATE, "hotline"), "staff 5002: unit", "does not reach there"),
        (person("5999", "hotline"), "staff 5999: unit", "does not reach there"),
        (person(MATE, "xiamen", "viewer"), "staff 5002: roles", "'calls.read', more than"),
        (person("5999", "xiamen", "admin"), "staff 5999: roles", "more than you may"),
        (person(BENEATH, "siming"), "staff 5003: roles", "more than you may"),
        (person(BENEATH, "siming", "viewer", active=False), "staff 5003: roles", "more than you may"),
        (person(KEEPER, "siming", "keeper"), "staff 5001: unit", "nobody moves themselves"),
        (person(KEEPER, "xiamen", "keeper", "viewer"), "staff 5001: roles", "more than you may"),
        (line("vip_numbers", "13800001111", {}), "vip_numbers 13800001111", "for people alone"),
        (line("units", "siming", None), "units siming", "for people alone"),
        (line("thresholds", "caller_near_limit", {}), "thresholds caller_near_limit", "for people alone"),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
async def test_what_goes_further_is_refused_whole_with_its_line(
    program: Program, asked: dict[str, Any], where: str, told: str, *, dry_run: bool
) -> None:
    before = (await program.hotline.directory.entries()).entries
    good = person("5998")
    status, said = await call(program, "POST", CHANGES, change(good, asked, dry_run=dry_run))
    assert status == 422, said
    assert [one["where"] for one in said["errors"]] == [f"body.{where}"]
    assert told in said["errors"][0]["problem"]
    assert "ask somebody who has 'directory.change' for everybody" in said["errors"][0]["problem"]
    assert (await program.hotline.directory.entries()).entries == before


@pytest.mark.rule("SEC-05")
async def test_a_branch_keeps_its_own_people(program: Program) -> None:
    lines = [person(MATE, "siming", "keeper"), person(BENEATH, "siming", "viewer"), person("5998")]
    status, said = await call(program, "POST", CHANGES, change(*lines))
    assert status == 200, said
    assert [one["key"] for one in said["lines"]] == [MATE, BENEATH, "5998"]
    _, told = await call(program, "GET", f"{CHANGES}?limit=1")
    assert told["changes"] == [said]


@pytest.mark.rule("SEC-05")
async def test_of_a_change_those_lines_are_told_that_the_right_reaches(program: Program) -> None:
    book = program.hotline.directory
    entries = (await book.entries()).entries
    lines = [Line("staff", one, {**entries["staff", one], "trainee": True}) for one in (MATE, STRANGER)]
    both = await book.change([*lines, Line("vip_numbers", "13800001111", {})], by="9001", reason="both")
    await book.change([Line("staff", STRANGER, entries["staff", STRANGER])], by="9001", reason="theirs")
    _, told = await call(program, "GET", f"{CHANGES}?limit=1")
    (found,) = told["changes"]
    assert (found["number"], [one["key"] for one in found["lines"]], found["hidden"]) == (
        both.number,
        [MATE],
        2,
    )
    for asked in (f"section=staff&key={STRANGER}", "section=vip_numbers"):
        _, told = await call(program, "GET", f"{CHANGES}?{asked}")
        assert told["changes"] == [], asked
    _, told = await call(program, "GET", "/api/directory/entries")
    people = {one["key"] for one in told["entries"] if one["section"] == "staff"}
    assert {KEEPER, MATE, BENEATH} <= people
    assert STRANGER not in people
    assert {one["section"] for one in told["entries"]} >= {"units", "roles"}
    assert "vip_numbers" not in {one["section"] for one in told["entries"]}


@pytest.mark.rule("SEC-05")
async def test_whom_the_right_reaches_no_more_on_its_day_a_plan_leaves_alone(program: Program) -> None:
    book = program.hotline.directory
    body = (await book.entries()).entries["staff", MATE]
    plan = change(person(MATE), effective_on="2099-01-01")
    status, planned = await call(program, "POST", CHANGES, plan)
    assert (status, planned["state"]) == (200, ChangeState.PLANNED)
    _, told = await call(program, "GET", f"{CHANGES}?state=planned")
    assert [one["number"] for one in told["changes"]] == [planned["number"]]
    await book.change([Line("staff", MATE, {**body, "unit": "hotline"})], by="9001", reason="moves")
    status, said = await call(program, "DELETE", f"{CHANGES}/{planned['number']}")
    assert status == 200, said
    status, said = await call(program, "POST", CHANGES, plan)
    assert (status, said["errors"][0]["where"]) == (422, "body.staff 5002")


@pytest.mark.rule("SEC-05", "SEC-09")
async def test_a_sheet_holds_and_takes_in_the_branchs_people_alone(program: Program) -> None:
    url = program.url.join(URL("/api/directory/sheets/staff"))
    async with program.client.get(url) as answer:
        page = openpyxl.load_workbook(BytesIO(await answer.read())).active
    assert {row[0].value for row in page.iter_rows(min_row=2)} >= {KEEPER, MATE, BENEATH}
    assert STRANGER not in {row[0].value for row in page.iter_rows(min_row=2)}
    async with program.client.get(program.url.join(URL("/api/directory/sheets/vip_numbers"))) as answer:
        assert answer.status == 403
    book = openpyxl.Workbook()
    for row in (["number", "team"], [MATE, "Y"], [STRANGER, "Y"]):
        book.active.append(row)
    content = BytesIO()
    book.save(content)
    status, said = await send(program, "staff?reason=rota&dry_run=false", content.getvalue())
    assert (status, [one["where"] for one in said["errors"]]) == (422, ["body.row 3"])
