"""Real databases (SQLite and PostgreSQL), a real ledger, its outbox and the duties' consumer, all running."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from core.clock import SECOND
from core.dialling import DOMESTIC
from core.facts import AgentAnswered, Fact, Side, TalkEnded
from directory.lookup import Directory
from directory.seed import DEMO, load
from ledger.consumer import Consumer
from ledger.ledger import Ledger
from ledger.outbox import Outbox
from storage import Database, migrate
from storage.notices.outbox import Notices
from storage.timers import Timers
from tests.support.databases import Databases
from ticketing import duties
from ticketing.callbacks import Callbacks
from ticketing.outgoing_rules import OutgoingRules
from ticketing.service import SummaryService
from ticketing.work_orders import TicketService
from web.route import Principal

CALL = "0f8c2b1e-5a77-4c1d-9b3e-6a0d5f2e1c11"
NOW = 1_795_276_800_000_000
"""2026-11-22 00:00:00 in the bank's zone."""
HOURS = OutgoingRules(
    allow=DOMESTIC, first="08:30", last="20:30", working_days=False, tries=3, greeting="95559,{agent}号"
)


@dataclass(slots=True)
class Desk:
    """Everything around the services, running. `now` is what the clock says; tests move it."""

    main: Database
    ledger: Ledger
    outbox: Outbox
    follower: Consumer
    directory: Directory
    now: int = NOW

    @property
    def summaries(self) -> SummaryService:
        return SummaryService(
            database=self.main,
            outbox=self.outbox,
            callbacks=self.callbacks,
            directory=lambda: self.directory,
            clock=lambda: self.now,
        )

    @property
    def callbacks(self) -> Callbacks:
        return Callbacks(
            database=self.main,
            book=self.ledger,
            timers=Timers(clock=lambda: self.now),
            notices=Notices(clock=lambda: self.now),
            calendar=lambda: self.directory.calendar,
            directory=lambda: self.directory,
            rules=HOURS,
            clock=lambda: self.now,
        )

    @property
    def tickets(self) -> TicketService:
        return TicketService(
            database=self.main, outbox=self.outbox, directory=lambda: self.directory, clock=lambda: self.now
        )

    async def tell(self, *facts: Fact) -> None:
        """Into the ledger, and wait until the duties have followed."""
        await self.follower.caught_up(self.ledger.append(facts))

    async def talk(
        self,
        leg: str = "node1-1700000000.12",
        agent: str = "1001",
        *,
        call: str = CALL,
        ended: bool = True,
    ) -> str:
        """A talk of this agent; returns the leg."""
        on = {"node": "node1", "call": call, "leg": leg, "agent": agent, "queue": "card-cmn"}
        facts: list[Fact] = [
            AgentAnswered(at=self.now - 60 * SECOND, device="d001", waited=4 * SECOND, rang=SECOND, **on)
        ]
        if ended:
            facts.append(TalkEnded(at=self.now, talked=60 * SECOND, released_by=Side.CUSTOMER, **on))
        await self.tell(*facts)
        return leg

    async def told(self, kind: str) -> list[Fact]:
        """What our own records said to the ledger."""
        await asyncio.wait_for(self.outbox.emptied(), 30)
        await self.ledger.readable(self.ledger.last)
        return [numbered.fact for numbered in await self.ledger.read(0, kinds={kind})]

    def person(self, staff: str) -> Principal:
        """A colleague of the demo seed, with their rights."""
        someone = self.directory.staff[staff]  # type: ignore[index]
        return Principal(
            staff=staff,
            name=someone.name,
            rights=self.directory.rights(staff),
            within=partial(self.directory.within, staff),
        )


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    yield
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=60)
    assert done, f"told to stop, it goes on: {task!r} {task.get_stack()}"
    with suppress(asyncio.CancelledError):
        await task


@asynccontextmanager
async def desk_in(folder: Path, main_url: str, ledger_url: str, *, carry: bool = True) -> AsyncIterator[Desk]:
    """`folder`: for the spool. `carry=False`: the outbox is not emptied."""
    main, book = Database(main_url, name="main"), Database(ledger_url, name="ledger")
    async with AsyncExitStack() as stack:
        for database in (main, book):
            await database.open()
            stack.push_async_callback(database.close)
        await migrate(main)
        await migrate(book, "ledger")
        ledger = Ledger(book, spool=folder / "ledger.spool")
        await ledger.open()
        stack.push_async_callback(ledger.close)
        outbox = Outbox(ledger=ledger, database=main)
        follower = Consumer(
            name=duties.CONSUMER, ledger=ledger, database=main, handle=duties.follow, kinds=duties.KINDS
        )
        await stack.enter_async_context(running(follower.run()))
        if carry:
            await stack.enter_async_context(running(outbox.run()))
        yield Desk(
            main=main,
            ledger=ledger,
            outbox=outbox,
            follower=follower,
            directory=load(DEMO),
        )


@pytest.fixture
def urls(databases: Databases) -> tuple[str, str]:
    """Of the main database and the ledger's."""
    return databases.url("main"), databases.url("ledger", "ledger")


@pytest.fixture
async def desk(tmp_path: Path, urls: tuple[str, str]) -> AsyncIterator[Desk]:
    async with desk_in(tmp_path, *urls) as made:
        yield made
