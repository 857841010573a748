"""Signing in by a real identity provider (oidc-provider on node), and every way in which that is refused."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from yarl import URL

from core.clock import HOUR, MINUTE
from directory.seed import DEMO, load
from hotline.settings_sign_in import OidcSettings
from tests.integration.web.program import running_program
from tests.integration.web.site import FakePeople, MovableClock, Site, running_site
from tests.support.databases import Databases
from tests.support.provider import SECRET, RealProvider, real_provider
from web.app import WebOptions
from web.oidc.model import OidcOptions
from web.oidc.provider import ProviderClient
from web.password_rules import PasswordRule

COOKIE = "hotline_oidc"
ACCOUNT = "staff-1001"
BACK = "api/session/oidc/back"


@dataclass
class Came:
    """What the browser got at the end of the way."""

    status: int
    leads_to: str
    text: str


@dataclass
class House:
    """Our site and the provider."""

    site: Site
    provider: RealProvider

    async def question(self, page: str = "") -> str:
        """Where our site leads people who want to sign in by the provider."""
        url = self.site.url / "api/session/oidc" % ({"page": page} if page else {})
        async with self.site.client.get(url, allow_redirects=False) as response:
            assert response.status == 302, await response.text()
            return response.headers["Location"]

    async def answer(self, account: str = ACCOUNT, *, page: str = "") -> URL:
        """Where the provider leads a person back to, who has signed in there."""
        return await self.provider.signs_in(self.site.client, await self.question(page), account)

    async def come(self, url: URL) -> Came:
        """A browser that follows the provider's lead to `url`."""
        async with self.site.client.get(url, allow_redirects=False) as response:
            return Came(response.status, response.headers.get("Location", ""), await response.text())

    async def who(self) -> tuple[int, dict[str, object]]:
        return await self.site.call("GET", "/api/session")

    def pending(self) -> str:
        return self.site.client.cookie_jar.filter_cookies(self.site.url)[COOKIE].value

    def tamper(self, value: str) -> None:
        """The browser's cookie of the sign-in under way is another one."""
        self.site.client.cookie_jar.update_cookies(SimpleCookie(f"{COOKIE}={value}; Path=/"), self.site.url)


@asynccontextmanager
async def house(
    url: str, folder: Path, *, in_token: bool = False, rule: PasswordRule | None = None, ended_at: str = ""
) -> AsyncIterator[House]:
    """Both, running; our pages are /board and /desk. `ended_at`: see `real_provider`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address, clock = f"http://127.0.0.1:{port}", MovableClock()
    async with real_provider(address, in_token=in_token, ended_at=ended_at) as provider:
        options = OidcOptions(
            issuer=provider.issuer,
            client_id="hotline",
            client_secret=SECRET,
            address=address,
            name="行内认证",
        )
        web_options = WebOptions(
            pages={"/board": folder, "/desk": folder}, home="/board/", provider=ProviderClient(options, clock)
        )
        people = FakePeople({"1001": set(), "9001": {"passwords.reset"}})
        async with running_site(
            url=url,
            people=people,
            options=web_options,
            rule=rule or PasswordRule(),
            port=port,
            clock=clock,
        ) as site:
            yield House(site, provider)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[House]:
    async with house(f"sqlite+aiosqlite:///{tmp_path / 'web.db'}", tmp_path) as running:
        yield running


@pytest.mark.parametrize("in_token", [False, True])
async def test_signing_in_by_the_provider_begins_a_session_like_any_other(
    databases: Databases, tmp_path: Path, in_token: bool
) -> None:
    async with house(databases.url("main"), tmp_path, in_token=in_token) as here:
        assert (await here.site.call("GET", "/api/sign-in"))[1] == {"provider": "行内认证"}
        came = await here.come(await here.answer())
        assert (came.status, came.leads_to) == (302, "/board/")
        status, person = await here.who()
        assert (status, person["staff"], person["way"], person["must_change"]) == (
            200,
            "1001",
            "provider",
            "",
        )
        assert COOKIE not in {one.key for one in here.site.client.cookie_jar}
        sessions = (await here.site.call("GET", "/api/sessions"))[1]["sessions"]
        assert [(one["way"], one["current"]) for one in sessions] == [("provider", True)]
        await here.come(await here.answer())
        assert (await here.who())[1]["before"] is not None


async def test_what_is_asked_of_the_provider(here: House) -> None:
    asked = URL(await here.question()).query
    state, nonce, verifier, page = here.pending().split(".")
    assert (asked["state"], asked["nonce"]) == (state, nonce)
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert verifier not in str(asked)
    assert len({state, nonce, verifier}) == 3
    assert page == "/board/"


@pytest.mark.parametrize(
    ("page", "leads_to"),
    [
        ("/desk/", "/desk/"),
        ("https://evil.example/", "/board/"),
        ("//evil.example/board/", "/board/"),
        ("/board/../api/session", "/board/"),
        ("/elsewhere/", "/board/"),
    ],
)
async def test_it_leads_to_pages_of_ours_and_nowhere_else(here: House, page: str, leads_to: str) -> None:
    assert (await here.come(await here.answer(page=page))).leads_to == leads_to


async def test_a_page_slipped_into_the_cookie_leads_nowhere_else_either(here: House) -> None:
    back = await here.answer()
    here.tamper(".".join([*here.pending().split(".")[:3], "//evil%2Eexample/"]))
    assert (await here.come(back)).leads_to == "/board/"


async def test_another_state_than_this_browser_s_is_refused(here: House) -> None:
    back = await here.answer()
    came = await here.come(back.update_query(state="x" * 43))
    assert (came.status, "登录已失效" in came.text) == (400, True)
    assert (await here.come(back)).status == 400, "the sign-in is over, whatever comes next"
    assert (await here.who())[0] == 401


async def test_an_answer_without_a_sign_in_under_way_is_refused(here: House) -> None:
    back = await here.answer()
    here.site.client.cookie_jar.clear()
    assert (await here.come(back)).status == 400
    assert (await here.who())[0] == 401


async def test_a_token_made_for_another_sign_in_is_refused(here: House) -> None:
    back = await here.answer()
    state, nonce, verifier, page = here.pending().split(".")
    here.tamper(".".join((state, nonce[::-1], verifier, page)))
    came = await here.come(back)
    assert (came.status, "无法核实" in came.text) == (403, True)
    assert (await here.who())[0] == 401


async def test_a_code_is_worth_nothing_without_the_verifier(here: House) -> None:
    back = await here.answer()
    state, nonce, verifier, page = here.pending().split(".")
    here.tamper(".".join((state, nonce, verifier[::-1], page)))
    assert (await here.come(back)).status == 403
    assert (await here.who())[0] == 401


async def test_a_code_is_good_once(here: House) -> None:
    back = await here.answer()
    kept = here.pending()
    assert (await here.come(back)).status == 302
    here.tamper(kept)
    came = await here.come(back)
    assert (came.status, came.leads_to) == (403, "")


async def test_an_answer_in_the_name_of_another_provider_is_refused(here: House) -> None:
    back = await here.answer()
    assert back.query["iss"] == here.provider.issuer
    assert (await here.come(back.update_query(iss="https://evil.example"))).status == 400


async def test_what_the_provider_refuses_is_said(here: House) -> None:
    await here.question()
    state = here.pending().split(".")[0]
    url = here.site.url / BACK % {"state": state, "error": "access_denied", "iss": here.provider.issuer}
    assert (await here.come(url)).status == 403


@pytest.mark.parametrize(("offset", "status"), [(HOUR - MINUTE, 302), (HOUR + 2 * MINUTE, 403), (-HOUR, 403)])
async def test_a_token_is_good_while_it_is_by_our_clock(here: House, offset: int, status: int) -> None:
    """The provider's tokens last an hour; a minute is allowed for clocks that differ."""
    back = await here.answer()
    here.site.clock.offset += offset
    assert (await here.come(back)).status == status


async def test_new_keys_of_the_provider_are_found_by_themselves(here: House) -> None:
    assert (await here.come(await here.answer())).status == 302
    await here.provider.stop()
    await here.provider.start()
    here.site.client.cookie_jar.clear()
    assert (await here.come(await here.answer())).status == 302
    assert (await here.who())[1]["staff"] == "1001"


async def test_with_the_provider_down_a_page_says_so_and_passwords_still_work(here: House) -> None:
    back = await here.answer()
    await here.provider.stop()
    came = await here.come(back)
    assert (came.status, "暂时无法使用" in came.text, "/board/" in came.text) == (503, True, True)
    here.site.clock.offset += HOUR  # what we know of it is asked for again
    assert (await here.come(here.site.url / "api/session/oidc")).status == 503
    assert (await here.site.sign_in("1001"))["http"] == 200
    assert (await here.come(here.site.url / "api/session/oidc/out")).leads_to == "/board/"


@pytest.mark.rule("SEC-21")
@pytest.mark.parametrize("account", ["staff-4321", "staff-<b>x", "somebody"])
async def test_who_is_nobody_here_is_told_so_on_a_plain_page(here: House, account: str) -> None:
    came = await here.come(await here.answer(account))
    assert (came.status, "工号未在本系统开通" in came.text, account in came.text) == (403, True, False)
    assert (await here.who())[0] == 401


@pytest.mark.rule("SEC-21")
async def test_who_has_left_is_not_let_in_by_the_provider_either(here: House) -> None:
    await here.come(await here.answer())
    assert (await here.who())[0] == 200
    del here.site.people.rights["1001"]
    assert (await here.who())[0] == 401
    assert (await here.come(await here.answer())).status == 403


async def test_signing_out_leads_to_the_provider_s_own_end(here: House) -> None:
    came = await here.come(here.site.url / "api/session/oidc/out")
    target = URL(came.leads_to)
    assert (came.status, str(target.origin())) == (302, here.provider.issuer)
    assert target.query["post_logout_redirect_uri"] == f"{str(here.site.url).rstrip('/')}/board/"
    async with here.site.client.get(target) as response:
        assert response.status == 200, "the provider knows us, and where to lead people afterwards"


async def test_who_signs_in_by_the_provider_needs_no_password_any_more_if_so_wanted(tmp_path: Path) -> None:
    rule = PasswordRule(change_initial=False, beside_provider=False)
    url = f"sqlite+aiosqlite:///{tmp_path / 'web.db'}"
    async with house(url, tmp_path, rule=rule) as here:
        assert (await here.site.sign_in("1001"))["http"] == 200, "who never came by the provider"
        await here.come(await here.answer())
        told = await here.site.sign_in("1001")
        assert (told["http"], told["type"]) == (403, "/problems/provider-only")
        assert (await here.site.sign_in("1001", "wrong"))["http"] == 401, "guesses learn nothing"
        assert (await here.site.sign_in("9001"))["http"] == 200
        made = (await here.site.call("POST", "/api/staff/1001/password"))[1]["password"]
        assert (await here.site.sign_in("1001", made))["http"] == 200, "who cannot come by it any more"


async def test_the_program_offers_the_provider_of_its_settings(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET, "utf-8")
    async with real_provider("http://127.0.0.1:9559") as provider:
        oidc = OidcSettings(
            issuer=provider.issuer,
            client_id="hotline",
            client_secret_file=secret,
            address="http://127.0.0.1:9559",
        )
        async with running_program(load(DEMO), tmp_path, oidc=oidc) as program:
            async with program.client.get(program.url / "api/sign-in") as response:
                assert await response.json() == {"provider": "统一认证"}
            url = program.url / "api/session/oidc"
            async with program.client.get(url, allow_redirects=False) as response:
                assert response.headers["Location"].startswith(f"{provider.issuer}/auth?")


async def test_without_a_provider_there_is_none(tmp_path: Path) -> None:
    async with running_site([], tmp_path) as site:
        assert (await site.call("GET", "/api/sign-in"))[1] == {"provider": ""}
        for path in ("/api/session/oidc", f"/{BACK}", "/api/session/oidc/out"):
            assert (await site.call("GET", path))[0] == 404
