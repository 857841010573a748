"""The agents' page in a real Chromium, whose microphone is a sound file's tone."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Dialog, Page, WebSocketRoute, async_playwright, expect

from tests.support.floor import Floor
from tests.support.tones import write_tone

MICROPHONE_HZ = 440
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    # Where a machine has no network but its own, sound goes over loopback.
    "--allow-loopback-in-peer-connection",
]
_LOUDEST = """async () => {
    const context = new AudioContext();
    await context.resume();
    const analyser = context.createAnalyser();
    analyser.fftSize = 4096;
    context.createMediaStreamSource(document.getElementById("far").srcObject).connect(analyser);
    const levels = new Float32Array(analyser.frequencyBinCount);
    for (let left = 1200; left; left -= 1) {
        await new Promise((done) => setTimeout(done, 50));
        analyser.getFloatFrequencyData(levels);
        const loudest = levels.indexOf(Math.max(...levels));
        if (levels[loudest] > -60) return loudest * context.sampleRate / analyser.fftSize;
    }
    return 0;
}"""


@asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Browser]:
    """A browser in which everybody says MICROPHONE_HZ all the time; gone afterwards."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "Chromium is missing: ./run setup installs it"
    voice = write_tone(folder / "microphone.wav", MICROPHONE_HZ, 1)
    flags = [*FLAGS, f"--use-file-for-fake-audio-capture={voice}"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        await browser.close()


class AgentPage:
    """One tab with the page. `errors`: what it threw. `asked`: what it wanted to know, and was told yes."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.asked: list[str] = []
        page.on("dialog", self._agree)

    async def sign_in(self, floor: Floor, staff: str, port: int = 0) -> None:
        """Fill in the form; returns when the desk is there. `port`: of whoever passes on to the service."""
        await self.page.goto(f"http://127.0.0.1:{port or floor.settings.web.port}/agent/")
        await self.page.fill("#staff", staff)
        await self.page.fill("#password", floor.password(staff))
        await self.page.click("#sign-in-form button")
        await expect(self.page.locator("#desk")).to_be_visible(timeout=60_000)

    async def ready(self) -> None:
        """At a telephone in this page, and ready."""
        await self.page.click("#sit")
        await self.line("ready")
        await self.page.click("#ready")
        await self.state("ready")

    async def line(self, state: str) -> None:
        """Returns when the telephone is in this state."""
        await expect(self.page.locator("#line")).to_have_attribute("data-state", state, timeout=60_000)

    async def state(self, state: str) -> None:
        """Returns when the page shows this state of the agent."""
        await expect(self.page.locator("#state")).to_have_attribute("data-state", state, timeout=60_000)

    async def call(self, state: str) -> None:
        """Returns when the page shows this state of its call."""
        await expect(self.page.locator("#call")).to_have_attribute("data-state", state, timeout=60_000)

    async def sums_up(self, leg: str) -> None:
        """Write the summary that is owed for this leg."""
        await expect(self.page.locator("#summary")).to_have_attribute("data-leg", leg, timeout=60_000)
        await self.page.select_option("#type", "silent_call")
        await self.page.click("#summary button")

    async def hears_hz(self) -> float:
        """The loudest tone that comes out of the telephone; 0 if it stays silent for a minute."""
        return float(await self.page.evaluate(_LOUDEST))

    async def _agree(self, dialog: Dialog) -> None:
        self.asked.append(dialog.type)
        await dialog.accept()


def _not_ended(route: WebSocketRoute) -> None:
    route.connect_to_server().on_close(lambda _code, _reason: None)


@asynccontextmanager
async def agent_page(
    browser: Browser, floor: Floor, staff: str = "1001", port: int = 0, *, deaf: bool = False
) -> AsyncIterator[AgentPage]:
    """An agent signed in, at the telephone of the page, ready; whatever the page throws fails the test.

    `deaf`: the page does not hear that its live feed has ended.
    """
    context = await browser.new_context(viewport={"width": 1100, "height": 900})
    try:
        context.set_default_timeout(60_000)
        if deaf:
            await context.route_web_socket("**/api/live*", _not_ended)
        page = AgentPage(await context.new_page())
        await page.sign_in(floor, staff, port)
        await page.ready()
        yield page
        assert page.errors == []
    finally:
        await context.close()
