"""What is due and who is told: timers and notices, put together for `assembly.py`."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from core.calendar import WorkingCalendar
from core.clock import Clock
from hotline.settings import MailSettings, Settings, SmsSettings
from storage import Database
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
    """`timers` and `notices`: what features set and put; `runner` and `worker`: the tasks behind them.

    `calendar()`: the working calendar as of now.
    """

    calendar: Callable[[], WorkingCalendar]
    timers: Timers
    notices: Notices
    runner: TimerRunner
    worker: NoticeWorker

    def work(self) -> dict[str, Coroutine[Any, Any, None]]:
        """The tasks, by name; they run until they are cancelled."""
        return {"timers": self.runner.run(), "notices": self.worker.run()}


def assemble_due(
    settings: Settings, main: Database, calendar: Callable[[], WorkingCalendar], clock: Clock
) -> Due:
    """Everything, connected. `BadInput` if a file that the settings name cannot be used."""
    timers, notices = Timers(clock=clock), Notices(clock=clock)
    worker = NoticeWorker(
        database=main,
        notices=notices,
        channels=_channels(settings, clock),
        calendar=calendar,
        clock=clock,
        random=random.random,
    )
    runner = TimerRunner(database=main, timers=timers, clock=clock, random=random.random)
    return Due(calendar=calendar, timers=timers, notices=notices, runner=runner, worker=worker)


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
