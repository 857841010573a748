"""/api/audit/accesses over a real socket: who may, what is found, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from core.clock import MINUTE
from storage import Database, migrate
from storage.audit import Access, record_access
from tests.integration.web.site import FakePeople, Site, running_site
from tests.support.databases import Databases
from web.audit_api import AuditApi

BEGAN = 1_795_276_800_000_000
"""2026-11-22 00:00:00 in the bank's zone."""
PLAY = Access(at=BEGAN, staff="7001", action="play", subject="recording:x", purpose="quality")
ACCESSES = [
    PLAY,
    replace(PLAY, at=BEGAN + MINUTE, staff="8001", purpose="complaint", reason="投诉复核"),
    replace(PLAY, at=BEGAN + 2 * MINUTE, action="read", subject="summary:y"),
    replace(PLAY, at=BEGAN + 3 * MINUTE),
    replace(PLAY, at=BEGAN + 4 * MINUTE, staff="8001", subject="summary:y", action="read"),
]
PEOPLE = {"9001": {"audit.read"}, "8001": {"recordings.audit"}}


@pytest.fixture
async def site(databases: Databases) -> AsyncIterator[Site]:
    database = Database(databases.url("main"), name="main")
    await database.open()
    await migrate(database)
    async with database.write() as connection:
        for access in ACCESSES:
            await record_access(connection, access)
    routes = AuditApi(database).routes()
    async with running_site(routes, url=databases.url("main"), people=FakePeople(dict(PEOPLE))) as running:
        await running.sign_in("9001")
        yield running
    await database.close()


async def found(site: Site, **query: str) -> list[int]:
    """The numbers of the accesses found."""
    status, told = await site.call("GET", "/api/audit/accesses", params=query)
    assert status == 200, told
    return [one["seq"] for one in told["accesses"]]


@pytest.mark.rule("SEC-17")
async def test_the_right_is_one_of_its_own(site: Site) -> None:
    assert (await site.call("GET", "/api/audit/accesses"))[0] == 200
    await site.sign_in("8001")
    assert (await site.call("GET", "/api/audit/accesses"))[0] == 403


@pytest.mark.rule("SEC-17")
async def test_an_access_is_told_whole_newest_first(site: Site) -> None:
    status, told = await site.call("GET", "/api/audit/accesses")
    assert (status, told["more"], [one["seq"] for one in told["accesses"]]) == (200, "", [5, 4, 3, 2, 1])
    assert told["accesses"][3] == {
        "seq": 2,
        "at": "2026-11-22T00:01:00+08:00",
        "staff": "8001",
        "action": "play",
        "subject": "recording:x",
        "purpose": "complaint",
        "reason": "投诉复核",
    }


@pytest.mark.parametrize(
    ("query", "seqs"),
    [
        ({"subject": "recording:x"}, [4, 2, 1]),
        ({"staff": "8001"}, [5, 2]),
        ({"purpose": "complaint"}, [2]),
        ({"subject": "summary:y", "staff": "7001"}, [3]),
        ({"since": "2026-11-22T00:01:00+08:00", "until": "2026-11-22T00:03:00+08:00"}, [3, 2]),
        ({"since": "2026-11-21T16:04:00Z"}, [5]),
        ({"subject": "recording:none"}, []),
    ],
)
async def test_what_is_given_must_hold(site: Site, query: dict[str, str], seqs: list[int]) -> None:
    assert await found(site, **query) == seqs


async def test_who_listed_what_stands_in_the_log(site: Site) -> None:
    with capture_logs() as logs:
        await found(site, staff="8001")
    (line,) = [one for one in logs if one["event"] == "accesses listed"]
    assert (line["by"], line["asked"]) == ("9001", {"staff": "8001"})


async def test_pages_are_followed_and_nothing_is_told_twice(site: Site) -> None:
    seen: list[int] = []
    page = ""
    while True:
        query = {"limit": "2", "purpose": "quality", "page": page}
        _, told = await site.call("GET", "/api/audit/accesses", params=query)
        seen += [one["seq"] for one in told["accesses"]]
        page = told["more"]
        if not page:
            break
    assert seen == [5, 4, 3, 1]


async def test_a_page_that_is_exactly_full_is_the_last(site: Site) -> None:
    _, told = await site.call("GET", "/api/audit/accesses", params={"limit": "5"})
    assert (len(told["accesses"]), told["more"]) == (5, "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("staff", "7001 OR 1"),
        ("purpose", "Q'"),
        ("since", "yesterday"),
        ("limit", "501"),
        ("page", "-1"),
        ("subject", "x" * 81),
        ("who", "7001"),
    ],
)
async def test_bad_questions_are_refused_with_their_place(site: Site, name: str, value: str) -> None:
    status, problem = await site.call("GET", "/api/audit/accesses", params={name: value})
    assert (status, problem["errors"][0]["where"]) == (422, f"query.{name}")
