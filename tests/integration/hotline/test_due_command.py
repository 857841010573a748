"""`hotline due` on a real database: what did not happen is seen, and can be given another chance."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import instant_on, local_day, system_clock
from directory.calendar import shipped
from hotline.__main__ import main
from storage import Database, migrate
from storage.notices.model import ChannelName, Notice
from storage.notices.outbox import Notices
from storage.notices.worker import NoticeWorker
from storage.retry import Retry
from storage.timer_runner import TimerRunner
from storage.timers import Timer, Timers
from storage.waker import NEVER

OWNER = "ticket:GD20261122-000001"


def with_database(folder: Path, work: Callable[[Database], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        database = Database(f"sqlite+aiosqlite:///{folder}/hotline.db", name="main")
        await database.open()
        await migrate(database)
        await work(database)
        await database.close()

    asyncio.run(all_of_it())


async def fail(_: AsyncConnection, __: Timer) -> None:
    raise RuntimeError("the unit has no head")


async def something_did_not_happen(database: Database) -> None:
    timers, notices = Timers(clock=system_clock), Notices(clock=system_clock)
    timers.register("escalate", fail)
    notice = Notice(person="1001", subject="超时提醒", text="请处理", key="k", cause=OWNER)
    due = instant_on(local_day(system_clock()), 0)
    async with database.write() as connection:
        await timers.set(connection, Timer(owner=OWNER, name="limit", kind="escalate", due=due))
        await notices.put(connection, notice, [ChannelName.SMS])
    once = Retry(first=1, most=1, tries=1)
    runner = TimerRunner(database=database, timers=timers, clock=system_clock, random=lambda: 0.0, retry=once)
    assert await runner.fire_due() == NEVER
    worker = NoticeWorker(
        database=database,
        notices=notices,
        channels={},
        calendar=shipped,
        clock=system_clock,
        random=lambda: 0.0,
    )
    assert await worker.send_due(ChannelName.SMS) == NEVER


def test_what_did_not_happen_is_listed_and_given_another_chance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.toml").write_text(f'data_dir = "{tmp_path}"\n', "utf-8")
    config = ["--config", str(tmp_path / "own.toml")]
    with_database(tmp_path, something_did_not_happen)
    assert main(["due", *config]) == 0
    told = capsys.readouterr().out
    assert "timers given up: 1\n" in told
    assert f"{OWNER} limit, due " in told
    assert "1 tries: RuntimeError: the unit has no head" in told
    assert f"{OWNER} → 1001 by sms: suppressed, 系统未启用该渠道" in told
    assert main(["due", *config, "--timer", OWNER, "limit"]) == 0
    assert main(["due", *config, "--notice", "2"]) == 0
    capsys.readouterr()
    assert main(["due", *config]) == 0
    assert capsys.readouterr().out == "timers given up: none\nnotices not sent: none\n"
    assert main(["due", *config, "--notice", "2"]) == 2
    assert "no notice that was not sent: `hotline due` lists them" in capsys.readouterr().err


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.toml").write_text(f'data_dir = "{tmp_path}"\n', "utf-8")
    assert main(["due", "--config", str(tmp_path / "own.toml")]) == 2
    assert "start the service once" in capsys.readouterr().err
    assert not (tmp_path / "hotline.db").exists()
