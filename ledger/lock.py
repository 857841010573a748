"""The lock on a data folder: one program writes a ledger's spool, whatever database the facts go to."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from ledger.errors import LedgerTaken


class FolderLock:
    """Of the folder that `spool` is in; let go of when the program ends, however it ends."""

    def __init__(self, spool: Path) -> None:
        self._file = spool.with_name(spool.name + ".lock")
        self._lock: int | None = None

    def take(self) -> None:
        """`LedgerTaken` if another program has it; what this program has already stays so."""
        if self._lock is not None:
            return
        lock = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o640)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise LedgerTaken(
                f"another program writes this ledger ({self._file} is locked): "
                "stop it, or give this one a data folder of its own"
            ) from error
        self._lock = lock

    def release(self) -> None:
        """Let go of it."""
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)
