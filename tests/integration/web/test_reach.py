"""Every route whose right has a scope, asked about a record of one's own, a team mate's, a unit mate's and a
stranger's by somebody whose role reaches so far and no further."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSServerHandshakeError
from yarl import URL

from core.clock import Instant, instant
from core.facts import Side
from directory.changes import Line
from directory.rights import SCOPED
from directory.seed import DEMO, parse
from storage.audit import Access, record_access
from telephony.agents import LogIn
from telephony.calls import Call, Leg
from tests.integration.web.program import Program, running_program
from tests.unit.ledger.samples import QUEUE, Story, call_id, customer, leg_id
from web.scope import Scope, joined

NOW = datetime.now(UTC)
BEGAN, TODAY = NOW - timedelta(hours=1), NOW.date()
LATER = TODAY + timedelta(days=9)
ASKER, MATE, UNIT_MATE, STRANGER = "5001", "5002", "5003", "5004"
OWNERS = {ASKER: Scope.OWN, MATE: Scope.TEAM, UNIT_MATE: Scope.UNIT, STRANGER: Scope.ALL}
"""Whose record → the least scope that opens it."""
PEOPLE = """
  - {number: 5001, name: 甲, en: A, team: X, unit: xiamen, roles: [tried]}
  - {number: 5002, name: 乙, en: B, team: X, unit: xiamen, roles: [tried]}
  - {number: 5003, name: 丙, en: C, team: X, unit: siming, roles: [tried]}
  - {number: 5004, name: 丁, en: D, team: X, unit: hotline, roles: [tried]}
"""
TEXT = {
    "type": "callback_promised",
    "customer_name": "张三",
    "content": "承诺回电",
    "callback_to": "13800000001",
}
PERIOD = f"from={TODAY - timedelta(days=2)}&to={TODAY + timedelta(days=2)}&step=day"
SINCE = "since=2026-11-01T00:00:00Z&until=2026-11-02T00:00:00Z"
ORDER = {"from": str(TODAY - timedelta(days=2)), "to": str(TODAY + timedelta(days=2)), "step": "day"}


@dataclass(frozen=True)
class Probe:
    """A question about what is somebody's. Shut out: status `closed` or, in a list, `listed` is not in it."""

    method: str
    route: str
    query: str = ""
    body: dict[str, Any] | None = None
    listed: str = ""
    closed: int = 403


RENAMED = {
    "reason": "another name",
    "dry_run": True,
    "lines": [
        {
            "section": "staff",
            "key": "{agent}",
            "entry": {"name": "新", "en": "New", "team": "X", "unit": "{unit}", "roles": ["tried"]},
        }
    ],
}

PROBES = [
    Probe("GET", "/api/calls", listed="{call}"),
    Probe("GET", "/api/calls", "agent={agent}"),
    Probe("GET", "/api/calls/{call}", closed=404),
    Probe("GET", "/api/calls/{call}/customer", closed=404),
    Probe("GET", "/api/calls/{call}/story", closed=404),
    Probe("GET", "/api/calls/{call}/story.svg", closed=404),
    Probe("GET", "/api/recordings", "call={call}", listed="{leg}"),
    Probe("GET", "/api/recordings/{leg}/audio", "purpose=quality"),
    Probe("GET", "/api/summaries", "call={call}&purpose=quality", listed="{summary}"),
    Probe("GET", "/api/summaries/{number}", "purpose=quality"),
    Probe("PUT", "/api/summaries/{number}", body={**TEXT, "version": 99}),
    Probe("POST", "/api/summaries", body={**TEXT, "leg": "{leg}"}),
    Probe("GET", "/api/summaries/owed", "agent={agent}"),
    Probe("GET", "/api/summaries/unaccounted", f"{SINCE}&agent={{agent}}"),
    Probe("GET", "/api/agent/outgoing", "summary={summary}"),
    Probe("POST", "/api/agent/outgoing", body={"summary": "{summary}"}),
    Probe("GET", "/api/callbacks", "agent={agent}"),
    Probe("POST", "/api/callbacks/{id}/done", body={"outcome": "已回电"}),
    Probe("GET", "/api/tickets/{ticket}", "purpose=handling"),
    Probe("POST", "/api/tickets", body={"summary": "{summary}", "kind": "help", "draft": True}),
    Probe("POST", "/api/tickets/{ticket}/submit", body={"kind": "help", "version": 99}),
    Probe("GET", "/api/agents", listed="{agent}"),
    Probe("POST", "/api/leader/calls/{talk}/join", body={"mode": "listen"}),
    Probe("POST", "/api/leader/calls/{talk}/mode", body={"mode": "barge"}),
    Probe("POST", "/api/leader/calls/{talk}/leave"),
    Probe("POST", "/api/leader/calls/{talk}/take-over", body={"reason": "投诉升级"}),
    Probe("POST", "/api/leader/calls/{talk}/end", body={"reason": "投诉升级"}),
    Probe("POST", "/api/agents/{agent}/ready"),
    Probe("PUT", "/api/agents/{agent}/loan", body={"skills": {"card": 1}, "reason": "人手不足"}),
    Probe("DELETE", "/api/agents/{agent}/loan"),
    Probe("POST", "/api/agents/{agent}/not-ready", body={"reason": "meal"}),
    Probe("POST", "/api/agents/{agent}/logout"),
    Probe("DELETE", "/api/agents/{agent}/help"),
    Probe("GET", "/api/reports/intervals", f"{PERIOD}&by=agent", listed="{agent}"),
    Probe("GET", "/api/reports/intervals", f"{PERIOD}&by=agent&name={{agent}}"),
    Probe("GET", "/api/reports/intervals.xlsx", f"{PERIOD}&by=agent&name={{agent}}"),
    Probe("POST", "/api/reports/exports", body={**ORDER, "by": "agent", "name": ["{agent}"]}),
    Probe("GET", "/api/audit/accesses", "purpose=looked", listed="{agent}"),
    Probe("GET", "/api/audit/accesses", "staff={agent}"),
    Probe("GET", "/api/sessions", "staff={agent}"),
    Probe("GET", "/api/directory/entries", "section=staff", listed="{agent}"),
    Probe("GET", "/api/directory/changes", "section=staff", listed="{agent}"),
    Probe("POST", "/api/directory/changes", body=RENAMED, closed=422),
    Probe("DELETE", "/api/directory/changes/{change}"),
    Probe("DELETE", "/api/sessions/{session}"),
    Probe("POST", "/api/staff/{staff}/password"),
]
"""In an order in which none spoils what a later one asks about."""
SHEETS = {("GET", "/api/directory/sheets/{section}"), ("POST", "/api/directory/sheets/{section}")}
"""Neither asked nor answered in JSON: tests/integration/directory/test_remit.py asks them."""
BY_OWNER = {
    ("POST", "/api/tickets"),
    ("POST", "/api/tickets/{number}/submit"),
    ("GET", "/api/calls/{call}/customer"),
}
"""They ask for a right without scope first; from whose summary, `summaries.correct` decides, and of whose
call, `calls.read`."""


@dataclass
class Bank:
    """The program with a record of every kind for each of OWNERS; `names`: what they are called, by owner."""

    program: Program
    names: dict[str, dict[str, str]]

    async def ask(self, probe: Probe, owner: str) -> bool:
        """Whether it is open to who is signed in."""
        names = self.names[owner]
        url = self.program.url.join(URL(probe.route.format(**names))).with_query(probe.query.format(**names))
        body = probe.body and {name: _filled(value, names) for name, value in probe.body.items()}
        headers = {"X-CSRF-Token": self.program.csrf}
        async with self.program.client.request(probe.method, url, json=body, headers=headers) as answer:
            if probe.listed:
                assert answer.status == 200, await answer.text()
                return f'"{probe.listed.format(**names)}"' in await answer.text()
            return answer.status != probe.closed

    async def watches(self, owner: str) -> bool:
        url = (self.program.url / "api/live").with_query(topic=f"agent:{owner}")
        try:
            async with self.program.client.ws_connect(url):
                return True
        except WSServerHandshakeError as refused:
            assert refused.status == 403
            return False


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(each, names) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, names) for each in value]
    return value.format(**names) if isinstance(value, str) else value


def _directory(scope: Scope) -> Any:
    rights = [joined(right, scope) for right in sorted(SCOPED)]
    role = (
        f"  - {{code: tried, zh: 试, en: Tried, rights: [{', '.join(rights)}, agents.act, summaries.write, "
    )
    seed = DEMO.read_text("utf-8").replace("roles:\n", f"roles:\n{role}tickets.open, customers.find]}}\n", 1)
    seed = seed.replace("roles: [agent, leader], max_minutes: 40", "roles: [agent, tried], max_minutes: 40")
    return parse(seed + PEOPLE, "demo.yaml")


@asynccontextmanager
async def _bank(folder: Path, scope: Scope) -> AsyncIterator[Bank]:
    async with running_program(_directory(scope), folder) as program, AsyncExitStack() as stack:
        hotline = program.hotline
        for n, agent in enumerate(OWNERS, 1):
            story = Story(n, at=instant(BEGAN)).join().offer(agent).answer(agent).record(agent)
            hotline.ledger.append(story.talk(30, Side.CUSTOMER, agent).facts)
            hotline.telephony.wish(agent, lambda at, n=n: LogIn(at, f"d00{n}"))  # type: ignore[misc]
            hotline.telephony.switchboard.remember_call(_talking(n, agent, instant(NOW)))
        for consumer in hotline.consumers:
            task = asyncio.create_task(consumer.run())
            stack.push_async_callback(_ended, task)
        for consumer in hotline.consumers:
            await asyncio.wait_for(consumer.caught_up(hotline.ledger.last), 30)
        yield Bank(program, {agent: await _records(program, n, agent) for n, agent in enumerate(OWNERS, 1)})


def _talking(n: int, agent: str, at: Instant) -> Call:
    """A call that goes on: the agent talks on a leg of a node that this program does not have."""
    leg = Leg(
        id=leg_id(n + 100),
        agent=agent,
        device=f"d00{n}",
        queue=QUEUE,
        channel=f"PJSIP/d00{n}-0000000{n}",
        offered_at=at,
        answered_at=at,
    )
    return Call(
        id=call_id(n + 100), node="node9", leg=customer(n + 100), channel="", arrived_at=at, legs=(leg,)
    )


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _records(program: Program, n: int, agent: str) -> dict[str, str]:
    """What this agent has left behind, and how each of it is called."""
    await program.sign_in(agent)
    due = (NOW + timedelta(days=1)).isoformat()
    summary = await _post(program, "api/summaries", {**TEXT, "leg": leg_id(n), "callback_due": due})
    ticket = await _post(
        program, "api/tickets", {"summary": summary["number"], "kind": "help", "draft": True}
    )
    async with program.client.get(program.url / "api/session") as response:
        session = (await response.json())["session"]
    access = Access(
        at=instant(NOW), staff=agent, action="read", subject="summary:x", purpose="looked", reason=""
    )
    async with program.hotline.main.write() as connection:
        await record_access(connection, access)
    book = program.hotline.directory
    entry = (await book.entries()).entries["staff", agent]
    late = await book.change(
        [Line("staff", agent, {**entry, "trainee": True})], by="9001", reason="later", effective_on=LATER
    )
    return {
        "change": str(late.number),
        "unit": entry["unit"],
        "call": call_id(n),
        "talk": call_id(n + 100),
        "leg": leg_id(n),
        "agent": agent,
        "staff": agent,
        "summary": summary["number"],
        "number": summary["number"],
        "id": f"summary:{summary['number']}",
        "ticket": ticket["number"],
        "session": session,
    }


async def _post(program: Program, path: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"X-CSRF-Token": program.csrf}
    async with program.client.post(program.url / path, json=body, headers=headers) as response:
        told: dict[str, Any] = await response.json(content_type=None)
        assert response.status == 201, told
        return told


@pytest.mark.rule("SEC-04", "SEC-05", "SEC-15", "QA-10")
@pytest.mark.parametrize("scope", Scope, ids=lambda scope: scope.name.lower())
async def test_a_right_opens_what_its_scope_reaches_and_nothing_else(tmp_path: Path, scope: Scope) -> None:
    async with _bank(tmp_path, scope) as bank:
        await bank.program.sign_in(ASKER)
        wrong = []
        for probe in PROBES:
            # The asker last: ending one's own session signs one out.
            for owner, least in sorted(OWNERS.items(), reverse=True):
                if await bank.ask(probe, owner) != (scope >= least):
                    wrong.append((f"{probe.method} {probe.route}?{probe.query}", OWNERS[owner].name))
                if probe.method == "DELETE" and owner == ASKER and "session" in probe.route:
                    await bank.program.sign_in(ASKER)
        assert wrong == []
        watched = [await bank.watches(owner) for owner in OWNERS]
        assert watched == [scope >= least for least in OWNERS.values()]


async def test_every_route_with_a_scope_is_asked_and_every_scoped_right(tmp_path: Path) -> None:
    async with running_program(_directory(Scope.TEAM), tmp_path) as program:
        scoped = {(one.method, one.path) for one in program.routes if one.scoped}
        assert {right for one in program.routes if one.scoped for right in (one.right, *one.wider)} >= SCOPED
    asked = {(probe.method, _as_declared(probe.route)) for probe in PROBES}
    assert asked == (scoped - SHEETS) | BY_OWNER


def _as_declared(route: str) -> str:
    for made_up, declared in (("{ticket}", "{number}"), ("{talk}", "{call}"), ("{change}", "{number}")):
        route = route.replace(made_up, declared)
    return route


@pytest.mark.rule("SEC-05")
async def test_who_moves_to_another_team_is_of_that_team_at_once(tmp_path: Path) -> None:
    """Their calls of before go with them, and nobody signs in anew."""
    call = Probe("GET", "/api/calls/{call}", closed=404)
    async with _bank(tmp_path, Scope.TEAM) as bank:
        await bank.program.sign_in(ASKER)
        book = bank.program.hotline.directory
        assert [await bank.ask(call, one) for one in (MATE, STRANGER)] == [True, False]
        entries = (await book.entries()).entries
        moved = [
            Line("staff", MATE, {**entries["staff", MATE], "team": "Y"}),
            Line("staff", STRANGER, {**entries["staff", STRANGER], "unit": "xiamen"}),
        ]
        await book.change(moved, by="9001", reason="moves")
        assert [await bank.ask(call, one) for one in (MATE, STRANGER)] == [False, True]
