"""The catalogue's rows: facts make them, the filer completes them. Works inside the caller's unit of work."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Instant
from core.errors import BadInput
from core.facts import Numbered, RecordingEnded, RecordingStarted
from recordings.model import Measured, Part, Recording, Status, base_of
from recordings.tables import recording_files, recordings
from storage import fill_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """The last word on one leg's recording, ready to be written."""

    recording: Recording
    status: Status
    why: str
    files: tuple[Measured, ...]
    at: Instant


async def follow_facts(connection: AsyncConnection, batch: Sequence[Numbered]) -> None:
    """Rows for recordings that began or ended. Facts may come again, and an end without its beginning."""
    found: dict[str, dict[str, Any]] = {}
    for one in batch:
        fact = one.fact
        if isinstance(fact, RecordingStarted | RecordingEnded):
            row = found.setdefault(fact.leg, _row(fact))
            if isinstance(fact, RecordingStarted):
                row["started_at"] = row["started_at"] or fact.at
            elif row["status"] is Status.RECORDING:
                row |= {"ended_at": fact.at, "status": Status.ENDED}
    await fill_in(connection, recordings, list(found.values()), empty={"status": Status.RECORDING})


async def unfiled(connection: AsyncConnection, limit: int) -> list[Recording]:
    """Recordings that have ended and were not measured yet, oldest first."""
    query = select(recordings).where(recordings.c.status == Status.ENDED)
    return await matching(connection, query.order_by(recordings.c.ended_at).limit(limit))


async def file_away(connection: AsyncConnection, filings: Sequence[Filing]) -> list[Filing]:
    """Write filings down; those whose row was waiting for one, and not filed already or not yet there."""
    legs = [filing.recording.leg for filing in filings]
    rows = recordings.c
    waiting = select(rows.leg).where(rows.leg.in_(legs), rows.status == Status.ENDED)
    found = set((await connection.execute(waiting)).scalars())
    filed = [filing for filing in filings if filing.recording.leg in found]
    if not filed:
        return []
    done = update(recordings).where(rows.leg == bindparam("of_leg"))
    done = done.values(status=bindparam("now"), why=bindparam("because"), filed_at=bindparam("stamp"))
    values = [
        {"of_leg": one.recording.leg, "now": one.status, "because": one.why, "stamp": one.at} for one in filed
    ]
    await connection.execute(done, values)
    files = [asdict(file) | {"leg": one.recording.leg} for one in filed for file in one.files]
    if files:
        await connection.execute(insert(recording_files), files)
    return filed


async def of_call(connection: AsyncConnection, call: str) -> list[Recording]:
    """A call's recordings, in the order of their legs' beginning."""
    query = select(recordings).where(recordings.c.call == call)
    begun = recordings.c.started_at.nulls_first()  # of the unknown ones databases think differently
    return await matching(connection, query.order_by(begun, recordings.c.leg))


async def of_leg(connection: AsyncConnection, leg: str) -> Recording | None:
    """One leg's recording."""
    return next(iter(await matching(connection, select(recordings).where(recordings.c.leg == leg))), None)


async def of_legs(connection: AsyncConnection, legs: Collection[str]) -> dict[str, Recording]:
    """The recordings of these legs, by leg; fewer where some have none."""
    query = select(recordings).where(recordings.c.leg.in_(sorted(legs)))
    return {recording.leg: recording for recording in await matching(connection, query)}


async def of_node(connection: AsyncConnection, node: str) -> list[Recording]:
    """Every recording that was made on a node."""
    query = select(recordings).where(recordings.c.node == node)
    return await matching(connection, query.order_by(recordings.c.leg))


async def matching(connection: AsyncConnection, query: Any) -> list[Recording]:
    """The recordings of a query for whole rows, with their files."""
    rows = (await connection.execute(query)).mappings().all()
    by_leg: dict[str, list[Measured]] = {row["leg"]: [] for row in rows}
    legs = list(by_leg)
    for first in range(0, len(legs), 500):  # databases bound the parameters of one statement
        some = recording_files.c.leg.in_(legs[first : first + 500])
        found = await connection.execute(select(recording_files).where(some).order_by(recording_files.c.name))
        for file in found.mappings():
            by_leg[file["leg"]].append(_measured(file))
    return [_recording(row, by_leg[row["leg"]]) for row in rows]


def _recording(row: Mapping[Any, Any], files: Iterable[Measured]) -> Recording:
    return Recording(
        leg=row["leg"],
        call=row["call"],
        agent=row["agent"],
        queue=row["queue"],
        node=row["node"],
        base=row["base"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        status=Status(row["status"]),
        why=row["why"],
        files=tuple(files),
    )


def _measured(row: Mapping[Any, Any]) -> Measured:
    content = {key: value for key, value in row.items() if key != "leg"}
    return Measured(**(content | {"part": Part(row["part"])}))


def _row(fact: RecordingStarted | RecordingEnded) -> dict[str, Any]:
    try:
        base, why = base_of(fact.file, fact.call, fact.leg, "file"), ""
    except BadInput as error:  # a bad name must not hold up the recordings after it
        base, why = "", str(error)
    return {
        "leg": fact.leg,
        "call": fact.call,
        "agent": fact.agent,
        "queue": fact.queue,
        "node": fact.node,
        "base": base,
        "started_at": None,
        "ended_at": None,
        "status": Status.RECORDING,
        "why": why,
    }
