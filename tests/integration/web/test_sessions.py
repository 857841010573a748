"""Real databases, real HTTP: signing in, being locked out, and every way a session ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select, text

from core.clock import MINUTE, SECOND
from tests.integration.web.site import CHEAP, FakePeople, Site, running_site
from tests.support.databases import Databases
from web.app import WebOptions
from web.endpoint import COOKIE
from web.lockout import LockoutRule
from web.sessions import Sessions
from web.tables import sessions, sign_in_failures

RULE = LockoutRule(failures=3, locked_for=10 * MINUTE)


@pytest.fixture
async def site(databases: Databases) -> AsyncIterator[Site]:
    people = FakePeople({"8001": {"board.read"}, "1001": set(), "9001": {"sessions.end"}})
    async with running_site(url=databases.url("main"), people=people, lockout=RULE) as site:
        yield site


async def test_signing_in_tells_who_one_is_and_what_one_may(site: Site) -> None:
    told = await site.sign_in("8001")
    assert told["http"] == 200
    status, who = await site.call("GET", "/api/session")
    assert status == 200
    assert (who["staff"], who["rights"], who["csrf_token"]) == ("8001", ["board.read"], told["csrf_token"])


@pytest.mark.rule("SEC-12")
async def test_wrong_number_and_wrong_password_are_told_alike(site: Site) -> None:
    answers = [
        await site.sign_in("8001", "wrong"),
        await site.sign_in("7777", "wrong"),
        await site.sign_in("x", "y"),
    ]
    assert [a["http"] for a in answers] == [401, 401, 401]
    assert len({a["detail"] for a in answers}) == 1


@pytest.mark.rule("SEC-12")
@pytest.mark.parametrize("staff", ["8001", "7777"])
async def test_too_many_failures_lock_with_the_time_that_remains(site: Site, staff: str) -> None:
    assert [(await site.sign_in(staff, "wrong"))["http"] for _ in range(3)] == [401, 401, 429]
    site.clock.offset += 4 * MINUTE
    told = await site.sign_in(staff)
    assert told["http"] == 429, "the right password must not open what is locked"
    assert 350 <= told["retry_after_s"] <= 360
    assert "5 min 59 s" in told["detail"] or "6 min" in told["detail"]


async def test_the_lock_ends_and_success_forgets_the_failures(site: Site) -> None:
    for _ in range(3):
        await site.sign_in("8001", "wrong")
    site.clock.offset += RULE.locked_for
    await site.sign_in("8001", "wrong")
    await site.sign_in("8001", "wrong")
    assert (await site.sign_in("8001"))["http"] == 200
    async with site.database.read() as connection:
        assert (await connection.execute(select(sign_in_failures))).all() == []


async def test_the_right_password_on_the_last_try_is_let_in(site: Site) -> None:
    await site.sign_in("8001", "wrong")
    await site.sign_in("8001", "wrong")
    assert (await site.sign_in("8001"))["http"] == 200


async def test_attempts_at_the_same_moment_are_all_counted(site: Site) -> None:
    answers = await asyncio.gather(*(site.sign_in("8001", f"guess{n}") for n in range(12)))
    assert sorted(a["http"] for a in answers) == [401] * 2 + [429] * 10


async def test_the_cookie_is_closed_to_scripts_and_other_sites(site: Site) -> None:
    body = {"staff": "8001", "password": "correct horse"}
    async with site.client.post(site.url / "api/session", json=body) as response:
        cookie = response.headers["Set-Cookie"]
        assert "no-store" in response.headers["Cache-Control"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


async def test_behind_https_the_cookie_is_bound_to_the_host(databases: Databases) -> None:
    async with running_site(url=databases.url("main"), options=WebOptions(secure_cookies=True)) as site:
        body = {"staff": "8001", "password": "correct horse"}
        async with site.client.post(site.url / "api/session", json=body) as response:
            cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-")
    assert "Secure" in cookie
    assert "Path=/" in cookie


async def test_the_database_holds_no_token_and_no_password(site: Site) -> None:
    await site.sign_in("8001")
    token = site.client.cookie_jar.filter_cookies(site.url)[COOKIE].value
    async with site.database.read() as connection:
        rows = (await connection.execute(select(sessions))).all()
    assert len(rows) == 1
    assert token not in str(rows)
    assert "correct horse" not in str(rows)


async def test_signing_out_ends_the_session_for_good(site: Site) -> None:
    await site.sign_in("8001")
    token = site.client.cookie_jar.filter_cookies(site.url)[COOKIE].value
    assert (await site.call("DELETE", "/api/session"))[0] == 204
    status, problem = await site.call("GET", "/api/session", cookies={COOKIE: token})
    assert (status, problem["type"]) == (401, "/problems/not-signed-in")


async def test_idleness_ends_a_session_and_use_keeps_it(site: Site) -> None:
    await site.sign_in("8001")
    for _ in range(3):
        site.clock.offset += 20 * MINUTE
        assert (await site.call("GET", "/api/session"))[0] == 200
    site.clock.offset += 30 * MINUTE
    assert (await site.call("GET", "/api/session"))[0] == 401


async def test_use_is_remembered_over_a_restart_of_the_service(site: Site) -> None:
    await site.sign_in("8001")
    site.clock.offset += 20 * MINUTE
    await site.call("GET", "/api/session")
    site.clock.offset += 20 * MINUTE
    token = site.client.cookie_jar.filter_cookies(site.url)[COOKIE].value
    after = Sessions(site.database, site.people, clock=site.clock, passwords=CHEAP)
    assert await after.find(token) is not None
    site.clock.offset += 30 * MINUTE
    assert await after.find(token) is None


async def test_age_ends_a_session_however_much_it_is_used(site: Site) -> None:
    await site.sign_in("8001")
    for _ in range(47):
        site.clock.offset += 15 * MINUTE
        assert (await site.call("GET", "/api/session"))[0] == 200
    site.clock.offset += 15 * MINUTE
    assert (await site.call("GET", "/api/session"))[0] == 401


@pytest.mark.rule("SEC-21")
async def test_who_leaves_is_out_at_once(site: Site) -> None:
    await site.sign_in("8001")
    del site.people.rights["8001"]
    assert (await site.call("GET", "/api/session"))[0] == 401


async def test_rights_are_those_of_now(site: Site) -> None:
    await site.sign_in("8001")
    site.people.rights["8001"] = set()
    assert (await site.call("GET", "/api/session"))[1]["rights"] == []


async def test_sessions_are_listed_and_ended(site: Site) -> None:
    first = (await site.sign_in("8001"))["session"]
    second = (await site.sign_in("8001"))["session"]
    status, told = await site.call("GET", "/api/sessions")
    assert status == 200
    assert {one["id"]: one["current"] for one in told["sessions"]} == {first: False, second: True}
    assert (await site.call("DELETE", f"/api/sessions/{first}"))[0] == 204
    assert (await site.call("DELETE", f"/api/sessions/{first}"))[0] == 404
    assert len((await site.call("GET", "/api/sessions"))[1]["sessions"]) == 1


async def test_other_peoples_sessions_need_the_right(site: Site) -> None:
    leader = (await site.sign_in("8001"))["session"]
    await site.sign_in("1001")
    assert (await site.call("GET", "/api/sessions?staff=8001"))[0] == 403
    assert (await site.call("DELETE", f"/api/sessions/{leader}"))[0] == 403
    await site.sign_in("9001")
    assert (await site.call("GET", "/api/sessions?staff=8001"))[1]["sessions"][0]["id"] == leader
    assert (await site.call("DELETE", f"/api/sessions/{leader}"))[0] == 204


async def test_a_session_ended_elsewhere_is_noticed_within_seconds(site: Site) -> None:
    await site.sign_in("8001")
    async with site.database.write() as connection:
        await connection.execute(text("DELETE FROM sessions"))
    site.clock.offset += 5 * SECOND
    assert (await site.call("GET", "/api/session"))[0] == 401


async def test_with_the_database_down_those_who_are_in_stay_in(site: Site) -> None:
    await site.sign_in("8001")
    await site.database.close()
    site.clock.offset += 2 * MINUTE
    assert (await site.call("GET", "/api/session"))[0] == 200
    told = await site.sign_in("1001")
    assert (told["http"], told["type"], told["retry_after_s"]) == (503, "/problems/database-down", 5)


async def test_sessions_that_are_over_leave_the_table(site: Site) -> None:
    await site.sign_in("8001")
    site.clock.offset += 31 * MINUTE
    await site.sign_in("1001")
    async with site.database.read() as connection:
        assert (await connection.execute(select(sessions.c.staff))).scalars().all() == ["1001"]
