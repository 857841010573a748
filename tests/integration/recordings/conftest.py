"""Real databases of each kind, a real ledger, the catalogue's consumer and the filer, on real files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.clock import SECOND, system_clock
from core.facts import Fact, RecordingEnded, RecordingFiled, RecordingStarted
from ledger.consumer import Consumer
from ledger.ledger import Ledger
from ledger.outbox import Outbox
from recordings import catalogue
from recordings.model import Recording
from recordings.service import CONSUMER, KINDS, Filer
from storage import Database, migrate
from tests.integration.ticketing.conftest import CALL, running
from tests.support.databases import Databases, Files

NODE, AGENT = "node1", "1001"
LEG = "node1-1700000000.12"


@dataclass(slots=True)
class Archive:
    """Everything around the catalogue, running."""

    main: Database
    ledger: Ledger
    outbox: Outbox
    follower: Consumer
    filer: Filer
    folder: Path

    async def tell(self, *facts: Fact) -> None:
        await self.follower.caught_up(self.ledger.append(facts))

    async def leg(self, leg: str = LEG, *, file: str = "", ended: bool = True, agent: str = AGENT) -> str:
        """A recorded leg; its base name."""
        base = f"{CALL}_{leg}"
        now = system_clock()
        on = {"node": NODE, "call": CALL, "leg": leg, "agent": agent, "queue": "card-cmn"}
        facts: list[Fact] = [RecordingStarted(at=now - 2 * SECOND, file=file or base, **on)]
        if ended:
            facts.append(RecordingEnded(at=now, file=file or base, **on))
        await self.tell(*facts)
        return base

    async def filed(self, count: int = 1) -> list[RecordingFiled]:
        """The next facts `RecordingFiled`, once so many are in the ledger."""
        async with asyncio.timeout(10):
            while True:
                seen = self.ledger.last_stored  # before the reading: what comes meanwhile is looked at again
                found = [one.fact for one in await self.ledger.read(0, kinds={"RecordingFiled"})]
                if len(found) >= count:
                    return [fact for fact in found if isinstance(fact, RecordingFiled)]
                await self.ledger.readable(seen + 1)

    async def row(self, leg: str = LEG) -> Recording:
        async with self.main.read() as connection:
            found = await catalogue.of_leg(connection, leg)
        assert found is not None
        return found


@asynccontextmanager
async def archive_in(
    place: Path,
    databases: Databases | None = None,
    *,
    file: bool = True,
    waits_s: Sequence[float] = (0.02, 0.04, 0.08),
    linger_s: float = 0.01,
) -> AsyncIterator[Archive]:
    """`databases`: files in `place` by default. `file=False`: rows are made, but nothing is measured."""
    databases = databases or Files(place)
    folder = place / NODE / "recordings"
    folder.mkdir(parents=True, exist_ok=True)
    main = Database(databases.url("main"), name="main")
    book = Database(databases.url("ledger", "ledger"), name="ledger")
    async with AsyncExitStack() as stack:
        for database in (main, book):
            await database.open()
            stack.push_async_callback(database.close)
        await migrate(main)
        await migrate(book, "ledger")
        ledger = Ledger(book, spool=place / "ledger.spool")
        await ledger.open()
        stack.push_async_callback(ledger.close)
        outbox = Outbox(ledger=ledger, database=main)
        filer = Filer(
            database=main,
            outbox=outbox,
            folders={NODE: folder},
            clock=system_clock,
            waits_s=waits_s,
            linger_s=linger_s,
        )
        follower = Consumer(
            name=CONSUMER, ledger=ledger, database=main, handle=filer.handle, kinds=KINDS, linger_s=linger_s
        )
        for work in (follower.run(), outbox.run(), *((filer.run(),) if file else ())):
            await stack.enter_async_context(running(work))
        yield Archive(main, ledger, outbox, follower, filer, folder)


@pytest.fixture
async def archive(tmp_path: Path, databases: Databases) -> AsyncIterator[Archive]:
    async with archive_in(tmp_path, databases) as made:
        yield made
