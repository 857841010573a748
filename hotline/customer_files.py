"""What of the customers Asterisk knows with nobody there to be asked: a small file for each number concerned.

    a change is kept ─► its numbers ─► customers/<keyed digest> on every node: `1nan` ─► read by each call

No reload, however many a sheet brings. At the start, when a day has begun, when the directory says something
else and after a failure, all files are compared with the table; in between those of the numbers that changed.
That is done in a thread, out of the way of the calls, and by one at a time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from core.clock import SECOND, Clock, Instant, instant_on, local_day
from core.errors import HotlineError
from core.names import LANGUAGES
from customers.rules import Served
from customers.service import Customers
from directory.lookup import Directory
from hotline.settings_nodes import NodeSettings
from telephony.nodefiles import customer_file, write_file

_log = structlog.get_logger("hotline.customer_files")
_AGAIN_S = 15.0
_MODE = 0o640
FOLDER = "customers"
BEGUN_IN = "cmn"
"""The language that flows begin in, and that callers of another are led back to (CALL-12)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomersStanding:
    """How far a node is: `numbers` that it serves apart, all of them as the table says, since then.

    `waiting`: why that is not so, and what to do; "" if it is.
    """

    node: str
    numbers: int = 0
    since: Instant | None = None
    waiting: str = ""


class CustomerFiles:
    """`published` is how far each node is; `run` is the task. `key`: what the files' names are made with."""

    def __init__(
        self,
        nodes: tuple[NodeSettings, ...],
        customers: Customers,
        directory: Callable[[], Directory],
        *,
        key: str,
        clock: Clock,
        zone: ZoneInfo,
    ) -> None:
        self.published = {node.name: CustomersStanding(node=node.name) for node in nodes}
        self._folders = {node.name: node.directory / FOLDER for node in nodes}
        self._customers = customers
        self._directory = directory
        self._key = key
        self._clock = clock
        self._zone = zone
        self._all, self._busy, self._tries = True, False, 0
        self._changed: set[str] = set()
        self._wake = asyncio.Event()
        self._told = asyncio.Condition()
        customers.listen(self.changed)

    def changed(self, numbers: frozenset[str]) -> None:
        """What is kept of these numbers is another than before."""
        self._changed |= numbers
        self._wake.set()

    def compare(self) -> None:
        """Look at all of them: languages may be served that were not, or no more."""
        self._all = True
        self._wake.set()

    async def done(self) -> None:
        """Returns when there is nothing left to be published, or a try from now on has told why not."""
        before = self._tries
        async with self._told:
            await self._told.wait_for(
                lambda: (
                    not (self._all or self._changed or self._busy) or (self._waits and self._tries > before)
                )
            )

    @property
    def _waits(self) -> bool:
        return any(one.waiting for one in self.published.values())

    async def run(self) -> None:
        """Publish until cancelled; what waits is tried again from time to time."""
        if not self._folders:
            await asyncio.Event().wait()
        while True:
            self._busy = True
            await self._publish()
            self._busy, self._tries = False, self._tries + 1
            async with self._told:
                self._told.notify_all()
            try:
                async with asyncio.timeout(_AGAIN_S if self._waits else self._until_tomorrow()):
                    await self._wake.wait()
            except TimeoutError:
                self._all = True
            self._wake.clear()

    def _until_tomorrow(self) -> float:
        """Seconds until somebody's last day may be over."""
        now = self._clock()
        tomorrow = instant_on(local_day(now, self._zone), 24 * 60, self._zone)
        return max(1.0, (tomorrow - now) / SECOND)

    async def _publish(self) -> None:
        whole, numbers = self._all, frozenset(self._changed)
        self._all, self._changed = False, set()
        if not whole and not numbers:
            return
        try:
            apart = await self._customers.served_apart(None if whole else numbers)
        except HotlineError as problem:
            self._failed(list(self._folders), str(problem))
            return
        wanted, gone = await asyncio.to_thread(
            files_of, apart, None if whole else numbers, languages_served(self._directory()), self._key
        )
        for node, folder in self._folders.items():
            try:
                count = await _written(write_all if whole else write_some, folder, wanted, gone)
            except OSError as problem:
                self._failed([node], f"{folder} cannot be written ({problem.strerror}): `hotline prepare`")
                continue
            total = count if whole else self.published[node].numbers + count
            self.published[node] = CustomersStanding(node=node, numbers=total, since=self._clock())
            _log.info("customers_live", node=node, numbers=total)

    def _failed(self, nodes: list[str], why: str) -> None:
        self._all = True
        for node in nodes:
            before = self.published[node]
            if before.waiting != why:
                _log.warning("customers_not_live", node=node, problem=why)
            self.published[node] = CustomersStanding(
                node=node, numbers=before.numbers, since=before.since, waiting=why
            )


def languages_served(directory: Directory) -> frozenset[str]:
    """Languages that a call may begin in by itself: with prompts, and with queues of every business."""
    businesses = {queue.business for queue in directory.queues.values()}
    there = {(queue.business, queue.language) for queue in directory.queues.values()}
    return frozenset(
        language
        for language in LANGUAGES
        if language != BEGUN_IN and all((business, language) in there for business in businesses)
    )


def word_of(how: Served, spoken: frozenset[str]) -> str:
    """What the file of a number says; "" if it needs none."""
    language = how.language if how.language in spoken else ""
    return f"{int(how.first)}{language}" if how.first or language else ""


def files_of(
    apart: Mapping[str, Served], numbers: Collection[str] | None, spoken: frozenset[str], key: str
) -> tuple[dict[str, str], frozenset[str]]:
    """Name of a file → what it says; names of those of `numbers` (None: all there are) that say nothing."""
    said = ((number, word_of(how, spoken)) for number, how in apart.items())
    wanted = {customer_file(key, number): word for number, word in said if word}
    return wanted, frozenset(customer_file(key, number) for number in numbers or ()) - wanted.keys()


Write = Callable[[Path, Mapping[str, str], frozenset[str], Callable[[], bool]], int]


async def _written(write: Write, folder: Path, wanted: Mapping[str, str], gone: frozenset[str]) -> int:
    """Write in a thread. Cancelled, it has it stop, and waits until it has: nobody meets it at the files."""
    stopped = threading.Event()
    work = asyncio.ensure_future(asyncio.to_thread(write, folder, wanted, gone, stopped.is_set))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        stopped.set()
        await asyncio.wait([work])
        raise


def write_all(
    folder: Path, wanted: Mapping[str, str], _gone: frozenset[str], stopped: Callable[[], bool]
) -> int:
    """Make the folder say this and nothing else; returns how many files there are then."""
    folder.mkdir(exist_ok=True, mode=0o750)
    write_some(folder, wanted, frozenset(one.name for one in folder.iterdir()) - wanted.keys(), stopped)
    return len(wanted)


def write_some(
    folder: Path, wanted: Mapping[str, str], gone: frozenset[str], stopped: Callable[[], bool]
) -> int:
    """Returns by how many files there are more. `stopped`: whether to leave the rest as it is."""
    more = 0
    for name, word in wanted.items():
        if stopped():
            return more
        file = folder / name
        there = file.read_bytes() if file.exists() else b""
        if there != word.encode("ascii"):
            write_file(file, word, _MODE)
        more += not there
    for name in gone:
        if stopped():
            return more
        file = folder / name
        more -= file.exists()
        file.unlink(missing_ok=True)
    return more
