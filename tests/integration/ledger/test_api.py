"""Calls over HTTP: who may see which, and in what form."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from yarl import URL

from ledger.api import CallsApi
from ledger.calls import CallBook
from ledger.ledger import Ledger
from storage import Database
from tests.integration.web.site import FakePeople, Site, running_site
from tests.unit.ledger.samples import abandoned, call_id, normal

PEOPLE = {"8001": {"calls.read"}, "1001": {"calls.read.own"}, "1002": {"calls.read.own"}, "9001": set[str]()}


@pytest.fixture
async def site(ledger: Ledger, main_database: Database, tmp_path: Path) -> AsyncIterator[Site]:
    book = CallBook(ledger=ledger, database=main_database, linger_s=0)
    feeding = asyncio.create_task(book.consumer.run())
    ledger.append([*normal(1).facts, *abandoned(2).facts])
    await asyncio.wait_for(book.consumer.caught_up(ledger.last), 30)
    people = FakePeople(dict(PEOPLE))
    (tmp_path / "site").mkdir()
    async with running_site(CallsApi(book).routes(), tmp_path / "site", people=people) as running:
        yield running
    feeding.cancel()
    with suppress(asyncio.CancelledError):
        await feeding


async def test_a_leader_finds_calls_and_opens_one(site: Site) -> None:
    await site.sign_in("8001")
    status, body = await site.call("GET", "/api/calls?outcome=answered&waited_over_s=1")
    assert (status, [call["call"] for call in body["calls"]]) == (200, [call_id(1)])
    status, call = await site.call("GET", f"/api/calls/{call_id(1)}")
    assert (status, call) == (200, body["calls"][0])
    assert (call["caller"], call["waited_ms"], call["talked_ms"]) == ("138****0001", 2100, 30_000)
    assert call["legs"][0]["satisfaction"] == 5
    assert call["began_at"].endswith("+08:00")


async def test_a_call_is_told_and_drawn_in_order(site: Site) -> None:
    await site.sign_in("8001")
    status, story = await site.call("GET", f"/api/calls/{call_id(1)}/story?language=en")
    assert (status, story["call"], story["arrival_seen"]) == (200, call_id(1), True)
    assert story["lanes"][:2] == ["customer", "hotline"]
    times = [line["since_ms"] for line in story["lines"]]
    assert times == sorted(times)
    said = {line["kind"]: line["words"] for line in story["lines"]}
    assert said["CallArrived"] == "calls 95559 from 138****0001"
    path = site.url.join(URL(f"/api/calls/{call_id(1)}/story.svg"))
    async with site.client.get(path, headers=site.headers) as answer:
        drawing = await answer.text()
    assert (answer.status, answer.content_type) == (200, "image/svg+xml")
    assert ("138****0001" in drawing, "13800000001" in drawing) == (True, False)
    assert (await site.call("GET", f"/api/calls/{call_id(9)}/story"))[0] == 404


async def test_pages_are_followed_over_http(site: Site) -> None:
    await site.sign_in("8001")
    _, first = await site.call("GET", "/api/calls?limit=1")
    _, second = await site.call("GET", f"/api/calls?limit=1&page={first['more']}")
    assert {first["calls"][0]["call"], second["calls"][0]["call"]} == {call_id(1), call_id(2)}
    assert second["more"] == ""


async def test_an_agent_sees_only_calls_that_were_offered_to_them(site: Site) -> None:
    await site.sign_in("1002")
    assert await site.call("GET", "/api/calls") == (200, {"calls": [], "more": ""})
    assert (await site.call("GET", "/api/calls?agent=1001"))[0] == 403
    status, theirs = await site.call("GET", f"/api/calls/{call_id(1)}")
    assert status == 404
    status, nobodys = await site.call("GET", f"/api/calls/{call_id(9)}")
    assert status == 404
    assert theirs["detail"].replace(call_id(1), "X") == nobodys["detail"].replace(call_id(9), "X")


async def test_an_agent_sees_their_own(site: Site) -> None:
    await site.sign_in("1001")
    _, body = await site.call("GET", "/api/calls")
    assert {call["call"] for call in body["calls"]} == {call_id(1), call_id(2)}
    assert (await site.call("GET", f"/api/calls/{call_id(1)}"))[0] == 200


async def test_without_the_right_nothing_is_seen(site: Site) -> None:
    await site.sign_in("9001")
    one = f"/api/calls/{call_id(1)}"
    for path in ("/api/calls", one, f"{one}/story", f"{one}/story.svg"):
        assert (await site.call("GET", path))[0] == 403


@pytest.mark.parametrize("query", ["outcome=lost", "limit=0", "page=x", "since=yesterday", "agent=1 OR 1"])
async def test_bad_questions_are_refused_with_their_place(site: Site, query: str) -> None:
    await site.sign_in("8001")
    status, problem = await site.call("GET", f"/api/calls?{query}")
    assert status == 422
    assert query.split("=", maxsplit=1)[0] in str(problem)
