"""The ways of a call that only a telephone in a page makes: in a real Chromium, with sound.

With HOTLINE_RECORD=1 those that are `recorded` leave their captures behind (tests/scenarios).
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from structlog.testing import capture_logs

from core import facts as f
from core.clock import SECOND
from directory.lookup import Directory
from hotline.simulation.scripts import Key, Pause, Phone
from telephony import page_phones
from tests.e2e.dialplan.test_recording import samples
from tests.e2e.journey.conftest import quick
from tests.support import captures
from tests.support.agent_page import MICROPHONE_HZ, AgentPage, agent_page, chromium
from tests.support.floor import Floor
from tests.support.line import Line
from tests.support.sip_line import registers
from tests.support.tones import power_at, write_alaw

pytestmark = [pytest.mark.asterisk, pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
PAGES = True
RTP_TIMEOUT_S = 3
RING_S = 30
LEFT = "telephony.page_left_in_a_talk"
"""Logged where a page has said that it goes."""
CUSTOMER_HZ = 700
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))
recorded = pytest.mark.usefixtures("recording")


def patient() -> Directory:
    """Telephones ring so long that nothing ends by their patience."""
    usual = quick()
    return replace(usual, queues={name: replace(q, ring_s=RING_S) for name, q in usual.queues.items()})


DIRECTORY = patient


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(hotline: Floor) -> AsyncIterator[Browser]:
    """Takes seconds to start: one for all tests, each with contexts of its own."""
    async with chromium(hotline.exchange.folder) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def recording(request: pytest.FixtureRequest, hotline: Floor) -> AsyncIterator[None]:
    """What is heard during the test, up to the end of its calls."""
    since = len(hotline.exchange.tap.heard)
    yield
    if captures.wanted():
        for leg in (*hotline.all(f.CallArrived), *hotline.all(f.AgentOffered)):
            await hotline.exchange.tap.wait_for("Hangup", Uniqueid=leg.leg)
        await captures.keep(request, hotline.exchange, since)


async def rates(hotline: Floor, leg: str, *answers: str) -> None:
    """The customer answers the survey; the score is this leg's."""
    started = await hotline.fact(f.SurveyStarted, lambda x: x.leg == leg)
    call = hotline.hotline.telephony.switchboard.call(started.call)
    assert call is not None
    for question, key in zip(("satisfaction", "solved"), answers, strict=True):
        await hotline.exchange.presses(call.channel, key)
        answer = await hotline.fact(f.SurveyAnswered, lambda x, asked=question: x.question == asked)
        assert (answer.leg, answer.answer) == (leg, int(key))
    assert {x.leg for x in hotline.all(f.SurveyStarted)} == {leg}


@recorded
async def test_answered_held_and_ended_in_a_page(hotline: Floor, browser: Browser) -> None:
    """Sound goes both ways, the agent hangs up in the page, the customer rates him; the summary written there
    ends the wrap-up."""
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
        if picture := os.environ.get("AGENT_PICTURE"):  # the name of a file
            await agent.page.screenshot(path=picture, clip={"x": 0, "y": 0, "width": 1100, "height": 590})
        for pressed in ("true", "false"):
            await agent.page.click("#mute")
            await expect(agent.page.locator("#mute")).to_have_attribute("aria-pressed", pressed)
        hotline.exchange.tap.note("held in the page")
        await agent.page.click("#hold")
        held = await hotline.fact(f.HoldStarted, after=since)
        assert (await hotline.fact(f.HoldExplained, after=since)).reason == "lookup"
        await expect(agent.page.locator("#hold")).to_have_attribute("aria-pressed", "true")
        hotline.exchange.tap.note("taken back in the page")
        await agent.page.click("#hold")
        assert (await hotline.fact(f.HoldEnded, after=since)).leg == held.leg
        await expect(agent.page.locator("#hold")).to_have_attribute("aria-pressed", "false")
        hotline.exchange.tap.note("hung up in the page")
        await agent.page.click("#hang-up")
        started = await hotline.fact(f.SurveyStarted, after=since)
        assert (started.agent, started.by) == ("1001", f.Side.AGENT)
        await rates(hotline, started.leg, "5", "1")
        await agent.call("idle")
        await agent.state("wrap_up")
        file = (await hotline.fact(f.RecordingEnded, after=since)).file
        folder = hotline.exchange.spec.directory / "recordings"
        said, heard = [await samples(folder / f"{file}-{side}.wav") for side in ("agent", "customer")]
        assert power_at(said, MICROPHONE_HZ) > 100 * power_at(said, CUSTOMER_HZ)
        assert power_at(heard, CUSTOMER_HZ) > 100 * power_at(heard, MICROPHONE_HZ)
        await agent.sums_up(started.leg)
        await agent.state("ready")


@recorded
async def test_page_loaded_anew_in_a_talk(hotline: Floor, browser: Browser) -> None:
    """The browser says so: the customer is at once ahead of all others, and rates whom he talks with next."""
    async with agent_page(browser, hotline) as agent:
        answered = await _talks_while_another_is_ready(hotline, agent)
        hotline.exchange.tap.note("the page is loaded anew")
        with capture_logs() as logs:
            await agent.page.reload()
            assert agent.asked == ["beforeunload"]
            await _given_back(hotline, answered)
        assert LEFT in [entry["event"] for entry in logs]
        await agent.line("ready")


@recorded
async def test_page_cut_off_in_a_talk(hotline: Floor, browser: Browser) -> None:
    """As a machine that is off: it says nothing and is found out by its silence. The customer is ahead of all
    others then, and rates whom he talks with next."""
    async with Line(hotline.settings.web.port) as line, agent_page(browser, hotline, port=line.port) as agent:
        answered = await _talks_while_another_is_ready(hotline, agent)
        hotline.exchange.tap.note("the page is cut off and gone")
        with capture_logs() as logs:
            line.cut()
            await agent.page.close()
            await _given_back(hotline, answered)
        assert LEFT not in [entry["event"] for entry in logs]


async def test_signed_out_elsewhere_in_a_talk(hotline: Floor, browser: Browser) -> None:
    """The page itself does not hear of it first: what the line is closed with is enough."""
    async with agent_page(browser, hotline, deaf=True) as agent:
        answered = await _talks_while_another_is_ready(hotline, agent)
        with capture_logs() as logs:
            elsewhere = await hotline.sign_in("1001")
            sessions = (await elsewhere.get("/api/sessions"))["sessions"]
            newest = next(one["id"] for one in sessions if not one["current"])
            await elsewhere.delete(f"/api/sessions/{newest}")
            await _given_back(hotline, answered)
        assert LEFT in [entry["event"] for entry in logs]
        await expect(agent.page.locator("#sign-in")).to_be_visible()


async def test_a_page_is_nobody_but_its_own_seat(hotline: Floor) -> None:
    """Though it has learnt the secret of another one, or of a telephone on a desk."""
    agent = await hotline.sign_in("1001")
    seat = await agent.post("/api/agent/phone", tab="by-hand-tab", take=False)
    known = {device.name: device for device in hotline.exchange.spec.devices}
    other = next(name for name, device in known.items() if device.page and name != seat["device"])
    answers = {}
    for name in (seat["device"], other, "d001"):
        async with agent.phone_line("by-hand-tab") as line:
            answers[name] = await registers(line, name, known[name].secret)
    # As if the secret were a wrong one: Asterisk does not say to a stranger what there is.
    assert answers == {seat["device"]: 200, other: 401, "d001": 401}


async def test_a_page_that_is_closed_for_long_gives_its_seat_back(
    hotline: Floor, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with agent_page(browser, hotline) as agent:
        device = hotline.hotline.telephony.switchboard.agent("1001").device
        monkeypatch.setattr(page_phones, "GRACE", 0)
        await agent.page.close()
        gone = await hotline.fact(f.AgentStateChanged, lambda x: x.state is f.AgentState.LOGGED_OUT)
        assert (gone.agent, gone.device, gone.reason) == ("1001", device, "page_gone")
    next_one = await hotline.sign_in("1002")
    assert (await next_one.post("/api/agent/phone", tab="by-hand-tab", take=False))["device"] == device


async def _talks_while_another_is_ready(hotline: Floor, agent: AgentPage) -> f.AgentAnswered:
    voice = write_alaw(hotline.exchange.folder / "customer.alaw", CUSTOMER_HZ, 1)
    await hotline.exchange.call(*TO_CARD, voice=voice)
    answered = await hotline.fact(f.AgentAnswered)
    await agent.call("talking")
    await hotline.exchange.phone("d001", Phone("other", answer_ms=300, talk_ms=500, voice=voice))
    await hotline.agent("1002", "d001")
    await hotline.hotline.telephony.told()
    return answered


async def _given_back(hotline: Floor, answered: f.AgentAnswered) -> None:
    """Unrated, and the next to answer is his."""
    lost = await hotline.fact(f.TelephoneLost)
    assert (lost.leg, lost.agent) == (answered.leg, "1001")
    back = await hotline.fact(f.CallerQueued, lambda x: x.at > lost.at)
    assert (back.call, back.queue, back.priority >= 1000) == (answered.call, "card-cmn", True)
    again = await hotline.fact(f.AgentAnswered, lambda x: x.agent == "1002")
    assert again.call == answered.call
    await rates(hotline, again.leg, "4", "2")


@recorded
async def test_page_closed_while_it_rings(hotline: Floor, browser: Browser) -> None:
    """The next agent is asked at once, not when the ringing would end; of the first nobody says that he did
    not answer."""
    await hotline.exchange.phone("d001", Phone("other", answer_ms=300, talk_ms=500))
    async with agent_page(browser, hotline) as agent:
        await agent.page.uncheck("#auto")
        await hotline.exchange.call(*TO_CARD)
        offered = await hotline.fact(f.AgentOffered)
        await agent.call("ringing")
        await hotline.agent("1002", "d001")
        await hotline.hotline.telephony.told()
        hotline.exchange.tap.note("the page is closed")
        await agent.page.close()
        ended = await hotline.fact(f.OfferEnded)
        assert (ended.leg, ended.outcome) == (offered.leg, f.OfferOutcome.UNREACHABLE)
        assert ended.rang < (RING_S - 5) * SECOND
        answered = await hotline.fact(f.AgentAnswered)
        assert (answered.call, answered.agent) == (offered.call, "1002")
        await rates(hotline, answered.leg, "5", "1")


@recorded
async def test_sent_on_from_a_page(hotline: Floor, browser: Browser) -> None:
    """To a colleague by number (REFER), whom the queue does not ask; the page is out of it at once, and owes
    a summary of its own talk."""
    async with agent_page(browser, hotline) as agent:
        await hotline.exchange.phone("d001", Phone("other", answer_ms=200, talk_ms=500))
        colleague = await hotline.agent("1002", "d001")
        await colleague.post("/api/agent/not-ready", reason="rest")
        await hotline.hotline.telephony.told()
        await hotline.exchange.call(*TO_CARD)
        answered = await hotline.fact(f.AgentAnswered)
        await agent.call("talking")
        hotline.exchange.tap.note("sent on to 1002 in the page")
        await agent.page.fill("#target", "1002")
        await agent.page.click("#transfer-form button")
        offered = await hotline.fact(f.AgentOffered, lambda x: x.agent == "1002")
        assert (offered.call, offered.from_leg) == (answered.call, answered.leg)
        await rates(hotline, offered.leg, "3", "1")
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


@recorded
async def test_caller_gone_while_a_page_is_without_its_line(hotline: Floor, browser: Browser) -> None:
    """They talk on without it. Asterisk's BYE does not reach the page; our word does, once it is back."""
    since = len(hotline.facts)
    async with Line(hotline.settings.web.port) as line, agent_page(browser, hotline, port=line.port) as agent:
        await hotline.exchange.call(*TO_CARD)
        answered = await hotline.fact(f.AgentAnswered, after=since)
        await agent.state("talking")
        await agent.call("talking")
        hotline.exchange.tap.note("the page's line breaks")
        line.cut()
        await agent.line("connecting")
        await agent.call("talking")
        call = hotline.hotline.telephony.switchboard.call(answered.call)
        assert call is not None
        await hotline.exchange.hangs_up(call.channel)
        await hotline.over(answered.call)
        await agent.call("talking")
        hotline.exchange.tap.note("the line is back")
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
