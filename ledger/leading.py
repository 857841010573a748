"""What a ledger knows of who leads: its tenure, whether that still holds, and the folder's lock.

lock ─► take over from (or wait for) whoever led before ─► Ledger(database, spool=…, lead=Lead(…))
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ledger.lock import FolderLock
from storage.lease import Tenure


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """`sure` returns once it is certain that nobody else leads, and raises if somebody does. `lock` is held,
    and stays so when the ledger is closed."""

    tenure: Tenure
    sure: Callable[[], Awaitable[None]]
    lock: FolderLock
