"""Where facts wait on disk while the database refuses them: a JSON line each, in the order of their numbers.

A line counts as kept once `add` has returned, which syncs it to the disk. What a crash leaves of the last
line was never declared kept and is cut off when the file is opened again. These methods block: call them in
a thread.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from core.errors import BadInput
from ledger.entry import Entry
from ledger.errors import SpoolDamaged

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Entry)
_ASIDE = ".superseded-"


class Spool:
    """One file; empty or absent when nothing waits."""

    def __init__(self, file: Path) -> None:
        if not file.parent.is_dir():
            raise BadInput("spool file of the ledger", f"the folder {file.parent} does not exist: create it")
        self._file = file
        self._read_to = 0
        self._written_to = 0
        self._next = 0
        self.waiting = 0
        """Lines that are not yet taken."""

    @property
    def is_empty(self) -> bool:
        """Nothing waits."""
        return self._read_to == self._written_to

    def open(self) -> int:
        """Take over what an earlier run has left; its highest number, or 0. `SpoolDamaged` names the line."""
        if not self._file.exists():
            return 0
        content = self._file.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(self._file, whole)
        entries = [self._entry(line, n) for n, line in enumerate(content[:whole].splitlines(), 1)]
        self._read_to, self._written_to, self.waiting = 0, whole, len(entries)
        return entries[-1].seq if entries else 0

    def add(self, entries: Sequence[Entry]) -> None:
        """Append and sync. OSError if the disk refuses: then nothing counts as added."""
        lines = b"".join(_encoder.encode(entry) + b"\n" for entry in entries)
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o640)
        try:
            os.ftruncate(descriptor, self._written_to)  # half a line of a failed attempt must not stay
            os.lseek(descriptor, self._written_to, os.SEEK_SET)
            rest = memoryview(lines)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if self._written_to == 0:
            self._sync_folder()
        self._written_to += len(lines)
        self.waiting += len(entries)

    def head(self, limit: int) -> list[Entry]:
        """Up to `limit` of the oldest entries."""
        entries: list[Entry] = []
        self._next = self._read_to
        with self._file.open("rb") as file:
            file.seek(self._read_to)
            while len(entries) < limit and self._next < self._written_to:
                line = file.readline()
                entries.append(self._entry(line, len(entries) + 1))
                self._next += len(line)
        return entries

    def drop_head(self, count: int) -> None:
        """The entries of the last `head` are in the database; the file goes when all are."""
        self._read_to = self._next
        self.waiting -= count
        if self.is_empty:
            self._file.unlink()
            self._sync_folder()
            self._read_to = self._written_to = 0

    def _entry(self, line: bytes, number: int) -> Entry:
        try:
            return _decoder.decode(line)
        except msgspec.MsgspecError as error:
            raise SpoolDamaged(
                f"{self._file}:{number}: {error}; mend or remove that line, then start again"
            ) from error

    def _sync_folder(self) -> None:
        folder = os.open(self._file.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def set_aside(spool: Path, before_fence: int) -> Path | None:
    """Rename what waits there: whoever led with that fence has used the numbers. Where it is now, if any."""
    if not spool.exists():
        return None
    aside = spool.with_name(f"{spool.name}{_ASIDE}{before_fence}")
    while aside.exists():
        aside = aside.with_name(aside.name + "-again")
    spool.rename(aside)
    folder = os.open(spool.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return aside


def lines_set_aside(spool: Path) -> int:
    """Facts in the files that were set aside, as long as nobody has taken them away."""
    files = spool.parent.glob(f"{spool.name}{_ASIDE}*")
    return sum(file.read_bytes().count(b"\n") for file in files)
