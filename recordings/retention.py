"""Retention of recordings: files and catalogue rows go together, whoever is killed in between.

A row is marked first, then its files go, then the row: a file never lies there without its row, and a row
that lost its files is marked and finished by the next run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import Select, delete, func, select, update

from core.clock import Instant
from core.errors import HotlineError
from recordings import catalogue
from recordings.folder import Folder
from recordings.model import Part, Recording, Status, file_name
from recordings.tables import recording_files, recordings
from storage import Database
from storage.retention import Outcome, What, reasons

_AT_ONCE = 200
_FILED = (Status.PRESENT, Status.MISSING, Status.DAMAGED)
_UNFILED = (Status.RECORDING, Status.ENDED)


class RecordingsRetention:
    """`folders`: node → its recordings folder."""

    what = What.RECORDINGS

    def __init__(self, *, database: Database, folders: Mapping[str, Path]) -> None:
        self._database = database
        self._folders = {node: Folder(path) for node, path in folders.items()}

    async def remove(self, before: Instant, owed: Mapping[str, str], *, dry: bool) -> Outcome:
        """Remove recordings of legs that ended before `before`; `owed`: calls whose recordings stay."""
        kept: list[str] = []
        removed = 0 if dry else await self._finish(kept)
        for status in _FILED:
            after: tuple[Instant, str] = (0, "")
            while page := await self._page(_old(status, before, after)):
                after = (page[-1].ended_at or 0, page[-1].leg)
                kept += [
                    f"leg {one.leg}: call {one.call}: {owed[one.call]}" for one in page if one.call in owed
                ]
                old = [one for one in page if one.call not in owed]
                if dry:
                    removed += len(old)
                elif old:
                    await self._mark(old)
                    removed += await self._take_away(old, kept)
        kept += await self._unfiled(before)
        return Outcome(
            what=self.what,
            before=before,
            removed=removed,
            kept=reasons(kept),
        )

    async def _finish(self, kept: list[str]) -> int:
        """What an earlier run has marked and not taken away."""
        rows = recordings.c
        left = select(recordings).where(rows.status == Status.REMOVING).order_by(rows.leg)
        found, after = 0, ""
        while page := await self._page(left.where(rows.leg > after).limit(_AT_ONCE)):
            after = page[-1].leg
            found += await self._take_away(page, kept)
        return found

    async def _page(self, query: Select[tuple[object, ...]]) -> list[Recording]:
        async with self._database.read() as connection:
            return await catalogue.matching(connection, query)

    async def _mark(self, old: Sequence[Recording]) -> None:
        legs = [one.leg for one in old]
        mine = recordings.c.leg.in_(legs) & recordings.c.status.in_(_FILED)
        async with self._database.write() as connection:
            await connection.execute(update(recordings).where(mine).values(status=Status.REMOVING))

    async def _take_away(self, marked: Sequence[Recording], kept: list[str]) -> int:
        """Files, then rows; how many. A recording whose files resist stays marked."""
        gone, problems = await asyncio.to_thread(self._remove_files, marked)
        kept += problems
        async with self._database.write() as connection:
            await connection.execute(delete(recording_files).where(recording_files.c.leg.in_(gone)))
            await connection.execute(delete(recordings).where(recordings.c.leg.in_(gone)))
        return len(gone)

    def _remove_files(self, marked: Sequence[Recording]) -> tuple[list[str], list[str]]:
        """The legs whose files are gone, and why the others are still there."""
        gone, problems = [], []
        for node in sorted({one.node for one in marked}):
            there = [one for one in marked if one.node == node]
            folder = self._folders.get(node)
            if folder is None:
                problems.append(f"{len(there)} recordings of node {node}: the settings name no such node")
                continue
            names = [name for one in there if one.base for name in _names(one)]
            try:
                folder.remove(names)
            except (HotlineError, OSError) as problem:
                problems.append(f"{len(there)} recordings of node {node}: {problem}")
            else:
                gone += [one.leg for one in there]
        return gone, problems

    async def _unfiled(self, before: Instant) -> list[str]:
        rows = recordings.c
        begun = func.coalesce(rows.ended_at, rows.started_at)
        query = select(func.count()).select_from(recordings).where(rows.status.in_(_UNFILED), begun < before)
        async with self._database.read() as connection:
            count = await connection.scalar(query) or 0
        return [f"{count} recordings are not filed yet: is the service running?"] if count else []


def _names(recording: Recording) -> list[str]:
    """Every name a file of it may bear, filed or not."""
    return [file_name(recording.base, part) for part in Part]


def _old(status: Status, before: Instant, after: tuple[Instant, str]) -> Select[tuple[object, ...]]:
    rows = recordings.c
    ended, leg = after
    beyond = (rows.ended_at > ended) | ((rows.ended_at == ended) & (rows.leg > leg))
    query = select(recordings).where(rows.status == status, rows.ended_at < before, beyond)
    return query.order_by(rows.ended_at, rows.leg).limit(_AT_ONCE)
