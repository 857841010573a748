"""Processor time of processes, as the kernel counts it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def seconds(*pids: int) -> float:
    """User and system time of these processes so far, with that of their children that have ended."""
    return sum(map(_seconds, pids))


def seconds_of_family(pids: Sequence[int]) -> float:
    """The same of a server's processes, the parent first; one that has ended meanwhile is in its parent's."""
    total = 0.0
    for pid in reversed(pids):
        with suppress(FileNotFoundError, ProcessLookupError):
            total += _seconds(pid)
    return total


def _seconds(pid: int) -> float:
    # The name in field 2 may hold spaces and parentheses: what follows the last one is plain.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS
