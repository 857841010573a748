"""The program as in service, without a node: what is due happens, and who is told gets it."""

from __future__ import annotations

import asyncio
import mailbox
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import instant_on, local_day, system_clock
from core.errors import BadInput
from directory.calendar import shipped
from directory.credentials import Credentials
from directory.seed import DEMO, load
from hotline import configuration
from hotline.__main__ import main as command_line
from hotline.assembly import assemble
from hotline.due import assemble_due
from hotline.running import Running
from hotline.settings import Settings, WebSettings
from hotline.settings_notices import MailSettings, SmsSettings
from storage import Database
from storage.notices.mail import Security
from storage.notices.model import ChannelName, Notice, NoticeState, Way, Why
from storage.notices.preferences import set_way
from storage.timers import Timer
from tests.integration.storage.notices.mailroom import Mailroom
from tests.support.returned import Returned

NOBODY = Credentials(pin_salt="", staff={})


@pytest.fixture
async def mailroom() -> AsyncIterator[Mailroom]:
    room = Mailroom()
    await room.open()
    yield room
    await room.close()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def test_a_timer_that_fires_tells_a_person_by_mail(tmp_path: Path, mailroom: Mailroom) -> None:
    arrived = asyncio.Queue[str]()
    mailroom.on_mail = arrived.put_nowait
    settings = Settings(
        data_dir=tmp_path,
        web=WebSettings(port=free_port()),
        mail=MailSettings(
            host="127.0.0.1",
            port=mailroom.port,
            security=Security.NONE,
            sender="hotline@bank.example",
        ),
    )
    hotline = await assemble(settings, load(DEMO), NOBODY, clock=system_clock)

    async def remind(connection: AsyncConnection, timer: Timer) -> None:
        notice = Notice(
            person=timer.payload["person"],
            subject="回复时限将至",
            text="请在截止时间前处理。",
            key=f"{timer.owner}:{timer.name}",
            cause=timer.owner,
            urgent=True,
        )
        await hotline.due.notices.put(connection, notice, [ChannelName.EMAIL, ChannelName.SMS])

    hotline.due.timers.register("ticket.reminder", remind)
    limit = hotline.due.calendar().deadline(system_clock(), 2)
    async with Running(hotline):
        async with hotline.main.write() as connection:
            way = Way("wang.fang@bank.example")
            await set_way(connection, "1001", ChannelName.EMAIL, way, clock=system_clock)
            for name, due in (("now", system_clock()), ("limit", limit.at)):
                timer = Timer(
                    owner="ticket:GD1", name=name, kind="ticket.reminder", due=due, payload={"person": "1001"}
                )
                await hotline.due.timers.set(connection, timer)
        async with asyncio.timeout(60):
            assert await arrived.get() == "wang.fang@bank.example"
            told = {}
            while {row.state for row in told.values()} != {NoticeState.SENT, NoticeState.SUPPRESSED}:
                await asyncio.sleep(0.01)
                async with hotline.main.read() as connection:
                    about = await hotline.due.notices.about(connection, "ticket:GD1")
                told = {row.channel: row for row in about}
    assert told[ChannelName.SMS].why is Why.CHANNEL_OFF
    assert len(mailroom.received) == 1
    assert local_day(limit.at) > local_day(system_clock())
    assert limit.at > instant_on(local_day(system_clock()), 1440)


async def test_a_mail_that_comes_back_is_seen_by_whoever_looks_after_it(
    tmp_path: Path, mailroom: Mailroom, capsys: pytest.CaptureFixture[str]
) -> None:
    arrived, folder, port = asyncio.Queue[str](), mailbox.Maildir(tmp_path / "returned"), free_port()
    mailroom.on_mail = arrived.put_nowait
    file = tmp_path / "own.toml"
    lines = [
        f'data_dir = "{tmp_path}"',
        f"web.port = {port}",
        "[mail]",
        'host = "127.0.0.1"',
        f"port = {mailroom.port}",
        'security = "none"',
        'sender = "hotline@bank.example"',
        'returns = "back+*@bank.example"',
        f'returns_maildir = "{tmp_path}/returned"',
    ]
    file.write_text("\n".join(lines), "utf-8")
    hotline = await assemble(configuration.load(file), load(DEMO), NOBODY, clock=system_clock)
    notice = Notice(person="1001", subject="新工单", text="请处理", key="k", cause="ticket:GD1", urgent=True)
    async with asyncio.timeout(60), Running(hotline):
        async with hotline.main.write() as connection:
            way = Way("wang.fang@bank.example")
            await set_way(connection, "1001", ChannelName.EMAIL, way, clock=system_clock)
            await hotline.due.notices.put(connection, notice, [ChannelName.EMAIL])
        await arrived.get()
        (sender,) = mailroom.senders
        assert sender.startswith("back+")
        folder.add(Returned(to=sender).mail())
        assert hotline.due.bounces is not None
        while not (await hotline.due.bounces.look()).handled:
            if await hotline_told(file, capsys, "邮件已被退回"):
                break
            await asyncio.sleep(0.05)
        assert await hotline_told(file, capsys, "→ 1001 by email: failed, 邮件已被退回: 5.1.1 smtp; 550")
        assert await hotline_told(file, capsys, "  wang.fang@bank.example, nothing sent since 2")
        async with hotline.main.write() as connection:
            await hotline.due.notices.put(connection, replace(notice, key="k2"), [ChannelName.EMAIL])
        while not await hotline_told(file, capsys, "该地址曾被永久退信,已停用"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        assert await hotline_told(file, capsys, "it is tried again now", "--lift", "wang.fang@bank.example")
        assert not await hotline_told(file, capsys, "wang.fang@bank.example, nothing sent")
    assert (tmp_path / "returns.key").stat().st_mode & 0o777 == 0o600


async def hotline_told(file: Path, capsys: pytest.CaptureFixture[str], words: str, *more: str) -> bool:
    """Whether `hotline due` says these words."""
    capsys.readouterr()
    await asyncio.to_thread(command_line, ["due", "--config", str(file), *more])
    return words in capsys.readouterr().out


def test_a_key_that_was_spoilt_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "returns.key").write_text("no key", "ascii")
    mail = MailSettings(host="mail.bank.example", sender="a@bank.example", returns_maildir=tmp_path / "r")
    wrong = Settings(data_dir=tmp_path, mail=mail)
    with pytest.raises(BadInput, match=r"returns\.key: holds no key"):
        assemble_due(wrong, Database(wrong.main_url, name="main"), shipped, clock=system_clock)


async def test_what_is_due_does_not_wait_until_the_board_is_made_of_the_ledger_again(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, web=WebSettings(port=free_port()))
    hotline = await assemble(settings, load(DEMO), NOBODY, clock=system_clock)
    fired, starts = asyncio.Event(), hotline.board.start

    async def fire(_: AsyncConnection, __: Timer) -> None:
        fired.set()

    async def with_a_long_ledger() -> None:
        await fired.wait()
        await starts()

    hotline.due.timers.register("ticket.reminder", fire)
    hotline.board.start = with_a_long_ledger  # type: ignore[method-assign]
    async with hotline.main.write() as connection:
        timer = Timer(owner="ticket:GD1", name="now", kind="ticket.reminder", due=system_clock())
        await hotline.due.timers.set(connection, timer)
    async with asyncio.timeout(60), Running(hotline):
        assert fired.is_set()


async def test_a_start_that_fails_leaves_nothing_running(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = Settings(data_dir=tmp_path, web=WebSettings(port=taken.getsockname()[1]))
        hotline = await assemble(settings, load(DEMO), NOBODY, clock=system_clock)
        before = asyncio.all_tasks()
        with pytest.raises(OSError, match="in use"):
            async with Running(hotline):
                pass
    assert not {task.get_name() for task in asyncio.all_tasks() - before} & {"timers", "notices"}
    await hotline.close()


def test_what_is_set_up_wrongly_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    mail = MailSettings(host="mail.bank.example", sender="a@bank.example", ca_file=tmp_path / "ca.pem")
    sms = SmsSettings(url="https://sms.example/", account="a", key=SecretStr("k"))
    wrong = Settings(data_dir=tmp_path, mail=mail, sms=sms)
    with pytest.raises(BadInput, match="holds no certificates"):
        assemble_due(wrong, Database(wrong.main_url, name="main"), shipped, clock=system_clock)
