"""A folder in the Maildir form, into which a mail system delivers: looked through, and put in order.

What was dealt with goes to the folder `.Handled` beside, for a time; what was not, for whatever reason, to
`.Aside`, and stays there until a person has looked. A mail is moved by renaming it, whole, never copied.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

HANDLED, ASIDE = ".Handled", ".Aside"
_INBOX = ("new", "cur")
_FOLDERS = ("new", "cur", "tmp")


class Unfit(ValueError):
    """A mail that is not read at all; says why."""


class Maildir:
    """`largest`: bytes of a mail beyond which it is not read."""

    def __init__(self, path: Path, *, largest: int) -> None:
        self._path, self._largest = path, largest

    def waiting(self, most: int) -> list[Path]:
        """Mails that were delivered and not dealt with, some of the oldest. OSError if the folder is away."""
        found: list[Path] = []
        for folder in _INBOX:
            with os.scandir(self._path / folder) as entries:
                found += [Path(entry.path) for entry in entries if not entry.name.startswith(".")]
        return sorted(found, key=lambda file: file.name)[:most]

    def read(self, file: Path) -> bytes:
        """A mail. `Unfit` for what is too large, or no file; OSError if it cannot be had."""
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as opened:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise Unfit("it is no plain file")
            content = opened.read(self._largest + 1)
        if len(content) > self._largest:
            raise Unfit(f"it is larger than {self._largest} bytes")
        return content

    def put(self, file: Path, folder: str) -> None:
        """Move it to `.Handled` or `.Aside`. Somebody may have been faster."""
        for name in _FOLDERS:
            (self._path / folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            file.rename(self._free(self._path / folder / "cur" / file.name))

    def sweep(self, older_than_s: float) -> int:
        """Remove what was dealt with so long ago; how many."""
        removed, limit = 0, time.time() - older_than_s
        for file in self._handled():
            with suppress(FileNotFoundError):
                if file.lstat().st_mtime < limit:
                    file.unlink()
                    removed += 1
        return removed

    def _handled(self) -> Iterator[Path]:
        folder = self._path / HANDLED / "cur"
        return folder.iterdir() if folder.is_dir() else iter(())

    @staticmethod
    def _free(wanted: Path) -> Path:
        """A name that nothing has there: renaming would put one mail in place of another."""
        free, number = wanted, 0
        while os.path.lexists(free):
            number += 1
            free = wanted.with_name(f"{wanted.name}.{number}")
        return free
