"""What is due, who is told and what runs aside: timers, notices and jobs, put together for `assembly.py`."""

from __future__ import annotations

import random
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from core.calendar import WorkingCalendar
from core.clock import Clock
from hotline.settings import MailSettings, Settings, SmsSettings
from storage import Database
from storage.jobs.executor import Executor, executor_of
from storage.jobs.model import Pace
from storage.jobs.queue import Jobs
from storage.jobs.watch import JobsWatch
from storage.jobs.work import JobRunner
from storage.notices.channel import Channel
from storage.notices.mail import MailChannel, MailServer
from storage.notices.model import ChannelName
from storage.notices.outbox import Notices
from storage.notices.sms import Gateway, SmsChannel
from storage.notices.worker import NoticeWorker
from storage.timer_runner import TimerRunner
from storage.timers import Timers


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """`timers`, `notices` and `jobs`: what features set and put; `runner`, `worker` and `executor`: the tasks
    behind them; `watch`: how jobs stand."""

    calendar: WorkingCalendar
    timers: Timers
    notices: Notices
    jobs: Jobs
    runner: TimerRunner
    worker: NoticeWorker
    executor: Executor
    watch: JobsWatch

    def work(self) -> dict[str, Coroutine[Any, Any, None]]:
        """The tasks, by name; they run until they are cancelled."""
        return {"timers": self.runner.run(), "notices": self.worker.run(), "jobs": self.executor.run()}


def assemble_due(settings: Settings, main: Database, calendar: WorkingCalendar, clock: Clock) -> Due:
    """Everything, connected. `BadInput` if a file that the settings name cannot be used."""
    timers, notices, jobs = Timers(clock=clock), Notices(clock=clock), Jobs(clock=clock)
    worker = NoticeWorker(
        database=main,
        notices=notices,
        channels=_channels(settings, clock),
        calendar=calendar,
        clock=clock,
        random=random.random,
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
    )


def sms_key(sms: SmsSettings) -> str:
    """What both sides sign with; "" where there is no gateway."""
    return sms.key.get_secret_value() if sms.url and sms.key else ""


def _channels(settings: Settings, clock: Clock) -> dict[ChannelName, Channel]:
    """The ways out of the house that are set up."""
    channels: dict[ChannelName, Channel] = {}
    if settings.mail.host:
        channels[ChannelName.EMAIL] = MailChannel(_server(settings.mail))
    if settings.sms.url:
        channels[ChannelName.SMS] = SmsChannel(_gateway(settings.sms), clock=clock)
    return channels


def _server(mail: MailSettings) -> MailServer:
    return MailServer(
        host=mail.host,
        port=mail.port,
        sender=mail.sender,
        security=mail.security,
        user=mail.user,
        password=mail.password.get_secret_value() if mail.password else "",
        ca_file=mail.ca_file,
        timeout_s=mail.timeout_s,
    )


def _gateway(sms: SmsSettings) -> Gateway:
    return Gateway(
        url=sms.url,
        account=sms.account,
        key=sms_key(sms),
        signature=sms.signature,
        timeout_s=sms.timeout_s,
    )
