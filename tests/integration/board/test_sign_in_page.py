"""Signing in, in a real browser: an initial password, one's own account, and the bank's identity provider."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import WSMsgType
from playwright.async_api import Page, expect

from core.clock import system_clock
from tests.integration.board.conftest import AGENT, LEADER, House, SigningIn
from tests.integration.board.test_board_page import enter, page
from tests.support.provider import SECRET, real_provider
from web.oidc.model import OidcOptions
from web.oidc.provider import ProviderClient
from web.password_rules import PasswordRule

__all__ = ["page"]
pytestmark = pytest.mark.browser
GOOD = "purple teacup rides"


@pytest.fixture
async def signing_in() -> AsyncIterator[SigningIn]:
    """As in service: initial passwords are to be changed, and there is a provider."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    async with real_provider(address) as provider:
        options = OidcOptions(
            issuer=provider.issuer,
            client_id="hotline",
            client_secret=SECRET,
            address=address,
            name="行内认证",
        )
        yield SigningIn(PasswordRule(), ProviderClient(options, system_clock), port)


async def choose(page: Page, new: str, again: str = "", *, old: str = "") -> None:
    if old:
        await page.fill("#old-password", old)
    await page.fill("#new-password", new)
    await page.fill("#again-password", again or new)
    await page.click("#change-form button[type=submit]")


@pytest.mark.rule("SEC-12")
async def test_an_initial_password_is_changed_before_anything_is_seen(house: House, page: Page) -> None:
    await enter(page, house)
    await expect(page.locator("#change-why")).to_have_text("这是别人为您设的初始密码，修改后才能使用系统")
    await expect(page.locator("#board")).to_be_hidden()
    await page.keyboard.press("Escape")
    await expect(page.locator("#change")).to_be_visible()
    await choose(page, GOOD, "something else")
    await expect(page.locator("#change-trouble")).to_have_text("两次输入的新密码不一致")
    await choose(page, "Passw0rd1")
    await expect(page.locator("#change-trouble")).to_have_text("新密码太短；新密码太容易被猜到")
    await page.reload()
    await choose(page, GOOD, old="not it")
    await expect(page.locator("#change-trouble")).to_have_text("当前密码不对")
    await choose(page, GOOD, old=house.passwords[LEADER])
    await expect(page.locator("#line")).to_have_attribute("data-state", "live")
    await expect(page.locator("#change")).to_be_hidden()

    await page.click("#sign-out")
    await expect(page.locator("#sign-in")).to_be_visible()
    house.passwords[LEADER] = GOOD
    await enter(page, house)
    await expect(page.locator("#line")).to_have_attribute("data-state", "live")


async def test_who_would_rather_not_change_it_can_leave(house: House, page: Page) -> None:
    await enter(page, house)
    await page.click("#change-leave")
    await expect(page.locator("#sign-in")).to_be_visible()
    await page.reload()
    await expect(page.locator("#sign-in")).to_be_visible()
    await expect(page.locator("#change")).to_be_hidden()


@pytest.mark.rule("SEC-12")
async def test_a_person_sees_where_else_they_are_signed_in_and_ends_it(house: House, page: Page) -> None:
    await enter(page, house)
    await choose(page, GOOD)
    await expect(page.locator("#line")).to_have_attribute("data-state", "live")
    house.passwords[LEADER] = "a guess"
    with pytest.raises(AssertionError, match="wrong-sign-in"):
        async with house.signed_in(LEADER):
            pass
    house.passwords[LEADER] = GOOD
    await page.click("#sign-out")
    await enter(page, house)
    await expect(page.locator("#who")).to_have_attribute("data-failed", "true")
    async with (
        house.signed_in(LEADER) as elsewhere,
        elsewhere.ws_connect("/api/live", params={"topic": "board"}) as live,
    ):
        await page.click("#who")
        await expect(page.locator("#account-before")).to_contain_text("此后失败 1")
        await expect(page.locator("#account-sessions li")).to_have_count(2)
        other = page.locator("#account-sessions li button:not([disabled])")
        await expect(other).to_have_text("结束")
        await other.click()
        await expect(page.locator("#account-sessions li")).to_have_count(1)
        message = await live.receive(timeout=10)
        while message.type is WSMsgType.TEXT:
            message = await live.receive(timeout=10)
        assert (message.type, message.data) == (WSMsgType.CLOSE, 4001)
    await page.click("#account-password")
    await choose(page, "kR7vTz2mWq9xLc", old=GOOD)
    await expect(page.locator("#change")).to_be_hidden()
    await expect(page.locator("#line")).to_have_attribute("data-state", "live")


async def test_signing_in_by_the_provider_and_out_of_it(house: House, page: Page) -> None:
    """The session's cookie is for our own pages alone, and yet survives the way over the provider's."""
    await page.goto(str(house.server.make_url("/board/")))
    await page.click("text=用行内认证登录")
    await page.fill("input[name=login]", f"staff-{LEADER}")
    await page.fill("input[name=password]", "any")
    await page.click("button[type=submit]")
    await page.click("button[type=submit]")
    await expect(page.locator("#line")).to_have_attribute("data-state", "live")
    assert page.url == str(house.server.make_url("/board/"))
    await page.click("#who")
    await expect(page.locator("#account-password")).to_be_hidden()
    await page.click("#account-close")
    await page.click("#sign-out")
    await page.click("button[value=yes]")
    await expect(page.locator("#sign-in")).to_be_visible()
    assert page.url.startswith(str(house.server.make_url("/board/")))


async def test_who_may_see_no_board_changes_the_password_all_the_same(house: House, page: Page) -> None:
    await enter(page, house, AGENT)
    await choose(page, GOOD)
    await expect(page.locator("#trouble")).to_have_text("此账号没有查看看板的权限")
