"""Real databases, real HTTP: initial and expired passwords, changing one's own, making one for another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, CookieJar, WSMsgType
from sqlalchemy import select

from core.clock import DAY, MINUTE
from storage.audit import access_log
from tests.integration.web.site import CHEAP, PASSWORD, FakePeople, Site, running_site
from tests.support.databases import Databases
from web.live import Topic
from web.lockout import LockoutRule
from web.password_rules import PasswordRule
from web.route import ApiRequest, Given, Out, Route
from web.tables import former_passwords, passwords, sign_in_failures, sign_ins

GOOD, BETTER, BEST = "purple teacup rides", "kR7vTz2mWq9xLc", "gravel noon antler"
RULE = PasswordRule(former=2)


class Nothing(Out):
    """An answer."""


async def _work(_request: ApiRequest) -> Nothing:
    return Nothing()


WORK = Route(
    method="GET", path="/api/work", handler=_work, right="", returns=Nothing, summary="Test", tag="test"
)


@pytest.fixture
async def site(databases: Databases) -> AsyncIterator[Site]:
    people = FakePeople({"8001": set(), "1001": set(), "9001": {"passwords.reset"}})
    lockout = LockoutRule(failures=3, locked_for=10 * MINUTE)
    url = databases.url("main")
    async with running_site([WORK], url=url, people=people, lockout=lockout, rule=RULE) as site:
        site.hub.declare(Topic(name="test", right="", snapshot=lambda _key: {}))
        yield site


async def change(site: Site, old: str, new: str) -> tuple[int, Any]:
    return await site.call("POST", "/api/session/password", json={"old": old, "new": new})


async def begin(site: Site, staff: str, password: str = GOOD) -> None:
    """Signed in with a password of one's own choice."""
    await site.sign_in(staff)
    assert (await change(site, PASSWORD, password))[0] == 204


def codes(problem: Any) -> list[tuple[str, str]]:
    return [(one["where"], one["code"]) for one in problem["errors"]]


@pytest.mark.rule("SEC-12")
async def test_with_an_initial_password_nothing_is_open_but_changing_it(site: Site) -> None:
    told = await site.sign_in("1001")
    assert (told["http"], told["must_change"], told["password_length"]) == (200, "initial", 12)
    for method, path in (("GET", "/api/work"), ("GET", "/api/sessions"), ("GET", "/api/live?topic=test")):
        status, problem = await site.call(method, path)
        assert (status, problem["type"]) == (403, "/problems/password-due"), path
    assert "POST /api/session/password" in problem["detail"]
    assert (await site.call("GET", "/api/session"))[1]["must_change"] == "initial"
    assert (await change(site, PASSWORD, GOOD))[0] == 204
    assert (await site.call("GET", "/api/work"))[0] == 200
    assert (await site.call("GET", "/api/session"))[1]["must_change"] == ""
    assert (await site.sign_in("1001"))["http"] == 401
    assert (await site.sign_in("1001", GOOD))["must_change"] == ""


async def test_who_may_do_nothing_yet_may_at_least_leave(site: Site) -> None:
    await site.sign_in("1001")
    assert (await site.call("DELETE", "/api/session"))[0] == 204


@pytest.mark.rule("SEC-12")
async def test_a_password_has_to_be_changed_after_its_time(site: Site) -> None:
    await begin(site, "1001")
    site.clock.offset += RULE.good_for - MINUTE
    assert (await site.sign_in("1001", GOOD))["must_change"] == ""
    site.clock.offset += MINUTE
    assert (await site.call("GET", "/api/work"))[0] == 200, "nobody is stopped in the middle of work"
    assert (await site.sign_in("1001", GOOD))["must_change"] == "expired"
    assert (await site.call("GET", "/api/work"))[0] == 403
    assert (await change(site, GOOD, BETTER))[0] == 204
    assert (await site.call("GET", "/api/work"))[0] == 200
    site.clock.offset += DAY
    assert (await site.sign_in("1001", BETTER))["must_change"] == ""


@pytest.mark.rule("SEC-12")
@pytest.mark.parametrize(
    ("new", "wrong"),
    [
        ("tiny pw 7", ["short", "simple"]),
        ("purple 1001 teacup rides", ["personal"]),
        ("Passw0rd2026!!", ["simple"]),
        (PASSWORD, ["simple"]),
    ],
)
async def test_a_poor_password_is_refused_with_all_that_is_wrong(
    site: Site, new: str, wrong: list[str]
) -> None:
    await site.sign_in("1001")
    for _ in range(5):  # the old one was right each time: nothing is locked by it
        status, problem = await change(site, PASSWORD, new)
        assert (status, codes(problem)) == (422, [("body.new", code) for code in wrong])
    assert new not in str(problem)
    assert (await site.call("GET", "/api/work"))[0] == 403
    assert (await site.sign_in("1001"))["before"]["failed"] == 0


@pytest.mark.rule("SEC-12")
async def test_none_of_the_last_ones_may_come_again(site: Site) -> None:
    await begin(site, "1001")
    assert codes((await change(site, GOOD, GOOD))[1]) == [("body.new", "used")]
    assert (await change(site, GOOD, BETTER))[0] == 204
    assert (await change(site, BETTER, BEST))[0] == 204
    assert codes((await change(site, BEST, GOOD))[1]) == [("body.new", "used")]
    assert (await change(site, BEST, "velvet orbit 7 spoons"))[0] == 204
    assert (await change(site, "velvet orbit 7 spoons", GOOD))[0] == 204, "two are remembered, not three"
    async with site.database.read() as connection:
        kept = (await connection.execute(select(former_passwords.c.hash))).scalars().all()
    assert len(kept) == RULE.former


async def test_the_present_password_has_to_be_known_and_guessing_it_locks(site: Site) -> None:
    await begin(site, "1001")
    for _ in range(2):
        status, problem = await change(site, "a guess", BETTER)
        assert (status, codes(problem)) == (422, [("body.old", "wrong")])
    status, problem = await change(site, "a guess", BETTER)
    assert (status, problem["type"]) == (429, "/problems/locked-out")
    assert (await change(site, GOOD, BETTER))[0] == 429, "the right one does not open what is locked"
    assert (await site.call("GET", "/api/work"))[0] == 200


@pytest.mark.rule("SEC-12")
async def test_changing_it_ends_ones_other_sessions_and_their_live_connections_at_once(site: Site) -> None:
    await begin(site, "1001")
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as elsewhere:
        body = {"staff": "1001", "password": GOOD}
        async with elsewhere.post(site.url / "api/session", json=body) as response:
            assert response.status == 200
        async with elsewhere.ws_connect(site.url / "api/live" % {"topic": "test"}) as socket:
            await socket.receive()
            assert (await change(site, GOOD, BETTER))[0] == 204
            closed = await socket.receive(timeout=10)
            assert (closed.type, socket.close_code) == (WSMsgType.CLOSE, 4001)
        async with elsewhere.get(site.url / "api/work") as response:
            assert response.status == 401
    assert len((await site.call("GET", "/api/sessions"))[1]["sessions"]) == 1


@pytest.mark.rule("SEC-12", "SEC-21")
async def test_one_made_anew_is_shown_once_ends_all_sessions_and_stands_in_the_chain(site: Site) -> None:
    await begin(site, "1001")
    cookies = {one.key: one.value for one in site.client.cookie_jar}
    await site.sign_in("9001")
    await change(site, PASSWORD, BEST)
    status, told = await site.call("POST", "/api/staff/1001/password")
    assert (status, told["staff"], len(told["password"])) == (200, "1001", 14)
    site.client.cookie_jar.clear()
    assert (await site.call("GET", "/api/work", cookies=cookies))[0] == 401
    assert (await site.sign_in("1001", GOOD))["http"] == 401
    assert (await site.sign_in("1001", told["password"]))["must_change"] == "initial"
    assert codes((await change(site, told["password"], GOOD))[1]) == [("body.new", "used")]
    assert (await change(site, told["password"], BETTER))[0] == 204
    async with site.database.read() as connection:
        rows = (
            await connection.execute(select(access_log.c.staff, access_log.c.action, access_log.c.subject))
        ).all()
        stored = str((await connection.execute(select(passwords))).all())
    assert [tuple(row) for row in rows] == [
        ("1001", "password_change", "password:1001"),
        ("9001", "password_change", "password:9001"),
        ("9001", "password_reset", "password:1001"),
        ("1001", "password_change", "password:1001"),
    ]
    assert told["password"] not in stored
    assert BETTER not in stored


async def test_one_made_anew_opens_what_was_locked(site: Site) -> None:
    for _ in range(3):
        await site.sign_in("1001", "a guess")
    await site.sign_in("9001")
    await change(site, PASSWORD, BEST)
    told = (await site.call("POST", "/api/staff/1001/password"))[1]
    assert (await site.sign_in("1001", told["password"]))["http"] == 200


async def test_not_for_oneself_not_for_nobody_and_not_without_the_right(site: Site) -> None:
    await begin(site, "8001")
    assert (await site.call("POST", "/api/staff/1001/password"))[0] == 403
    await site.sign_in("9001")
    assert (await site.call("POST", "/api/staff/1001/password"))[1]["type"] == "/problems/password-due"
    await change(site, PASSWORD, BEST)
    assert (await site.call("POST", "/api/staff/9001/password"))[0] == 409
    assert (await site.call("POST", "/api/staff/4321/password"))[0] == 404
    del site.people.rights["1001"]
    assert (await site.call("POST", "/api/staff/1001/password"))[0] == 404


async def test_what_set_up_makes_later_is_taken_over_and_what_it_made_before_is_not(site: Site) -> None:
    await begin(site, "1001")
    assert (await site.sign_in("1001", PASSWORD))["http"] == 401, "the file has no say any more"
    site.people.given["1001"] = Given(CHEAP.hash("made by set-up"), site.clock())
    assert (await site.sign_in("1001", GOOD))["http"] == 401, "set-up was asked for a new one"
    told = await site.sign_in("1001", "made by set-up")
    assert told["must_change"] == "initial"
    assert codes((await change(site, "made by set-up", GOOD))[1]) == [("body.new", "used")]
    assert (await change(site, "made by set-up", BETTER))[0] == 204
    assert (await site.sign_in("1001", "made by set-up"))["http"] == 401
    site.people.given["1001"] = Given(CHEAP.hash(PASSWORD))
    assert (await site.sign_in("1001", PASSWORD))["http"] == 401, "what is older has no say either"


async def test_the_demo_s_are_good_at_once(databases: Databases) -> None:
    rule = PasswordRule(change_initial=False)
    async with running_site([WORK], url=databases.url("main"), rule=rule) as site:
        assert (await site.sign_in("1001"))["must_change"] == ""
        assert (await site.call("GET", "/api/work"))[0] == 200


@pytest.mark.rule("SEC-12")
async def test_signing_in_tells_when_and_where_one_did_before_and_what_failed_since(site: Site) -> None:
    first = await site.sign_in("1001")
    assert first["before"] is None
    for _ in range(3):
        await site.sign_in("1001", "a guess")
    assert (await site.sign_in("1001"))["http"] == 429
    site.clock.offset += 10 * MINUTE
    second = await site.sign_in("1001")
    assert (second["before"]["address"], second["before"]["failed"]) == ("127.0.0.1", 4)
    assert (await site.call("GET", "/api/session"))[1]["before"] == second["before"]
    third = await site.sign_in("1001")
    assert third["before"]["failed"] == 0
    assert third["before"]["at"] > second["before"]["at"]


async def test_tries_at_numbers_that_do_not_exist_fill_no_table(site: Site) -> None:
    for number in range(7000, 7010):
        await site.sign_in(str(number), "a guess")
    site.clock.offset += 20 * MINUTE
    await site.sign_in("1001")
    async with site.database.read() as connection:
        tables = [former_passwords, passwords, sign_ins, sign_in_failures]
        rows = {str(t): len((await connection.execute(select(t))).all()) for t in tables}
    assert rows == {"former_passwords": 0, "passwords": 1, "sign_ins": 1, "sign_in_failures": 0}
