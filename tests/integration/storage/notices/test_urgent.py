"""What is urgent goes before what waits, on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import date

import pytest

from core.clock import instant_on
from storage.notices.channel import ChannelDown, Message
from storage.notices.model import ChannelName, Lane, NoticeState
from storage.notices.worker import NoticeWorker
from storage.waker import NEVER
from tests.integration.storage.notices.conftest import EMAIL, PostOffice, notice, opened
from tests.integration.storage.notices.mailroom import Mailroom
from tests.support.databases import Databases
from tests.support.statements import sent_for

URGENT = "urgent"


@pytest.fixture
async def office(databases: Databases, mailroom: Mailroom) -> AsyncIterator[PostOffice]:
    async with opened(databases.url("main"), mailroom) as office:
        yield office


async def sent(office: PostOffice) -> dict[str, NoticeState]:
    async with office.database.read() as connection:
        about = await office.notices.about(connection, "ticket:GD1")
    return {one.notice.key: one.state for one in about if one.channel is EMAIL}


async def test_it_goes_first_however_long_the_others_have_waited(office: PostOffice) -> None:
    went: list[str] = []

    class Noting:
        async def send(self, message: Message) -> None:
            went.append(message.id)

    for number in range(5):
        await office.put(notice(key=f"ordinary{number}"))
        office.now += 1
    await office.put(notice(key=URGENT, urgent=True))
    await office.worker({EMAIL: Noting()}).send_due(EMAIL)
    async with office.database.read() as connection:
        about = await office.notices.about(connection, "ticket:GD1")
    keys = {one.provider_id: one.notice.key for one in about}
    assert [keys[id_] for id_ in went] == [URGENT, *(f"ordinary{number}" for number in range(5))]


async def test_it_waits_for_no_ordinary_one_whose_far_end_takes_its_time(office: PostOffice) -> None:
    began, released, went = asyncio.Event(), asyncio.Event(), asyncio.Queue[str]()
    await office.address("1002", EMAIL, "li.na@bank.example")

    class SlowForOne:
        async def send(self, message: Message) -> None:
            if message.address.startswith("li.na"):
                began.set()
                await released.wait()
            went.put_nowait(message.address)

    task = asyncio.create_task(office.worker({EMAIL: SlowForOne()}).run())
    try:
        async with asyncio.timeout(60):
            await office.put(notice("1002", key="slow"), notice("1002", key="behind it"))
            await began.wait()
            await office.put(notice("1001", key=URGENT, urgent=True))
            assert await went.get() == "wang.fang@bank.example"
            assert (await sent(office))["behind it"] is NoticeState.WAITING
            released.set()
            for _ in range(2):
                assert await went.get() == "li.na@bank.example"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_at_night_it_goes_past_those_that_wait_for_the_morning(office: PostOffice) -> None:
    office.now = instant_on(date(2026, 6, 8), 22 * 60)
    await office.put(notice(key="ordinary"), notice(key=URGENT, urgent=True))
    morning = instant_on(date(2026, 6, 9), 8 * 60)
    assert await office.worker().send_due(EMAIL) == morning
    assert await sent(office) == {"ordinary": NoticeState.WAITING, URGENT: NoticeState.SENT}


async def test_given_another_chance_it_wakes_its_own_lane(office: PostOffice) -> None:
    office.mailroom.rcpt["wang.fang@bank.example"] = "550 5.1.1 no such user"
    await office.put(notice(key=URGENT, urgent=True))
    await office.worker().send_due(EMAIL)
    lanes = {urgent: office.notices.wakers[Lane(EMAIL, urgent)] for urgent in (True, False)}
    for waker in lanes.values():
        waker.earliest = NEVER
    async with office.database.write() as connection:
        (id_,) = [one.id for one in await office.notices.not_sent(connection)]
        assert await office.notices.again(connection, id_)
    assert (lanes[True].earliest, lanes[False].earliest) == (office.now, NEVER)
    office.mailroom.rcpt.clear()
    await office.worker().send_due(EMAIL)
    assert await sent(office) == {URGENT: NoticeState.SENT}


async def test_a_channel_that_is_down_is_told_as_long_as_one_of_its_lanes_meets_it(
    office: PostOffice,
) -> None:
    down = {"urgent": True, "ordinary": True}

    class Down:
        async def send(self, message: Message) -> None:
            async with office.database.read() as connection:
                about = await office.notices.about(connection, "ticket:GD1")
            key = next(one.notice.key for one in about if one.provider_id == message.id)
            if down[key]:
                raise ChannelDown(f"not for what is {key}")

    worker = office.worker({EMAIL: Down()})
    await office.put(notice(key="ordinary"), notice(key=URGENT, urgent=True))
    task = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(60):
            while not worker.problems:  # noqa: ASYNC110 - a problem is a state, not an event
                await asyncio.sleep(0.01)
            assert worker.problems.keys() == {ChannelName.EMAIL}
            down[URGENT] = False
            while (await sent(office))[URGENT] is not NoticeState.SENT:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            while "ordinary" not in worker.problems.get(EMAIL, ""):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            down["ordinary"] = False
            while worker.problems:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_server_can_tell_from_the_words_alone_which_index_to_use(office: PostOffice) -> None:
    """Of a prepared statement it does not know the values: those of a partial index must stand in it."""
    async with office.database.write() as connection:
        assert "state = 'waiting'" in await sent_for(connection, NoticeWorker.next_due(Lane(EMAIL, True), 0))
