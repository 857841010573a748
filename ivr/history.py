"""Which version of a flow was made live on a node, when, by whom: a line for each, never changed.

`<node>/log/flow-<flow>.jsonl`, so that it is in every backup beside the node's other logs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import msgspec

from core.errors import HotlineError


class HistoryUnreadable(HotlineError):
    """A line of the history is not one of ours; the message names it."""


class How(StrEnum):
    """What was done. `prepared`: written for Asterisk's next start or reload."""

    PUBLISHED = "published"
    WENT_BACK = "went back"
    PREPARED = "prepared"


class Published(msgspec.Struct, frozen=True):
    """`at`: RFC 3339, UTC. `by`: who did it. `before`: the version that was live until then, or ""."""

    at: str
    version: str
    how: How
    by: str
    before: str = ""


def history_file(node: Path, flow: str) -> Path:
    """Where the node whose folder is `node` keeps the history of a flow."""
    return node / "log" / f"flow-{flow}.jsonl"


def record(file: Path, entry: Published) -> None:
    """Add a line, durable when this returns."""
    with file.open("ab") as out:
        out.write(msgspec.json.encode(entry) + b"\n")
        out.flush()
        os.fsync(out.fileno())


def read(file: Path) -> tuple[Published, ...]:
    """Everything that was done, the oldest first; nothing if there is no such file."""
    try:
        lines = file.read_bytes().splitlines()
    except FileNotFoundError:
        return ()
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(msgspec.json.decode(line, type=Published))
        except msgspec.DecodeError as error:
            raise HistoryUnreadable(
                f"{file}:{number}: is no line of ours ({error}): take it out by hand, or put back a backup"
            ) from error
    return tuple(found)


def trail(entries: Sequence[Published]) -> tuple[str, ...]:
    """The versions that led to the live one, which is the last: going back twice goes back two versions."""
    left: list[str] = []
    for entry in entries:
        if entry.before and entry.before not in left:
            left.append(entry.before)
        if entry.how is How.WENT_BACK and entry.version in left:
            del left[left.index(entry.version) :]
        left = [version for version in left if version != entry.version] + [entry.version]
    return tuple(left)


def gone_back_from(entries: Sequence[Published]) -> str:
    """The version that was left by going back and nothing has been published since; "" if there is none."""
    return entries[-1].before if entries and entries[-1].how is How.WENT_BACK else ""


def last(entries: Sequence[Published], version: str) -> Published | None:
    """How a version came to be where it is: the last line about it."""
    return next((entry for entry in reversed(entries) if entry.version == version), None)
