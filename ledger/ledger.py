"""The one book of facts: numbered at once, told to those who listen, stored a moment later.

`append` never waits. A writer task stores batches; while the database refuses them they go to a spool on
disk, and from there into the database, in order, once it serves again. A number that was never declared
stored may be given anew after a crash, so whoever keeps a number outside this process waits for `stored`
first (docs/adr/0011).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.clock import Instant
from core.facts import Fact, Numbered
from ledger.entry import Entry, written
from ledger.errors import LedgerClosed, LedgerDamaged, LedgerFailed
from ledger.leading import Lead
from ledger.lock import FolderLock
from ledger.recent import Recent
from ledger.spool import Spool, lines_set_aside
from ledger.store import FactStore, Removed
from ledger.watermark import Watermark
from storage import Database, RowsRefused, StorageError, Superseded, check_schema
from storage.lease import LeaseLost

log = logging.getLogger(__name__)
Listener = Callable[[Sequence[Numbered]], None]

LINGER_S = 0.050
HURRY_S = 0.005
BATCH = 500
_RETRY_FIRST_S = 0.1
_RETRY_LONGEST_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerHealth:
    """`in_memory` facts would be lost with the process, `spooled` ones not; `problem` is for people.

    `set_aside`: facts of a time after which another program has led; a person has to look at them.
    """

    last: int
    last_stored: int
    in_memory: int
    spooled: int
    set_aside: int
    problem: str


class Ledger:
    """`database` must be open and migrated (history `ledger`). `spool`: a file whose folder exists.

    `lead`: under which nobody but us may store facts there; without one the database's claim decides alone.
    """

    def __init__(self, database: Database, *, spool: Path, lead: Lead | None = None) -> None:
        self._store = FactStore(database, tenure=lead.tenure if lead else None)
        self._database = database
        self._spool = Spool(spool)
        self._set_aside = lines_set_aside(spool)
        self._lead = lead
        self._lock = lead.lock if lead else FolderLock(spool)
        self._pending: deque[Entry] = deque()
        self._recent = Recent()
        self._listeners: list[Listener] = []
        self._untold: deque[Sequence[Numbered]] = deque()
        self._telling = False
        self._due = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._writer: asyncio.Task[None] | None = None
        self._closing = False
        self._durable = Watermark()
        self._in_database = Watermark()
        self._problem = ""
        self._retry_s = 0.0
        self._retry_at = 0.0
        self.last = 0

    # ------------------------------------------------------------------ life

    async def open(self) -> None:
        """Take the ledger over where the last run left it, its spool included.

        `LedgerTaken`, `SpoolDamaged`, `SchemaMismatch` or `DatabaseDown` if that cannot be.
        """
        self._lock.take()
        try:
            await check_schema(self._database, "ledger")
            await self._store.claim()
            in_spool = await asyncio.to_thread(self._spool.open)
            stored = await self._store.last()
        except BaseException:
            await self._store.close()
            self._unlock()
            raise
        self.last = max(stored, in_spool)
        self._in_database.rise(stored)
        self._durable.rise(self.last)
        self._closing = False
        self._writer = asyncio.create_task(self._write_on(), name="ledger-writer")
        self._writer.add_done_callback(self._writer_ended)
        if not self._spool.is_empty:
            log.warning("ledger: %d facts wait in the spool of an earlier run", self._spool.waiting)
            self._due.set()

    async def close(self) -> None:
        """Take no more facts, store those there are (in the spool if need be), let everything go."""
        self._closing = True
        writer, self._writer = self._writer, None
        if writer is not None:
            self._due.set()
            await asyncio.wait([writer])
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self._store.close()
        self._unlock()
        if writer is not None and not writer.cancelled() and (error := writer.exception()) is not None:
            raise LedgerFailed(f"the ledger's writer has failed: {error}") from error

    # ------------------------------------------------------------------ writing

    def append(self, facts: Sequence[Fact], *, origin: str = "") -> int:
        """Number `facts`, tell the listeners, queue them for the writer; the last number given.

        Raises before the first number is given, if a fact cannot be written down (ValueError) or the ledger
        is not open (`LedgerClosed`, `LedgerFailed`). `origin`: see ledger.outbox.
        """
        if self._writer is None or self._closing:
            raise LedgerClosed("the ledger is not open: facts come between open() and close()")
        if self._writer.done():
            raise LedgerFailed(f"the ledger's writer has failed: {self._problem}")
        first = self.last + 1
        entries = [written(seq, fact, origin) for seq, fact in enumerate(facts, first)]
        self._pending.extend(entries)
        self.last += len(entries)
        if len(self._pending) >= BATCH:
            self._due.set()
        elif self._timer is None and self._pending:
            self._timer = asyncio.get_running_loop().call_later(LINGER_S, self._due.set)
        if entries:
            numbered = [Numbered(seq, fact) for seq, fact in enumerate(facts, first)]
            self._recent.add(numbered)
            self._tell(numbered)
        return self.last

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every batch appended from now on, before `append` returns; call the result
        to end that. It must not block; what it raises is logged and hurts nobody else."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    async def stored(self, seq: int) -> None:
        """Returns when fact `seq` survives a crash: in the database or, while that is down, in the spool.

        Whoever waits shortens the gathering of a batch from LINGER_S to HURRY_S.
        """
        if self._durable.value < seq and self._timer is not None:
            soon = self._now() + HURRY_S
            if self._timer.when() > soon:
                self._timer.cancel()
                self._timer = asyncio.get_running_loop().call_at(soon, self._due.set)
        await self._durable.reached(seq)

    # ------------------------------------------------------------------ reading

    async def read(
        self,
        after: int,
        limit: int = 1000,
        *,
        kinds: Collection[str] | None = None,
        call: str | None = None,
    ) -> list[Numbered]:
        """Facts in the database with numbers above `after`, in order; only of `kinds` and `call` if given."""
        kept = self._recent.read(after, self.last_stored, limit, kinds, call)
        return kept if kept is not None else await self._store.read(after, limit, kinds=kinds, call=call)

    async def before(self, at: Instant) -> int:
        """The number to read on from so as to meet every stored fact that happened at `at` or later."""
        return await self._store.before(at)

    async def readable(self, seq: int) -> None:
        """Returns when `read` can see fact `seq`."""
        await self._in_database.reached(seq)

    async def removed(self) -> Removed | None:
        """What retention has taken away from the beginning; None as long as everything is there."""
        return await self._store.removed()

    async def known_origins(self, origins: Collection[str]) -> set[str]:
        """Those of `origins` that have become facts in the database."""
        return await self._store.known_origins(origins)

    @property
    def last_stored(self) -> int:
        """The highest number that `read` can see."""
        return self._in_database.value

    @property
    def health(self) -> LedgerHealth:
        """For the health page and alarms."""
        return LedgerHealth(
            last=self.last,
            last_stored=self.last_stored,
            in_memory=len(self._pending),
            spooled=self._spool.waiting,
            set_aside=self._set_aside,
            problem=self._problem,
        )

    # ------------------------------------------------------------------ inside

    def _tell(self, batch: Sequence[Numbered]) -> None:
        # A listener may append in its turn (an alarm on account of a fact): everyone still hears the facts
        # in the order of their numbers.
        self._untold.append(batch)
        if self._telling:
            return
        self._telling = True
        try:
            while self._untold:
                told = self._untold.popleft()
                for listener in tuple(self._listeners):
                    try:
                        listener(told)
                    except Exception:
                        log.exception("ledger: a listener failed on facts %d-%d", told[0].seq, told[-1].seq)
        finally:
            self._telling = False

    async def _write_on(self) -> None:
        try:
            await self._write_until_closed()
        except (RowsRefused, LedgerDamaged):
            # Somebody else has used our numbers. What we have goes to the disk for a person to compare.
            await asyncio.to_thread(self._spool.add, list(self._pending))
            raise

    async def _write_until_closed(self) -> None:
        while self._pending or not self._closing:
            await self._until_due()
            if not self._spool.is_empty:
                await self._drain_some()
            batch = [self._pending[i] for i in range(min(BATCH, len(self._pending)))]
            if batch and await self._keep(batch):
                for _ in batch:
                    self._pending.popleft()
                self._durable.rise(batch[-1].seq)

    async def _until_due(self) -> None:
        left_over = self._pending and self._timer is None
        if not (self._closing or left_over):
            until_retry = None if self._spool.is_empty else max(0.0, self._retry_at - self._now())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), until_retry)
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _keep(self, batch: list[Entry]) -> bool:
        if self._spool.is_empty and await self._into_database(batch, self._store.add):
            return True
        await self._require_lead()
        try:
            await asyncio.to_thread(self._spool.add, batch)
        except OSError as error:
            self._problem = f"neither database nor spool takes facts: {error}"
            log.critical("ledger: %s; %d facts are in memory alone", self._problem, len(self._pending))
            if self._closing:
                raise LedgerFailed(f"{self._problem}; {len(self._pending)} facts are lost") from error
            await asyncio.sleep(
                _RETRY_FIRST_S
            )  # two disks are full or gone: time is all there is to wait for
            return False
        return True

    async def _require_lead(self) -> None:
        # What another leader has numbered meanwhile must not count as kept here.
        if self._lead is not None:
            try:
                await self._lead.sure()
            except LeaseLost as error:
                raise Superseded(str(error)) from error

    async def _drain_some(self) -> None:
        # A batch at a time, so that facts of the moment reach the end of the spool meanwhile.
        if self._now() < self._retry_at:
            return
        head = await asyncio.to_thread(self._spool.head, BATCH)
        if await self._into_database(head, self._store.add_missing):
            await asyncio.to_thread(self._spool.drop_head, len(head))
            if self._spool.is_empty:
                log.warning("ledger: the spool is in the database")

    async def _into_database(
        self, batch: list[Entry], store: Callable[[Sequence[Entry]], Awaitable[None]]
    ) -> bool:
        try:
            await store(batch)
        except RowsRefused:
            raise  # numbers of ours are taken: whatever we wrote now would be wrong
        except StorageError as error:
            if not self._problem:
                log.warning("ledger: facts go to the spool from %d on: %s", batch[0].seq, error)
            self._problem = str(error)
            self._retry_s = min(max(2 * self._retry_s, _RETRY_FIRST_S), _RETRY_LONGEST_S)
            self._retry_at = self._now() + self._retry_s
            return False
        self._problem, self._retry_s, self._retry_at = "", 0.0, 0.0
        self._in_database.rise(batch[-1].seq)
        return True

    def _writer_ended(self, writer: asyncio.Task[None]) -> None:
        error = None if writer.cancelled() else writer.exception()
        if error is not None:
            self._problem = f"the writer has failed: {error}"
            log.critical("ledger: %s", self._problem, exc_info=error)
            failed = LedgerFailed(f"the ledger: {self._problem}")
            self._durable.fail(failed)
            self._in_database.fail(failed)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _unlock(self) -> None:
        if self._lead is None:
            self._lock.release()
