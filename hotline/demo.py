"""`hotline demo`: the whole hotline on this machine, with simulated customers, telephones and agents.

A real Asterisk, real SIP, real databases; only the people are not real. With `--for` it ends by itself,
proves its own ledger against Asterisk's queue log and the customers' own count, and says what came of it.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import uvloop

from core import facts as f
from core.clock import system_clock
from core.facts import Numbered
from directory import credentials
from directory.credentials import Issued
from hotline import configuration, logs
from hotline.assembly import assemble
from hotline.content import Content, add_config, read_content
from hotline.node import LOOPBACK_TRUNKS, NodePorts, issue_accounts, node_spec, prepare
from hotline.preflight import WantedPort, require_folder, require_free
from hotline.running import Hotline, Running
from hotline.settings import LogForm, LogLevel, LogSettings, Settings
from hotline.settings_nodes import NodeSettings
from hotline.simulation.desk import Desk, Seat, Written, staff_all
from hotline.simulation.outcome import facts_of, figures_of
from hotline.simulation.sipp import Counts
from hotline.simulation.town import CUSTOMER_ADDRESS, PHONE_ADDRESS, Town
from hotline.simulation.watch import Watch
from ledger.proof import CallerCount, Mismatch, prove
from ledger.queue_log import read_queue_log
from telephony import instance
from telephony.instance import AsteriskInstance, Programs
from telephony.nodespec import NodeSpec

LEADER, ADMINISTRATOR = "8001", "9001"
CUSTOMER_PHONE, AGENT_PHONE = "d031", "d032"
"""The telephones of the pool that are left to the visitor: one to call from, one to be an agent at."""
_PATIENCE_S = 60.0
_SUMMARIES_S = 20.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline demo`."""
    add_config(parser)
    parser.add_argument("--for", dest="seconds", type=_seconds, metavar="SECONDS", help="end after so long")
    parser.add_argument(
        "--json", action="store_true", help="the last line is one JSON object with the figures"
    )
    parser.add_argument("--no-callers", action="store_true", help="leave the line to your own softphone")


def _seconds(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds: give a whole number above 0")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; 0 if calls flowed (where callers were wanted) and the proof found no mismatch."""
    settings = _settings(configuration.load(arguments.config))
    logs.configure(settings.log)
    demo = _Demo(settings, arguments)
    try:
        return uvloop.run(demo.play())
    except asyncio.CancelledError:
        demo.say("left before the end: nothing was proved")
        return 130


def _settings(given: Settings) -> Settings:
    """The demo keeps its own data and its own node; the log is for warnings, unless asked otherwise."""
    home = (given.data_dir.parent / "demo").absolute()
    node = NodeSettings(
        name="node1",
        host="127.0.0.1",
        port=given.demo.ami_port,
        accounts=home / "accounts.json",
        directory=home / "node1",
        page_port=given.demo.page_port,
        rtp_timeout_s=0,  # simulated telephones say nothing
    )
    log = given.log
    if "log" not in given.model_fields_set:
        log = LogSettings(level=LogLevel.WARNING, form=LogForm.AUTO)
    # What the demo prints is good at once: a visitor signs in, and looks.
    session = given.session.model_copy(update={"change_initial": False})
    own = {"data_dir": home, "nodes": (node,), "log": log, "session": session}
    return given.model_copy(update=own)


class _Demo:
    """One performance, act by act; `say` tells what is going on, with the time since the start."""

    def __init__(self, settings: Settings, arguments: argparse.Namespace) -> None:
        self._settings = settings
        self._seconds: int | None = arguments.seconds
        self._json: bool = arguments.json
        self._callers = not arguments.no_callers
        self._began = time.monotonic()
        self._chance = random.Random()
        self._heard: list[Numbered] = []
        self._written = Written()
        self._stop = asyncio.Event()
        self._playing = False

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:5.1f} s] {text}", file=sys.stderr, flush=True)

    async def play(self) -> int:
        self._require_ports()
        require_folder(self._settings.data_dir)
        self._clear()
        content = read_content(self._settings)
        issued = self._issue(content)
        programs = await instance.find()
        spec = self._render(content, programs)
        self._leave_in_order()
        async with AsyncExitStack() as stack:
            version = ".".join(map(str, await instance.version(programs)))
            self.say(f"starting Asterisk {version} on {spec.sip_address}:{spec.sip_port}")
            asterisk = await stack.enter_async_context(AsteriskInstance(spec.directory, programs))
            keeper = _at_work(stack, asterisk.keep(self.say))
            hotline = await self._assemble(content)
            watch = Watch(system_clock)
            hotline.ledger.listen(self._heard.extend)
            hotline.ledger.listen(watch.hear)
            running = await stack.enter_async_context(Running(hotline))
            await stack.enter_async_context(self._screen(hotline, issued, watch))
            town = Town(
                programs,
                self._settings.data_dir / "sipp",
                remote=f"127.0.0.1:{spec.sip_port}",
                first_port=self._settings.demo.people_port,
                media=self._settings.demo.rtp_first + 1_000,
                voices=_voices(spec.directory / "prompts"),
            )
            stack.push_async_callback(town.leave)
            desks = await self._staff(stack, town, hotline, issued, content)
            counts = await self._calls(town, running, {keeper, desks})
            self.say("proving the ledger")
            return await self._conclude(hotline, spec, watch, self._count_of(town, counts))

    def _leave_in_order(self) -> None:
        """From here on there are processes to end: a signal stops new calls, any other ends all at once."""
        loop, playing = asyncio.get_running_loop(), asyncio.current_task()

        def asked() -> None:
            if self._playing and not self._stop.is_set():
                self._stop.set()
            elif playing is not None and not playing.cancelling():  # what is being put away is not disturbed
                playing.cancel()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, asked)

    # ------------------------------------------------------------------ acts

    def _require_ports(self) -> None:
        demo, web = self._settings.demo, self._settings.web
        require_free(
            [
                WantedPort(web.host, web.port, "HOTLINE_WEB__PORT"),
                WantedPort(demo.sip_address, demo.sip_port, "HOTLINE_DEMO__SIP_PORT", udp=True),
                WantedPort("127.0.0.1", demo.ami_port, "HOTLINE_DEMO__AMI_PORT"),
                WantedPort("127.0.0.1", demo.page_port, "HOTLINE_DEMO__PAGE_PORT"),
                *(
                    WantedPort(address, port, "HOTLINE_DEMO__PEOPLE_PORT", udp=True)
                    for address in (PHONE_ADDRESS, CUSTOMER_ADDRESS)
                    for port in range(demo.people_port, demo.people_port + 20)
                ),
            ]
        )

    def _clear(self) -> None:
        """Every performance begins with empty books, so that all of them can be proved at its end."""
        home, (node,) = self._settings.data_dir, self._settings.nodes
        for file in (*home.glob("*.db*"), *home.glob("ledger.spool*")):
            file.unlink()
        for folder in ("log", "db", "recordings", "spool"):
            shutil.rmtree(node.directory / folder, ignore_errors=True)
        shutil.rmtree(home / "sipp", ignore_errors=True)
        (node.directory / "heartbeat").unlink(missing_ok=True)  # else the time since then is a gap

    def _issue(self, content: Content) -> Issued:
        """Sign-ins of this performance: agents and one leader get new passwords each time."""
        file = self._settings.credentials_file
        if not file.exists():
            self.say("making passwords, PINs and secrets")
            return credentials.issue(file, content.directory)
        credentials.issue(file, content.directory)
        return credentials.renew(
            file, [LEADER, ADMINISTRATOR, *self._agents(content), self._spare_agent(content)]
        )

    def _agents(self, content: Content) -> list[str]:
        # Alternating over the list, so that a small floor serves every business too.
        able = [str(person.number) for person in content.directory.agents() if person.number != LEADER]
        step = max(1, len(able) // max(1, self._settings.demo.agents))
        return (able[::step] + [one for one in able if one not in able[::step]])[: self._settings.demo.agents]

    def _spare_agent(self, content: Content) -> str:
        """The agent whose part is left to the visitor: the first who has no seat."""
        seated = {LEADER, *self._agents(content)}
        return next(str(one.number) for one in content.directory.agents() if str(one.number) not in seated)

    def _render(self, content: Content, programs: Programs) -> NodeSpec:
        demo, (node,) = self._settings.demo, self._settings.nodes
        spec = node_spec(
            node.name,
            node.directory,
            ports=NodePorts(
                sip=demo.sip_port,
                ami=demo.ami_port,
                page=demo.page_port,
                rtp_first=demo.rtp_first,
                rtp_last=demo.rtp_first + 999,
            ),
            programs=programs,
            directory=content.directory,
            credentials=credentials.load(self._settings.credentials_file),
            accounts=issue_accounts(node.accounts),
            trunks=LOOPBACK_TRUNKS,
            sip_address=demo.sip_address,
        )
        done = prepare(
            spec, content, studio=self._settings.studio_folder, by="demo", clock=system_clock
        ).voices
        self.say(f"node and prompts are ready ({done.made} prompts made, {done.unchanged} as before)")
        return spec

    async def _assemble(self, content: Content) -> Hotline:
        keys = credentials.load(self._settings.credentials_file)
        return await assemble(self._settings, content.directory, keys, clock=system_clock)

    @asynccontextmanager
    async def _screen(self, hotline: Hotline, issued: Issued, watch: Watch) -> AsyncIterator[None]:
        """One screen that watches the board all the time, to measure how old its news are."""
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(hotline.address, cookie_jar=jar) as client:
            who = {"staff": LEADER, "password": issued.passwords[LEADER]}
            async with client.post("/api/session", json=who) as response:
                response.raise_for_status()
            seen = asyncio.Event()
            task = asyncio.create_task(watch.run(client, seen.set))
            await asyncio.wait_for(seen.wait(), 10)
            self.say(f"the board is at {hotline.address}  sign in as {LEADER} / {issued.passwords[LEADER]}")
            self.say(
                f"who listened to what is for {ADMINISTRATOR} / {issued.passwords[ADMINISTRATOR]} to see"
            )
            try:
                yield
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _staff(
        self, stack: AsyncExitStack, town: Town, hotline: Hotline, issued: Issued, content: Content
    ) -> asyncio.Task[None]:
        """Telephones and agents, all ready; the task in which they work."""
        secrets = credentials.load(self._settings.credentials_file).devices
        agents = self._agents(content)
        seats = dict(zip(agents, sorted(secrets), strict=False))
        await town.install_phones({device: secrets[device] for device in seats.values()})
        desks = [
            Desk(
                hotline.address,
                Seat(agent, issued.passwords[agent], device),
                self._written,
                chance=self._chance,
            )
            for agent, device in seats.items()
        ]
        task = _at_work(stack, staff_all(desks))
        self.say(f"{len(desks)} agents take their seats")
        self._tell_visitor(secrets, issued, content, hotline.address)
        return task

    def _tell_visitor(
        self, secrets: Mapping[str, str], issued: Issued, content: Content, address: str
    ) -> None:
        demo, spare = self._settings.demo, self._spare_agent(content)
        self.say(
            f"your own softphone: user {CUSTOMER_PHONE}, password {secrets[CUSTOMER_PHONE]}, "
            f"server {demo.sip_address}:{demo.sip_port} (UDP); dial {', '.join(content.flows)}"
        )
        self.say(
            f"be an agent in the browser, with a headset: {address}agent/  "
            f"sign in as {spare} / {issued.passwords[spare]}"
        )
        self.say(
            f"or at a softphone: user {AGENT_PHONE}, password {secrets[AGENT_PHONE]}, same server; dial *11 "
            f"(staff number {spare}#, PIN {issued.pins[spare]}#), then *12 to take calls, *14 to leave"
        )

    async def _calls(self, town: Town, running: Running, work: set[asyncio.Task[None]]) -> Counts:
        """Customers call until time is up or someone presses Ctrl-C."""
        if self._callers:
            await town.open_lines(self._settings.demo.calls_per_minute, chance=self._chance)
            self.say(f"customers call, about {self._settings.demo.calls_per_minute} a minute")
        else:
            self.say("nobody calls: the line is yours")
        ends = {asyncio.create_task(self._stop.wait()), asyncio.create_task(running.failed())}
        self._playing = True
        done, _ = await asyncio.wait(ends | work, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
        self._stop.set()
        for task in ends:
            task.cancel()
        for task in done:
            await task
        self.say("no new calls; waiting for those in progress (Ctrl-C: leave at once)")
        return await town.close_lines(_PATIENCE_S)

    # ------------------------------------------------------------------ what came of it

    async def _conclude(
        self, hotline: Hotline, spec: NodeSpec, watch: Watch, callers: CallerCount | None
    ) -> int:
        await self._settle(hotline)
        mismatches = self._prove(spec, callers)
        for mismatch in mismatches:
            self.say(
                f"MISMATCH ({mismatch.rule}) {mismatch.subject}: the ledger says {mismatch.ledger}, "
                f"the witness {mismatch.witness}; {mismatch.explanation}"
            )
        figures = figures_of(self._heard, mismatches=len(mismatches), board_p99_ms=watch.percentile(0.99))
        self.say(figures.sentence())
        if self._json:
            print(figures.line(), flush=True)
        flowed = figures.calls_offered > 0 and figures.calls_answered > 0
        return 0 if not mismatches and (flowed or not self._callers) else 1

    async def _settle(self, hotline: Hotline) -> None:
        """Until every call is over and every talk has its summary, or it takes too long."""
        deadline = time.monotonic() + _SUMMARIES_S
        while time.monotonic() < deadline:
            owed = len(facts_of(self._heard, f.TalkEnded)) - len(facts_of(self._heard, f.SummarySaved))
            if not hotline.telephony.switchboard.calls and owed <= 0:
                break
            await asyncio.sleep(0.2)
        await hotline.ledger.stored(hotline.ledger.last)

    def _count_of(self, town: Town, counts: Counts) -> CallerCount | None:
        """The customers' own count, and the visitor's calls with it, whom nobody else counts."""
        if not self._callers:
            return None
        visits = sum(call.caller not in town.numbers for call in facts_of(self._heard, f.CallArrived))
        return CallerCount(placed=counts.created + visits, failed=counts.failed)

    def _prove(self, spec: NodeSpec, callers: CallerCount | None) -> list[Mismatch]:
        queue_log = spec.directory / "log" / "queue_log"
        lines = read_queue_log(_lines(queue_log), str(queue_log))
        return prove(self._heard, lines, callers)


def _at_work(stack: AsyncExitStack, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
    """A task that ends with the stack."""
    task = asyncio.create_task(work)

    async def go_home() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(go_home)
    return task


def _voices(prompts: Path) -> tuple[Path, Path]:
    """What agents and customers say, so that recordings hold something: two of our own prompts."""
    return prompts / "cmn" / "queue-wait-sorry.alaw", prompts / "cmn" / "agent-enter-number.alaw"


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
