"""The ways of a call that only a telephone in a page makes: in a real Chromium, with sound."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from structlog.testing import capture_logs

from core import facts as f
from hotline.simulation.scripts import Key, Pause, Phone
from tests.e2e.dialplan.test_recording import samples
from tests.support.agent_page import MICROPHONE_HZ, AgentPage, agent_page, chromium
from tests.support.floor import Floor
from tests.support.line import Line
from tests.support.tones import power_at, write_alaw

pytestmark = [pytest.mark.asterisk, pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
PAGES = True
RTP_TIMEOUT_S = 3
CUSTOMER_HZ = 700
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(hotline: Floor) -> AsyncIterator[Browser]:
    """Takes seconds to start: one for all tests, each with contexts of its own."""
    async with chromium(hotline.exchange.folder) as running:
        yield running


async def test_a_call_is_answered_held_and_ended_in_the_page_with_sound_both_ways(
    hotline: Floor, browser: Browser
) -> None:
    """The summary is written in the page, and ends the wrap-up. AGENT_PICTURE: a file for a picture."""
    since = len(hotline.facts)
    voice = write_alaw(hotline.exchange.folder / "customer.alaw", CUSTOMER_HZ, 1)
    async with agent_page(browser, hotline) as agent:
        await agent.page.uncheck("#auto")
        await hotline.exchange.call(*TO_CARD, voice=voice)
        await agent.call("ringing")
        await expect(agent.page.locator("#caller")).to_have_text("021****1000")
        await agent.page.click("#answer")
        await agent.call("talking")
        await agent.state("talking")
        assert abs(await agent.hears_hz() - CUSTOMER_HZ) < 30
        if picture := os.environ.get("AGENT_PICTURE"):
            await agent.page.screenshot(path=picture, clip={"x": 0, "y": 0, "width": 1100, "height": 590})
        for pressed in ("true", "false"):
            await agent.page.click("#mute")
            await expect(agent.page.locator("#mute")).to_have_attribute("aria-pressed", pressed)
        await agent.page.click("#hold")
        held = await hotline.fact(f.HoldStarted, after=since)
        assert (await hotline.fact(f.HoldExplained, after=since)).reason == "lookup"
        await expect(agent.page.locator("#hold")).to_have_attribute("aria-pressed", "true")
        await agent.page.click("#hold")
        assert (await hotline.fact(f.HoldEnded, after=since)).leg == held.leg
        await expect(agent.page.locator("#hold")).to_have_attribute("aria-pressed", "false")
        await agent.page.click("#hang-up")
        started = await hotline.fact(f.SurveyStarted, after=since)
        assert (started.agent, started.by) == ("1001", f.Side.AGENT)
        await agent.call("idle")
        await agent.state("wrap_up")
        file = (await hotline.fact(f.RecordingEnded, after=since)).file
        folder = hotline.exchange.spec.directory / "recordings"
        said, heard = [await samples(folder / f"{file}-{side}.wav") for side in ("agent", "customer")]
        assert power_at(said, MICROPHONE_HZ) > 100 * power_at(said, CUSTOMER_HZ)
        assert power_at(heard, CUSTOMER_HZ) > 100 * power_at(heard, MICROPHONE_HZ)
        await agent.sums_up(started.leg)
        await agent.state("ready")


@pytest.mark.parametrize("end", ["loaded anew", "cut off"])
async def test_a_page_that_goes_in_a_talk_gives_its_customer_back(
    hotline: Floor, browser: Browser, end: str
) -> None:
    """Ahead of all others and unrated; the next to answer is his. At once, by the browser's word; a machine
    that is off says nothing, and is found out by its silence."""
    since = len(hotline.facts)
    voice = write_alaw(hotline.exchange.folder / "customer.alaw", CUSTOMER_HZ, 1)
    async with Line(hotline.settings.web.port) as line, agent_page(browser, hotline, port=line.port) as agent:
        await hotline.exchange.call(*TO_CARD, voice=voice)
        answered = await hotline.fact(f.AgentAnswered, after=since)
        await agent.call("talking")
        await hotline.exchange.phone("d001", Phone("other", answer_ms=300, talk_ms=500, voice=voice))
        await hotline.agent("1002", "d001")
        with capture_logs() as logs:
            if end == "loaded anew":
                await agent.page.reload()
                assert agent.asked == ["beforeunload"]
            else:
                line.cut()
                await agent.page.close()
            lost = await hotline.fact(f.TelephoneLost, after=since)
        by_word = "telephony.page_left_in_a_talk" in [entry["event"] for entry in logs]
        assert (lost.leg, lost.agent, by_word) == (answered.leg, "1001", end == "loaded anew")
        back = await hotline.fact(f.CallerQueued, lambda x: x.at > lost.at, after=since)
        assert (back.call, back.queue, back.priority >= 1000) == (answered.call, "card-cmn", True)
        again = await hotline.fact(f.AgentAnswered, lambda x: x.agent == "1002", after=since)
        assert again.call == answered.call
        started = await hotline.fact(f.SurveyStarted, after=since)
        assert started.leg == again.leg, "rated is whom the customer talked with last"
        if end == "loaded anew":
            await agent.line("ready")


async def test_a_customer_is_sent_on_from_the_page(hotline: Floor, browser: Browser) -> None:
    """To a colleague by number (REFER); the page is out of it at once, and owes its own summary."""
    since = len(hotline.facts)
    async with agent_page(browser, hotline) as agent:
        await hotline.exchange.call(*TO_CARD)
        answered = await hotline.fact(f.AgentAnswered, after=since)
        await agent.call("talking")
        await hotline.exchange.phone("d001", Phone("other", answer_ms=200, talk_ms=500))
        await hotline.agent("1002", "d001")
        await agent.page.fill("#target", "1002")
        await agent.page.click("#transfer-form button")
        again = await hotline.fact(f.AgentAnswered, lambda x: x.agent == "1002", after=since)
        assert again.call == answered.call
        await agent.call("idle")
        await agent.state("wrap_up")
        await agent.sums_up(answered.leg)
        await agent.state("ready")


async def test_of_two_tabs_one_is_the_telephone(hotline: Floor, browser: Browser) -> None:
    """The second is told that there is a first, and may take it over; then it is as good as the first was."""
    async with agent_page(browser, hotline) as first:
        second = AgentPage(await first.page.context.new_page())
        await second.page.goto(first.page.url)
        await second.page.click("#sit")
        await expect(second.page.locator("#trouble")).to_have_text("话机已在另一个标签页中打开")
        await second.line("off")
        await second.page.click("#use-here")
        await second.line("ready")
        await first.line("off")
        await expect(first.page.locator("#trouble")).to_have_text("话机已在另一个标签页中打开")
        await second.page.select_option("#reason", "rest")
        await second.page.click("#not-ready")
        await expect(second.page.locator("#state-why")).to_have_text("小休")
        await second.page.click("#log-out")
        await second.state("logged_out")
        await second.line("off")
        assert second.errors == []


async def test_a_talk_outlives_the_line_and_ends_in_the_page_when_it_is_over(
    hotline: Floor, browser: Browser
) -> None:
    """It ends while the line is broken: Asterisk's BYE does not reach the page, our word does."""
    since = len(hotline.facts)
    async with Line(hotline.settings.web.port) as line, agent_page(browser, hotline, port=line.port) as agent:
        await hotline.exchange.call(*TO_CARD)
        answered = await hotline.fact(f.AgentAnswered, after=since)
        await agent.state("talking")
        await agent.call("talking")
        line.cut()
        await agent.line("connecting")
        await agent.call("talking")
        call = hotline.hotline.telephony.switchboard.call(answered.call)
        assert call is not None
        await hotline.exchange.tap.action("Hangup", Channel=call.channel)
        await hotline.over(answered.call)
        await agent.call("talking")
        await line.mend()
        await agent.call("idle")
        await agent.state("wrap_up")
        await agent.line("ready")
        await agent.sums_up(answered.leg)
        await agent.state("ready")


async def test_a_talk_outlives_the_service(hotline: Floor, browser: Browser) -> None:
    """Stopped and started again under the talk; then the customer is sent to the survey as ever."""
    since = len(hotline.facts)
    async with agent_page(browser, hotline) as agent:
        await hotline.exchange.call(*TO_CARD)
        answered = await hotline.fact(f.AgentAnswered, after=since)
        await agent.call("talking")
        await hotline.stop_service()
        await agent.line("connecting")
        await hotline.start_service()
        await agent.line("ready")
        await agent.call("talking")
        await agent.page.click("#survey")
        started = await hotline.fact(f.SurveyStarted, after=since)
        assert (started.leg, started.by) == (answered.leg, f.Side.SYSTEM)
        await agent.call("idle")
