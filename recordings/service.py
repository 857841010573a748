"""From a leg's end to its catalogue row: measure the file once Asterisk has closed it, file it, say so.

The ledger consumer writes the row (`handle`); the filer completes it. Both may die at any moment: what
has ended and is not filed is found again at the next start, and every now and then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.errors import HotlineError
from core.facts import Numbered, RecordingEnded, RecordingFiled
from ledger.outbox import Outbox
from recordings import catalogue
from recordings.catalogue import Filing
from recordings.folder import Folder
from recordings.measure import Look, look_at, verdict
from recordings.model import Part, Recording
from storage import Database, after_commit

CONSUMER = "recordings.catalogue"
KINDS = frozenset({"RecordingStarted", "RecordingEnded"})
WAITS_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Between one look at an unfinished file and the next; Asterisk closes a file well within a second."""

LINGER_S = 1.0

_SWEEP_S = 30.0
_SWEEP = 500
_AT_ONCE = 200
_RETRY_S = 2.0
_log = structlog.get_logger("recordings")


class Filer:
    """`folders`: node → its recordings folder. `waits_s`: how patient to be with a file.

    `linger_s`: how long ended legs may gather before a unit of work is worth its cost.
    """

    def __init__(
        self,
        *,
        database: Database,
        outbox: Outbox,
        folders: Mapping[str, Path],
        clock: Clock,
        waits_s: Sequence[float] = WAITS_S,
        linger_s: float = LINGER_S,
        sweep_s: float = _SWEEP_S,
    ) -> None:
        self.problem = ""
        self._database = database
        self._outbox = outbox
        self._folders = {node: Folder(path) for node, path in folders.items()}
        self._clock = clock
        self._waits_s = tuple(waits_s)
        self._linger_s = linger_s
        self._sweep_s = sweep_s
        self._due = asyncio.Event()
        self._due.set()  # an earlier run may have left something behind
        self._again: dict[str, _Again] = {}

    async def handle(self, connection: AsyncConnection, batch: Sequence[Numbered]) -> None:
        """The handler of the ledger consumer `CONSUMER`, for facts of `KINDS`."""
        await catalogue.follow_facts(connection, batch)
        if any(isinstance(numbered.fact, RecordingEnded) for numbered in batch):
            after_commit(connection, self._due.set)

    async def run(self) -> None:
        """File what has ended, until cancelled. `problem` says what holds it up, "" if nothing does."""
        while True:
            await self._until_due()
            await asyncio.sleep(self._linger_s)
            self._due.clear()
            try:
                await self.file_some()
                self.problem = ""
            except (HotlineError, SQLAlchemyError, OSError) as error:
                self.problem = f"recordings are not filed: {error}"
                _log.exception("recordings_not_filed", next_try_s=_RETRY_S)
                await asyncio.sleep(_RETRY_S)
                self._due.set()

    async def file_some(self) -> int:
        """Look at everything whose turn it is, file what is whole or past waiting for; how many."""
        async with self._database.read() as connection:
            ended = await catalogue.unfiled(connection, _AT_ONCE + len(self._again))
        now = self._now()
        waiting = [one for one in ended if one.leg not in self._again or self._again[one.leg].due <= now]
        if len(waiting) > _AT_ONCE:
            self._due.set()
        looks = await asyncio.to_thread(self._look_at_all, waiting[:_AT_ONCE])
        filings = [filing for one, look in looks if (filing := self._judged(one, look))]
        if filings:
            await self._file(filings)
        return len(filings)

    def _look_at_all(self, waiting: Sequence[Recording]) -> list[tuple[Recording, Look]]:
        # One thread for all: a hop per file would cost more than a short file takes.
        return [(recording, self._look(recording)) for recording in waiting]

    def _look(self, recording: Recording) -> Look:
        if not recording.base:
            return Look(broken=(recording.why,))
        folder = self._folders.get(recording.node)
        if folder is None:
            return Look(broken=(f"no node {recording.node!r} is configured: its files cannot be looked at",))
        return look_at(folder, recording.base)

    def _judged(self, recording: Recording, look: Look) -> Filing | None:
        tries = self._again[recording.leg].tries if recording.leg in self._again else 0
        if not look.whole and tries < len(self._waits_s):
            self._again[recording.leg] = _Again(tries + 1, self._now() + self._waits_s[tries])
            return None
        status, why = verdict(look)
        return Filing(recording=recording, status=status, why=why, files=look.files, at=self._clock())

    async def _file(self, filings: Sequence[Filing]) -> None:
        async with self._database.write() as connection:
            filed = await catalogue.file_away(connection, filings)
            sent = [(_filed(filing), f"recording:{filing.recording.leg}") for filing in filed]
            await self._outbox.put_all(connection, sent)
        for filing in filings:
            leg, call = filing.recording.leg, filing.recording.call
            self._again.pop(leg, None)
            if filing.why:
                _log.warning("recording_not_whole", call=call, leg=leg, status=filing.status, why=filing.why)

    async def _until_due(self) -> None:
        turns = (again.due for again in self._again.values())
        until = min(turns, default=self._now() + self._sweep_s)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._due.wait()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


@dataclass(frozen=True, slots=True)
class _Again:
    """A file that was not finished: looked at so often, and due again at this loop time."""

    tries: int
    due: float


def _filed(filing: Filing) -> RecordingFiled:
    recording = filing.recording
    main = next((file for file in filing.files if file.part is Part.MIXED), None)
    chosen = main or next(iter(filing.files), None)
    return RecordingFiled(
        at=filing.at,
        node=recording.node,
        call=recording.call,
        leg=recording.leg,
        agent=recording.agent,
        queue=recording.queue,
        file=chosen.name if chosen else recording.base,
        status=filing.status,
        length=chosen.length if chosen else 0,
        sha256=chosen.sha256 if chosen else "",
    )
