"""Real HTTP with the demo seed and issued credentials: sign in as the shipped staff, read the lists."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from directory import credentials
from directory.api import directory_routes
from directory.credentials import Issued
from directory.people import DirectoryPeople
from directory.seed import DEMO, load
from tests.integration.web.site import CHEAP, Site, running_site

DIRECTORY = load(DEMO)


@pytest.fixture
def issued(tmp_path: Path) -> Issued:
    return credentials.issue(tmp_path / "credentials.json", DIRECTORY, passwords=CHEAP)


@pytest.fixture
async def site(tmp_path: Path, issued: Issued) -> AsyncIterator[Site]:
    people = DirectoryPeople(lambda: DIRECTORY, credentials.load(tmp_path / "credentials.json"))
    async with running_site(directory_routes(lambda: DIRECTORY), tmp_path, people=people) as site:
        yield site


async def test_the_shipped_staff_sign_in_with_what_was_issued(site: Site, issued: Issued) -> None:
    leader = await site.sign_in("8001", issued.passwords["8001"])
    assert (leader["http"], leader["name"], leader["roles"]) == (200, "邓秋霞", ["leader"])
    assert {"board.read", "help.answer.team"} <= set(leader["rights"])
    assert (await site.sign_in("1001", issued.passwords["8001"]))["http"] == 401


@pytest.mark.rule("CALL-20")
async def test_reasons_are_those_one_may_use(site: Site, issued: Issued) -> None:
    await site.sign_in("1001", issued.passwords["1001"])
    agent = {reason["code"] for reason in (await site.call("GET", "/api/directory/reasons"))[1]["reasons"]}
    await site.sign_in("8001", issued.passwords["8001"])
    leader = {reason["code"] for reason in (await site.call("GET", "/api/directory/reasons"))[1]["reasons"]}
    assert leader - agent == {"off_hook", "coaching"}


@pytest.mark.rule("CALL-24", "SUMMARY-06")
async def test_call_types_with_what_they_demand(site: Site, issued: Issued) -> None:
    await site.sign_in("1001", issued.passwords["1001"])
    told = (await site.call("GET", "/api/directory/call-types"))[1]
    types = {one["code"]: one for one in told["call_types"]}
    assert types["complaint"]["ticket_kinds"] == ["complaint"]
    assert "read_back" in types["complaint"]["mandatory"]
    assert types["wrong_number"]["mandatory"] == []
    assert types["harassment"]["report"] and types["callback_promised"]["callback"]
    assert [level["working_days"] for level in told["urgencies"]] == [2, 3, 5]


async def test_queues_devices_and_profile(site: Site, issued: Issued) -> None:
    await site.sign_in("1001", issued.passwords["1001"])
    assert len((await site.call("GET", "/api/directory/queues"))[1]["queues"]) == 18
    assert len((await site.call("GET", "/api/directory/devices"))[1]["devices"]) == 40
    me = (await site.call("GET", "/api/directory/me"))[1]
    assert (me["number"], me["skills"]["personal"]) == ("1001", 1)
    assert {"queue": "personal-cmn", "penalty": 0} in me["memberships"]
    assert {"queue": "loss-nan", "penalty": 10} in me["memberships"]
