"""What an event of Asterisk says, by header; ValueError where that is not as Asterisk 22 writes it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from core.clock import Instant
from core.names import fits
from telephony import signals as s


class Event(Protocol):
    """What `telephony.ami` delivers: a name and headers, each read once by its exact spelling."""

    @property
    def name(self) -> str: ...

    def get(self, header: str) -> str | None: ...


Translator = Callable[[Event, Instant, str], s.Signal | None]
"""Event, its time and its node; None where it says nothing to us."""


def text_of(event: Event, header: str) -> str:
    """What the header says, "" where it is missing."""
    return event.get(header) or ""


def need(event: Event, header: str, kind: str) -> str:
    """A name of this kind (`core.names`)."""
    value = text_of(event, header)
    if not fits(kind, value):
        raise ValueError(f"header {header} is {value[:60]!r}, not a {kind} name")
    return value


def device_of(event: Event) -> str:
    """Of the interface `PJSIP/d001`, the device."""
    interface = text_of(event, "Interface")
    return interface.partition("/")[2]


def whole(event: Event, header: str) -> int:
    """A number; 0 where there is none."""
    text = text_of(event, header)
    return int(text) if text.isdigit() else 0


def call_and_leg(event: Event) -> tuple[str, str]:
    """Of what our dialplan says on a channel of a call."""
    return need(event, "Call", "call"), need(event, "Uniqueid", "leg")
