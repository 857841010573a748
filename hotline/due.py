"""What is due, who is told and what runs aside: timers, notices and jobs, put together for `assembly.py`."""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.calendar import WorkingCalendar
from core.clock import Clock
from core.errors import BadInput
from hotline.settings import Settings
from hotline.settings_notices import MailSettings, SmsSettings
from storage import Database
from storage.jobs.executor import Executor, executor_of
from storage.jobs.model import Pace
from storage.jobs.queue import Jobs
from storage.jobs.runner import JobRunner
from storage.jobs.watch import JobsWatch
from storage.notices.bounces import LARGEST, BounceReader
from storage.notices.channel import Channel
from storage.notices.mail import MailChannel, MailServer
from storage.notices.maildir import Maildir
from storage.notices.model import ChannelName
from storage.notices.outbox import Notices
from storage.notices.returning import Returns
from storage.notices.sms import Gateway, SmsChannel
from storage.notices.worker import NoticeWorker
from storage.notices.worker import Pace as NoticePace
from storage.timer_runner import TimerRunner
from storage.timers import Timers

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """`timers`, `notices` and `jobs`: what features set and put; `runner`, `worker` and `executor`: the tasks
    behind them; `watch`: how jobs stand; `bounces`: reads mail that comes back, if there is a folder for it.

    `calendar()`: the working calendar as of now.
    """

    calendar: Callable[[], WorkingCalendar]
    timers: Timers
    notices: Notices
    jobs: Jobs
    runner: TimerRunner
    worker: NoticeWorker
    executor: Executor
    watch: JobsWatch
    bounces: BounceReader | None = None

    def work(self) -> dict[str, Coroutine[Any, Any, None]]:
        """The tasks, by name; they run until they are cancelled."""
        work = {"timers": self.runner.run(), "notices": self.worker.run(), "jobs": self.executor.run()}
        return work if self.bounces is None else work | {"bounces": self.bounces.run()}


def assemble_due(
    settings: Settings, main: Database, calendar: Callable[[], WorkingCalendar], clock: Clock
) -> Due:
    """Everything, connected. `BadInput` if a file that the settings name cannot be used."""
    timers, notices, jobs = Timers(clock=clock), Notices(clock=clock), Jobs(clock=clock)
    worker = NoticeWorker(
        database=main,
        notices=notices,
        channels=_channels(settings, clock),
        calendar=calendar,
        clock=clock,
        random=random.random,
        pace=NoticePace(
            at_once={ChannelName.EMAIL: settings.mail.at_once, ChannelName.SMS: settings.sms.at_once}
        ),
    )
    runner = TimerRunner(database=main, timers=timers, clock=clock, random=random.random)
    pace = Pace(at_once=settings.jobs.at_once)
    hands = JobRunner(database=main, jobs=jobs, clock=clock, random=random.random, pace=pace)
    executor = executor_of(database=main, jobs=jobs, runner=hands, clock=clock)
    return Due(
        calendar=calendar,
        timers=timers,
        notices=notices,
        jobs=jobs,
        runner=runner,
        worker=worker,
        executor=executor,
        watch=JobsWatch(database=main, jobs=jobs, executor=executor),
        bounces=_bounces(settings, main, notices, clock),
    )


def _bounces(settings: Settings, main: Database, notices: Notices, clock: Clock) -> BounceReader | None:
    """Who reads what comes back, where a folder for it is named."""
    folder, returns = settings.mail.returns_maildir, returns_of(settings)
    if folder is None or returns is None:
        return None
    return BounceReader(
        database=main,
        notices=notices,
        maildir=Maildir(folder, largest=LARGEST),
        returns=returns,
        clock=clock,
    )


def returns_of(settings: Settings) -> Returns | None:
    """How mail that comes back is known; None while it is not read. Its key is made at the first start."""
    mail = settings.mail
    if not mail.host or mail.returns_maildir is None:
        return None
    return Returns(address=mail.returns or mail.sender, key=kept_key(settings.data_dir / "returns.key"))


def sms_key(sms: SmsSettings) -> str:
    """What both sides sign with; "" where there is no gateway."""
    return sms.key.get_secret_value() if sms.url and sms.key else ""


def kept_key(file: Path) -> bytes:
    """The key in a file of our own, which is made if it is not there. `BadInput` if it cannot be used."""
    try:
        with suppress(FileExistsError), os.fdopen(os.open(file, _NEW, 0o600), "w", encoding="ascii") as made:
            made.write(secrets.token_hex(32))
        return bytes.fromhex(file.read_text("ascii"))
    except (OSError, ValueError) as error:
        raise BadInput(str(file), f"holds no key ({error}): remove it, and a new one is made") from error


def _channels(settings: Settings, clock: Clock) -> dict[ChannelName, Channel]:
    """The ways out of the house that are set up."""
    channels: dict[ChannelName, Channel] = {}
    if settings.mail.host:
        channels[ChannelName.EMAIL] = MailChannel(_server(settings.mail, returns_of(settings)))
    if settings.sms.url:
        channels[ChannelName.SMS] = SmsChannel(_gateway(settings.sms), clock=clock)
    return channels


def _server(mail: MailSettings, returns: Returns | None) -> MailServer:
    return MailServer(
        host=mail.host,
        port=mail.port,
        sender=mail.sender,
        security=mail.security,
        user=mail.user,
        password=mail.password.get_secret_value() if mail.password else "",
        ca_file=mail.ca_file,
        timeout_s=mail.timeout_s,
        returns=returns,
    )


def _gateway(sms: SmsSettings) -> Gateway:
    return Gateway(
        url=sms.url,
        account=sms.account,
        key=sms_key(sms),
        signature=sms.signature,
        timeout_s=sms.timeout_s,
    )
