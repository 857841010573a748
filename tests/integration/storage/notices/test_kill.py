"""SIGKILL while notices are sent: each arrives at least once, and a row that may have gone twice says so."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from pathlib import Path

from sqlalchemy import select

from core.clock import system_clock
from storage.notices.model import ChannelName, NoticeState
from storage.notices.outbox import as_sending
from storage.notices.tables import notices as table
from storage.waker import NEVER
from tests.integration.storage.notices.conftest import EMAIL, PostOffice, notice

ROUNDS = 12
EACH = 30
ROOT = Path(__file__).parents[4]

SENDER = """
import asyncio, random, sys
from core.clock import MILLISECOND, SECOND, system_clock
from directory.calendar import shipped
from storage import Database
from storage.notices.mail import MailChannel, MailServer, Security
from storage.notices.model import ChannelName
from storage.notices.outbox import Notices
from storage.notices.worker import NoticeWorker, Pace
from storage.retry import Retry

async def main(folder, port):
    database = Database(f"sqlite+aiosqlite:///{folder}/main.db", name="main")
    await database.open()
    server = MailServer(
        host="127.0.0.1", port=int(port), sender="hotline@bank.example", security=Security.NONE
    )
    quick = Retry(first=MILLISECOND, most=MILLISECOND, tries=1000)
    worker = NoticeWorker(
        database=database,
        notices=Notices(clock=system_clock),
        channels={ChannelName.EMAIL: MailChannel(server)},
        calendar=shipped,
        clock=system_clock,
        random=random.random,
        pace=Pace(
            retry=quick, pause=quick, attempt_s=20, lease=30 * SECOND, at_once={ChannelName.EMAIL: 4}
        ),
    )
    await worker.run()

asyncio.run(main(*sys.argv[1:]))
"""


async def _send_until_killed(folder: Path, office: PostOffice, mails: int, then_s: float) -> None:
    arrived = asyncio.Queue[str]()
    office.mailroom.on_mail = arrived.put_nowait
    sender = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SENDER, str(folder), str(office.mailroom.port), cwd=ROOT
    )
    try:
        async with asyncio.timeout(60):
            for _ in range(mails):
                await arrived.get()
        await asyncio.sleep(then_s)
    finally:
        sender.kill()
        await sender.wait()


async def _leases_run_out(office: PostOffice) -> int:
    """What half a minute of waiting would do: attempts of the dead are due again. How many there were."""
    now = system_clock()
    async with office.database.write() as connection:
        dead = table.update().where(table.c.under_way, table.c.next_at > now).values(next_at=now)
        return (await connection.execute(dead)).rowcount


async def test_killed_again_and_again_no_notice_is_lost_and_every_double_is_owned_up_to(
    tmp_path: Path, office: PostOffice
) -> None:
    office.now = system_clock()
    chance, cut_off, expected = random.Random(5), 0, set()
    for round_ in range(ROUNDS):
        keys = [f"{round_}-{n}" for n in range(EACH)]
        expected |= set(keys)
        await office.put(*(notice(key=key, urgent=True) for key in keys), channels=(EMAIL,))
        await _send_until_killed(tmp_path, office, chance.randrange(1, 12), chance.uniform(0, 0.02))
        cut_off += await _leases_run_out(office)
    assert cut_off > 0, "no kill hit an attempt: the test shows nothing"
    office.now = system_clock()
    async with asyncio.timeout(120):
        assert await office.worker(at_once=4).send_due(EMAIL) == NEVER
    async with office.database.read() as connection:
        query = select(table).where(table.c.channel == ChannelName.EMAIL)
        rows = [as_sending(row) for row in await connection.execute(query)]
    copies = Counter(mail["Message-ID"].split("@")[0].strip("<") for mail in office.mailroom.received)
    assert {row.notice.key for row in rows} == expected
    assert {row.state for row in rows} == {NoticeState.SENT}
    assert sum(row.unknown for row in rows) == cut_off
    for row in rows:
        assert copies[row.provider_id] >= 1, f"{row.notice.key} never arrived"
        assert copies[row.provider_id] <= 1 + row.unknown, f"{row.notice.key} is a double nobody owns up to"
