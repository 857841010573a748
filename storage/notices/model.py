"""What a notice is, what became of it, and what a person wishes. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from core.clock import Instant


class ChannelName(StrEnum):
    """Ways to a person. PAGE is the list on our own pages; it cannot be switched off."""

    PAGE = "page"
    EMAIL = "email"
    SMS = "sms"


class NoticeState(StrEnum):
    """What is known of a notice, and no more than that."""

    WAITING = "waiting"
    SENT = "sent"
    """The channel took it: the mail server accepted it, it stands on the page."""
    DELIVERED = "delivered"
    """The person has it: a delivery report says so, or they marked it as read. E-mail never gets here."""
    FAILED = "failed"
    """Given up, or sent and come back."""
    SUPPRESSED = "suppressed"
    """Not sent on purpose; `why` says for what reason."""


class Reported(StrEnum):
    """What came of a delivery report."""

    TAKEN = "taken"
    SETTLED = "settled"
    """It had been settled before, by this report or another: nothing was changed."""
    UNKNOWN = "unknown"
    """It is about no message of ours."""


class Why(StrEnum):
    """Why a notice was not sent, will not be tried again, or is late."""

    NONE = ""
    SWITCHED_OFF = "switched_off"
    NO_ADDRESS = "no_address"
    CHANNEL_OFF = "channel_off"
    REFUSED = "refused"
    TRIED_TOO_OFTEN = "tried_too_often"
    TOO_OLD = "too_old"
    RETURNED = "returned"
    """It was sent, and came back."""
    DELAYED = "delayed"
    """It is sent, and a mail system further on has it still; no reason to try again."""
    UNDELIVERABLE = "undeliverable"
    """Earlier mail to that address came back for good."""

    @property
    def zh(self) -> str:
        """The words for people."""
        return _ZH[self]


_ZH = {
    Why.NONE: "",
    Why.SWITCHED_OFF: "本人已关闭该渠道",
    Why.NO_ADDRESS: "未登记地址或号码",
    Why.CHANNEL_OFF: "系统未启用该渠道",
    Why.REFUSED: "对方拒收",
    Why.TRIED_TOO_OFTEN: "多次发送未成功",
    Why.TOO_OLD: "超过有效时间仍未发出",
    Why.RETURNED: "邮件已被退回",
    Why.DELAYED: "对方邮件系统延迟投递",
    Why.UNDELIVERABLE: "该地址曾被永久退信,已停用",
}


@dataclass(frozen=True, slots=True)
class Lane:
    """Notices of one channel that are sent one after the other. What is urgent has a lane of its own."""

    channel: ChannelName
    urgent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What one person is to be told (NOTIFY-01); subject and text in Chinese, without account numbers.

    `key`: of two notices with the same key, person and channel only the first is sent. `cause`: what it is
    about, `ticket:GD20261122-000001`. `urgent`: not held back by quiet hours, nor by others that wait.
    """

    person: str
    subject: str
    text: str
    key: str
    cause: str
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A notice on one channel, as its row stands.

    `attempts`: how often it was handed to the channel. `unknown`: how many of these ended without our hearing
    how; then the person may have it more than once, under the same `provider_id`. `repeats`: how often the
    same key was put again, and not sent. `detail`: the channel's own words, masked.
    """

    id: int
    channel: ChannelName
    notice: Notice
    provider_id: str
    state: NoticeState
    why: Why
    detail: str
    created_at: Instant
    next_at: Instant
    attempts: int
    unknown: int
    repeats: int
    sent_at: Instant | None
    ended_at: Instant | None
    read_at: Instant | None

    @property
    def maybe_twice(self) -> bool:
        """Whether the person may have got it more than once."""
        return self.unknown > 0 and self.state in {NoticeState.SENT, NoticeState.DELIVERED}


@dataclass(frozen=True, slots=True)
class Way:
    """An address on a channel, and whether the person wants it used."""

    address: str
    on: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """When a person is not to be disturbed: from one minute of the day up to another, over midnight if the
    second is smaller, never if both are the same. `working_days_only`: nor on days that do not work.
    """

    since: int
    until: int
    working_days_only: bool = False


NIGHT = Quiet(since=21 * 60, until=8 * 60)
"""For everyone who has set nothing: 21:00 to 08:00."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What one person wishes. `ways` names the channels they have given an address for."""

    ways: Mapping[ChannelName, Way] = field(default_factory=lambda: MappingProxyType({}))
    quiet: Quiet = NIGHT
