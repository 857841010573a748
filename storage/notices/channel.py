"""What a channel has to be able to do, and the four ways in which it fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from core.clock import Instant
from core.errors import HotlineError


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is handed to a channel. `id`: the same at every attempt, so that the far end can drop a double."""

    id: str
    address: str
    subject: str
    text: str
    made_at: Instant


class Channel(Protocol):
    """A way out of the house."""

    async def send(self, message: Message) -> None:
        """Returns once the far end has taken the message; raises one of the errors below otherwise."""


class ChannelError(HotlineError):
    """Root of the errors of a channel."""


class Refused(ChannelError):
    """The far end will never take this message: no such address, most likely."""


class NotNow(ChannelError):
    """The far end does not take this message just now; others it may."""


class ChannelDown(ChannelError):
    """The far end takes nothing from us just now, or not from us at all. This message did not leave."""


class OutcomeUnknown(ChannelError):
    """The message was handed over and nothing was heard: it may be with the person, or nowhere."""
