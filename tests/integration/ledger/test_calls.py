"""The list of calls is what the ledger says, and can be searched, paged and built again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, cast

import pytest
from sqlalchemy import delete

from core import facts as f
from core.clock import SECOND
from core.errors import BadInput, NotFound
from core.facts import Numbered
from ledger.call_record import CallOutcome
from ledger.calls import CallBook, CallSearch
from ledger.ledger import Ledger
from ledger.tables import calls, cursors, legs
from storage import Database
from tests.unit.ledger.samples import QUEUE, T0, Story, abandoned, call_id, normal


@pytest.fixture
async def book(ledger: Ledger, main_database: Database) -> AsyncIterator[CallBook]:
    book = CallBook(ledger=ledger, database=main_database, linger_s=0.01)
    task = asyncio.create_task(book.consumer.run())
    yield book
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def fill(ledger: Ledger, book: CallBook, stories: list[Story]) -> None:
    """The facts of all stories shuffled into each other, each story in its own order, in many batches."""
    chance = random.Random(1)
    left = [list(story.facts) for story in stories]
    while any(left):
        ledger.append([chance.choice([facts for facts in left if facts]).pop(0)])
        if chance.random() < 0.2:
            await asyncio.sleep(0)
    await asyncio.wait_for(book.consumer.caught_up(ledger.last), 10)


async def test_the_list_agrees_with_each_record_folded_from_the_ledger(
    ledger: Ledger, book: CallBook
) -> None:
    await fill(ledger, book, [normal(n) if n % 3 else abandoned(n) for n in range(1, 31)])
    page = await book.find_calls(CallSearch(), limit=100)
    assert len(page.calls) == 30
    for record in page.calls:
        assert record == await book.call_record(record.call)
    assert page.more == ""


async def test_calls_are_found_by_what_they_are(ledger: Ledger, book: CallBook) -> None:
    transferred = Story(3, T0 + 100 * SECOND).join().offer("1001", 1).no_answer("1001", 1)
    transferred.offer("1002", 2).answer("1002", 2).talk(1, f.Side.CUSTOMER, "1002", 2).end(f.Phase.TALKING)
    await fill(ledger, book, [normal(1), abandoned(2), transferred])

    async def found(search: CallSearch) -> list[str]:
        return [record.call for record in (await book.find_calls(search)).calls]

    assert await found(CallSearch(outcome=CallOutcome.ABANDONED)) == [call_id(2)]
    assert await found(CallSearch(agent="1002")) == [call_id(3)]
    many = frozenset(map(str, range(5000, 5100)))
    for others in (frozenset[str](), many):
        assert await found(CallSearch(agents=others)) == []
        assert await found(CallSearch(agents=others | {"1002", "1003"})) == [call_id(3)]
    assert await found(CallSearch(caller="13800000001")) == [call_id(1)]
    assert await found(CallSearch(since=T0 + 1)) == [call_id(3)]
    assert await found(CallSearch(until=T0 + 1, queue=QUEUE)) == [call_id(2), call_id(1)]
    assert await found(CallSearch(waited_over=6 * SECOND, until=T0 + 1)) == [call_id(2)]
    assert await found(CallSearch(vip=True)) == []


async def test_pages_follow_each_other_without_gap_or_repeat(ledger: Ledger, book: CallBook) -> None:
    await fill(ledger, book, [Story(n, T0 + n // 3) for n in range(20)])  # many began at the same instant
    seen: list[str] = []
    more = ""
    while True:
        page = await book.find_calls(CallSearch(), limit=7, page=more)
        seen += [record.call for record in page.calls]
        more = page.more
        if not more:
            break
    assert seen == [call_id(n) for n in reversed(range(20))]


async def test_the_list_can_be_built_again_from_the_ledger(
    ledger: Ledger, book: CallBook, main_database: Database
) -> None:
    await fill(ledger, book, [normal(1), abandoned(2)])
    before = await book.find_calls(CallSearch())
    async with main_database.write() as connection:
        for table in (calls, legs, cursors):
            await connection.execute(delete(table))
    again = CallBook(ledger=ledger, database=main_database, linger_s=0)
    task = asyncio.create_task(again.consumer.run())
    await asyncio.wait_for(again.consumer.caught_up(ledger.last), 30)
    task.cancel()
    assert await again.find_calls(CallSearch()) == before


async def test_what_cannot_be_found_is_told(book: CallBook) -> None:
    with pytest.raises(NotFound, match="no call 'nonsense' is known"):
        await book.call_record("nonsense")
    with pytest.raises(BadInput, match=r"query\.page"):
        await book.find_calls(CallSearch(), page="'; DROP TABLE calls")


class _Yielding:
    """The ledger, reading which lets others run: so that a reading without end can be ended."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def read(self, after: int, limit: int = 1000, **only: Any) -> list[Numbered]:
        await asyncio.sleep(0)
        return await self._ledger.read(after, limit, **only)


async def test_a_record_ends_where_the_last_fact_is_of_an_agent(
    ledger: Ledger, main_database: Database
) -> None:
    """Between the end of a talk and what follows there is the agent's wrap-up, which names the call, too."""
    book = CallBook(ledger=cast("Ledger", _Yielding(ledger)), database=main_database)
    of_agents = [
        f.AgentStateChanged(
            at=T0, agent="1001", before=f.AgentState.TALKING, state=f.AgentState.WRAP_UP, call=call
        )
        for call in (call_id(1), "of no call")
    ]
    await ledger.readable(ledger.append([*normal().facts, *of_agents]))
    record = await asyncio.wait_for(book.call_record(call_id(1)), 10)
    assert record.outcome is CallOutcome.ANSWERED
    with pytest.raises(NotFound):
        await asyncio.wait_for(book.call_record("of no call"), 10)
