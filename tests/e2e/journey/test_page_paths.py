"""The ways of a call that only a telephone in a page makes. With HOTLINE_RECORD=1 each leaves its capture behind."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Error, expect

from core import facts as f
from hotline.simulation.scripts import Key, Pause, Phone
from telephony import instance
from tests.e2e.dialplan.conftest import CAPTURES
from tests.e2e.dialplan.test_recording import samples
from tests.support.agent_page import AgentPage, agent_page
from tests.support.floor import Floor
from tests.support.line import Line
from tests.support.tones import power_at, write_alaw

pytestmark = [pytest.mark.asterisk, pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
PAGES = True
RTP_TIMEOUT_S = 3
CUSTOMER_HZ = 700
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def recorded(request: pytest.FixtureRequest, hotline: Floor) -> AsyncIterator[None]:
    since = len(hotline.exchange.tap.heard)
    yield
    if os.environ.get("HOTLINE_RECORD"):
        name = request.node.originalname.removeprefix("test_")
        tap = hotline.exchange.tap
        for gone in tap.all("CallGone"):
            await tap.wait_for("Hangup", Uniqueid=gone["Uniqueid"])
        version = instance.version_of(await hotline.exchange.asterisk.cli("core show version"))
        assert version is not None
        numbers = ".".join(map(str, version))
        title = f"{name}; Asterisk {numbers}; +ms since start; '>' lines: what was done"
        tap.write(CAPTURES / f"{name}.txt", title, since)


async def test_page_answers(hotline: Floor) -> None:
    """Sound both ways, hung up in the page, rated; the summary is written in the page, and ends the wrap-up."""
    since = len(hotline.facts)
    voice = write_alaw(hotline.exchange.folder / "customer.alaw", CUSTOMER_HZ, 1)
    async with agent_page(hotline, "1001") as agent:
        await hotline.exchange.call(*TO_CARD, voice=voice)
        await agent.call("talking")
        assert await agent.page.text_content("#caller") == "021****1000"
        assert abs(await agent.hears_hz() - CUSTOMER_HZ) < 30
        await agent.state("talking")
        hotline.exchange.tap.note("hung up in the page")
        await agent.page.click("#hang-up")
        started = await hotline.fact(f.SurveyStarted, after=since)
        assert (started.agent, started.by) == ("1001", f.Side.AGENT)
        await agent.call("idle")
        await agent.state("wrap_up")
        await hotline.over(started.call)
        file = (await hotline.fact(f.RecordingEnded, after=since)).file
        folder = hotline.exchange.spec.directory / "recordings"
        said, heard = [await samples(folder / f"{file}-{side}.wav") for side in ("agent", "customer")]
        assert max(said) > 1_000, "the browser's microphone beeps once a second"
        assert power_at(heard, CUSTOMER_HZ) > 1_000 * power_at(said, CUSTOMER_HZ)
        await agent.sums_up()
        await agent.state("ready")


async def test_page_reload_while_talking(hotline: Floor) -> None:
    """The customer is first in the queue again, at once and unrated, and the next to answer is his."""
    since = len(hotline.facts)
    voice = write_alaw(hotline.exchange.folder / "customer.alaw", CUSTOMER_HZ, 1)
    async with agent_page(hotline, "1001") as agent:
        await hotline.exchange.call(*TO_CARD, voice=voice)
        answered = await hotline.fact(f.AgentAnswered, after=since)
        await agent.call("talking")
        await hotline.exchange.phone("d001", Phone("other", answer_ms=300, talk_ms=1_500, voice=voice))
        await hotline.agent("1002", "d001")
        hotline.exchange.tap.note("the page is loaded anew")
        await agent.page.reload()
        lost = await hotline.fact(f.TelephoneLost, after=since)
        assert (lost.leg, lost.agent) == (answered.leg, "1001")
        back = await hotline.fact(f.CallerQueued, lambda x: x.at > lost.at, after=since)
        assert (back.call, back.queue, back.priority >= 1000) == (answered.call, "card-cmn", True)
        again = await hotline.fact(f.AgentAnswered, lambda x: x.agent == "1002", after=since)
        assert again.call == answered.call
        started = await hotline.fact(f.SurveyStarted, after=since)
        assert started.leg == again.leg, "rated is whom the customer talked with last"
        await agent.line("ready")
        await hotline.over(answered.call)
    assert len([x for x in hotline.all(f.SurveyStarted) if x.call == answered.call]) == 1


async def test_browser_closed_while_talking(hotline: Floor) -> None:
    """As loading it anew: the browser says that it goes."""
    since = len(hotline.facts)
    async with agent_page(hotline, "1001") as agent:
        await hotline.exchange.call(*TO_CARD)
        answered = await hotline.fact(f.AgentAnswered, after=since)
        await agent.call("talking")
        hotline.exchange.tap.note("the tab is closed")
        await agent.page.close()
        lost = await hotline.fact(f.TelephoneLost, after=since)
        assert lost.leg == answered.leg
        back = await hotline.fact(f.CallerQueued, lambda x: x.at > lost.at, after=since)
        assert back.call == answered.call
    await _ends_waiting(hotline, answered.call)


async def test_page_crashes_while_talking(hotline: Floor) -> None:
    """Nobody says anything: the telephone's silence does, after the node's rtp_timeout_s."""
    since = len(hotline.facts)
    async with agent_page(hotline, "1001") as agent:
        await hotline.exchange.call(*TO_CARD)
        answered = await hotline.fact(f.AgentAnswered, after=since)
        await agent.call("talking")
        hotline.exchange.tap.note("the page crashes")
        with pytest.raises(Error, match="crash"):
            await agent.page.goto("chrome://crash")
        lost = await hotline.fact(f.TelephoneLost, after=since)
        assert lost.leg == answered.leg
        await hotline.fact(f.CallerQueued, lambda x: x.at > lost.at, after=since)
    await _ends_waiting(hotline, answered.call)


async def test_browser_closed_while_ringing(hotline: Floor) -> None:
    """The next agent is asked at once, not when the ringing would have ended."""
    since = len(hotline.facts)
    await hotline.exchange.phone("d001", Phone("other", answer_ms=300, talk_ms=1_000))
    async with agent_page(hotline, "1001") as agent:
        await agent.page.uncheck("#auto")
        await hotline.exchange.call(*TO_CARD)
        offered = await hotline.fact(f.AgentOffered, after=since)
        await agent.call("ringing")
        hotline.exchange.tap.note("the tab is closed")
        await agent.page.close()
        ended = await hotline.fact(f.OfferEnded, after=since)
        assert (ended.leg, ended.outcome) == (offered.leg, f.OfferOutcome.UNREACHABLE)
        await hotline.agent("1002", "d001")
        answered = await hotline.fact(f.AgentAnswered, after=since)
        assert answered.agent == "1002"
        await hotline.over(answered.call)


async def test_second_tab_same_agent(hotline: Floor) -> None:
    """The first keeps the telephone, through a call; afterwards the second may have it."""
    since = len(hotline.facts)
    async with agent_page(hotline, "1001") as first:
        second = AgentPage(await first.page.context.new_page())
        await second.page.goto(first.page.url)
        hotline.exchange.tap.note("a second tab wants the telephone")
        await second.page.click("#sit")
        await expect(second.page.locator("#trouble")).to_have_text("话机已在另一个标签页中打开")
        await second.line("off")
        await hotline.exchange.call(*TO_CARD)
        await first.call("talking")
        await second.page.click("#use-here")
        await expect(second.page.locator("#trouble")).to_contain_text("finish it there")
        await first.page.click("#hang-up")
        started = await hotline.fact(f.SurveyStarted, after=since)
        await hotline.over(started.call)
        hotline.exchange.tap.note("the second tab takes the telephone")
        await second.page.click("#use-here")
        await second.line("ready")
        await first.line("off")
        await expect(first.page.locator("#trouble")).to_have_text("话机已在另一个标签页中打开")
        assert second.errors == []


async def test_line_drops_then_agent_hangs_up(hotline: Floor) -> None:
    """They talk on without it; once it is back the page hangs up, and the agent is as ready as before."""
    since = len(hotline.facts)
    async with Line(hotline.settings.web.port) as line, agent_page(hotline, "1001", line.port) as agent:
        await hotline.exchange.call(*TO_CARD)
        answered = await hotline.fact(f.AgentAnswered, after=since)
        await agent.call("talking")
        hotline.exchange.tap.note("the line breaks")
        line.cut()
        await hotline.fact(f.DeviceContactChanged, lambda x: not x.reachable, after=since)
        await agent.call("talking")
        await agent.line("connecting")
        await line.mend()
        await agent.line("ready")
        hotline.exchange.tap.note("hung up in the page")
        await agent.page.click("#hang-up")
        ended = await hotline.fact(f.TalkEnded, after=since)
        assert ended.released_by is f.Side.AGENT
        await hotline.over(answered.call)
        await agent.state("wrap_up")
        await agent.sums_up()
        await agent.state("ready")


async def test_line_drops_then_caller_hangs_up(hotline: Floor) -> None:
    """Asterisk's BYE does not reach the page: the server's word does."""
    since = len(hotline.facts)
    async with Line(hotline.settings.web.port) as line, agent_page(hotline, "1001", line.port) as agent:
        await hotline.exchange.call(*TO_CARD, Pause(6_000), hang_up=True)
        answered = await hotline.fact(f.AgentAnswered, after=since)
        await agent.state("talking")
        await agent.call("talking")
        hotline.exchange.tap.note("the line breaks")
        line.cut()
        await hotline.over(answered.call)
        await agent.call("talking")
        await line.mend()
        await agent.call("idle")


async def _ends_waiting(hotline: Floor, call: str) -> None:
    """The customer is back in the queue and nobody is there: the call is ended, so that the recording ends."""
    await hotline.exchange.hang_up_all()
    await hotline.over(call)
