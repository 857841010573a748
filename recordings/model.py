"""A recording: the sound of one agent leg, in one file or several, and what we know of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from core.clock import Duration, Instant
from core.errors import BadInput

_CALL = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_LEG = r"(?:[a-z0-9]{1,16}-)?\d{9,12}\.\d{1,10}"
_BASE = re.compile(rf"(?P<call>{_CALL})_(?P<leg>{_LEG})")
_FILE = re.compile(rf"(?P<base>{_CALL}_{_LEG})(?P<suffix>-customer|-agent|-leader)?\.wav")


class Status(StrEnum):
    """How far the catalogue has got with a leg's recording."""

    RECORDING = "recording"
    """The leg goes on, the file is being written."""
    ENDED = "ended"
    """The leg is over; the file has not been measured yet."""
    PRESENT = "present"
    MISSING = "missing"
    DAMAGED = "damaged"
    """There is something, but not a whole sound file, or only one of the two sides."""
    REMOVING = "removing"
    """Retention takes it away: its files first, then this row."""


class Part(StrEnum):
    """Whose voice a file holds. `MIXED` stands for both, be it on one channel or on two.

    A leader's is there if he spoke with both: only while he did, end to end if he did so more than once.
    """

    MIXED = "mixed"
    CUSTOMER = "customer"
    AGENT = "agent"
    LEADER = "leader"


_SUFFIX = {Part.MIXED: "", Part.CUSTOMER: "-customer", Part.AGENT: "-agent", Part.LEADER: "-leader"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One file as found. `length` in µs of sound, `size` in bytes, `channels` 1 or 2."""

    name: str
    part: Part
    size: int
    length: Duration
    channels: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One leg's catalogue row. `base`: file name without suffix and extension."""

    leg: str
    call: str
    agent: str
    queue: str
    node: str
    base: str
    started_at: Instant | None
    ended_at: Instant | None
    status: Status
    why: str = ""
    files: tuple[Measured, ...] = ()

    @property
    def length(self) -> Duration:
        """Of the longest file, µs."""
        return max((file.length for file in self.files), default=0)

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    def file(self, part: Part) -> Measured | None:
        """The file of this part, if there is one."""
        return next((file for file in self.files if file.part is part), None)


def base_of(file: str, call: str, leg: str, where: str) -> str:
    """The base name in a fact's `file`, with or without `.wav`.

    `BadInput` unless it is made of exactly this call's and this leg's ids: a name from outside may never
    lead to another leg's file, nor out of the folder (guarantee 6).
    """
    base = file.removesuffix(".wav")
    match = _BASE.fullmatch(base)
    if match is None or match["call"] != call or match["leg"] != leg:
        raise BadInput(where, f"{file[:120]!r} is not the recording of call {call}, leg {leg}")
    return base


def file_name(base: str, part: Part) -> str:
    """The name of one part's file; `BadInput` if `base` is not of the shape `<call>_<leg>`."""
    if not _BASE.fullmatch(base):
        raise BadInput("recording", f"{base[:120]!r} is not of the shape <call>_<leg>")
    return f"{base}{_SUFFIX[part]}.wav"


def base_in(name: str) -> str | None:
    """The base name that a file of the recordings folder belongs to; None: not a recording's name."""
    match = _FILE.fullmatch(name)
    return match["base"] if match else None
