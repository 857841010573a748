"""The provider says itself that somebody has signed out there: oidc-provider's own back-channel logout."""

from __future__ import annotations

from asyncio import gather
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar, WSMsgType, web
from structlog.testing import capture_logs
from yarl import URL

from core.clock import HOUR, MINUTE, SECOND, system_clock
from tests.integration.web.site import PASSWORD, FakePeople, running_site
from tests.integration.web.test_oidc import House, house
from tests.support.databases import Databases
from tests.support.provider import SECRET, real_provider
from web.ended_there import EndedThere
from web.live import Topic
from web.oidc.model import ENDED, OidcOptions, OidcRefused, ProviderDown
from web.oidc.provider import ProviderClient
from web.session import PROVIDER, Started

SESSION_ENDED = 4001


async def signed_in(here: House) -> None:
    assert (await here.come(await here.answer())).status == 302
    assert (await here.who())[0] == 200


async def test_who_signs_out_at_the_provider_is_out_here_at_once_his_screens_too(
    databases: Databases, tmp_path: Path
) -> None:
    async with (
        house(databases.url("main"), tmp_path) as here,
        ClientSession(cookie_jar=CookieJar(unsafe=True)) as by_password,
    ):
        await signed_in(here)
        body = {"staff": "1001", "password": PASSWORD}
        async with by_password.post(here.site.url / "api/session", json=body) as response:
            assert response.status == 200
        here.site.hub.declare(Topic(name="one", right="", snapshot=lambda _: {}))
        screen = await here.site.client.ws_connect(here.site.url / "api/live" % {"topic": "one"})
        assert (await screen.receive_json())["kind"] == "snapshot"

        await here.provider.signs_out(here.site.client)

        while (frame := await screen.receive(timeout=30)).type is WSMsgType.TEXT:
            pass
        assert (frame.type, frame.data) == (WSMsgType.CLOSE, SESSION_ENDED)
        assert (await here.who())[0] == 401
        async with by_password.get(here.site.url / "api/session") as response:
            assert response.status == 200, "what was begun by a password is no session of the provider's"


@asynccontextmanager
async def caught() -> AsyncIterator[tuple[str, list[str]]]:
    """Where a provider may send its logout tokens to, and what it has sent there."""
    tokens: list[str] = []

    async def take(request: web.Request) -> web.Response:
        tokens.append(str((await request.post())["logout_token"]))
        return web.Response()

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/", tokens
    finally:
        await runner.cleanup()


async def told(here: House, token: str, **more: str) -> tuple[int, str]:
    """What the provider is answered: status and kind of problem."""
    url = here.site.url.join(URL(ENDED))
    async with here.site.client.post(url, data={"logout_token": token} | more) as response:
        kind = (await response.json(content_type=None))["type"] if response.status >= 400 else ""
        return response.status, kind.removeprefix("/problems/")


async def test_a_token_counts_once_and_nothing_but_a_whole_one_does(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'web.db'}"
    async with caught() as (ended_at, tokens), house(url, tmp_path, ended_at=ended_at) as here:
        await signed_in(here)
        await here.provider.signs_out(here.site.client)
        (token,) = tokens
        head, body, signature = token.split(".")
        with capture_logs() as logs:
            for wrong in ("", "x", f"{head}.{body}.{signature[::-1]}", f"{head}.{body[::-1]}.{signature}"):
                assert await told(here, wrong) == (400, "bad-logout-token")
            assert (await here.site.call("POST", ENDED, json={"logout_token": token}))[0] == 400
            here.site.clock.offset = 8 * MINUTE
            assert await told(here, token) == (400, "bad-logout-token")
            here.site.clock.offset = 0
        assert {line["event"] for line in logs if line["log_level"] == "warning"} == {"logout token refused"}
        assert sum("why" in line for line in logs) == 6
        assert (await here.who())[0] == 200, "nothing was ended by them"

        await here.site.database.close()
        assert await told(here, token) == (400, "logout-failed"), "and to be sent again"
        await here.site.database.open()
        assert await told(here, token) == (200, "")
        assert (await here.who())[0] == 401
        assert await told(here, token) == (400, "bad-logout-token"), "used already"


async def test_with_the_provider_away_its_word_cannot_be_checked_and_it_is_told_so(tmp_path: Path) -> None:
    async with house(f"sqlite+aiosqlite:///{tmp_path / 'web.db'}", tmp_path) as here:
        await here.provider.stop()
        assert await told(here, "x") == (400, "logout-failed")


async def test_what_anybody_can_send_makes_us_ask_the_provider_but_once_in_ten_seconds() -> None:
    now = system_clock()
    async with real_provider("http://127.0.0.1:9") as provider:
        options = OidcOptions(
            issuer=provider.issuer, client_id="hotline", client_secret=SECRET, address="http://127.0.0.1:9"
        )
        client = ProviderClient(options, lambda: now)

        async def asked() -> int:
            with capture_logs() as logs:
                for outcome in await gather(*(client.ended("x") for _ in range(5)), return_exceptions=True):
                    assert isinstance(outcome, OidcRefused)
            return sum(line["event"] == "keys of the provider read" for line in logs)

        try:
            assert await asked() == 1
            now += 9 * SECOND
            assert await asked() == 0
            now += SECOND
            assert await asked() == 1
            await provider.stop()
            now += HOUR
            outcomes = await gather(*(client.ended("x") for _ in range(5)), return_exceptions=True)
            assert [type(one) for one in outcomes] == [ProviderDown] * 5
            assert sum("not asked for again" in str(one) for one in outcomes) == 4
        finally:
            await client.close()


@pytest.mark.parametrize(
    ("subject", "session", "left"),
    [
        ("u1", "", ["u2/s3", "u2/"]),
        ("", "s1", ["u1/s2", "u1/", "u2/s3", "u2/"]),
        ("u1", "s1", ["u1/s2", "u2/s3", "u2/"]),
        ("u2", "s1", ["u1/s1", "u1/s2", "u1/", "u2/s3"]),
        ("u9", "s9", ["u1/s1", "u1/s2", "u1/", "u2/s3", "u2/"]),
    ],
)
async def test_which_sessions_end(databases: Databases, subject: str, session: str, left: list[str]) -> None:
    """`u1/s1`: of the person u1, begun in the provider's session s1; an empty one was not told."""
    async with running_site(url=databases.url("main"), people=FakePeople({"1001": set()})) as site:
        sessions, person = site.sessions, site.people.principal("1001")
        begun: dict[str, Started] = {}
        for name in ("u1/s1", "u1/s2", "u1/", "u2/s3", "u2/"):
            who, _, there = name.partition("/")
            begun[name] = await sessions.begin(
                person, address="", client="", way=PROVIDER, subject=who, provider_session=there
            )
        ended = EndedThere(subject, session, "t1", until=site.clock() + MINUTE)
        assert await sessions.end_with_provider(ended) == 5 - len(left)
        assert [name for name, one in begun.items() if await sessions.find(one.token)] == left
