"""The routes on a real socket: who may, what is refused and how, what is masked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.facts import CustomerIdentified
from directory.rights import RIGHTS
from ledger.calls import CallBook
from tests.integration.ticketing.conftest import CALL, NOW, Desk
from tests.integration.web.site import FakePeople, Site, running_site
from ticketing.api import TicketingApi

AGENT, OTHER, LEADER = "1001", "1002", "8001"
OTHER_CALL = "00000000-0000-4000-8000-000000000099"
COMPLAINT = {
    "type": "complaint",
    "customer_name": "张三丰",
    "contact": "13812345678",
    "account": "6222021234567890123",
    "content": "年费重复收取",
    "result": "已登记",
    "nature": "ordinary",
    "urgency": "high",
    "read_back": True,
}


@pytest.fixture
async def site(desk: Desk, tmp_path: Path) -> AsyncIterator[Site]:
    callbacks = desk.callbacks
    api = TicketingApi(
        summaries=desk.summaries,
        callbacks=callbacks,
        tickets=desk.tickets,
        calls=CallBook(ledger=desk.ledger, database=desk.main),
        clock=lambda: desk.now + 65_000_000,
    )
    people = FakePeople(
        {staff: desk.person(staff).rights for staff in (AGENT, OTHER, LEADER)}, every_right=frozenset(RIGHTS)
    )
    async with running_site(api.routes(), tmp_path, people=people) as running:
        yield running


async def as_agent(site: Site, desk: Desk) -> dict[str, str]:
    leg = await desk.talk()
    await site.sign_in(AGENT)
    status, saved = await site.call("POST", "/api/summaries", json=COMPLAINT | {"leg": leg})
    assert status == 201, saved
    return {"number": saved["number"], "leg": leg}


@pytest.mark.rule("SUMMARY-01", "SUMMARY-02", "CALL-27")
async def test_from_owed_to_summary_to_ticket(site: Site, desk: Desk) -> None:
    leg = await desk.talk()
    await site.sign_in(AGENT)
    _, told = await site.call("GET", "/api/summaries/owed")
    assert [(one["leg"], one["age_s"]) for one in told["owed"]] == [(leg, 65)]
    status, saved = await site.call("POST", "/api/summaries", json=COMPLAINT | {"leg": leg})
    assert (status, saved["number"], saved["version"]) == (201, "ZJ20261122-000001", 1)
    assert saved["account"] == "***************0123"
    assert saved["contact"] == "13812345678"
    assert saved["saved_at"] == "2026-11-22T00:00:00+08:00"
    _, told = await site.call("GET", "/api/summaries/owed")
    assert told["owed"] == []
    form = {"summary": saved["number"], "kind": "complaint", "business": "card", "limit_told": True}
    status, ticket = await site.call("POST", "/api/tickets", json=form)
    assert (status, ticket["number"], ticket["state"]) == (201, "GD20261122-000001", "clerk")
    assert ticket["form"]["账号"] == "***************0123"
    assert ticket["form"]["回复时限"] == "2个工作日"
    assert len(ticket["form"]) == 22
    status, again = await site.call("GET", f"/api/tickets/{ticket['number']}")
    assert (status, again) == (200, ticket)


@pytest.mark.rule("CALL-23")
async def test_long_talks_with_nobody_known_and_no_summary_are_told_to_the_leader(
    site: Site, desk: Desk
) -> None:
    """A minute's talk of each; one of them was with a customer whom we know, one is of another day."""
    about = {"node": "node1", "level": "ordinary", "favoured": False, "source": "own"}
    private = await desk.talk()
    await desk.talk("node1-1700000000.22", call=OTHER_CALL)
    await desk.tell(CustomerIdentified(at=NOW, call=OTHER_CALL, customer="K00000001", **about))
    await site.sign_in(LEADER)
    day = "since=2026-11-21T00:00:00%2B08:00&until=2026-11-22T00:00:01%2B08:00"
    path = f"/api/summaries/unaccounted?{day}"
    status, told = await site.call("GET", f"{path}&over_s=59")
    assert (status, told["more"]) == (200, False)
    assert [(one["leg"], one["agent"], one["talked_s"]) for one in told["talks"]] == [(private, AGENT, 60)]
    for nothing in (path, f"{path}&over_s=59&agent={OTHER}", path.replace("-22T", "-21T") + "&over_s=59"):
        assert (await site.call("GET", nothing))[1]["talks"] == []
    await site.sign_in(AGENT)
    assert (await site.call("GET", path))[0] == 403
    await site.call("POST", "/api/summaries", json=COMPLAINT | {"leg": private})
    await site.sign_in(LEADER)
    assert (await site.call("GET", f"{path}&over_s=59"))[1]["talks"] == []


@pytest.mark.rule("SUMMARY-06")
async def test_a_refusal_names_every_field_and_keeps_nothing(site: Site, desk: Desk) -> None:
    leg = await desk.talk()
    await site.sign_in(AGENT)
    body = {"leg": leg, "type": "complaint", "content": "年费"}
    status, problem = await site.call("POST", "/api/summaries", json=body)
    assert (status, problem["type"]) == (422, "/problems/bad-input")
    assert [one["where"] for one in problem["errors"]] == [
        "body.contact",
        "body.customer_name",
        "body.nature",
        "body.read_back",
        "body.result",
        "body.urgency",
    ]
    _, told = await site.call("GET", f"/api/summaries?call={CALL}")
    assert told["summaries"] == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/summaries/ZJ20261122-000099", 404),
        ("/api/summaries/nonsense", 422),
        ("/api/summaries?call=nonsense", 422),
        ("/api/tickets/GD20261122-000099", 404),
        ("/api/tickets/ZJ20261122-000001", 422),
        (f"/api/summaries/owed?agent={LEADER}", 403),
    ],
)
async def test_what_is_not_there_or_not_ones_own(site: Site, path: str, status: int) -> None:
    await site.sign_in(AGENT)
    assert (await site.call("GET", path))[0] == status


async def test_another_agent_neither_reads_nor_changes_nor_opens(site: Site, desk: Desk) -> None:
    made = await as_agent(site, desk)
    await site.sign_in(OTHER)
    number = made["number"]
    assert (await site.call("GET", f"/api/summaries/{number}?purpose=quality"))[0] == 403
    assert (await site.call("PUT", f"/api/summaries/{number}", json=COMPLAINT | {"version": 1}))[0] == 403
    form = {"summary": number, "kind": "complaint", "business": "card", "limit_told": True}
    assert (await site.call("POST", "/api/tickets", json=form))[0] == 403


@pytest.mark.rule("SEC-15")
async def test_a_leader_reads_with_a_purpose_and_changes_with_the_version(site: Site, desk: Desk) -> None:
    path = f"/api/summaries/{(await as_agent(site, desk))['number']}"
    await site.sign_in(LEADER)
    status, problem = await site.call("GET", path)
    assert (status, problem["errors"][0]["where"]) == (422, "query.purpose")
    status, summary = await site.call("GET", f"{path}?purpose=complaint&reason=复核")
    assert (status, summary["agent"]) == (200, AGENT)
    change = COMPLAINT | {"account": "", "result": "已退费", "version": 1}
    status, changed = await site.call("PUT", path, json=change)
    assert (status, changed["version"], changed["saved_by"]) == (200, 2, LEADER)
    assert changed["account"] == "***************0123"
    assert (await site.call("PUT", path, json=change))[0] == 409
    status, problem = await site.call("PUT", path, json=change | {"version": 2, "account": "****0123"})
    assert (status, problem["errors"][0]["where"]) == (422, "body.account")


async def test_a_leader_writes_the_summary_that_an_agent_owes(site: Site, desk: Desk) -> None:
    leg = await desk.talk()
    await site.sign_in(LEADER)
    status, saved = await site.call("POST", "/api/summaries", json=COMPLAINT | {"leg": leg})
    assert (status, saved["agent"], saved["saved_by"]) == (201, AGENT, LEADER)
    _, told = await site.call("GET", f"/api/summaries/owed?agent={AGENT}")
    assert told["owed"] == []


async def test_a_draft_is_submitted_once_it_is_complete(site: Site, desk: Desk) -> None:
    number = (await as_agent(site, desk))["number"]
    form = {"kind": "complaint", "business": "card"}
    _, draft = await site.call("POST", "/api/tickets", json=form | {"summary": number, "draft": True})
    path = f"/api/tickets/{draft['number']}/submit"
    status, problem = await site.call("POST", path, json=form | {"version": 1})
    assert (status, problem["errors"][0]["where"]) == (422, "body.limit_told")
    status, sent = await site.call("POST", path, json=form | {"version": 1, "limit_told": True})
    assert (status, sent["state"], sent["version"]) == (200, "clerk", 2)


@pytest.mark.rule("CALL-13")
async def test_a_promised_call_back_shows_up_for_its_owner(site: Site, desk: Desk) -> None:
    leg = await desk.talk()
    await site.sign_in(AGENT)
    promise = {
        "leg": leg,
        "type": "callback_promised",
        "customer_name": "李四",
        "content": "查询",
        "callback_to": "13812345678",
        "callback_due": "2026-11-22T00:01:00+08:00",
    }
    status, problem = await site.call("POST", "/api/summaries", json=promise | {"callback_due": "00:30"})
    assert (status, problem["errors"][0]["where"]) == (422, "body.callback_due")
    assert (await site.call("POST", "/api/summaries", json=promise))[0] == 201
    _, told = await site.call("GET", "/api/callbacks")
    (task,) = told["callbacks"]
    assert (task["number"], task["due_at"], task["overdue"]) == (
        "13812345678",
        "2026-11-22T00:01:00+08:00",
        True,
    )
    assert desk.now == NOW
