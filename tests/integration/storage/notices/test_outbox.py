"""Notices in the unit of work of their cause, on the page, and what people wish."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy.dialects import postgresql, sqlite

from core.calendar import HolidayNotice, Special
from core.clock import instant_on
from core.errors import BadInput
from storage.notices.model import NIGHT, ChannelName, Lane, NoticeState, Quiet, Way, Why
from storage.notices.preferences import preferences_of, set_quiet, set_way
from storage.notices.worker import NoticeWorker
from tests.integration.storage.notices.conftest import EMAIL, PAGE, SMS, PostOffice, notice


async def test_a_person_is_told_on_the_page_and_by_the_ways_they_switched_on(office: PostOffice) -> None:
    await office.address("1001", SMS, "13800001111", on=False)
    await office.put(notice("1001"), notice("1002"))
    rows = await office.rows()
    assert {way: row.state for way, row in rows.items()} == {
        ("1001", PAGE): NoticeState.SENT,
        ("1001", EMAIL): NoticeState.WAITING,
        ("1002", PAGE): NoticeState.SENT,
    }


async def test_an_undone_unit_of_work_tells_nobody(office: PostOffice) -> None:
    with pytest.raises(RuntimeError):
        async with office.database.write() as connection:
            await office.notices.put(connection, notice())
            raise RuntimeError
    assert await office.rows() == {}


async def test_a_second_notice_with_the_same_key_is_counted_and_not_sent(office: PostOffice) -> None:
    await office.put(notice(), notice(), notice())
    await office.put(notice(key="ticket:GD1:overdue"))
    await office.worker().send_due(EMAIL)
    async with office.database.read() as connection:
        about = await office.notices.about(connection, "ticket:GD1")
    mails = [row for row in about if row.channel is EMAIL]
    assert [(row.notice.key, row.repeats) for row in mails] == [
        ("ticket:GD1:arrived", 2),
        ("ticket:GD1:overdue", 0),
    ]
    assert len(office.mailroom.received) == 2


async def test_the_page_lists_the_newest_first_and_what_is_read_is_delivered(office: PostOffice) -> None:
    await office.put(*(notice(key=f"k{n}") for n in range(5)), notice("1002"))
    notices = office.notices
    async with office.database.write() as connection:
        newest = await notices.page(connection, "1001", limit=2)
        older = await notices.page(connection, "1001", before=newest[-1].id, limit=9)
        assert [row.notice.key for row in newest + older] == ["k4", "k3", "k2", "k1", "k0"]
        assert await notices.unread(connection, "1001") == 5
        (others,) = await notices.page(connection, "1002")
        office.now += 1
        assert await notices.mark_read(connection, "1001", [newest[0].id, others.id, 999]) == 1
        assert await notices.mark_read(connection, "1001", [newest[0].id]) == 0
        assert await notices.unread(connection, "1001") == 4
        assert await notices.unread(connection, "1002") == 1
        (read,) = await notices.page(connection, "1001", limit=1)
    assert (read.state, read.read_at) == (NoticeState.DELIVERED, office.now)


async def test_card_numbers_are_masked_before_they_are_kept(office: PostOffice) -> None:
    await office.put(replace(notice(), text="卡号 6222021234567890123 的客户再次来电"))
    assert (await office.row()).notice.text == "卡号 ***************0123 的客户再次来电"


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"subject": "新工单\r\nBcc: x@y"}, "subject"),
        ({"subject": " "}, "subject"),
        ({"subject": "长" * 101}, "subject"),
        ({"text": "长" * 2001}, "text"),
        ({"key": "k" * 121}, "key"),
    ],
)
async def test_what_is_no_notice_is_refused(office: PostOffice, changed: dict[str, str], where: str) -> None:
    with pytest.raises(BadInput) as refused:
        await office.put(replace(notice(), **changed))
    assert refused.value.where == where


async def test_a_way_that_was_asked_for_and_cannot_be_used_leaves_a_row_that_says_why(
    office: PostOffice,
) -> None:
    await office.address("1002", EMAIL, "li.na@bank.example", on=False)
    await office.put(notice("1001"), notice("1002"), notice("1003"), channels=(EMAIL, SMS))
    worker = office.worker()
    await worker.send_due(EMAIL)
    await worker.send_due(SMS)
    rows = await office.rows()
    assert {way: row.why for way, row in rows.items() if row.state is NoticeState.SUPPRESSED} == {
        ("1002", EMAIL): Why.SWITCHED_OFF,
        ("1003", EMAIL): Why.NO_ADDRESS,
        **{(person, SMS): Why.CHANNEL_OFF for person in ("1001", "1002", "1003")},
    }
    assert office.mailroom.recipients == ["wang.fang@bank.example"]
    await office.address("1002", EMAIL, "li.na@bank.example")
    async with office.database.write() as connection:
        listed = await office.notices.not_sent(connection)
        assert len(listed) == 5
        assert await office.notices.again(connection, rows["1002", EMAIL].id)
        assert not await office.notices.again(connection, rows["1001", EMAIL].id)
    await worker.send_due(EMAIL)
    assert office.mailroom.recipients[1:] == ["li.na@bank.example"]


async def test_wishes_are_kept_changed_and_forgotten(office: PostOffice) -> None:
    office_hours = Quiet(since=18 * 60, until=8 * 60 + 30, working_days_only=True)
    async with office.database.write() as connection:
        assert (await preferences_of(connection, "1001")).quiet == NIGHT
        await set_quiet(connection, "1001", office_hours, clock=office.clock)
        await set_way(connection, "1001", SMS, Way("13800001111"), clock=office.clock)
        await set_way(connection, "1001", EMAIL, Way("other@bank.example", on=False), clock=office.clock)
        wishes = await preferences_of(connection, "1001")
        assert wishes.quiet == office_hours
        assert wishes.ways == {SMS: Way("13800001111"), EMAIL: Way("other@bank.example", on=False)}
        await set_way(connection, "1001", SMS, None, clock=office.clock)
        assert (await preferences_of(connection, "1001")).ways.keys() == {EMAIL}


@pytest.mark.parametrize(
    ("channel", "address"),
    [(EMAIL, "no mail"), (EMAIL, "a@b\r\nBcc: c@d"), (SMS, "95559"), (PAGE, "x")],
)
async def test_what_is_no_address_is_refused(office: PostOffice, channel: ChannelName, address: str) -> None:
    with pytest.raises(BadInput):
        await office.address("1001", channel, address)


async def test_what_is_no_minute_of_the_day_is_refused(office: PostOffice) -> None:
    async with office.database.write() as connection:
        with pytest.raises(BadInput, match="no minute of the day"):
            await set_quiet(connection, "1001", Quiet(since=0, until=1440), clock=office.clock)


def test_on_a_server_rows_that_another_program_sends_are_gone_past() -> None:
    statement = str(NoticeWorker.next_due(Lane(EMAIL, urgent=False), 0).compile(dialect=postgresql.dialect()))
    assert statement.endswith("FOR UPDATE SKIP LOCKED")


@pytest.mark.parametrize("urgent", [True, False])
async def test_a_lane_finds_its_next_row_without_looking_at_others(office: PostOffice, urgent: bool) -> None:
    query = NoticeWorker.next_due(Lane(EMAIL, urgent), 0).compile(
        dialect=sqlite.dialect(paramstyle="named"), compile_kwargs={"render_postcompile": True}
    )
    with closing(sqlite3.connect(office.database.file)) as connection:
        told = connection.execute(f"EXPLAIN QUERY PLAN {query}", query.construct_params()).fetchall()
    plan = [row[3] for row in told]
    assert plan == ["SEARCH notices USING INDEX ix_notices_waiting (channel=? AND urgent=? AND next_at<?)"]


async def test_what_waits_for_a_working_day_is_judged_by_the_calendar_of_that_day(office: PostOffice) -> None:
    """Put on a Sunday, for Monday; by then the bank has closed on Monday."""
    sunday, monday, tuesday = (date(2026, 6, day) for day in (7, 8, 9))
    office.now = instant_on(sunday, 12 * 60)
    await office.address("1001", EMAIL, "wang.fang@bank.example")
    async with office.database.write() as connection:
        await set_quiet(
            connection, "1001", Quiet(since=0, until=0, working_days_only=True), clock=office.clock
        )
    await office.put(notice())
    worker = office.worker()
    assert await worker.send_due(EMAIL) == instant_on(monday, 0)
    days = {monday: Special(works=False, name="停业")}
    closed = HolidayNotice(number="closed", published=sunday, since=monday, until=monday, days=days)
    office.calendar = replace(office.calendar, notices=(*office.calendar.notices, closed))
    office.now = instant_on(monday, 0)
    assert await worker.send_due(EMAIL) == instant_on(tuesday, 0)
    assert office.mailroom.recipients == []
    office.now = instant_on(tuesday, 0)
    await worker.send_due(EMAIL)
    assert office.mailroom.recipients == ["wang.fang@bank.example"]
