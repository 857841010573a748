"""The queue log of one node over a period: the file of now and those it was rotated to, read forward once.

    with QueueLogs(folder, since, until) as logs:
        logs.read_up_to(at)
        lines = logs.take("node1-1790000000.10")

Asterisk rotates to `queue_log.0`, logrotate to `queue_log.1` or `queue_log-20261124`, compressed or not: what
bears such a name is put in order by the time of its first line. Lines are kept by channel until they are
taken, and those of channels born outside the period not at all: a day needs no more memory than its longest
calls. A channel says itself when it was born: its Uniqueid is `<node>-<second>.<number>`.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from core.clock import MINUTE, SECOND, Instant
from core.errors import BadInput
from ledger.queue_log import RESTART, QueueLogLine, read_line

SLACK = MINUTE
"""A channel is born a moment before the arrival that decides its call's day."""
_NAME = re.compile(r"queue_log(\.\d{1,4}|-\d{8})?(\.gz)?")
_BORN = re.compile(r"(?:.*-)?(\d{9,11})\.\d+")
_BLOCK = 1 << 16
_UNREADABLE = (OSError, EOFError, zlib.error)


@dataclass(frozen=True, slots=True)
class _File:
    """`first`: second of the first line. A `zipped` file knows no place but by reading up to it."""

    name: str
    first: int
    content: IO[bytes]
    zipped: bool


def born(channel: str) -> Instant | None:
    """When a channel came into being, cut to whole seconds; None if its Uniqueid does not tell."""
    match = _BORN.fullmatch(channel)
    return int(match[1]) * SECOND if match else None


class QueueLogs:
    """`folder`: where the node has its logs. `refused` is told of each line that app_queue never wrote."""

    def __init__(
        self,
        folder: Path,
        since: Instant,
        until: Instant,
        refused: Callable[[BadInput], None] = lambda _: None,
    ) -> None:
        self.folder = folder
        self.restarts: list[Instant] = []
        self.files_read: set[str] = set()
        """Names of the files that the period needed."""
        self.lines = 0
        """How many lines were read of them."""
        self._since, self._until, self._refused = since, until, refused
        with ExitStack() as opened:  # closed again if one of them cannot be read
            self._files = _files(folder, opened)
            self._open = opened.pop_all()
        self._texts = self._young_texts()
        self._ahead: QueueLogLine | None = None
        self._by_channel: dict[str, list[QueueLogLine]] = {}

    def __enter__(self) -> QueueLogs:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def begins_at(self) -> Instant | None:
        """The time of the oldest line there is; None without a log."""
        return self._files[0].first * SECOND if self._files else None

    def read_up_to(self, at: Instant) -> None:
        """Go on until the next line is younger than `at`."""
        while (line := self._ahead or self._next()) is not None:
            if line.at * SECOND > at:
                self._ahead = line
                return
            self._ahead = None
            self._keep(line)

    def take(self, channel: str) -> list[QueueLogLine]:
        """The lines of a channel that have been read; they are gone then."""
        return self._by_channel.pop(channel, [])

    def left(self) -> dict[str, list[QueueLogLine]]:
        """What nobody has taken, of channels born in the period, or first spoken of in it."""
        return {
            channel: lines
            for channel, lines in self._by_channel.items()
            if self._since <= (born(channel) or lines[0].at * SECOND) < self._until
        }

    def _next(self) -> QueueLogLine | None:
        for file, number, text in self._texts:
            try:
                return read_line(text, number, str(self.folder / file), file=file)
            except BadInput as problem:
                self._refused(problem)
        return None

    def _keep(self, line: QueueLogLine) -> None:
        self.lines += 1
        self.files_read.add(line.file)
        if line.event == RESTART:
            self.restarts.append(line.at * SECOND)
        elif line.is_of_a_call:
            since = born(line.call)
            if since is None or self._since - SLACK <= since < self._until + SLACK:
                self._by_channel.setdefault(line.call, []).append(line)

    def _young_texts(self) -> Iterator[tuple[str, int, str]]:
        """File, number and text of every whole line from the period's beginning on."""
        first = (self._since - SLACK) // SECOND
        for place, file in enumerate(self._files):
            follows = self._files[place + 1].first if place + 1 < len(self._files) else None
            if follows is not None and follows < first:
                continue
            try:
                number = _skip_to(file, first)
                for raw in file.content:
                    number += 1
                    at = _second_of(raw)
                    if raw.endswith(b"\n") and raw.strip() and (at is None or at >= first):
                        yield file.name, number, raw.decode(errors="replace")
            except _UNREADABLE as error:
                raise BadInput(str(self.folder / file.name), f"cannot be read to its end: {error}") from error


def _files(folder: Path, stack: ExitStack) -> list[_File]:
    """The logs there are, oldest first. All are opened at once: a rotation meanwhile only renames them."""
    found: dict[tuple[int, int], _File] = {}
    path = folder
    try:
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if not _NAME.fullmatch(path.name) or not path.is_file():
                continue
            content: IO[bytes] = stack.enter_context(path.open("rb"))
            stat = os.fstat(content.fileno())
            zipped = path.suffix == ".gz"
            if zipped:
                content = cast(IO[bytes], stack.enter_context(gzip.GzipFile(fileobj=content)))
            first = next(filter(None, map(_second_of, content)), None)
            if first is not None:
                found[stat.st_dev, stat.st_ino] = _File(path.name, first, content, zipped)
    except _UNREADABLE as error:
        raise BadInput(str(path), f"cannot be read: {error}; look at its owner and rights") from error
    return sorted(found.values(), key=lambda file: file.first)


def _skip_to(file: _File, second: int) -> int:
    """Place the file at a line a little before the first one of `second`; how many lines lie before that."""
    content, low = file.content, 0
    if not file.zipped:
        high = content.seek(0, os.SEEK_END)
        while high - low > _BLOCK:
            middle = (low + high) // 2
            content.seek(middle)
            content.readline()
            at = _second_of(content.readline())
            low, high = (middle, high) if at is not None and at < second else (low, middle)
    content.seek(low)
    if low:
        content.readline()
    place, lines = content.tell(), 0
    content.seek(0)
    while (left := place - content.tell()) > 0:
        lines += content.read(min(_BLOCK, left)).count(b"\n")
    return lines


def _second_of(line: bytes) -> int | None:
    text = line.partition(b"|")[0]
    return int(text) if text.isdigit() and len(text) < 12 else None
