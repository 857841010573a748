"""A real database, a real mail server, and a clock that tests move."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pytest

from core.calendar import WorkingCalendar
from core.clock import HOUR, MINUTE, SECOND, Instant, instant_on
from directory.calendar import shipped
from storage import Database, migrate
from storage.notices.channel import Channel
from storage.notices.mail import MailChannel, MailServer, Security
from storage.notices.model import ChannelName, Notice, Sending, Way
from storage.notices.outbox import Notices
from storage.notices.preferences import set_way
from storage.notices.returning import Returns
from storage.notices.worker import NoticeWorker, Pace
from storage.retry import Retry
from tests.integration.storage.notices.mailroom import Mailroom

NOON = instant_on(date(2026, 6, 8), 12 * 60)
EMAIL, SMS, PAGE = ChannelName.EMAIL, ChannelName.SMS, ChannelName.PAGE
RETURNS = Returns(address="hotline+*@bank.example", key=b"a key of the tests")
PACE = Pace(
    retry=Retry(first=10 * SECOND, most=HOUR, tries=3),
    pause=Retry(first=1, most=1, tries=1 << 30),
    attempt_s=20,
    lease=2 * MINUTE,
)


@dataclass
class PostOffice:
    """Everything around the outbox. `now` is what the clock says."""

    database: Database
    mailroom: Mailroom
    now: Instant = NOON
    calendar: WorkingCalendar = field(default_factory=shipped)
    notices: Notices = field(init=False)

    def __post_init__(self) -> None:
        self.notices = Notices(clock=self.clock)

    def clock(self) -> Instant:
        return self.now

    @property
    def mail(self) -> MailChannel:
        return MailChannel(
            MailServer(
                host="127.0.0.1",
                port=self.mailroom.port,
                sender="hotline@bank.example",
                security=Security.NONE,
            )
        )

    @property
    def mail_that_returns(self) -> MailChannel:
        """The same with a mark on each mail."""
        server = replace(self.mail._server, returns=RETURNS)
        return MailChannel(server)

    def worker(
        self, channels: Mapping[ChannelName, Channel] | None = None, *, at_once: int = 1
    ) -> NoticeWorker:
        return NoticeWorker(
            database=self.database,
            notices=self.notices,
            channels={EMAIL: self.mail} if channels is None else channels,
            calendar=lambda: self.calendar,
            clock=self.clock,
            random=lambda: 0.0,
            pace=replace(PACE, at_once=dict.fromkeys(ChannelName, at_once)),
        )

    async def address(self, person: str, channel: ChannelName, address: str, *, on: bool = True) -> None:
        async with self.database.write() as connection:
            await set_way(connection, person, channel, Way(address, on), clock=self.clock)

    async def put(self, *notices: Notice, channels: tuple[ChannelName, ...] | None = None) -> None:
        async with self.database.write() as connection:
            for notice in notices:
                await self.notices.put(connection, notice, channels)

    async def rows(self, cause: str = "ticket:GD1") -> dict[tuple[str, ChannelName], Sending]:
        async with self.database.read() as connection:
            found = await self.notices.about(connection, cause)
        return {(sending.notice.person, sending.channel): sending for sending in found}

    async def row(self, person: str = "1001", channel: ChannelName = EMAIL) -> Sending:
        return (await self.rows())[person, channel]


def notice(person: str = "1001", key: str = "ticket:GD1:arrived", *, urgent: bool = False) -> Notice:
    return Notice(
        person=person,
        subject="新工单待处理",
        text="工单 GD1 已转到您处,请于 6 月 10 日 17:30 前处理。",
        key=key,
        cause="ticket:GD1",
        urgent=urgent,
    )


@pytest.fixture
async def mailroom() -> AsyncIterator[Mailroom]:
    room = Mailroom()
    await room.open()
    yield room
    await room.close()


@asynccontextmanager
async def opened(url: str, mailroom: Mailroom) -> AsyncIterator[PostOffice]:
    """A post office whose database is at `url`, with the address of one person."""
    database = Database(url, name="main")
    await database.open()
    try:
        await migrate(database)
        office = PostOffice(database, mailroom)
        await office.address("1001", EMAIL, "wang.fang@bank.example")
        yield office
    finally:
        await database.close()


@pytest.fixture
async def office(tmp_path: Path, mailroom: Mailroom) -> AsyncIterator[PostOffice]:
    async with opened(f"sqlite+aiosqlite:///{tmp_path}/main.db", mailroom) as office:
        yield office
