"""A contact centre for one measurement: Asterisk on one core, everything else on the other.

Telephones are registered and agents logged in as queue members before anything is measured, whether the
service runs or not: the dialplan carries the call either way. Everything is made anew for each measurement
and gone afterwards.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp

from bench.floor_seed import DESK, LEADER, QUEUE, desk_seats, device_at, seed_text, staff_at
from bench.stores import Stores
from core.clock import system_clock
from core.errors import HotlineError
from directory import credentials
from directory.credentials import Issued
from hotline.content import PROJECT, read_content
from hotline.node import issue_accounts, loopback_trunks, prepare, spec_by
from hotline.settings import LogForm, LogLevel, LogSettings, RedisSettings, Settings, WebSettings
from hotline.settings_nodes import NodeSettings
from hotline.settings_outgoing import OutgoingSettings
from hotline.simulation.scripts import Phone, injection, phone, registration
from hotline.simulation.sipp import Load, Place, Sipp
from telephony.ami import actions
from telephony.ami.accounts import NodeAccess, Role
from telephony.ami.pending import Reply
from telephony.ami.session import AmiSession, State
from telephony.instance import AsteriskInstance, Programs, find
from telephony.nodespec import NodeSpec
from web.passwords import Passwords

ASTERISK_CORE, OUR_CORE = 0, 1
PORT = 16500
_SIP, _AMI, _WEB, _REGISTRATION, _CUSTOMERS, _CALLED = (PORT + n for n in range(6))
_PHONES_FIRST, CUSTOMERS_FIRST = PORT + 10, PORT + 30
_RTP_FIRST, _RTP_LAST, _MEDIA, _MEDIA_LAST = 28000, 29799, 29800, 29990
_CALLED_IP = "127.0.0.2"
TALK_MS = 3_000
OUTSIDE = "110"
"""A number outside to which a telephone may send its customer."""


class BenchFailed(HotlineError):
    """Nothing could be measured; the message says what stood in the way."""


AT_ONCE = Phone("phone", answer_ms=0, talk_ms=TALK_MS)
"""Picked up at once, and hung up first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telephones:
    """`kind_of`: seat number → place in `kinds`. `notes`: they note each call they are connected in."""

    kinds: tuple[Phone, ...]
    kind_of: Callable[[int], int] = lambda _seat: 0
    notes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wants:
    """`agents`: as many `telephones` with an agent each, the last `desk` of them in DESK. `called`: what
    everybody outside does whom we call; without it nobody is. `wrapup_s`: the limit of after-call work.
    `stores`: where the service keeps what it writes."""

    agents: int
    desk: int = 0
    called: Phone | None = None
    wrapup_s: int = 1
    telephones: Telephones = field(default_factory=lambda: Telephones(kinds=(AT_ONCE,)))
    stores: Stores = field(default_factory=Stores)


def take_our_core() -> tuple[str, ...]:
    """Move this process, and all it starts, to the second core; the wrapper that puts Asterisk on the first.

    On a machine with one core both share it, and the figures say little.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return ()
    asterisk, ours = cores[ASTERISK_CORE], cores[OUR_CORE]
    os.sched_setaffinity(0, {ours})
    return ("taskset", "-c", str(asterisk))


class Service:
    """`hotline serve`, in its own process as in production."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._environment = _environment(settings)
        self._log = folder / "service.log"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process's id; `BenchFailed` if it does not run."""
        if self._process is None:
            raise BenchFailed("the service is not running: start it first")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the process; `Site.start_service` also waits until it serves."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "hotline", "serve"),
                cwd=PROJECT,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def stop(self, deadline: float = 30) -> None:
        """End it in order; `BenchFailed` if that has to be by force."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), deadline)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise BenchFailed(f"the service did not stop within {deadline:g} s") from None

    def last_words(self) -> str:
        """The end of its log."""
        return self._log.read_text(encoding="utf-8", errors="replace").strip()[-1500:]


def _environment(settings: Settings) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}
    return own | {
        "HOTLINE_DATA_DIR": str(settings.data_dir),
        "HOTLINE_SEED": str(settings.seed),
        "HOTLINE_CREDENTIALS": str(settings.credentials_file),
        "HOTLINE_WEB__PORT": str(settings.web.port),
        "HOTLINE_SESSION__CHANGE_INITIAL": "false",
        "HOTLINE_DATABASE__MAIN": settings.database.main,
        "HOTLINE_DATABASE__LEDGER": settings.database.ledger,
        "HOTLINE_REDIS__URL": settings.redis.url,
        "HOTLINE_LOG__FORM": settings.log.form.value,
        "HOTLINE_LOG__LEVEL": settings.log.level.value,
        "HOTLINE_OUTGOING__FIRST": settings.outgoing.first,
        "HOTLINE_OUTGOING__LAST": settings.outgoing.last,
        "HOTLINE_OUTGOING__TRANSFER_TO": json.dumps(settings.outgoing.transfer_to),
        "HOTLINE_NODES": json.dumps([node.model_dump(mode="json") for node in settings.nodes]),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A running one. `folder` holds everything; `data` is the service's."""

    folder: Path
    settings: Settings
    spec: NodeSpec
    programs: Programs
    asterisk: AsteriskInstance
    service: Service
    issued: Issued
    desk: range
    """The seats of those in DESK."""
    telephones: list[Sipp] = field(default_factory=list)
    """One for each kind, while they are there."""
    called: list[Sipp] = field(default_factory=list)
    """The telephones of everybody outside, with notes: one, or none."""

    async def start_service(self, deadline: float = 60) -> None:
        """Start the service; returns when every agent whom Asterisk knows is ready in its books too."""
        await self.service.start()
        try:
            async with asyncio.timeout(deadline), self.leader() as client:
                while await self._agents_ready(client) < len(self.spec.devices):  # noqa: ASYNC110 another process
                    await asyncio.sleep(0.3)
        except (TimeoutError, aiohttp.ClientError) as problem:
            said = self.service.last_words()
            raise BenchFailed(f"the service does not serve ({problem or 'time is up'}): {said}") from problem

    async def _agents_ready(self, client: aiohttp.ClientSession) -> int:
        async with client.get("/api/board") as response:
            response.raise_for_status()
            agents = (await response.json())["agents"]
        return sum(agent["state"] == "ready" for agent in agents.values())

    @asynccontextmanager
    async def leader(self) -> AsyncIterator[aiohttp.ClientSession]:
        """A browser in which a leader, who may see the board, is signed in; waits until it can be."""
        async with self.signed_in(LEADER) as (client, _):
            yield client

    @asynccontextmanager
    async def signed_in(self, staff: str) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
        """A browser in which this person is signed in, and the token for what they change."""
        address = f"http://127.0.0.1:{_WEB}"
        who = {"staff": staff, "password": self.issued.passwords[staff]}
        jar = aiohttp.CookieJar(unsafe=True)  # of an address, not of a name
        async with aiohttp.ClientSession(address, headers={"Origin": address}, cookie_jar=jar) as client:
            while True:
                try:
                    async with client.post("/api/session", json=who) as response:
                        response.raise_for_status()
                        token = str((await response.json())["csrf_token"])
                        break
                except aiohttp.ClientConnectionError:
                    if not self.service.running:
                        raise
                    await asyncio.sleep(0.2)
            yield client, token

    def sipp(
        self, name: str, scenario: str, load: Load | None, *, ip: str, port: int, notes: bool = False
    ) -> Sipp:
        """A SIPp on our core."""
        place = Place(remote=f"127.0.0.1:{_SIP}", ip=ip, port=port, media=_MEDIA, media_last=_MEDIA_LAST)
        folder = self.folder / "sipp"
        return Sipp(self.programs.sipp, folder, name, scenario=scenario, place=place, load=load, notes=notes)

    def customers(self, scenario: str, load: Load) -> Sipp:
        """Customers who call by the trunk whose keys come as SIP INFO."""
        return self.sipp("customers", scenario, load, ip="127.0.0.3", port=_CUSTOMERS)


@asynccontextmanager
async def site(wants: Wants, *, wrapper: Sequence[str]) -> AsyncIterator[Site]:
    """Asterisk, its telephones and its agents; the service is there to be started. Gone afterwards."""
    programs = await find()
    # Not a long path: the control socket's address has to be short.
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        there = _prepare(folder, wants, programs, wrapper)
        async with there.asterisk:
            wanted = wants.telephones
            for number, kind in enumerate(wanted.kinds):
                script = phone(kind, notes=wanted.notes)
                port = _PHONES_FIRST + number
                there.telephones.append(
                    there.sipp(
                        f"phones-{number}", script, None, ip="127.0.0.1", port=port, notes=wanted.notes
                    )
                )
            if wants.called is not None:
                script = phone(wants.called, notes=True)
                there.called.append(
                    there.sipp("called", script, None, ip=_CALLED_IP, port=_CALLED, notes=True)
                )
            try:
                for one in (*there.telephones, *there.called):
                    await one.start()
                await _register(there, wanted.kind_of)
                await _log_in(there)
                yield there
            finally:
                await there.service.stop()
                for one in (*there.telephones, *there.called):
                    await one.stop(deadline=0.5)
    finally:
        shutil.rmtree(folder)


def _prepare(folder: Path, wants: Wants, programs: Programs, wrapper: Sequence[str]) -> Site:
    settings = _settings(folder, wants)
    seed = seed_text(wants.agents, wrapup_s=wants.wrapup_s, desk=wants.desk)
    settings.seed.write_text(seed, encoding="utf-8")
    content = read_content(settings)
    # argon2 at its full price, for hundreds of people nobody signs in as, would take minutes.
    issued = credentials.issue(settings.credentials_file, content.directory, passwords=Passwords(cheap=True))
    spec = spec_by(
        settings.nodes[0],
        content.directory,
        credentials.load(settings.credentials_file),
        programs,
        issue_accounts(folder / "accounts.json"),
        outgoing=settings.outgoing,
    )
    # Hundreds of telephones in one process need no asking whether they are there.
    spec = replace(spec, qualify_s=0)
    prepare(spec, content, studio=None, by="bench", clock=system_clock)
    return Site(
        folder=folder,
        settings=settings,
        spec=spec,
        programs=programs,
        asterisk=AsteriskInstance(spec.directory, programs, wrapper=wrapper),
        service=Service(settings, folder),
        issued=issued,
        desk=desk_seats(wants.agents, wants.desk),
    )


def _settings(folder: Path, wants: Wants) -> Settings:
    node = NodeSettings(
        name="node1",
        port=_AMI,
        sip_port=_SIP,
        rtp_first=_RTP_FIRST,
        rtp_last=_RTP_LAST,
        trunks=loopback_trunks(f"{_CALLED_IP}:{_CALLED}" if wants.called is not None else ""),
        accounts=folder / "accounts.json",
        directory=folder / "node",
        rtp_timeout_s=0,  # SIPp's telephones say nothing
    )
    return Settings(
        data_dir=folder / "data",
        seed=folder / "seed.yaml",
        credentials=folder / "credentials.json",
        web=WebSettings(port=_WEB),
        database=wants.stores.settings,
        redis=RedisSettings(url=wants.stores.redis),
        outgoing=OutgoingSettings(first="00:00", last="23:59", transfer_to=(OUTSIDE,)),
        log=LogSettings(form=LogForm.JSON, level=LogLevel.INFO),
        nodes=(node,),
    )


async def _register(there: Site, kind_of: Callable[[int], int]) -> None:
    rows = [
        (device.name, device.secret, str(_PHONES_FIRST + kind_of(seat)), "7200")
        for seat, device in enumerate(there.spec.devices, 1)
    ]
    load = Load(calls=len(rows), rate=100, at_once=len(rows), injected=injection(rows))
    sipp = there.sipp("registration", registration(), load, ip="127.0.0.1", port=_REGISTRATION)
    await sipp.start()
    counts = await sipp.done(60)
    if counts.succeeded != len(rows):
        raise BenchFailed(f"{counts.succeeded} of {len(rows)} telephones registered: {sipp.errors()[-600:]}")


async def _log_in(there: Site) -> None:
    """Make every agent a member of the queue; Asterisk keeps that, as after a log-in by star code."""
    access = NodeAccess(host="127.0.0.1", port=_AMI, secrets=issue_accounts(there.folder / "accounts.json"))
    up = asyncio.Event()
    session = AmiSession(
        access.account(Role.COMMANDS),
        role=Role.COMMANDS,
        on_message=lambda message: None,
        on_state=lambda state, cause: up.set() if state is State.UP else None,
        clock=system_clock,
        random=random.random,
    )
    running = asyncio.create_task(session.run())
    try:
        await asyncio.wait_for(up.wait(), 20)
        replies: list[Reply] = []
        for seat in range(1, len(there.spec.devices) + 1):
            queue = DESK if seat in there.desk else QUEUE
            action = actions.queue_add(queue, device_at(seat), staff_at(seat), 0, paused=False)
            replies.append(await session.send(action))
    finally:
        await session.stop()
        await running
    if refused := [reply for reply in replies if not reply.done]:
        raise BenchFailed(f"{len(refused)} of {len(replies)} agents were not logged in: {refused[0].why}")
