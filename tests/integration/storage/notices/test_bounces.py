"""Mail that comes back into a real Maildir, of what a real server took: matched, written down, set aside."""

from __future__ import annotations

import asyncio
import mailbox
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from storage.notices.bounces import LARGEST, BounceReader, Looked
from storage.notices.maildir import ASIDE, HANDLED, Maildir
from storage.notices.model import NoticeState, Sending, Why
from storage.notices.undeliverable import all_blocked, lift
from tests.integration.storage.notices.conftest import EMAIL, PAGE, RETURNS, PostOffice, notice, opened
from tests.integration.storage.notices.mailroom import Mailroom
from tests.support.databases import Databases
from tests.support.returned import Returned

FANG = "wang.fang@bank.example"


class Post:
    """The folder, the mail system that delivers into it, and who reads it."""

    def __init__(self, office: PostOffice, path: Path) -> None:
        self.office, self.path = office, path
        self.box = mailbox.Maildir(path)
        self.reader = BounceReader(
            database=office.database,
            notices=office.notices,
            maildir=Maildir(path, largest=LARGEST),
            returns=RETURNS,
            clock=office.clock,
        )

    async def sent(self, key: str = "ticket:GD1:arrived", person: str = "1001") -> str:
        """Send a notice; where it comes back to."""
        await self.office.put(notice(person, key), channels=(EMAIL,))
        await self.office.worker({EMAIL: self.office.mail_that_returns}).send_due(EMAIL)
        return self.office.mailroom.senders[-1]

    def deliver(self, *mails: bytes) -> None:
        for mail in mails:
            self.box.add(mail)

    def files(self, folder: str = "") -> list[bytes]:
        place = self.path / folder
        return [file.read_bytes() for part in ("new", "cur") for file in sorted((place / part).glob("*"))]

    async def row(self) -> Sending:
        return await self.office.row()

    async def blocked(self) -> list[str]:
        async with self.office.database.read() as connection:
            return [each.address for each in await all_blocked(connection)]


@pytest.fixture
async def office(databases: Databases, mailroom: Mailroom) -> AsyncIterator[PostOffice]:
    async with opened(databases.url("main"), mailroom) as office:
        yield office


@pytest.fixture
def post(office: PostOffice, tmp_path: Path) -> Post:
    return Post(office, tmp_path / "returned")


async def test_a_mail_bears_its_mark_in_its_envelope_and_its_name(post: Post) -> None:
    sender = await post.sent()
    row, (mail,) = await post.row(), post.office.mailroom.received
    assert sender == RETURNS.sender(row.provider_id)
    assert mail["Message-ID"] == f"<{RETURNS.token(row.provider_id)}@bank.example>"
    assert mail["From"] == "hotline@bank.example"


async def test_what_comes_back_for_good_fails_its_notice_and_holds_its_address_back(post: Post) -> None:
    post.deliver(Returned(to=await post.sent()).mail())
    assert await post.reader.look() == Looked(handled=1)
    row = await post.row()
    assert (row.state, row.why, row.ended_at) == (NoticeState.FAILED, Why.RETURNED, post.office.now)
    assert row.detail == "5.1.1 smtp; 550 5.1.1 <…>: Recipient address rejected: User unknown"
    assert await post.blocked() == [FANG]
    assert (post.files(), len(post.files(HANDLED))) == ([], 1)
    async with post.office.database.read() as connection:
        (told,) = await post.office.notices.about(connection, "notices:email")
    assert (told.notice.person, told.channel) == ("1001", PAGE)
    assert "发往 w***@bank.example 的邮件被退回" in told.notice.text
    await post.sent("another")
    assert len(post.office.mailroom.received) == 1
    async with post.office.database.write() as connection:
        (held,) = [each for each in await post.office.notices.not_sent(connection) if each.id != row.id]
        assert (held.state, held.why) == (NoticeState.SUPPRESSED, Why.UNDELIVERABLE)
        assert await lift(connection, FANG.upper())
        assert not await lift(connection, FANG)
        assert await post.office.notices.again(connection, held.id)
    await post.office.worker({EMAIL: post.office.mail_that_returns}).send_due(EMAIL)
    assert len(post.office.mailroom.received) == 2


async def test_another_address_of_the_same_person_is_used(post: Post) -> None:
    post.deliver(Returned(to=await post.sent()).mail())
    await post.reader.look()
    await post.office.address("1001", EMAIL, "fang@bank.example")
    await post.sent("another")
    assert post.office.mailroom.recipients == [FANG, "fang@bank.example"]


@pytest.mark.parametrize(
    ("returned", "blocked"),
    [
        (Returned(status="5.2.2", words="smtp; 552 mailbox full"), False),
        (Returned(recipient="elsewhere@other.example"), False),  # it was forwarded there
        (Returned(recipient="Wang.Fang@Bank.Example"), True),
    ],
)
async def test_only_an_address_of_ours_that_is_no_good_is_held_back(
    post: Post, returned: Returned, blocked: bool
) -> None:
    post.deliver(replace(returned, to=await post.sent()).mail())
    await post.reader.look()
    assert (await post.row()).why is Why.RETURNED
    assert await post.blocked() == ([FANG] if blocked else [])


async def test_what_is_late_is_seen_and_may_come_back_yet(post: Post) -> None:
    to = await post.sent()
    late = Returned(to=to, action="delayed", status="4.4.1", words="smtp; no answer")
    post.deliver(late.mail())
    await post.reader.look()
    row = await post.row()
    assert (row.state, row.why, row.detail) == (NoticeState.SENT, Why.DELAYED, "4.4.1 smtp; no answer")
    async with post.office.database.read() as connection:
        assert [each.id for each in await post.office.notices.delayed(connection)] == [row.id]
    post.deliver(Returned(to=to).mail(), late.mail(), Returned(to=to, status="5.9.9").mail())
    assert await post.reader.look() == Looked(handled=3)
    row = await post.row()
    assert (row.state, row.why) == (NoticeState.FAILED, Why.RETURNED)
    async with post.office.database.read() as connection:
        assert await post.office.notices.delayed(connection) == []


async def test_what_was_sent_anew_is_not_failed_by_what_comes_back_of_the_old_one(post: Post) -> None:
    mail = Returned(to=await post.sent(), status="4.4.7").mail()
    post.deliver(mail)
    await post.reader.look()
    async with post.office.database.write() as connection:
        assert await post.office.notices.again(connection, (await post.row()).id)
    await post.office.worker({EMAIL: post.office.mail_that_returns}).send_due(EMAIL)
    post.deliver(mail)
    assert await post.reader.look() == Looked(handled=1)
    assert (await post.row()).state is NoticeState.SENT


async def test_what_is_not_ours_or_cannot_be_read_is_set_aside_and_never_lost(post: Post) -> None:
    row_before = await post.sent() and await post.row()
    forged = Returned(to=f"hotline+{row_before.provider_id}-{'0' * 16}@bank.example")
    strange = [
        b"Subject: holiday\n\nI am away until Monday.",
        b"\xff\x00" * 500,
        forged.mail(),
        Returned().mail() + b" " * LARGEST,
    ]
    post.deliver(*strange)
    os.mkfifo(post.path / "new" / "0.pipe")
    (post.path / "new" / "1.link").symlink_to("/etc/hostname")
    assert await post.reader.look() == Looked(aside=6)
    assert await post.reader.look() == Looked()
    assert await post.row() == row_before
    assert await post.blocked() == []
    aside = post.path / ASIDE / "cur"
    kept = {file.read_bytes() for file in aside.iterdir() if file.is_file() and not file.is_symlink()}
    assert len(kept) == len(strange)
    assert {mail.replace(b"\n", os.linesep.encode()) for mail in strange} == kept
    assert {file.name for file in aside.iterdir() if not file.is_file() or file.is_symlink()} == {
        "0.pipe",
        "1.link",
    }


async def test_two_mails_of_one_name_are_both_kept(post: Post) -> None:
    for text in (b"one", b"two"):
        (post.path / "new" / "1.host").write_bytes(text)
        await post.reader.look()
    assert post.files(ASIDE) == [b"one", b"two"]


async def test_what_was_dealt_with_goes_after_a_month_and_what_was_set_aside_stays(post: Post) -> None:
    post.deliver(Returned(to=await post.sent()).mail(), b"Subject: x\n\ny")
    await post.reader.look()
    for folder in (HANDLED, ASIDE):
        for file in (post.path / folder / "cur").iterdir():
            os.utime(file, (1, 1))
    folder = Maildir(post.path, largest=LARGEST)
    assert (folder.sweep(60), folder.sweep(60)) == (1, 0)
    assert (len(post.files(HANDLED)), len(post.files(ASIDE))) == (0, 1)


async def test_the_task_outlives_a_folder_and_a_database_that_are_away(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.notices.bounces._LOOK_S", 0.02)
    mail = Returned(to=await post.sent()).mail()
    away = post.path.rename(post.path.with_name("away"))
    task = asyncio.create_task(post.reader.run())
    async with asyncio.timeout(60):
        while not post.reader.problem:  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0.01)
        away.rename(post.path)
        async with post.office.database.write() as connection:
            await connection.exec_driver_sql("ALTER TABLE notices RENAME TO hidden")
        post.deliver(mail)
        while "notices" not in post.reader.problem:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert len(post.files()) == 1
        async with post.office.database.write() as connection:
            await connection.exec_driver_sql("ALTER TABLE hidden RENAME TO notices")
        while (await post.row()).why is not Why.RETURNED:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
