"""The program put together, and at work: what starts in which order, and how it all ends."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web

from board.service import Board
from customers.identify import Identifier
from directory.book import DirectoryBook
from hotline.customer_files import CustomerFiles
from hotline.due import Due
from hotline.leading import Won
from hotline.node_upkeep import NodeUpkeep
from hotline.readiness import NotReady
from hotline.retention import Retention
from ledger.calls import CallBook
from ledger.consumer import Consumer
from ledger.errors import LedgerError
from ledger.ledger import Ledger
from ledger.outbox import Outbox
from recordings.service import Filer
from storage import Database
from telephony.page_phones import PagePhones
from telephony.service import Telephony
from web.relay import RelayOut

_log = structlog.get_logger("hotline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hotline:
    """The whole program, put together but not running: see `Running`."""

    ledger: Ledger
    main: Database
    facts: Database
    telephony: Telephony
    phones: PagePhones
    board: Board
    calls: CallBook
    outbox: Outbox
    due: Due
    directory: DirectoryBook
    upkeep: NodeUpkeep
    customer_files: CustomerFiles
    consumers: tuple[Consumer, ...]
    filer: Filer
    identifier: Identifier
    retention: Retention
    relay: RelayOut | None
    app: web.Application
    host: str
    port: int
    won: Won | None = None

    @property
    def address(self) -> str:
        """Where a browser finds the pages."""
        return f"http://{self.host}:{self.port}/"

    async def close(self) -> None:
        """Let go of ledger and databases; `Running` does it for a program that runs."""
        try:
            await self.ledger.close()
        finally:
            await self.main.close()
            await self.facts.close()


class Running:
    """The program at work, as a context: entered when it serves, left when all of it has stopped in order."""

    def __init__(self, hotline: Hotline) -> None:
        self._hotline = hotline
        self._tasks: list[asyncio.Task[None]] = []
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Running:
        hotline = self._hotline
        # After a restart on a busy day the board takes its time over the ledger: what is due need not wait.
        self._begin(hotline.due.work())
        try:
            await hotline.telephony.start(known_until=hotline.won.known_until if hotline.won else None)
            await hotline.board.start()
            self._runner = web.AppRunner(hotline.app, access_log=None)
            await self._runner.setup()
            await web.TCPSite(self._runner, hotline.host, hotline.port).start()
        except BaseException:
            await self._end()
            raise
        self._begin(
            {
                "telephony": hotline.telephony.run(),
                "page-seats": hotline.phones.run(),
                "board": hotline.board.run(),
                "outbox": hotline.outbox.run(),
                "filer": hotline.filer.run(),
                "customers": hotline.identifier.run(),
                "directory": hotline.directory.run(),
                "upkeep": hotline.upkeep.run(),
                "customer-files": hotline.customer_files.run(),
                "retention": hotline.retention.run(),
                **({} if hotline.relay is None else {"live-feed": hotline.relay.run()}),
                **{consumer.name: consumer.run() for consumer in hotline.consumers},
            }
        )
        _log.info("hotline serves", address=hotline.address)
        return self

    async def failed(self) -> None:
        """Returns only by raising: a part that should run for ever has ended."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
            raise NotReady(f"{task.get_name()} has ended although nobody stopped it")

    async def __aexit__(self, *_: object) -> None:
        hotline = self._hotline
        leads = hotline.won is None or await hotline.won.leadership.ask()
        away = hotline.won is not None and hotline.won.leadership.cut_off
        await hotline.telephony.stop(leave=leads and not away)
        await self._end()
        if self._runner is not None:
            await self._runner.cleanup()
        try:
            await hotline.close()
        except LedgerError:
            if leads:  # else it was superseded, as has been said
                raise

    def _begin(self, work: Mapping[str, Coroutine[Any, Any, None]]) -> None:
        self._tasks += [asyncio.create_task(coroutine, name=name) for name, coroutine in work.items()]

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
