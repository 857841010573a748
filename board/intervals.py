"""Figures by quarter-hour in the main database: kept up by a ledger consumer, read for reports.

Each batch of facts is one transaction: what was open is read, the facts are counted (`board.tally`), what
they add is added to the rows, what is open now is written, and the cursor moves. So a restart in the middle
of anything goes on with the same digits, and nothing has to be remembered here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Table, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from board.figures import GapFigures
from board.model import COUNTERS, LEG_COUNTERS, NO_AGENT_COUNTS, NO_COUNTS, AgentCounts, Counts
from board.reports import Asked
from board.tables import STATE_COLUMNS, interval_agents, interval_gaps, interval_held, interval_queues
from board.tally import KINDS as COUNTED_KINDS
from board.tally import Held, Tally
from core.clock import Instant, iso
from core.facts import GapDeclared, Numbered
from storage import add_up, insert_new, upsert

CONSUMER = "board.intervals"
KINDS = COUNTED_KINDS | {"GapDeclared"}
LINGER_S = 5.0
"""Reports that need it sooner hurry the consumer; gathering spares both databases."""
BATCH = 2_000
LARGEST = frozenset({"answer_max_us"})
_HELD = "intervals"
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Held)


async def follow(connection: AsyncConnection, facts: Sequence[Numbered]) -> None:
    """Count `facts` into the rows."""
    tally = Tally(await read_held(connection))
    for numbered in facts:
        tally.count(numbered)
    await add_up(connection, interval_queues, list(queue_rows(tally.quarters)), largest=LARGEST)
    await add_up(connection, interval_agents, list(agent_rows(tally.agent_quarters)))
    await insert_new(connection, interval_gaps, list(gap_rows(facts)))
    await write_held(connection, tally.held())


def queue_rows(quarters: Mapping[Instant, Mapping[str, Counts]]) -> Iterator[dict[str, Any]]:
    """What has been counted of queues as rows; none of a quarter-hour in which nothing was."""
    for start, by_queue in quarters.items():
        for queue, counts in by_queue.items():
            if counts != NO_COUNTS:
                counters = {name: getattr(counts, name) for name in COUNTERS}
                yield {"start": start, "queue": queue, **counters}


def agent_rows(quarters: Mapping[Instant, Mapping[str, AgentCounts]]) -> Iterator[dict[str, Any]]:
    """The same of agents."""
    for start, by_agent in quarters.items():
        for agent, counts in by_agent.items():
            if counts != NO_AGENT_COUNTS:
                counters = {name: getattr(counts, name) for name in LEG_COUNTERS}
                times = {column: counts.times.get(state, 0) for column, state in STATE_COLUMNS.items()}
                yield {"start": start, "agent": agent, **counters, **times}


def gap_rows(facts: Iterable[Numbered]) -> Iterator[dict[str, Any]]:
    """The gaps that are declared in `facts`."""
    for numbered in facts:
        fact = numbered.fact
        if isinstance(fact, GapDeclared):
            yield {
                "seq": numbered.seq,
                "node": fact.node,
                "since": fact.since,
                "until": fact.at,
                "cause": fact.cause,
            }


async def read_held(connection: AsyncConnection) -> Held:
    """What was open when the last facts had been counted."""
    body = await connection.scalar(select(interval_held.c.body).where(interval_held.c.name == _HELD))
    return Held() if body is None else _decoder.decode(body)


async def write_held(connection: AsyncConnection, held: Held) -> None:
    """What is open now."""
    row = {"name": _HELD, "body": _encoder.encode(held).decode()}
    await upsert(connection, interval_held, [row])


# ------------------------------------------------------------------ reading


async def sums_of_queues(
    connection: AsyncConnection, asked: Asked, limit: int
) -> list[tuple[Instant, str, Counts]]:
    """The sums of each interval and queue, up to `limit` of them."""
    rows = await _sums(connection, asked, interval_queues, limit)
    return [(start, name, Counts(**counters)) for start, name, counters in rows]


async def sums_of_agents(
    connection: AsyncConnection, asked: Asked, limit: int
) -> list[tuple[Instant, str, AgentCounts]]:
    """The sums of each interval and agent, up to `limit` of them."""
    found = []
    for start, name, counters in await _sums(connection, asked, interval_agents, limit):
        spent = {state: counters.pop(column) for column, state in STATE_COLUMNS.items()}
        times = {state: duration for state, duration in spent.items() if duration}
        found.append((start, name, AgentCounts(**counters, times=times)))
    return found


async def gaps_of(connection: AsyncConnection, asked: Asked) -> list[GapFigures]:
    """The gaps that lie in the report, the oldest first."""
    gaps = interval_gaps.c
    query = select(gaps.node, gaps.since, gaps.until, gaps.cause).order_by(gaps.since, gaps.seq)
    query = query.where(gaps.until >= asked.since, gaps.since < asked.until)
    return [
        GapFigures(node=row.node, since=iso(row.since), until=iso(row.until), cause=row.cause)
        for row in await connection.execute(query)
    ]


async def _sums(
    connection: AsyncConnection, asked: Asked, table: Table, limit: int
) -> list[tuple[Instant, str, dict[str, int]]]:
    """The database adds up: a year of days is a few hundred rows that way, and a million otherwise."""
    start, name = table.primary_key.columns
    counters = [column for column in table.columns if not column.primary_key]
    sums = [
        cast((func.max if each.name in LARGEST else func.sum)(each), BigInteger).label(each.name)
        for each in counters
    ]
    found: list[tuple[Instant, str, dict[str, int]]] = []
    for first, until, width in _strides(asked.periods):
        number = ((start - first) // width).label("number")
        query = select(number, name.label("name"), *sums).group_by("number", "name").order_by("number")
        query = query.where(start >= first, start < until)
        if asked.names:
            query = query.where(name.in_(sorted(asked.names)))
        for at, named, *values in await connection.execute(query.limit(limit - len(found))):
            names = (column.name for column in counters)
            found.append((first + at * width, named, dict(zip(names, values, strict=True))))
    return found


def _strides(periods: Sequence[Instant]) -> Iterator[tuple[Instant, Instant, int]]:
    """Stretches of intervals of one length: start, end, length. Where clocks change there are several."""
    lengths = ((start, end, end - start) for start, end in pairwise(periods))
    for width, alike in groupby(lengths, key=lambda each: each[2]):
        stretch = list(alike)
        yield stretch[0][0], stretch[-1][1], width
