"""A node's recordings folder: the only place where a recording's file is opened or removed (guarantee 6)."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from recordings.errors import UnsafeFile
from recordings.model import base_in

_FLAGS = (
    os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
)  # non-blocking: a pipe would hang the open


class Folder:
    """`path`: the folder itself, from the settings. Everything in it is opened relative to it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self, name: str) -> BinaryIO | None:
        """The file of that name for reading; None if there is none.

        `UnsafeFile` if the name is not a recording's, or what bears it is a link, a folder or a device.
        """
        if base_in(name) is None:
            raise UnsafeFile(f"{name[:120]!r} is not the name of a recording")
        try:
            folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            handle = os.open(name, _FLAGS, dir_fd=folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise UnsafeFile(f"{self.path / name} is a link, not a recording: remove it") from error
            raise
        finally:
            os.close(folder)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise UnsafeFile(f"{self.path / name} is not an ordinary file: remove it")
        return os.fdopen(handle, "rb")

    def remove(self, names: Iterable[str]) -> None:
        """Remove these files, as far as they are there; returns when their absence outlives a power cut.

        `UnsafeFile` for a name that is not a recording's; OSError if one cannot be removed.
        """
        try:
            folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            for name in names:
                if base_in(name) is None:
                    raise UnsafeFile(f"{name[:120]!r} is not the name of a recording")
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=folder)
            os.fsync(folder)
        finally:
            os.close(folder)

    def size(self, name: str) -> int | None:
        """Of one file, in bytes (-1: not an ordinary file); None if there is none of that name."""
        try:
            found = (self.path / name).lstat()
        except OSError:
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else -1

    def names(self) -> dict[str, int]:
        """Every name in the folder, recordings or not, with its size in bytes (-1: not an ordinary file)."""
        if not self.path.is_dir():
            return {}
        with os.scandir(self.path) as entries:
            return {
                entry.name: entry.stat().st_size if entry.is_file(follow_symlinks=False) else -1
                for entry in entries
            }
