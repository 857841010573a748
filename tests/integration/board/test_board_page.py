"""The wall board in a real browser."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, async_playwright, expect

from board.alarms import Condition
from core.clock import SECOND
from core.facts import (
    AgentAnswered,
    AgentState,
    AgentStateChanged,
    CallArrived,
    CallerLeftQueue,
    CallerQueued,
    DeviceContactChanged,
    HelpRaised,
    LeaveReason,
)
from core.names import StaffId
from tests.integration.board.busy_floor import busy_floor
from tests.integration.board.conftest import AGENT, LEADER, House
from tests.support.databases import Files

pytestmark = pytest.mark.browser
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def databases(tmp_path: Path) -> Files:
    """One kind: a page does not know where things are stored (test_live_board.py runs on both)."""
    return Files(tmp_path)


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """A page of Chromium at the size of a wall screen; whatever it logs as an error fails the test."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "Chromium is missing: ./run setup installs it"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = await browser.new_page(viewport={"width": 1920, "height": 1080})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda message: errors.append(message.text) if "Content Security" in message.text else None,
        )
        yield page
        await browser.close()
        assert errors == []


async def enter(page: Page, house: House, staff: str = LEADER) -> None:
    await page.goto(str(house.server.make_url("/board/")))
    await page.fill("#staff", staff)
    await page.fill("#password", house.passwords[staff])
    await page.click("#sign-in-form button")


async def test_the_leader_sees_a_call_come_wait_and_be_answered(house: House, page: Page) -> None:
    await enter(page, house)
    await expect(page.locator("#line")).to_have_attribute("data-state", "live")
    await expect(page.locator("#callers .nobody")).to_be_visible()

    at, call = house.clock(), "00000001-5c1e-4f6a-9d2b-0123456789ab"
    house.append(
        CallArrived(at=at, call=call, leg="node1-1.1", caller="13812345678", called="95559"),
        CallerQueued(at=at, call=call, queue="card-cmn", joined_at=at, language="cmn"),
        AgentStateChanged(at=at, agent=AGENT, before=AgentState.LOGGED_OUT, state=AgentState.READY),
    )
    caller = page.locator("#callers .caller")
    await expect(caller).to_contain_text("138****5678")
    await expect(caller.locator(".caller-time")).to_have_text("0:01")
    await expect(caller.locator(".caller-time")).to_have_text("0:02")  # it ticks without any fact
    await expect(page.locator("#waiting-count")).to_have_text("1")

    now = house.clock()
    leg = {"call": call, "leg": "node1-1.2", "agent": AGENT, "queue": "card-cmn"}
    house.append(
        AgentAnswered(at=now, device="d001", waited=now - at, rang=1_000_000, **leg),
        CallerLeftQueue(at=now, call=call, queue="card-cmn", reason=LeaveReason.ANSWERED, waited=now - at),
        AgentStateChanged(
            at=now,
            agent=AGENT,
            before=AgentState.READY,
            state=AgentState.TALKING,
            call=call,
            leg="node1-1.2",
        ),
    )
    await expect(page.locator("#callers .nobody")).to_be_visible()
    await expect(page.locator("#gauge-number")).to_have_text("100%")
    await expect(page.locator(f".agent:has-text('{AGENT}')")).to_have_attribute("data-state", "talking")
    await expect(page.locator("body")).to_have_attribute("data-age", "fresh")

    await page.click("#gauge-number")
    await expect(page.locator("#behind-calls code")).to_have_text(call)
    await page.click("#behind button")

    await page.click("#language")
    await expect(page.locator(".gauge-card h2")).to_have_text("Service level 10 s")


async def test_after_a_break_the_page_goes_on_where_it_was_and_says_how_old_it_was(
    house: House, page: Page
) -> None:
    await enter(page, house)
    await expect(page.locator("#line")).to_have_attribute("data-state", "live")
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    await page.context.set_offline(True)
    # Chromium cuts no open WebSocket when offline: the server drops it, as a lost network would.
    house.hub.end_sessions(lambda _reader: "shutdown")
    await expect(page.locator("#line")).to_have_attribute("data-state", "broken")
    at = house.clock()
    house.append(CallerQueued(at=at, call="missed", queue="card-cmn", joined_at=at))
    await expect(page.locator("body")).to_have_attribute("data-age", "stale", timeout=10_000)
    await page.context.set_offline(False)
    await expect(page.locator("#line")).to_have_attribute("data-state", "live", timeout=15_000)
    await expect(page.locator("#waiting-count")).to_have_text("1")
    assert re.search(r"after=\d+", sockets[-1])


async def test_wrong_password_and_missing_right_are_said(house: House, page: Page) -> None:
    await page.goto(str(house.server.make_url("/board/")))
    await page.fill("#staff", LEADER)
    await page.fill("#password", "wrong")
    await page.click("#sign-in-form button")
    await expect(page.locator("#trouble")).to_have_text("工号与密码不符")
    await enter(page, house, AGENT)
    await expect(page.locator("#trouble")).to_have_text("此账号没有查看看板的权限")
    await expect(page.locator("#board")).to_be_hidden()


async def test_a_busy_floor_fits_the_wall(house: House, page: Page, tmp_path: Path) -> None:
    """Set BOARD_PICTURE to a file name to keep the picture that is taken here."""
    await page.goto(str(house.server.make_url("/board/")))
    house.append(*busy_floor(house.directory, house.clock()))
    await enter(page, house)
    await expect(page.locator(".agent[data-help='true']")).to_have_count(1)
    await expect(page.locator("#callers .caller")).to_have_count(7)
    await expect(page.locator("#alarms .alarm").first).to_be_visible()
    assert await page.locator("#queues tr").count() == len(house.directory.queues)
    await expect(page.locator("#age-text")).to_contain_text("秒")
    await page.screenshot(path=os.environ.get("BOARD_PICTURE", tmp_path / "board.png"))
    root = "document.documentElement"
    assert await page.evaluate(f"[{root}.scrollWidth, {root}.scrollHeight]") == [1920, 1080]


async def test_a_lost_phone_is_said_in_words_beside_the_name(house: House, page: Page) -> None:
    at = house.clock()
    house.append(
        AgentStateChanged(
            at=at,
            agent=AGENT,
            before=AgentState.READY,
            state=AgentState.NOT_READY,
            reason="phone_lost",
            device="d001",
        ),
        DeviceContactChanged(at=at, node="node1", device="d001", reachable=False),
        HelpRaised(at=at, agent=AGENT),
    )
    await enter(page, house)
    card = page.locator(".agent")
    await expect(card.locator(".agent-what")).to_have_text("话机掉线")
    name = card.locator(".agent-name")
    assert await name.evaluate("name => name.scrollWidth <= name.clientWidth")


CUT_OFF = """cells => cells.filter(cell => cell.scrollWidth > cell.clientWidth)
    .map(cell => `${cell.className}: ${cell.textContent}`)"""


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1440, 900), (1920, 1080)])
async def test_no_figure_of_a_queue_is_cut_off(house: House, page: Page, width: int, height: int) -> None:
    house.append(*busy_floor(house.directory, house.clock()))
    await page.set_viewport_size({"width": width, "height": height})
    await enter(page, house)
    await expect(page.locator("#callers .caller")).to_have_count(7)
    figures = page.locator("#queues td:not(.name), #queues-head th")
    for close in ("EN", "中文"):
        await expect(page.locator("#language")).to_have_text(close)
        assert await figures.evaluate_all(CUT_OFF) == []
        await page.click("#language")


async def test_a_leader_takes_an_alarm_by_name_and_every_screen_says_so(house: House, page: Page) -> None:
    house.conditions += [
        Condition("session_lost", f"node1/{name}", house.clock() - 60 * SECOND, "refused")
        for name in ("events", "resync")
    ]
    await enter(page, house)
    sign = page.locator("#alarms .alarm[data-kind='session_lost']")
    await expect(sign).to_have_attribute("data-taken", "false")
    await sign.click()
    await page.fill("#standing-note", "已通知运维")
    row = page.locator("#standing-list li").first
    await row.locator(".take").click()
    name = house.directory.staff[StaffId(LEADER)].name
    await expect(row.locator(".standing-taker")).to_have_text(
        re.compile(rf"{name} 接手 \d:\d\d · 已通知运维")
    )
    await expect(row.locator(".take")).to_be_hidden()
    await expect(page.locator("#standing-note")).to_have_value("")
    await expect(sign).to_contain_text("接手 1/2")

    await house.board.acknowledge("session_lost", "node1/resync", by="8002")
    await expect(page.locator("#standing-list .standing-taker").nth(1)).to_contain_text("接手")
    await expect(page.locator("#standing-note")).to_be_hidden()
    await expect(sign).to_have_attribute("data-taken", "true")
    del house.conditions[1]
    await expect(page.locator("#standing-list li")).to_have_count(1)
    await page.click("#standing button:has-text('关闭')")
    await page.click("#language")
    english = house.directory.staff[StaffId(LEADER)].name_en
    await expect(sign).to_contain_text(f"{english} on it")

    house.conditions.clear()
    await expect(page.locator("#alarms .calm")).to_be_visible()


async def test_a_leader_who_comes_second_is_told(house: House, page: Page) -> None:
    house.conditions.append(Condition("session_lost", "node1/events", house.clock() - 60 * SECOND))
    await enter(page, house)
    await page.click("#alarms .alarm")
    take = page.locator("#standing-list .take")
    await expect(take).to_be_visible()
    # The other was faster: what the page still shows is old by the time the button is pressed.
    await page.route(
        "**/api/alarms/acknowledge",
        lambda route: _after(route, house.board.acknowledge("session_lost", "node1/events", by="8002")),
    )
    await take.click()
    await expect(page.locator("#standing-trouble")).to_have_text("未能接手：告警已解除，或已由他人接手")
    await expect(page.locator("#standing-list .standing-taker")).to_contain_text("接手")


async def _after(route: Route, first: Awaitable[object]) -> None:
    await first
    await route.continue_()
