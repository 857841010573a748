"""The list of calls and each call's record: fed from the ledger, asked by pages and reports."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from sqlalchemy import ColumnElement, Select, and_, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Duration, Instant
from core.errors import BadInput, NotFound
from core.facts import CallFact, Numbered
from ledger.call_facts import WRITTEN_LATER
from ledger.call_folding import fold_call
from ledger.call_record import CALL_KINDS, CallOutcome, CallRecord, JoinRecord
from ledger.consumer import Consumer
from ledger.ledger import Ledger
from ledger.story import Story, tell
from ledger.tables import calls, legs
from storage import Database, upsert
from storage.partitions import need_months

MOST_CALLS = 500
_FEW = 50
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(CallRecord)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSearch:
    """What is given must hold. `since` ≤ began < `until`; `agent`, or one of `agents`, had a leg of it;
    it came from `caller`, or one of `callers`, as the carrier writes them; `waited_over` in µs."""

    since: Instant | None = None
    until: Instant | None = None
    queue: str | None = None
    agent: str | None = None
    agents: frozenset[str] | None = None
    caller: str | None = None
    callers: frozenset[str] | None = None
    outcome: CallOutcome | None = None
    waited_over: Duration | None = None
    vip: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPage:
    """Newest first. `more`: what to pass as `page` for the calls after these, empty at the end."""

    calls: tuple[CallRecord, ...]
    more: str


class Facts(Protocol):
    """Where facts are read: the ledger, or its store beside it."""

    async def read(self, after: int, *, call: str) -> list[Numbered]: ...


async def story_of(facts: Facts, call: str) -> Story | None:
    """The call in order, from all facts that are there of it; None without any."""
    found: list[Numbered] = []
    while more := await facts.read(found[-1].seq if found else 0, call=call):
        found += more
    return tell(found)


class CallBook:
    """`consumer.run()` feeds the list, about `linger_s` behind the ledger; a single record is fresh."""

    def __init__(self, *, ledger: Ledger, database: Database, linger_s: float = 2.0) -> None:
        self._ledger = ledger
        self._database = database
        self.consumer = Consumer(
            name="calls",
            ledger=ledger,
            database=database,
            handle=_take_in,
            kinds=CALL_KINDS,
            batch=2_000,
            linger_s=linger_s,
        )

    async def call_record(self, call: str) -> CallRecord:
        """Everything the ledger knows of one call; `NotFound` if that is nothing."""
        record = await self._folded(None, call)
        if record is None or not record.arrival_seen:  # retention may have removed its first facts
            async with self._database.read() as connection:
                listed = (await _known(connection, [call])).get(call)
            record = await self._folded(listed, call) if listed else record
        if record is None:
            raise NotFound(f"no call {call[:40]!r} is known: look at its number again")
        return record

    async def told_so_far(self, limit_s: float) -> None:
        """Returns when a single record holds what has been told by now; after `limit_s` in any case."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._ledger.readable(self._ledger.last)

    async def story(self, call: str) -> Story:
        """The call in order, from its facts; `NotFound` if it has none, or no more."""
        story = await story_of(self._ledger, call)
        if story is None:
            raise NotFound(
                f"nothing is told of call {call[:40]!r}: its facts have been removed, or there was none"
            )
        return story

    async def joins_of(self, call: str, leg: str) -> tuple[JoinRecord, ...]:
        """The leaders who were in this leg; none of a call of which nothing is known (any more)."""
        try:
            record = await self.call_record(call)
        except NotFound:
            return ()
        return next((one.joined_by for one in record.legs if one.leg == leg), ())

    async def customer_of(self, call: str) -> str:
        """The number of the customer who called; "" of one who is not known, or of a call that is not (any
        more)."""
        try:
            return (await self.call_record(call)).customer
        except NotFound:
            return ""

    async def _folded(self, record: CallRecord | None, call: str) -> CallRecord | None:
        after = record.seq if record else 0
        while facts := await self._ledger.read(after, call=call):
            record = fold_call(record, facts)
            after = facts[-1].seq  # which may be an agent's, and then no part of the record
        return record

    async def find_calls(self, search: CallSearch, *, limit: int = 50, page: str = "") -> CallPage:
        """Up to `limit` (at most MOST_CALLS) of the calls looked for. `BadInput` for a strange `page`."""
        limit = max(1, min(limit, MOST_CALLS))
        query = select(calls.c.began_at, calls.c.call, calls.c.record).where(*_conditions(search))
        if page:
            query = query.where(_after(page))
        query = query.order_by(calls.c.began_at.desc(), calls.c.call.desc()).limit(limit + 1)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        shown = rows[:limit]
        more = f"{shown[-1].began_at}.{shown[-1].call}" if len(rows) > limit else ""
        return CallPage(calls=tuple(_decoder.decode(row.record) for row in shown), more=more)


def _after(page: str) -> ColumnElement[bool]:
    began, _, call = page.partition(".")
    if not began.lstrip("-").isdecimal() or len(began) > 19:
        raise BadInput("query.page", f"{page[:60]!r} is not a page: take it from `more` of the page before")
    at = int(began)
    return or_(calls.c.began_at < at, and_(calls.c.began_at == at, calls.c.call < call))


def _conditions(search: CallSearch) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if search.since is not None:
        conditions.append(calls.c.began_at >= search.since)
    if search.until is not None:
        conditions.append(calls.c.began_at < search.until)
    if search.waited_over is not None:
        conditions.append(calls.c.waited > search.waited_over)
    if search.agent is not None:
        conditions.append(calls.c.call.in_(_calls_of({search.agent}, search)))
    if search.agents is not None:
        conditions.append(_of_some(search.agents, search))
    if search.callers is not None:
        conditions.append(calls.c.caller.in_(sorted(search.callers)))
    for name in ("queue", "caller", "outcome", "vip"):
        wanted = getattr(search, name)
        if wanted is not None:
            conditions.append(calls.c[name] == wanted)
    return conditions


def _of_some(agents: frozenset[str], search: CallSearch) -> ColumnElement[bool]:
    """Few people's calls are looked for by their legs; of many people's the newest are found sooner by asking
    of each call, newest first, whether it is one (50 of 200 000 on SQLite, 300 agents: 2 s against 2 ms)."""
    if len(agents) <= _FEW:
        return calls.c.call.in_(_calls_of(agents, search))
    leg = select(legs.c.leg).where(
        legs.c.call == calls.c.call,
        legs.c.began_at == calls.c.began_at,  # the month in question alone
        legs.c.agent.in_(sorted(agents)),
    )
    return leg.correlate(calls).exists()


def _calls_of(agents: Collection[str], search: CallSearch) -> Select[tuple[str]]:
    """The border is repeated here, so that only the months in question are looked at."""
    query = select(legs.c.call).where(legs.c.agent.in_(sorted(agents)))
    if search.since is not None:
        query = query.where(legs.c.began_at >= search.since)
    if search.until is not None:
        query = query.where(legs.c.began_at < search.until)
    return query


async def _take_in(connection: AsyncConnection, facts: Sequence[Numbered]) -> None:
    by_call: dict[str, list[Numbered]] = {}
    for numbered in facts:
        if isinstance(numbered.fact, CallFact):
            by_call.setdefault(numbered.fact.call, []).append(numbered)
    known = await _known(connection, list(by_call))
    folded = [
        record
        for call, news in by_call.items()
        if not _only_an_echo(known.get(call), news) and (record := fold_call(known.get(call), news))
    ]
    for record in folded:
        if record.call in known and known[record.call].began_at != record.began_at:
            await _forget(connection, known[record.call])
    await need_months(connection, (calls, legs), [record.began_at for record in folded])
    await upsert(connection, calls, [_row(record) for record in folded])
    await upsert(connection, legs, [row for record in folded for row in _leg_rows(record)])


def _only_an_echo(known: CallRecord | None, news: Sequence[Numbered]) -> bool:
    """A work order of a call that retention has removed does not bring the call back."""
    return known is None and all(isinstance(numbered.fact, WRITTEN_LATER) for numbered in news)


async def _forget(connection: AsyncConnection, record: CallRecord) -> None:
    """Its rows stand under a beginning that was not the call's: the arrival was told after other facts."""
    for table in (legs, calls):
        mine = (table.c.call == record.call) & (table.c.began_at == record.began_at)
        await connection.execute(delete(table).where(mine))


async def _known(connection: AsyncConnection, wanted: list[str]) -> dict[str, CallRecord]:
    query = select(calls.c.call, calls.c.record).where(calls.c.call.in_(wanted))
    return {row.call: _decoder.decode(row.record) for row in await connection.execute(query)}


def _row(record: CallRecord) -> dict[str, Any]:
    return {
        "call": record.call,
        "node": record.node,
        "began_at": record.began_at,
        "ended_at": record.ended_at,
        "caller": record.caller,
        "vip": record.vip,
        "queue": record.queue,
        "outcome": record.outcome.value,
        "waited": record.waited,
        "record": _encoder.encode(record).decode(),
    }


def _leg_rows(record: CallRecord) -> list[dict[str, Any]]:
    return [
        {
            "leg": leg.leg,
            "began_at": record.began_at,
            "call": record.call,
            "agent": leg.agent,
            "queue": leg.queue,
            "offered_at": leg.offered_at,
            "answered_at": leg.answered_at,
            "talked": leg.talked,
            "satisfaction": leg.satisfaction,
            "solved": leg.solved,
        }
        for leg in record.legs
    ]
