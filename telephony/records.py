"""What a node wrote down itself while we did not listen: its CEL file and queue log, read from their ends.

The node's own files are on the folder we share with it (house decision 9). Only what is young enough is read,
so that a file of a million lines costs no more than the minutes of the gap.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from core.clock import MINUTE, SECOND, Duration, Instant, ami_timestamp
from core.errors import BadInput
from ledger.queue_log import read_queue_log
from ledger.recovery import RecordedEvent, read_cel, recorded_events

_log = structlog.get_logger(__name__)

CEL_FILE = Path("log") / "cel-custom" / "facts.jsonl"
QUEUE_LOG = Path("log") / "queue_log"
MARGIN: Duration = 10 * MINUTE
"""A call that was going on when the gap began has its own beginning this far back, at most."""
_BLOCK = 1 << 16
_CEL_TIME = re.compile(r'"eventtime":"(\d+\.\d+)"')


def recorded_since(folder: Path, since: Instant) -> list[RecordedEvent]:
    """The events of the node at `folder` from a little before `since` on, in their order.

    Empty if the files cannot be read: said in the log, since a gap that stays a gap is declared anyway.
    """
    first = since - MARGIN
    try:
        cel = read_cel(tail(folder / CEL_FILE, lambda line: _cel_time(line) >= first), str(CEL_FILE))
        log = read_queue_log(tail(folder / QUEUE_LOG, lambda line: _log_time(line) >= first), str(QUEUE_LOG))
    except (OSError, BadInput) as problem:
        _log.warning("telephony.records_unreadable", folder=str(folder), problem=str(problem))
        return []
    return recorded_events(cel, log)


def tail(file: Path, young: Callable[[str], bool]) -> list[str]:
    """The lines at the end of a file that are all `young`, in their order, with their line ends."""
    if not file.exists():
        return []
    found = []
    for line in _backwards(file):
        if not young(line):
            break
        found.append(line)
    found.reverse()
    return found


def _backwards(file: Path) -> Iterator[str]:
    """The lines of a file, last one first. A last line without its end is still being written: left out."""
    with file.open("rb") as source:
        position = source.seek(0, 2)
        rest = b""
        whole = False
        while position > 0:
            size = min(_BLOCK, position)
            position -= size
            source.seek(position)
            *lines, last = (source.read(size) + rest).split(b"\n")[::-1]
            for line in lines:
                if whole:
                    yield line.decode(errors="replace") + "\n"
                whole = True
            rest = last
        if whole and rest:
            yield rest.decode(errors="replace") + "\n"


def _cel_time(line: str) -> Instant:
    match = _CEL_TIME.search(line)
    return ami_timestamp(match[1]) if match else 0


def _log_time(line: str) -> Instant:
    seconds = line.partition("|")[0]
    return int(seconds) * SECOND if seconds.isdigit() else 0
