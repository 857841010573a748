"""The administration over HTTP, in the whole program: who may, what is told, and who notices."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from yarl import URL

from core.clock import system_clock
from core.facts import AgentState
from directory.changes import Line
from directory.entries import entries_of
from directory.lookup import Directory
from directory.seed import DEMO, load
from ivr.compile import compile_flow, render_file
from ivr.model import Message, ToQueue
from tests.integration.telephony.ami.quiet_node import node_settings
from tests.integration.web.program import Program, running_program
from tests.unit.board.story import Story, s
from tests.unit.ivr.flows import SMALL, small

ADMIN, LEADER, AGENT = "9001", "8001", "1003"


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    async with running_program(load(DEMO), tmp_path) as running:
        await running.sign_in(ADMIN)
        yield running


async def call(program: Program, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Status and JSON of an answer."""
    headers = {"X-CSRF-Token": program.csrf}
    more = {} if body is None else {"json": body}
    url = program.url.join(URL(path))
    async with program.client.request(method, url, headers=headers, **more) as told:
        return told.status, await told.json(content_type=None)


async def entry(program: Program, section: str, key: str) -> dict[str, Any]:
    status, told = await call(program, "GET", f"/api/directory/entries?section={section}&key={key}")
    assert status == 200, told
    return dict(told["entries"][0])


def change(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"lines": list(lines), "reason": "asked for by the branch office", **more}


def line(section: str, key: str, body: Any, **more: Any) -> dict[str, Any]:
    return {"section": section, "key": key, "entry": body, **more}


@pytest.mark.rule("SEC-05")
async def test_a_persons_entry_is_changed_and_the_history_tells_it(program: Program) -> None:
    there = await entry(program, "staff", AGENT)
    body = {**there["entry"], "team": "B", "trainee": True}
    status, told = await call(
        program, "POST", "/api/directory/changes", change(line("staff", AGENT, body, seen=there["change"]))
    )
    assert (status, told["state"], told["by"], told["by_name"]) == (200, "applied", ADMIN, "彭博")
    assert [(one["before"]["team"], one["after"]["team"]) for one in told["lines"]] == [("A", "B")]
    _, history = await call(program, "GET", f"/api/directory/changes?section=staff&key={AGENT}&limit=1")
    assert history["changes"] == [told]
    assert history["more"] == str(told["number"])
    await program.sign_in(AGENT)
    _, profile = await call(program, "GET", "/api/directory/me")
    assert (profile["team"], profile["trainee"]) == ("B", True)


async def test_who_saw_an_older_entry_is_told_to_look_again(program: Program) -> None:
    there = await entry(program, "staff", AGENT)
    for team, expected in (("B", 200), ("C", 409)):
        body = {**there["entry"], "team": team}
        status, _ = await call(
            program,
            "POST",
            "/api/directory/changes",
            change(line("staff", AGENT, body, seen=there["change"])),
        )
        assert status == expected


async def test_every_mistake_is_told_with_its_entry(program: Program) -> None:
    there = await entry(program, "staff", AGENT)
    bad = {**there["entry"], "roles": ["pilot", "agent"], "team": ""}
    status, told = await call(
        program,
        "POST",
        "/api/directory/changes",
        change(line("staff", AGENT, bad), line("queues", "card", {"ring_s": 1})),
    )
    assert (status, told["type"]) == (422, "/problems/bad-input")
    assert {one["where"] for one in told["errors"]} == {
        "body.queues card: ring_s",
        "body.staff 1003: team",
        "body.staff 1003: roles[0]",
    }
    assert await entry(program, "staff", AGENT) == there


async def test_a_dry_run_changes_nothing(program: Program) -> None:
    there = await entry(program, "staff", AGENT)
    body = {**there["entry"], "team": "B"}
    status, told = await call(
        program, "POST", "/api/directory/changes", change(line("staff", AGENT, body), dry_run=True)
    )
    assert (status, told["state"], told["number"]) == (200, "dry_run", 0)
    assert told["lines"][0]["after"]["team"] == "B"
    assert await entry(program, "staff", AGENT) == there


@pytest.mark.rule("SEC-05", "SEC-09")
async def test_only_who_has_the_right_may_look_and_change(program: Program) -> None:
    for staff in (LEADER, AGENT):
        await program.sign_in(staff)
        for method, path, body in (
            ("GET", "/api/directory/entries", None),
            ("GET", "/api/directory/changes", None),
            ("POST", "/api/directory/changes", change(line("vip_numbers", "13800001111", {}))),
            ("DELETE", "/api/directory/changes/1", None),
        ):
            status, told = await call(program, method, path, body)
            assert (status, told["type"]) == (403, "/problems/forbidden"), (staff, method, path)


@pytest.mark.rule("SEC-21")
async def test_who_is_suspended_is_out_at_once(program: Program) -> None:
    await program.sign_in(AGENT)
    cookies = list(program.client.cookie_jar)
    assert (await call(program, "GET", "/api/session"))[0] == 200
    await program.sign_in(ADMIN)
    there = await entry(program, "staff", AGENT)
    status, _ = await call(
        program,
        "POST",
        "/api/directory/changes",
        change(line("staff", AGENT, {**there["entry"], "active": False})),
    )
    assert status == 200
    program.leave()
    program.client.cookie_jar.update_cookies({one.key: one.value for one in cookies}, program.url)
    assert (await call(program, "GET", "/api/session"))[0] == 401


@pytest.mark.rule("SEC-05")
async def test_a_right_given_or_taken_counts_from_the_next_request_on(program: Program) -> None:
    role = await entry(program, "roles", "admin")
    fewer = {**role["entry"], "rights": [one for one in role["entry"]["rights"] if one != "audit.read"]}
    assert (await call(program, "GET", "/api/audit/accesses"))[0] == 200
    assert (await call(program, "POST", "/api/directory/changes", change(line("roles", "admin", fewer))))[
        0
    ] == 200
    assert (await call(program, "GET", "/api/audit/accesses"))[0] == 403


async def test_a_planned_change_is_listed_and_withdrawn(program: Program) -> None:
    vip = change(line("vip_numbers", "13800001111", {}), effective_on="2099-01-01")
    status, planned = await call(program, "POST", "/api/directory/changes", vip)
    assert (status, planned["state"], planned["effective_on"]) == (200, "planned", "2099-01-01")
    _, listed = await call(program, "GET", "/api/directory/changes?state=planned")
    assert [one["number"] for one in listed["changes"]] == [planned["number"]]
    path = f"/api/directory/changes/{planned['number']}"
    status, withdrawn = await call(program, "DELETE", path)
    assert (status, withdrawn["state"]) == (200, "withdrawn")
    assert (await call(program, "DELETE", path))[0] == 409
    assert (await call(program, "DELETE", "/api/directory/changes/nine"))[0] == 404


async def test_the_lists_that_pages_read_follow(program: Program) -> None:
    praise = {"code": "praise", "zh": "表扬", "en": "Praise"}
    await call(program, "POST", "/api/directory/changes", change(line("ticket_kinds", "praise", praise)))
    _, lists = await call(program, "GET", "/api/directory/call-types")
    assert lists["ticket_kinds"][-1] == {"code": "praise", "name_zh": "表扬", "name_en": "Praise"}
    status, told = await call(program, "GET", "/api/directory/entries?section=staff&key=4711")
    assert (status, told["type"]) == (404, "/problems/not-found")


SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def send(program: Program, path: str, content: bytes, kind: str = SHEET) -> tuple[int, Any]:
    """Status and JSON of what is said to a sheet."""
    headers = {"X-CSRF-Token": program.csrf, "Content-Type": kind}
    url = program.url.join(URL(f"/api/directory/sheets/{path}"))
    async with program.client.post(url, data=content, headers=headers) as told:
        return told.status, await told.json(content_type=None)


@pytest.mark.rule("SEC-09")
async def test_a_sheet_is_taken_away_on_record_and_brought_back_changed(program: Program) -> None:
    async with program.client.get(program.url.join(URL("/api/directory/sheets/staff"))) as answer:
        assert (answer.status, answer.content_type) == (200, SHEET)
        book = openpyxl.load_workbook(BytesIO(await answer.read()))
    _, accesses = await call(program, "GET", "/api/audit/accesses?subject=directory:staff")
    assert [(one["staff"], one["action"]) for one in accesses["accesses"]] == [(ADMIN, "export")]
    page = book.active
    row = next(row for row in page.iter_rows(min_row=2) if row[0].value == AGENT)
    row[3].value = "B"
    page.append(["2001", "新同事", "Xin", "B", "", "agent", "card:2", "cmn:1"])
    changed = BytesIO()
    book.save(changed)
    before = await entry(program, "staff", AGENT)
    status, tried = await send(program, "staff?reason=rota", changed.getvalue())
    assert (status, tried["state"]) == (200, "dry_run")
    assert await entry(program, "staff", AGENT) == before
    status, made = await send(program, "staff?reason=rota&dry_run=false", changed.getvalue())
    assert (status, made["state"], made["lines"]) == (200, "applied", tried["lines"])
    assert [(one["key"], one["before"] is None) for one in made["lines"]] == [(AGENT, False), ("2001", True)]


def staff_sheet(*rows: list[str]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    content = BytesIO()
    book.save(content)
    return content.getvalue()


async def lend(program: Program) -> None:
    """The agent serves other queues until the end of the day."""
    status, told = await call(
        program, "PUT", f"/api/agents/{AGENT}/loan", {"skills": {"card": 1}, "reason": "short of people"}
    )
    assert status == 200, told


async def test_a_sheet_leaves_a_loan_that_is_running(program: Program) -> None:
    """`lent` is no column: neither a whole sheet brought back nor rows of a few columns end it."""
    await program.sign_in(LEADER)
    await lend(program)
    await program.sign_in(ADMIN)
    lent = (await entry(program, "staff", AGENT))["entry"]["lent"]
    async with program.client.get(program.url.join(URL("/api/directory/sheets/staff"))) as answer:
        whole = openpyxl.load_workbook(BytesIO(await answer.read()))
    row = next(row for row in whole.active.iter_rows(min_row=2) if row[0].value == AGENT)
    row[3].value = "B"
    changed = BytesIO()
    whole.save(changed)
    for content in (changed.getvalue(), staff_sheet(["number", "skills"], [AGENT, "personal:2 loss:1"])):
        status, told = await send(program, "staff?reason=rota&dry_run=false", content)
        assert status == 200, told
        assert (await entry(program, "staff", AGENT))["entry"]["lent"] == lent
    now = (await entry(program, "staff", AGENT))["entry"]
    assert (now["team"], now["skills"]) == ("B", {"personal": 2, "loss": 1})
    served = program.hotline.directory.present.memberships(AGENT)  # type: ignore[arg-type]
    assert {place.queue.split("-")[0] for place in served} == {"card"}


async def test_a_loan_made_while_a_sheet_is_read_is_not_undone_by_it(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = program.hotline.directory
    read = book.entries

    async def entries_and_then_a_loan() -> Any:
        present = await read()
        monkeypatch.undo()
        person = dict(present.entries["staff", AGENT])
        lent = {"on": book.today().isoformat(), "skills": {"loss": 1}, "languages": {"cmn": 1}}
        await book.change([Line("staff", AGENT, {**person, "lent": lent})], by=ADMIN, reason="x")
        return present

    monkeypatch.setattr(book, "entries", entries_and_then_a_loan)
    content = staff_sheet(["number", "team"], [AGENT, "B"])
    status, told = await send(program, "staff?reason=rota&dry_run=false", content)
    assert (status, "has been changed since" in told["detail"]) == (409, True)
    assert "lent" in (await entry(program, "staff", AGENT))["entry"]
    assert (await send(program, "staff?reason=rota&dry_run=false", content))[0] == 200
    assert "lent" in (await entry(program, "staff", AGENT))["entry"]


async def test_a_sheet_with_a_mistake_leaves_everything_as_it_is(program: Program) -> None:
    book = openpyxl.Workbook()
    for row in (["number", "team", "roles"], [AGENT, "B", "agent"], ["1004", "B", "pilot"]):
        book.active.append(row)
    content = BytesIO()
    book.save(content)
    before = await entry(program, "staff", AGENT)
    status, told = await send(program, "staff?reason=rota&dry_run=false", content.getvalue())
    assert status == 422
    assert told["errors"][0]["where"] == "body.row 3, column 角色 roles"
    assert await entry(program, "staff", AGENT) == before
    assert (await send(program, "survey?reason=x", content.getvalue()))[0] == 404
    assert (await send(program, "staff?reason=x", b"{}", "application/json"))[0] == 415
    assert (await send(program, "staff?reason=x", b"{}"))[0] == 422


async def test_a_holiday_notice_is_entered_and_what_is_counted_next_counts_by_it(program: Program) -> None:
    _, told = await call(program, "GET", "/api/directory/entries?section=holiday_notices")
    newest = told["entries"][-1]
    assert newest["key"] == newest["entry"]["number"] == program.hotline.due.calendar().edition
    year_end = {
        "number": "行内通知1号",
        "published": newest["entry"]["published"],
        "since": "2026-12-07",
        "until": "2026-12-07",
        "days": [{"name": "停业", "off": "2026-12-07"}],
    }
    asked = change(line("holiday_notices", year_end["number"], year_end))
    assert (await call(program, "POST", "/api/directory/changes", {**asked, "dry_run": True}))[0] == 200
    assert program.hotline.due.calendar().works(date(2026, 12, 7))
    assert (await call(program, "POST", "/api/directory/changes", asked))[0] == 200
    assert not program.hotline.due.calendar().works(date(2026, 12, 7))
    half = {**year_end, "until": "2027-06-30"}
    asked = change(line("holiday_notices", year_end["number"], half))
    status, told = await call(program, "POST", "/api/directory/changes", asked)
    assert (status, told["errors"][0]["where"]) == (422, "body.holiday_notices 行内通知1号: until")


async def test_a_queue_that_a_flow_leads_callers_to_is_not_taken_away(tmp_path: Path) -> None:
    """Of the nodes' files it is the version that is published which counts, not those kept beside it."""
    flows, nodes = tmp_path / "flows", [node_settings("node1", 9, tmp_path)]
    flows.mkdir()
    (flows / "95559.yaml").write_text(SMALL.replace('"777"', '"95559"'), "utf-8")
    file = tmp_path / "node1" / "etc" / "ivr-777.conf"
    (file.parent / "ivr-888.conf").mkdir(parents=True)  # what cannot be read keeps nobody from changing
    loan = replace(
        small(), nodes={"top": Message(name="top", title="", say=("welcome",), then=ToQueue("corporate"))}
    )
    file.write_text(render_file(compile_flow(loan), [compile_flow(small())]), "utf-8")
    seed = load(DEMO)
    lines = {code: [line("businesses", code, None), *skills_without(seed, code)] for code in seed.businesses}
    async with running_program(seed, tmp_path, flows=flows, nodes=nodes) as program:
        await program.sign_in(ADMIN)
        for code, languages, told in (
            ("loss", {"cmn", "en"}, "flow 95559, as its file is, leads callers there at top"),
            ("corporate", {"cmn"}, "flow 777, as published on node1, leads callers there at top"),
        ):
            status, refused = await call(program, "POST", "/api/directory/changes", change(*lines[code]))
            assert status == 422, refused
            assert {one["where"] for one in refused["errors"]} == {
                f"body.queues: {code}-{language}" for language in languages
            }
            assert all(told in one["problem"] for one in refused["errors"]), refused
            status, _ = await call(
                program, "POST", "/api/directory/changes", change(*lines[code], dry_run=True)
            )
            assert status == 422
        status, told = await call(program, "POST", "/api/directory/changes", change(*lines["personal"]))
        assert status == 200, told


def skills_without(directory: Directory, business: str) -> list[dict[str, Any]]:
    """Lines that take a business from everybody who has it as a skill, and its figures."""
    entries = entries_of(directory)
    found = [line("queues", business, None)] if ("queues", business) in entries else []
    for (section, key), body in entries.items():
        if section == "staff" and business in body.get("skills", {}):
            skills = {code: level for code, level in body["skills"].items() if code != business}
            rest = {name: value for name, value in body.items() if name not in {"skills", "languages"}}
            kept = {"skills": skills, "languages": body["languages"]} if skills else {}
            found.append(line("staff", key, rest | kept))
    return found


@pytest.mark.rule("SUMMARY-06")
async def test_a_call_type_that_demands_what_no_summary_has_is_refused(program: Program) -> None:
    there = await entry(program, "call_types", "enquiry")
    wrong = {**there["entry"], "mandatory": ["content", "shoe_size"]}
    status, told = await call(
        program, "POST", "/api/directory/changes", change(line("call_types", "enquiry", wrong))
    )
    assert (status, told["errors"][0]["where"]) == (422, "body.call_types enquiry: mandatory")
    assert "no field 'shoe_size'" in told["errors"][0]["problem"]


def alarms_of(program: Program) -> set[str]:
    program.hotline.board.tick()
    return {one.alarm for one in program.hotline.board.figures().alarms}


async def test_thresholds_and_limits_of_reasons_reach_the_board_while_it_runs(program: Program) -> None:
    """A caller waits for ten seconds, an agent eats for two minutes: whether that is long is said here."""
    hotline = program.hotline
    await hotline.board.start()
    story = Story(system_clock() - s(120))
    story.joins("c1", at=110)
    story.state("1001", 0, AgentState.NOT_READY, reason="meal")
    hotline.ledger.append([numbered.fact for numbered in story.told()])
    waits = (await entry(program, "thresholds", "caller_near_limit"))["entry"]
    pause = (await entry(program, "thresholds", "not_ready_too_long"))["entry"]
    meal = (await entry(program, "reasons", "meal"))["entry"]

    async def made(wait: int, over: int, minutes: int) -> set[str]:
        lines = [
            line("thresholds", "caller_near_limit", {**waits, "raise_at": wait}),
            line("thresholds", "not_ready_too_long", {**pause, "raise_at": over, "clear_at": 0}),
            line("reasons", "meal", {**meal, "max_minutes": minutes}),
        ]
        assert (await call(program, "POST", "/api/directory/changes", change(*lines)))[0] == 200
        return alarms_of(program) & {"caller_near_limit", "not_ready_too_long"}

    assert await made(3_600, 3_600, 60) == set()
    assert await made(5, 3_600, 60) == {"caller_near_limit"}
    assert await made(3_600, 5, 60) == {"caller_near_limit"}, "a caller who waits still does not clear it"
    assert await made(3_600, 5, 1) == {"caller_near_limit", "not_ready_too_long"}
