"""The whole hotline for one test: a real Asterisk, telephones and customers, and the service beside it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import aiohttp

from core import facts as f
from core.clock import Instant, system_clock
from core.facts import Numbered
from directory import credentials as credentials_file
from directory import seed
from directory.credentials import Credentials, Issued
from directory.lookup import Directory
from hotline.assembly import assemble
from hotline.leading import Won
from hotline.node import issue_accounts, loopback_trunks, spec_by
from hotline.running import Hotline, Running
from hotline.settings import DatabaseSettings, Settings, WebSettings
from hotline.settings_nodes import NodeSettings
from hotline.settings_outgoing import OutgoingSettings
from hotline.settings_sign_in import SessionSettings
from telephony import agents, instance
from telephony.nodespec import AccountSpec
from tests.support.exchange import CALLED, NODE_SOUND, SECRET, Exchange
from tests.support.ports import own
from web.passwords import Passwords

T = TypeVar("T", bound=f.Fact)
PORTS = own()
TAP = AccountSpec(
    name="tap",
    secret=SECRET,
    read=("call", "agent", "user", "system", "reporting"),
    write=("call", "agent", "originate", "reporting"),
)


class Person:
    """Someone signed in at the API."""

    def __init__(self, client: aiohttp.ClientSession, staff: str, token: str) -> None:
        self._client = client
        self.staff = staff
        self._headers = {"X-CSRF-Token": token}

    async def get(self, path: str, **query: str) -> Any:
        async with self._client.get(path, params=query) as response:
            assert response.status == 200, (path, response.status, await response.text())
            return await response.json()

    async def raw(self, path: str, **query: str) -> bytes:
        async with self._client.get(path, params=query) as response:
            assert response.status == 200, (path, response.status, await response.text())
            return await response.read()

    async def post(self, path: str, status: int = 200, **body: Any) -> Any:
        return await self._send("POST", path, status, body)

    async def put(self, path: str, status: int = 200, **body: Any) -> Any:
        return await self._send("PUT", path, status, body)

    async def posted(self, path: str) -> tuple[int, Any]:
        """The status and the answer, whatever they are."""
        return await self._asked("POST", path, {})

    async def _send(self, method: str, path: str, status: int, body: dict[str, Any]) -> Any:
        answered, told = await self._asked(method, path, body)
        assert answered == status, (path, answered, told)
        return told

    async def _asked(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        async with self._client.request(method, path, json=body or None, headers=self._headers) as response:
            return response.status, await response.json() if await response.text() else None

    async def delete(self, path: str, status: int = 204) -> None:
        async with self._client.delete(path, headers=self._headers) as response:
            assert response.status == status, (path, response.status, await response.text())

    @asynccontextmanager
    async def watch(self, topic: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """The live topic, from a snapshot on."""
        async with self._client.ws_connect("/api/live", params={"topic": topic}) as socket:
            yield socket

    @asynccontextmanager
    async def phone_line(self, tab: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """The line of the telephone in this tab."""
        query = {"node": "node1", "tab": tab}
        async with self._client.ws_connect(
            "/api/agent/phone/line", params=query, protocols=("sip",)
        ) as socket:
            yield socket

    async def refused_to_watch(self, topic: str) -> int:
        """The status with which the topic is refused; AssertionError if it is not."""
        try:
            async with self._client.ws_connect("/api/live", params={"topic": topic}):
                raise AssertionError(f"{self.staff} may watch {topic}")
        except aiohttp.WSServerHandshakeError as refusal:
            return refusal.status


class Floor:
    """`exchange`: Asterisk, telephones, customers. `hotline`: the service, while it runs."""

    def __init__(
        self,
        exchange: Exchange,
        settings: Settings,
        directory: Directory,
        credentials: Credentials,
        issued: Issued,
    ) -> None:
        self.exchange = exchange
        self.settings = settings
        self.directory = directory
        self._credentials = credentials
        self._issued = issued
        self._running: Running | None = None
        self._clients: list[aiohttp.ClientSession] = []
        self._people: dict[str, Person] = {}
        self._hotline: Hotline | None = None
        self.facts: list[Numbered] = []
        self._news = asyncio.Event()

    @property
    def hotline(self) -> Hotline:
        assert self._hotline is not None, "the service is not running"
        return self._hotline

    async def start_service(self, won: Won | None = None) -> None:
        """Start (or start again) the service on its data folder. `won`: how it leads, if others may."""
        self._hotline = await assemble(
            self.settings, self.directory, self._credentials, clock=system_clock, won=won
        )
        self._hotline.ledger.listen(self._hear)
        since = len(self.facts)
        self._running = Running(self._hotline)
        await self._running.__aenter__()
        await self.fact(f.NodeConnected, after=since)

    async def stop_service(self) -> None:
        """Stop it in order."""
        running, self._running = self._running, None
        for client in self._clients:
            await client.close()
        self._clients.clear()
        if running is not None:
            await running.__aexit__()
        self._hotline = None

    def _hear(self, batch: Any) -> None:
        self.facts += batch
        self._news.set()

    async def fact(
        self,
        kind: type[T],
        where: Callable[[T], bool] = lambda fact: True,
        *,
        after: int = 0,
        within: float = 60,
    ) -> T:
        """The first such fact from index `after` on; AssertionError with all facts if it does not come."""
        try:
            async with asyncio.timeout(within):
                while True:
                    for numbered in self.facts[after:]:
                        if isinstance(numbered.fact, kind) and where(numbered.fact):
                            return numbered.fact
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {kind.__name__} within {within:g} s\n{self.story()}") from None

    def all(self, kind: type[T]) -> list[T]:
        """Every such fact so far."""
        return [numbered.fact for numbered in self.facts if isinstance(numbered.fact, kind)]

    def kinds(self, call: str = "") -> list[str]:
        """The names of the facts (of one call), in order."""
        return [type(n.fact).__name__ for n in self.facts if not call or getattr(n.fact, "call", "") == call]

    def story(self) -> str:
        """All facts, one a line, for messages of failed tests."""
        return "\n".join(f"{n.seq} {n.fact}" for n in self.facts) + "\n" + self.exchange.messages

    async def sign_in(self, staff: str, port: int = 0) -> Person:
        """Sign in with the password issued at set-up, at who listens on `port` (the floor's)."""
        web = self.settings.web
        address = f"http://{web.host}:{port or web.port}"
        client = aiohttp.ClientSession(
            base_url=address,
            headers={"Origin": address},
            # the cookie jar has to accept cookies of an address
            cookie_jar=aiohttp.CookieJar(unsafe=True),
        )
        self._clients.append(client)
        body = {"staff": staff, "password": self._issued.passwords[staff]}
        async with client.post("/api/session", json=body) as response:
            answer = await response.json()
            assert response.status in (200, 201), answer
        self._people[staff] = Person(client, staff, answer["csrf_token"])
        return self._people[staff]

    def person(self, staff: str) -> Person:
        """Who signed in before."""
        return self._people[staff]

    def now(self) -> Instant:
        """By the service's own clock."""
        return system_clock()

    def password(self, staff: str) -> str:
        """What the agent signs in with."""
        return self._issued.passwords[staff]

    def pin(self, staff: str) -> str:
        """What the agent keys in at a telephone."""
        return self._issued.pins[staff]

    async def agent(self, staff: str, device: str) -> Person:
        """An agent signed in, logged in at a telephone that is there, and ready."""
        person = await self.sign_in(staff)
        await person.post("/api/agent/login", device=device)
        await person.post("/api/agent/ready")
        return person

    async def settled(self) -> None:
        """Returns when everyone who follows the ledger has stored what follows from the facts so far."""
        hotline = self.hotline
        await hotline.ledger.readable(hotline.ledger.last)
        for consumer in hotline.consumers:
            await consumer.caught_up(hotline.ledger.last)

    async def over(self, call: str) -> f.CallFact:
        """The last fact of a call, whoever made it."""
        ends = (f.CallEnded, f.OutgoingEnded)
        return await self.fact(f.CallFact, lambda fact: isinstance(fact, ends) and fact.call == call)

    async def clear(self) -> None:
        """Hang up every customer and phone, log every agent out."""
        board = self.hotline.telephony.switchboard
        for client in self._clients:
            await client.close()
        self._clients.clear()
        await self.exchange.hang_up_all()
        for call in list(board.calls):
            await self.over(call)
        for agent in list(board.agents.values()):
            if agent.state is not f.AgentState.LOGGED_OUT:
                self.hotline.telephony.wish(agent.number, agents.LogOut)
        await self.hotline.telephony.told()
        self.facts.clear()


@asynccontextmanager
async def floor(
    *,
    directory: Directory | None = None,
    database: DatabaseSettings | None = None,
    rtp_timeout_s: int = 0,
    pages: bool = False,
    callback_first: Literal["agent", "customer"] = "agent",
) -> AsyncIterator[Floor]:
    """Asterisk and the service, running; both are gone afterwards. `database`: other than SQLite's files.
    `rtp_timeout_s`: for telephones that have a voice; the others send no sound. `pages`: telephones may be
    in agents' pages. `callback_first`: who is called first when it is the turn of a kept place.
    """
    programs = await instance.find()
    directory = directory or seed.load(seed.DEMO)
    directory = replace(directory, survey=replace(directory.survey, timeout_s=2))
    folder = Path(tempfile.mkdtemp(prefix="hotline-"))
    node = NodeSettings(
        name="node1",
        port=PORTS.ami,
        accounts=folder / "accounts.json",
        directory=folder / "node",
        sip_port=PORTS.sip,
        page_port=PORTS.spare[1] if pages else 0,
        rtp_first=NODE_SOUND[0],
        rtp_last=NODE_SOUND[-1],
        rtp_timeout_s=rtp_timeout_s,
        trunks=loopback_trunks(f"127.0.0.2:{CALLED}"),
    )
    settings = Settings(
        data_dir=folder / "data",
        web=WebSettings(port=PORTS.web),
        session=SessionSettings(change_initial=False),
        database=database or DatabaseSettings(),
        credentials=folder / "credentials.json",
        nodes=(node,),
        outgoing=OutgoingSettings(
            first="00:00", last="23:59", transfer_to=("110",), callback_first=callback_first
        ),
    )
    accounts = issue_accounts(folder / "accounts.json")
    cheap = Passwords(cheap=True)
    issued = credentials_file.issue(folder / "credentials.json", directory, passwords=cheap)
    credentials = credentials_file.load(folder / "credentials.json")
    try:
        spec = spec_by(node, directory, credentials, programs, accounts, outgoing=settings.outgoing)
        spec = replace(spec, accounts=(*spec.accounts, TAP))
        exchange = Exchange(spec, programs, folder / "sipp")
        try:
            await exchange.start()
            running = Floor(exchange, settings, directory, credentials, issued)
            try:
                await running.start_service()
                yield running
            finally:
                await running.stop_service()
        finally:
            await exchange.close()
    finally:
        shutil.rmtree(folder)
