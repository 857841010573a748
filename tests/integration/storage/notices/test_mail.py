"""E-mail through a real SMTP server: protection, accounts, refusals, a server that goes and comes back."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import trustme

from core.clock import HOUR, SECOND, instant_on
from core.errors import BadInput
from storage.notices.channel import ChannelDown, Message
from storage.notices.mail import MailChannel, MailServer, Security
from storage.notices.model import NoticeState, Why
from storage.waker import NEVER
from tests.integration.storage.notices.conftest import EMAIL, NOON, PACE, PostOffice, notice
from tests.integration.storage.notices.mailroom import PASSWORD, USER, Mailroom

MESSAGE = Message(
    id="5f00", address="wang.fang@bank.example", subject="新工单", text="请处理。", made_at=NOON
)
SENDER = "hotline@bank.example"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    """A certificate authority of the test's own, and its file."""
    made = trustme.CA()
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    made.cert_pem.write_to_path(str(file))
    return made, file


@asynccontextmanager
async def protected(authority: tuple[trustme.CA, Path], *, implicit: bool) -> AsyncIterator[Mailroom]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority[0].issue_cert("localhost").configure_cert(context)
    room = Mailroom(tls=context, implicit=implicit, accounts=True)
    await room.open()
    yield room
    await room.close()


def server(room: Mailroom, **more: object) -> MailServer:
    plain = MailServer(host="localhost", port=room.port, sender=SENDER, user=USER, password=PASSWORD)
    return replace(plain, **more)


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
async def test_protected_and_signed_in(authority: tuple[trustme.CA, Path], security: Security) -> None:
    async with protected(authority, implicit=security is Security.TLS) as room:
        await MailChannel(server(room, security=security, ca_file=authority[1])).send(MESSAGE)
        (mail,) = room.received
        assert (mail["From"], mail["To"], mail["Subject"]) == (SENDER, MESSAGE.address, "新工单")
        assert mail.get_content().startswith("请处理。")
        with pytest.raises(ChannelDown, match="refuses the user hotline"):
            await MailChannel(server(room, security=security, ca_file=authority[1], password="wrong")).send(
                MESSAGE
            )
        with pytest.raises(ChannelDown, match=r"does not serve: .*(?i:certificate)"):
            await MailChannel(server(room, security=security)).send(MESSAGE)  # signed by nobody we know
    assert len(room.received) == 1


async def test_a_server_that_cannot_protect_is_not_told_anything(mailroom: Mailroom) -> None:
    with pytest.raises(ChannelDown, match=r"does not serve: .*STARTTLS"):
        await MailChannel(server(mailroom, security=Security.STARTTLS)).send(MESSAGE)
    assert mailroom.received == []


def test_a_file_without_certificates_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    room = Mailroom()
    with pytest.raises(BadInput, match=r"ca\.pem: holds no certificates"):
        MailChannel(server(room, ca_file=tmp_path / "ca.pem"))


async def test_a_notice_becomes_a_mail_in_chinese_and_the_row_says_sent(office: PostOffice) -> None:
    await office.put(notice())
    await office.worker().send_due(EMAIL)
    row = await office.row()
    (mail,) = office.mailroom.received
    assert mail["Message-ID"] == f"<{row.provider_id}@bank.example>"
    assert mail["Subject"] == "新工单待处理"
    assert "6 月 10 日 17:30" in mail.get_content()
    assert (row.state, row.attempts, row.maybe_twice) == (NoticeState.SENT, 1, False)


async def test_a_refused_recipient_has_failed_and_its_address_is_not_in_the_row(office: PostOffice) -> None:
    office.mailroom.rcpt["wang.fang@bank.example"] = "550 5.1.1 <wang.fang@bank.example>: no such user"
    await office.address("1002", EMAIL, "li.na@bank.example")
    await office.put(notice("1001"), notice("1002"))
    await office.worker().send_due(EMAIL)
    row = await office.row()
    assert (row.state, row.why) == (NoticeState.FAILED, Why.REFUSED)
    assert row.detail == "550 5.1.1 <w***@bank.example>: no such user"
    assert (await office.row("1002")).state is NoticeState.SENT


async def test_not_now_is_tried_again_ever_later_and_given_up_in_the_end(office: PostOffice) -> None:
    office.mailroom.rcpt["wang.fang@bank.example"] = "451 4.7.1 greylisted"
    await office.put(notice())
    worker, waits = office.worker(), []
    while (upcoming := await worker.send_due(EMAIL)) < NEVER:
        waits.append(upcoming - office.now)
        assert (await office.row()).detail == "451 4.7.1 greylisted"
        office.now = upcoming
    assert waits == [5 * SECOND, 10 * SECOND]
    row = await office.row()
    assert (row.state, row.why, row.attempts) == (NoticeState.FAILED, Why.TRIED_TOO_OFTEN, 3)


async def test_not_now_at_first_and_then_taken(office: PostOffice) -> None:
    office.mailroom.data["wang.fang@bank.example"] = "452 4.3.1 disk full"
    await office.put(notice())
    worker = office.worker()
    office.now = await worker.send_due(EMAIL)
    office.mailroom.data.clear()
    await worker.send_due(EMAIL)
    row = await office.row()
    assert (row.state, row.attempts, row.unknown, row.detail) == (NoticeState.SENT, 2, 0, "")


async def test_a_server_that_is_down_costs_no_notice_an_attempt(office: PostOffice) -> None:
    await office.address("1002", EMAIL, "li.na@bank.example")
    await office.put(notice("1001"), notice("1002"))
    worker = office.worker()
    await office.mailroom.close()
    for _ in range(5):
        with pytest.raises(ChannelDown, match="does not serve"):
            await worker.send_due(EMAIL)
    row = await office.row()
    assert (row.state, row.attempts) == (NoticeState.WAITING, 0)
    assert "does not serve" in row.detail
    await office.mailroom.open()
    await worker.send_due(EMAIL)
    assert len(office.mailroom.received) == 2


async def test_a_connection_that_breaks_before_the_answer_is_told_as_unknown(office: PostOffice) -> None:
    office.mailroom.hang_up_after.add("wang.fang@bank.example")
    await office.put(notice())
    worker = office.worker()
    office.now = await worker.send_due(EMAIL)
    row = await office.row()
    assert (row.state, row.attempts, row.unknown, row.maybe_twice) == (NoticeState.WAITING, 1, 1, False)
    await worker.send_due(EMAIL)
    row = await office.row()
    assert (row.state, row.attempts, row.unknown, row.maybe_twice) == (NoticeState.SENT, 2, 1, True)
    first, second = office.mailroom.received
    assert first["Message-ID"] == second["Message-ID"]


async def test_an_attempt_whose_process_died_is_made_again_when_its_time_is_up(office: PostOffice) -> None:
    await office.put(notice())
    began, never = asyncio.Event(), asyncio.Event()

    class Hanging:
        async def send(self, _: Message) -> None:
            began.set()
            await never.wait()

    dying = asyncio.create_task(office.worker({EMAIL: Hanging()}).send_due(EMAIL))
    await began.wait()
    dying.cancel()
    with suppress(asyncio.CancelledError):
        await dying
    worker = office.worker()
    assert await worker.send_due(EMAIL) == office.now + PACE.lease
    assert office.mailroom.received == []
    office.now += PACE.lease
    await worker.send_due(EMAIL)
    row = await office.row()
    assert (row.state, row.attempts, row.unknown, row.maybe_twice) == (NoticeState.SENT, 2, 1, True)


async def test_at_night_it_waits_for_the_morning_and_the_urgent_does_not(office: PostOffice) -> None:
    office.now = instant_on(date(2026, 6, 8), 22 * 60)
    await office.address("1002", EMAIL, "li.na@bank.example")
    await office.put(notice("1001"), notice("1002", urgent=True))
    worker = office.worker()
    morning = instant_on(date(2026, 6, 9), 8 * 60)
    assert await worker.send_due(EMAIL) == morning
    assert office.mailroom.recipients == ["li.na@bank.example"]
    assert (await office.row()).attempts == 0
    office.now = morning
    await worker.send_due(EMAIL)
    assert len(office.mailroom.received) == 2


async def test_what_could_not_be_sent_for_days_is_given_up_and_says_so(office: PostOffice) -> None:
    await office.put(notice())
    office.now += PACE.keep + HOUR
    await office.worker().send_due(EMAIL)
    row = await office.row()
    assert (row.state, row.why) == (NoticeState.FAILED, Why.TOO_OLD)


async def test_the_task_sends_what_is_put_and_outlives_a_server_that_goes_and_comes_back(
    office: PostOffice,
) -> None:
    arrived = asyncio.Queue[str]()
    office.mailroom.on_mail = arrived.put_nowait
    office.now = NOON
    worker = office.worker()
    task = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(60):
            await office.put(notice(key="one"))
            await arrived.get()
            await office.mailroom.close()
            await office.put(notice(key="two"))
            while EMAIL not in worker.problems:  # noqa: ASYNC110 - a problem is a state, not an event
                await asyncio.sleep(0.01)
            await office.mailroom.open()
            await arrived.get()
            while worker.problems:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert len(office.mailroom.received) == 2


async def test_a_channels_own_mistake_is_counted_and_holds_up_nobody_else(office: PostOffice) -> None:
    class Broken:
        async def send(self, message: Message) -> None:
            if message.address.startswith("wang"):
                raise ZeroDivisionError("a mistake of ours")
            await office.mail.send(message)

    await office.address("1002", EMAIL, "li.na@bank.example")
    await office.put(notice("1001"), notice("1002"))
    await office.worker({EMAIL: Broken()}).send_due(EMAIL)
    assert "a mistake of ours" in (await office.row()).detail
    assert (await office.row("1002")).state is NoticeState.SENT
