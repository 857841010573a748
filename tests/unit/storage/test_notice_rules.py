"""Pure: when a notice is sent, held back or dropped, and what goes over the wire."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import HOUR, MINUTE, SECOND, instant_on, local_day, local_minute
from core.errors import BadInput
from core.masking import mask_mail
from core.names import fits
from directory.calendar import SHIPPED, load
from storage.notices.channel import Message
from storage.notices.mail import mail_of
from storage.notices.model import (
    NIGHT,
    ChannelName,
    Notice,
    NoticeState,
    Preferences,
    Quiet,
    Sending,
    Way,
    Why,
)
from storage.notices.rules import Drop, Later, Send, judge, loud_from, provider_id
from storage.notices.sms import FRESH, sign, text_of, verified_report

CALENDAR = load(SHIPPED)
MONDAY = date(2026, 6, 8)
NOON = instant_on(MONDAY, 12 * 60)
KEEP = 72 * HOUR
SENDING = Sending(
    id=1,
    channel=ChannelName.EMAIL,
    notice=Notice(person="1001", subject="新工单", text="请处理", key="k", cause="ticket:GD1"),
    provider_id="p",
    state=NoticeState.WAITING,
    why=Why.NONE,
    detail="",
    created_at=NOON,
    next_at=NOON,
    attempts=0,
    unknown=0,
    repeats=0,
    sent_at=None,
    ended_at=None,
    read_at=None,
)
WISHES = Preferences(ways={ChannelName.EMAIL: Way("a@bank.example")})
minutes = st.integers(0, 1439)
quiets = st.builds(
    lambda since, until, only: Quiet(since=since, until=until, working_days_only=only),
    minutes,
    minutes,
    st.booleans(),
)


def is_quiet(at: int, quiet: Quiet) -> bool:
    """By counting through the minutes of the day, not by comparing."""
    minute, day = local_minute(at), local_day(at)
    hush, one = set(), quiet.since
    while one != quiet.until:
        hush.add(one)
        one = (one + 1) % 1440
    return minute in hush or (quiet.working_days_only and not CALENDAR.works(day))


@settings(deadline=None)
@given(st.integers(0, 400 * 1440), quiets)
def test_quiet_ends_at_the_first_minute_that_is_not_quiet(after: int, quiet: Quiet) -> None:
    at = instant_on(date(2026, 1, 1), 0) + after * MINUTE + 7 * SECOND
    loud = loud_from(at, quiet, CALENDAR)
    assert not is_quiet(loud, quiet)
    assert loud == at or (is_quiet(at, quiet) and is_quiet(loud - MINUTE, quiet))


def test_at_night_and_over_a_holiday_nobody_is_disturbed() -> None:
    eve = instant_on(date(2026, 2, 14), 22 * 60)  # a Saturday that is worked; 15 to 23 February are off
    assert loud_from(eve, NIGHT, CALENDAR) == instant_on(date(2026, 2, 15), 8 * 60)
    office = Quiet(since=18 * 60, until=8 * 60, working_days_only=True)
    assert loud_from(eve, office, CALENDAR) == instant_on(date(2026, 2, 24), 8 * 60)


def judged(
    sending: Sending, wishes: Preferences, now: int, *, channel_on: bool = True
) -> Send | Later | Drop:
    return judge(sending, wishes, calendar=CALENDAR, now=now, keep=KEEP, channel_on=channel_on)


def test_what_cannot_or_must_not_be_sent_says_why() -> None:
    off = Preferences(ways={ChannelName.EMAIL: Way("a@bank.example", on=False)})
    assert judged(SENDING, WISHES, NOON) == Send("a@bank.example")
    assert judged(SENDING, off, NOON) == Drop(Why.SWITCHED_OFF)
    assert judged(SENDING, Preferences(), NOON) == Drop(Why.NO_ADDRESS)
    assert judged(SENDING, WISHES, NOON, channel_on=False) == Drop(Why.CHANNEL_OFF)
    assert all(why.zh for why in Why if why is not Why.NONE)


def test_the_urgent_goes_out_at_night_and_everything_else_after_it() -> None:
    late = instant_on(MONDAY, 23 * 60)
    urgent = replace(SENDING, notice=replace(SENDING.notice, urgent=True))
    assert judged(SENDING, WISHES, late) == Later(instant_on(date(2026, 6, 9), 8 * 60))
    assert judged(urgent, WISHES, late) == Send("a@bank.example")


def test_it_grows_too_old_by_failing_but_not_by_being_held_back() -> None:
    assert judged(SENDING, WISHES, NOON + KEEP) == Send("a@bank.example")
    assert judged(SENDING, WISHES, NOON + KEEP + 1) == Drop(Why.TOO_OLD)
    office = replace(WISHES, quiet=Quiet(since=0, until=0, working_days_only=True))
    holiday = replace(SENDING, created_at=instant_on(date(2026, 2, 15), 600))
    after = instant_on(date(2026, 2, 24), 600)
    assert judged(holiday, office, after) == Send("a@bank.example")


def test_its_number_at_the_far_end_is_the_same_at_every_attempt_and_its_own() -> None:
    numbers = {
        provider_id(person, channel, key)
        for person in ("1001", "1002")
        for channel in ChannelName
        for key in ("a", "b")
    }
    assert len(numbers) == 12
    assert provider_id("1001", ChannelName.SMS, "a") in numbers


def test_a_mail_is_one_that_no_machine_answers_and_says_who_sent_it() -> None:
    message = Message(
        id="5f00", address="li@bank.example", subject="新工单待处理", text="请于周五前处理。", made_at=NOON
    )
    mail = mail_of(message, "hotline@bank.example")
    assert mail["Message-ID"] == "<5f00@bank.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"] == "Mon, 08 Jun 2026 12:00:00 +0800"
    body = mail.get_content()
    assert body.startswith("请于周五前处理。")
    assert "请勿直接回复" in body


def test_a_text_message_is_one_signed_line_of_bounded_length() -> None:
    message = Message(id="5f", address="138", subject="新工单", text="第一行\n第二行" + "长" * 900, made_at=0)
    line = text_of(message, "客服中心")
    assert line.startswith("【客服中心】新工单:第一行 第二行长")
    assert len(line) < 320
    assert "\n" not in line


BODY = msgspec.json.encode({"id": "5f", "status": "delivered"})
STAMP = str(NOON // SECOND)


def test_a_report_that_the_gateway_signed_is_taken() -> None:
    signature = sign("key", STAMP, BODY)
    for given_ in (signature, signature.upper()):
        report = verified_report(BODY, stamp=STAMP, signature=given_, key="key", now=NOON)
        assert (report.id, report.status) == ("5f", "delivered")


@pytest.mark.parametrize(
    ("body", "stamp", "key", "later", "where"),
    [
        (BODY, STAMP, "another key", 0, "X-Signature"),
        (BODY.replace(b"5f", b"60"), STAMP, "key", 0, "X-Signature"),
        (BODY, str(int(STAMP) + 1), "key", 0, "X-Signature"),
        (BODY, STAMP, "key", FRESH + 1, "X-Timestamp"),
        (BODY, STAMP, "key", -FRESH - 1, "X-Timestamp"),
    ],
)
def test_a_report_that_was_changed_or_kept_is_refused(
    body: bytes, stamp: str, key: str, later: int, where: str
) -> None:
    signature = sign("key", STAMP, BODY)
    with pytest.raises(BadInput) as refused:
        verified_report(body, stamp=stamp, signature=signature, key=key, now=NOON + later)
    assert refused.value.where == where


@pytest.mark.parametrize("body", [b"", b"[]", b'{"id": "5f", "status": "eaten"}', b'{"id": 7}'])
def test_what_is_signed_but_no_report_is_refused(body: bytes) -> None:
    with pytest.raises(BadInput, match="no delivery report"):
        verified_report(body, stamp=STAMP, signature=sign("key", STAMP, body), key="key", now=NOON)


def test_addresses_have_a_shape_and_are_shown_masked() -> None:
    assert mask_mail("zhang.san@bank.example") == "z***@bank.example"
    for good in ("a@b", "zhang.san+x@mail.bank.example"):
        assert fits("mail", good)
    for bad in ("", "a", "a@", "@b", "a@b\r\nBcc: c@d", "a b@c", "a@b,c@d", "a@-b", "张@b"):
        assert not fits("mail", bad), bad
    assert fits("mobile", "13800001111")
    assert not fits("mobile", "02161234567")
