"""Under which tokens the programs of a data folder have led: a file in it, `lease.json`.

By them a program that starts knows whether anybody else has led since: whose lease is its own folder's need
not be waited for, and what waits in the folder's spool may be stored. The file knows which file it is: a data
folder copied to make another of it must not take that one's place.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import msgspec

FILE = "lease.json"


class _Kept(msgspec.Struct, frozen=True):
    file: int
    tokens: list[str]


class Tokens:
    """Of the folder `data_dir`, whose lock is held. These methods block for a moment."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / FILE

    def read(self) -> frozenset[str]:
        """Those there are; none if the file is new, copied or damaged: then a full term is waited for."""
        try:
            kept = msgspec.json.decode(self._file.read_bytes(), type=_Kept)
            return frozenset(kept.tokens if kept.file == self._file.stat().st_ino else ())
        except (FileNotFoundError, msgspec.MsgspecError):
            return frozenset()

    def write(self, tokens: Collection[str]) -> None:
        """Only these from now on. Written aside and renamed: a crash leaves the old ones or the new."""
        aside = self._file.with_name(f"{FILE}.new")
        with aside.open("wb") as out:
            kept = _Kept(file=os.fstat(out.fileno()).st_ino, tokens=sorted(tokens))
            out.write(msgspec.json.encode(kept))
            out.flush()
            os.fsync(out.fileno())
        aside.rename(self._file)
