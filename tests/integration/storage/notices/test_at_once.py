"""Several notices of a lane under way at a time, on both databases: so many, in order, each as written."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import pytest

from core.clock import HOUR
from storage.notices.channel import ChannelDown, Message, NotNow, OutcomeUnknown, Refused
from storage.notices.model import NoticeState, Sending, Why
from storage.notices.worker import NoticeWorker
from storage.waker import NEVER
from tests.integration.storage.notices.conftest import EMAIL, PACE, PostOffice, notice, opened
from tests.integration.storage.notices.mailroom import Mailroom
from tests.support.databases import Databases

ROOM = 3
SENT = NoticeState.SENT


@pytest.fixture
async def office(databases: Databases, mailroom: Mailroom) -> AsyncIterator[PostOffice]:
    async with opened(databases.url("main"), mailroom) as office:
        yield office


@dataclass
class Gate:
    """A far end that takes its time: each message waits until it is let through. `began`: in their order."""

    began: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    together: int = 0
    most: int = 0

    async def send(self, message: Message) -> None:
        gate = self.gates.setdefault(message.subject, asyncio.Event())
        self.together += 1
        self.most = max(self.most, self.together)
        self.began.put_nowait(message.subject)
        try:
            await gate.wait()
        finally:
            self.together -= 1

    def let(self, *subjects: str) -> None:
        for subject in subjects:
            self.gates[subject].set()

    async def next(self, count: int = 1) -> list[str]:
        async with asyncio.timeout(60):
            return [await self.began.get() for _ in range(count)]


async def put(office: PostOffice, *names: str, urgent: bool = False) -> None:
    """Notices by these names, one due after the other."""
    for name in names:
        await office.put(replace(notice(key=name, urgent=urgent), subject=name), channels=(EMAIL,))
        office.now += 1


async def mails(office: PostOffice) -> dict[str, Sending]:
    async with office.database.read() as connection:
        about = await office.notices.about(connection, "ticket:GD1")
    return {one.notice.key: one for one in about if one.channel is EMAIL}


@asynccontextmanager
async def running(worker: NoticeWorker) -> AsyncIterator[None]:
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_so_many_are_under_way_begun_in_their_order_and_no_more(office: PostOffice) -> None:
    gate, names = Gate(), [f"n{number}" for number in range(7)]
    await put(office, *names)
    async with running(office.worker({EMAIL: gate}, at_once=ROOM)):
        assert await gate.next(ROOM) == names[:ROOM]
        gate.let("n1")
        assert await gate.next() == ["n3"]
        gate.let("n0", "n2", "n3")
        assert await gate.next(ROOM) == names[4:7]
        gate.let(*names[4:])
        async with asyncio.timeout(60):
            while {one.state for one in (await mails(office)).values()} != {SENT}:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert gate.most == ROOM
    assert {one.attempts for one in (await mails(office)).values()} == {1}
    assert {one.unknown for one in (await mails(office)).values()} == {0}


async def test_one_that_is_put_while_others_hang_is_begun_at_once(office: PostOffice) -> None:
    gate = Gate()
    await put(office, "hangs")
    async with running(office.worker({EMAIL: gate}, at_once=ROOM)):
        assert await gate.next() == ["hangs"]
        await put(office, "later")
        assert await gate.next() == ["later"]


async def test_what_is_urgent_finds_room_where_everything_hangs(office: PostOffice) -> None:
    gate = Gate()
    await put(office, "a", "b", "c", "d")
    async with running(office.worker({EMAIL: gate}, at_once=ROOM)):
        assert await gate.next(ROOM) == ["a", "b", "c"]
        await put(office, "urgent", urgent=True)
        assert await gate.next() == ["urgent"]


async def test_each_is_tried_as_often_as_it_is_written_down(office: PostOffice) -> None:
    tries = Counter[str]()

    class Moody:
        async def send(self, message: Message) -> None:
            tries[message.subject] += 1
            await asyncio.sleep(0)
            kind = message.subject[0]
            if kind == "r":
                raise Refused("no such address")
            if kind == "n":
                raise NotNow("greylisted")
            if kind == "u":
                raise OutcomeUnknown("hung up")

    names = [f"{kind}{number}" for number in range(3) for kind in "rnug"]
    await put(office, *names)
    worker = office.worker({EMAIL: Moody()}, at_once=ROOM)
    while await worker.send_due(EMAIL) != NEVER:
        office.now += HOUR
    rows = await mails(office)
    for name in names:
        row = rows[name]
        expected = {"r": (1, 0), "n": (PACE.retry.tries, 0), "u": (PACE.retry.tries,) * 2, "g": (1, 0)}
        assert (row.attempts, row.unknown) == expected[name[0]], name
        assert tries[name] == row.attempts
    whys = {name: row.why for name, row in rows.items()}
    assert whys["r0"] is Why.REFUSED
    assert whys["n1"] is whys["u2"] is Why.TRIED_TOO_OFTEN
    assert rows["g0"].state is NoticeState.SENT


async def test_a_channel_that_is_down_is_asked_by_no_more_and_takes_no_try_away(office: PostOffice) -> None:
    asked = list[str]()

    class Down:
        async def send(self, message: Message) -> None:
            asked.append(message.subject)
            await asyncio.sleep(0.01)
            raise ChannelDown("the mail server closes")

    await put(office, "a", "b", "c", "d", "e", "f")
    with pytest.raises(ChannelDown, match="closes"):
        await office.worker({EMAIL: Down()}, at_once=ROOM).send_due(EMAIL)
    assert asked == ["a", "b", "c"]
    rows = await mails(office)
    assert {one.attempts for one in rows.values()} == {0}
    assert {one.state for one in rows.values()} == {NoticeState.WAITING}
    gate = Gate()
    task = asyncio.create_task(office.worker({EMAIL: gate}, at_once=6).send_due(EMAIL))
    assert sorted(await gate.next(6)) == ["a", "b", "c", "d", "e", "f"]
    gate.let(*rows)
    assert await asyncio.wait_for(task, 60) == NEVER
    assert {one.attempts for one in (await mails(office)).values()} == {1}


async def test_what_cannot_be_written_down_is_found_by_its_lease(office: PostOffice) -> None:
    went, hidden = list[str](), asyncio.Event()

    class Taken:
        async def send(self, message: Message) -> None:
            went.append(message.subject)
            await hidden.wait()

    await put(office, "a", "b", "c")
    task = asyncio.create_task(office.worker({EMAIL: Taken()}, at_once=ROOM).send_due(EMAIL))
    async with asyncio.timeout(60):
        while len(went) < ROOM:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    async with office.database.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE notices RENAME TO hidden")
    hidden.set()
    with pytest.raises(Exception, match="notices"):
        await asyncio.wait_for(task, 60)
    async with office.database.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE hidden RENAME TO notices")
    office.now += PACE.lease
    assert await office.worker({EMAIL: Taken()}, at_once=ROOM).send_due(EMAIL) == NEVER
    rows = await mails(office)
    assert {(one.state, one.attempts, one.unknown) for one in rows.values()} == {(NoticeState.SENT, 2, 1)}
    assert all(one.maybe_twice for one in rows.values())
