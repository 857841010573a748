"""The inbox: order, bound, and gaps that are declared."""

from __future__ import annotations

import asyncio

from telephony.ami.inbox import Gap, Inbox


class Ticks:
    """A clock that goes on by one at each look."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        self.now += 1
        return self.now


def inbox_of(capacity: int) -> Inbox[int]:
    return Inbox(capacity, Ticks())


async def test_order_is_kept():
    inbox = inbox_of(10)
    for number in range(5):
        assert inbox.put(number)
    assert await inbox.take(3) == [0, 1, 2]
    assert await inbox.take() == [3, 4]


async def test_a_full_inbox_drops_and_says_so_in_its_place():
    inbox = inbox_of(4)
    assert [inbox.put(number) for number in range(6)] == [True] * 4 + [False] * 2
    assert await inbox.take(1) == [0]
    assert not inbox.put(6)  # not open again before half of it is free
    assert await inbox.take(1) == [1]
    assert inbox.put(7)
    taken = await inbox.take()
    assert [item for item in taken if not isinstance(item, Gap)] == [2, 3, 7]
    gap = taken[2]
    assert isinstance(gap, Gap)
    assert gap.dropped == 3
    assert gap.since < gap.until
    assert inbox.dropped == 3


async def test_a_gap_is_told_even_if_nothing_follows():
    inbox = inbox_of(1)
    inbox.put(1)
    inbox.put(2)
    assert await inbox.take() == [1]
    (gap,) = await inbox.take()
    assert isinstance(gap, Gap)
    assert gap.dropped == 1


async def test_what_must_not_be_lost_goes_in_after_the_gap():
    inbox = inbox_of(1)
    inbox.put(1)
    inbox.put(2)
    inbox.put_always(99)
    first, gap, last = await inbox.take()
    assert (first, last) == (1, 99)
    assert isinstance(gap, Gap)


async def test_it_never_holds_more_than_it_may():
    inbox = inbox_of(100)
    for number in range(10_000):
        inbox.put(number)
    assert len(inbox) == 100


async def test_a_waiting_reader_is_woken():
    inbox = inbox_of(4)
    reader = asyncio.create_task(inbox.take())
    await asyncio.sleep(0)
    assert not reader.done()
    inbox.put(1)
    assert await reader == [1]


async def test_a_closed_inbox_is_emptied_and_then_ends():
    inbox = inbox_of(4)
    inbox.put(1)
    inbox.close()
    assert await inbox.take() == [1]
    assert await inbox.take() == []


async def test_closing_wakes_the_reader():
    inbox = inbox_of(4)
    reader = asyncio.create_task(inbox.take())
    await asyncio.sleep(0)
    inbox.close()
    assert await reader == []
