"""Reads the recordings in `captures/`: blocks of headers, as Asterisk sent them (captures/README.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from core.clock import MILLISECOND, Instant, ami_timestamp
from telephony.ami.accounts import EVENT_INCLUDE

FOLDER = Path(__file__).parent / "captures"
_HEAD = re.compile(r"# (\w+); Asterisk (\d+\.\d+\.\d+);")
_ORDER = re.compile(r"^# \+(\d+) > (\w+) at (\w+) is held, (\w+) is called in (\S+) as (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One event of a recording; it reads like a message of `telephony.ami`. `at`: µs."""

    ms: int
    at: Instant
    headers: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        return self.get("Event") or ""

    @property
    def own(self) -> str:
        """The event's name, of a UserEvent the one our dialplan gave it."""
        return self.get("UserEvent") or self.name

    def get(self, header: str) -> str | None:
        return next((value for key, value in self.headers if key == header), None)

    @property
    def channels(self) -> frozenset[str]:
        """The Uniqueids this event speaks of."""
        return frozenset(self.get(header) or "" for header in ("Uniqueid", "DestUniqueid")) - {""}


@dataclass(frozen=True, slots=True)
class Ordered:
    """What the service would have ordered: `number` is called on `leg`, while `agent` is held at `device`."""

    ms: int
    at: Instant
    agent: str
    device: str
    number: str
    call: str
    leg: str


@dataclass(frozen=True, slots=True)
class Capture:
    """A whole recording, and the version of Asterisk that made it."""

    name: str
    version: str
    events: tuple[Recorded, ...]
    orders: tuple[Ordered, ...] = ()

    def all(self, own: str) -> list[Recorded]:
        """Every such event, in order."""
        return [event for event in self.events if event.own == own]

    def one(self, own: str) -> Recorded:
        """The only such event."""
        found = self.all(own)
        assert len(found) == 1, f"{self.name}: {len(found)} events {own}, not one"
        return found[0]

    @property
    def heard(self) -> tuple[Recorded, ...]:
        """What passes the filter of the events account."""
        return tuple(event for event in self.events if event.name in EVENT_INCLUDE)


def names() -> list[str]:
    """All recordings."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def read(name: str) -> Capture:
    """One recording; ValueError where a line is not as the README says."""
    text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    head = _HEAD.match(text)
    if head is None or head[1] != name:
        raise ValueError(f"{name}.txt: the first line does not name it and the version of Asterisk")
    blocks = [_block(name, block) for block in text.split("\n\n")]
    recorded = [block for block in blocks if block is not None]
    stamped = next((ms, dict(rows)["Timestamp"]) for ms, rows in recorded if "Timestamp" in dict(rows))
    start = ami_timestamp(stamped[1]) - stamped[0] * MILLISECOND
    events = []
    for ms, rows in recorded:
        stamp = dict(rows).get("Timestamp")
        events.append(Recorded(ms, ami_timestamp(stamp) if stamp else start + ms * MILLISECOND, rows))
    given = ((int(ms), about) for ms, *about in _ORDER.findall(text))
    orders = tuple(Ordered(ms, start + ms * MILLISECOND, *about) for ms, about in given)
    return Capture(name, head[2], tuple(events), orders)


def _block(name: str, block: str) -> tuple[int, tuple[tuple[str, str], ...]] | None:
    lines = [line for line in block.splitlines() if line and not line.startswith("#")]
    if not lines:
        return None
    if not lines[0].startswith("+"):
        raise ValueError(f"{name}.txt: a block begins with {lines[0]!r}, not with +<ms>")
    rows = []
    for line in lines[1:]:
        key, colon, value = line.partition(":")
        if not colon:
            raise ValueError(f"{name}.txt: {line!r} is no header")
        rows.append((key, value.strip()))
    return int(lines[0][1:]), tuple(rows)
