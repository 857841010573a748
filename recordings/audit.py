"""Files against catalogue: what lies in a folder without a row, and which row has lost its file."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.clock import MINUTE, Duration, Instant
from recordings import catalogue
from recordings.folder import Folder
from recordings.measure import look_at
from recordings.model import Recording, Status, base_in
from storage import Database

LONGEST_LEG: Duration = 240 * MINUTE
"""A leg still being recorded after this long has lost its end."""


class Fault(StrEnum):
    """What can be wrong."""

    NO_ROW = "no_row"
    NO_FILE = "no_file"
    CHANGED = "changed"
    FOREIGN = "foreign"
    NO_END = "no_end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`name`: of the file or, where there is none, of the leg."""

    fault: Fault
    name: str
    detail: str


def compare(
    rows: Iterable[Recording], files: Mapping[str, int], now: Instant, longest: Duration = LONGEST_LEG
) -> list[Finding]:
    """Every difference between the catalogue of a node and the names and sizes in its folder.

    A leg that is being recorded or waits to be measured has its files left alone, and so has one that
    retention takes away; a row whose file was never there (`missing`) is old news and not repeated.
    """
    rows = list(rows)
    bases = {row.base for row in rows}
    found = [_finding_of(name, size, bases) for name, size in sorted(files.items())]
    for row in rows:
        if row.status is Status.REMOVING:
            continue
        found += [_lost(file.name, file.size, files.get(file.name)) for file in row.files]
        begun = row.started_at or row.ended_at or 0
        if row.status in {Status.RECORDING, Status.ENDED} and now - begun > longest:
            found.append(Finding(fault=Fault.NO_END, name=row.leg, detail=f"still {row.status}"))
    return [finding for finding in found if finding is not None]


async def audit_node(database: Database, node: str, folder: Folder, now: Instant) -> list[Finding]:
    """`compare` for one node as it stands. Rows are read after the files: a new file has its row by then."""
    files = await asyncio.to_thread(folder.names)
    async with database.read() as connection:
        rows = await catalogue.of_node(connection, node)
    return compare(rows, files, now)


async def altered(folder: Folder, recording: Recording) -> list[Finding]:
    """Files of one recording whose content is no longer what was filed (SHA-256); reads them whole."""
    look = await asyncio.to_thread(look_at, folder, recording.base)
    there = {file.name: file.sha256 for file in look.files}
    return [
        Finding(fault=Fault.CHANGED, name=file.name, detail="its content is not what was filed")
        for file in recording.files
        if there.get(file.name) != file.sha256
    ]


def _finding_of(name: str, size: int, bases: set[str]) -> Finding | None:
    base = base_in(name)
    if base is None or size < 0:
        return Finding(fault=Fault.FOREIGN, name=name, detail="is not a recording")
    if base not in bases:
        return Finding(fault=Fault.NO_ROW, name=name, detail=f"{size} bytes, not in the catalogue")
    return None


def _lost(name: str, filed: int, there: int | None) -> Finding | None:
    if there is None:
        return Finding(fault=Fault.NO_FILE, name=name, detail=f"{filed} bytes were filed")
    if there != filed:
        return Finding(fault=Fault.CHANGED, name=name, detail=f"{filed} bytes were filed, {there} are there")
    return None
