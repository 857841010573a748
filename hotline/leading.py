"""Becoming the leader, and staying it: what comes before and around `assembly` where another may lead.

    async with Candidate(settings) as candidate:
        if await candidate.leads():         # returns when it does; at once, as a rule
            hotline = await assemble(..., lead=candidate.won)

With SQLite there is no lease: the file's lock decides, and a second program is refused (docs/adr/0038).
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import structlog

from core.clock import SECOND, Instant
from hotline.edition import edition
from hotline.settings import Settings
from hotline.standby import StandbyPage
from hotline.tokens import Tokens
from ledger.errors import LedgerTaken
from ledger.leading import Lead
from ledger.lock import FolderLock
from ledger.spool import set_aside
from ledger.store import FactStore
from storage import Database, StorageError, migrate
from storage.leadership import Leadership, own_clock
from storage.lease import Lease, LeaseLost, Tenure, end_forgotten, has_leases
from storage.lease_rules import Row, Step, Watch, step, watched
from storage.migrate import newest, revision

_log = structlog.get_logger("hotline.lease")
_ANSWER_MS = 1_000
"""A renewal that takes longer is as good as none: there is another soon."""
_END_S, _STATUS = 15.0, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Won:
    """`lead`: for the ledger. `known_until`: what whoever led before has told later may not be stored;
    None: nothing is missing."""

    leadership: Leadership
    lead: Lead
    known_until: Instant | None


class Candidate:
    """One program that may lead. `checked` is called before it stands by, in a thread: what it will need is
    looked at while somebody is there to mend it."""

    def __init__(self, settings: Settings, *, checked: Callable[[], object] = lambda: None) -> None:
        self.won: Won | None = None
        """Set while it leads by a lease."""
        self._settings = settings
        self._checked = checked
        self._spool = settings.data_dir / "ledger.spool"
        self._lock = FolderLock(self._spool)
        self._tokens = Tokens(settings.data_dir)
        self._facts = Database(settings.ledger_url, name="ledger", answer_timeout_ms=_ANSWER_MS)
        self._lease = Lease(self._facts, term=round(settings.lease.term_s * SECOND))
        self._standby: StandbyPage | None = None
        self._problem = ""
        self._stack = AsyncExitStack()
        self._keeping: asyncio.Task[None] | None = None
        self._overdue: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Candidate:
        if self._facts.is_sqlite:
            return self
        async with AsyncExitStack() as stack:
            self._lock.take()
            stack.callback(self._lock.release)
            await self._facts.open()
            stack.push_async_callback(self._facts.close)
            await self._prepare_tables()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        if self.won is not None and not self._spool.exists():  # what waits there only we may store
            await self.won.leadership.give_up()
        await self._stack.aclose()
        if self._overdue is not None:
            self._overdue.cancel()

    async def leads(self) -> None:
        """Returns once it leads. It may be cancelled while it stands by."""
        if self._facts.is_sqlite:
            return
        try:
            await self._until_taken()
        finally:
            if self._standby is not None:
                await self._standby.close()

    async def kept(self) -> None:
        """Returns never as long as it leads; `LeaseLost` once it does not."""
        if self._keeping is None:
            await asyncio.Event().wait()
        else:
            await asyncio.shield(self._keeping)

    # ------------------------------------------------------------------ inside

    async def _prepare_tables(self) -> None:
        """The lease's table, for the first one; nobody changes tables under somebody who leads."""
        stands = await revision(self._facts)
        if stands == newest("ledger"):
            return
        if await has_leases(self._facts):
            look = await self._lease.look()
            if look.row is not None and not look.expired:
                raise LedgerTaken(
                    f"{look.row.holder} leads, with the tables of another version of this program "
                    f"({stands}): stop that one first, or bring it to this version"
                )
        await migrate(self._facts, "ledger")

    async def _until_taken(self) -> None:
        watch: Watch | None = None
        while True:
            own = await asyncio.to_thread(self._tokens.read)  # a taking may have been kept without an answer
            watch, row, todo = await self._look(watch, own)
            if todo is Step.TAKE and await self._take(row, own):
                return
            if self._standby is None:
                await asyncio.to_thread(self._checked)
                self._standby = StandbyPage(self._settings)
                await self._standby.open()
                _log.info(
                    "stands by", leader="" if row is None else row.holder, address=self._standby.address
                )
            await self._tell_leader()
            self._standby.tell("nobody" if row is None else row.holder, self._problem)
            await asyncio.sleep(self._settings.lease.renew_s)

    async def _tell_leader(self) -> None:
        """That somebody would take over: should it be cut off, it has to reckon with that."""
        if self._problem:
            return
        try:
            mine = await asyncio.to_thread(edition)
            await self._lease.stand_by(f"{socket.gethostname()}:{os.getpid()}", mine)
        except StorageError as error:
            self._problem = str(error)

    async def _look(self, watch: Watch | None, own: frozenset[str]) -> tuple[Watch | None, Row | None, Step]:
        began = own_clock()
        try:
            look = await self._lease.look()
            self._problem = ""
        except StorageError as error:
            self._problem = str(error)
            _log.warning("the lease cannot be looked at: nobody is elected meanwhile", problem=str(error))
            return None, None if watch is None else watch.row, Step.WAIT
        watch = None if look.row is None else watched(watch, look.row, began)
        return watch, look.row, step(look, watch, own=own, term=self._lease.term)

    async def _unclaimed(self) -> bool:
        """Whether nobody stores facts; False if somebody has just taken the lease.

        `LedgerTaken` by a program that knows no lease: it would not notice that another leads.
        """
        store = FactStore(self._facts)
        try:
            await store.claim()
        except LedgerTaken:
            if (await self._lease.look()).row is None:
                raise
            return False
        finally:
            await store.close()
        return True

    async def _take(self, seen: Row | None, own: frozenset[str]) -> bool:
        if seen is None and not await self._unclaimed():
            return False
        foreign = seen is not None and seen.token not in own
        if seen is not None and foreign:
            aside = await asyncio.to_thread(set_aside, self._spool, seen.fence)
            if aside is not None:
                _log.critical(
                    "facts set aside: another has led since they were spooled",
                    file=str(aside),
                    led=seen.holder,
                )
        token, holder = secrets.token_hex(8), f"{socket.gethostname()}:{os.getpid()}"
        # Both, until it is certain which of them the row has: a crash in between must not make us strangers.
        await asyncio.to_thread(
            self._tokens.write, {token, *([] if foreign or seen is None else [seen.token])}
        )
        try:
            address = self._settings.lease.address
            began = own_clock()
            tenure = await self._lease.take(seen, token=token, holder=f"{holder}:{token}", address=address)
        except StorageError as error:
            _log.warning("the lease could not be taken", problem=str(error))
            return False
        if tenure is None:
            return False
        await asyncio.to_thread(self._tokens.write, {token})
        if foreign:
            await self._end_forgotten()
        missing = seen is not None and foreign and not seen.given_up
        self._begin(tenure, began, seen.renewed if seen is not None and missing else None)
        _log.info("leads", fence=tenure.fence, before="" if seen is None else seen.holder)
        return True

    async def _end_forgotten(self) -> None:
        """End what a frozen leader has begun in the databases: it holds rows, for a minute if nobody does."""
        main = Database(self._settings.main_url, name="main")
        for database in (self._facts, main):
            try:
                await database.open()
                if not database.is_sqlite:
                    await end_forgotten(database, self._lease.term)
            except StorageError as error:
                _log.warning("units of work of the last leader may still hold rows", problem=str(error))
        await main.close()

    def _begin(self, tenure: Tenure, at: float, known_until: Instant | None) -> None:
        every_s = self._settings.lease.renew_s
        leadership = Leadership(self._lease, tenure, taken_at=at, every_s=every_s)
        lead = Lead(tenure=tenure, sure=leadership.sure, lock=self._lock)
        self.won = Won(leadership=leadership, lead=lead, known_until=known_until)
        self._keeping = asyncio.create_task(leadership.run(), name="lease")
        self._keeping.add_done_callback(self._kept_no_more)

    def _kept_no_more(self, keeping: asyncio.Task[None]) -> None:
        """Whoever asks `kept` is told. What then hangs on its way out must not keep this program there."""
        if not keeping.cancelled() and isinstance(keeping.exception(), LeaseLost):
            self._overdue = asyncio.get_running_loop().call_later(_END_S, _end_at_once)


def _end_at_once() -> None:
    _log.critical("did not stop in order although another leads: ends at once")
    os._exit(_STATUS)
