"""Days of calls for the daily proof: facts as telephony writes them, lines as app_queue does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from msgspec.structs import replace

from core import facts as f
from core.clock import BANK_ZONE, SECOND, Instant, instant
from tests.unit.ledger.samples import QUEUE, T0, Story, abandoned, leg_id, normal

DAY = date(2026, 9, 21)
NOON: Instant = instant(datetime.combine(DAY, time(12), BANK_ZONE))
MIDNIGHT: Instant = instant(datetime.combine(date(2026, 9, 22), time(), BANK_ZONE))
BORN = str(T0 // SECOND)


@dataclass(frozen=True, slots=True)
class Told:
    """One call: what the ledger says and what the log does."""

    facts: list[f.Fact]
    lines: list[str]


def tell(story: Story, at: Instant, *entries: str, node: str = "node1") -> Told:
    """`story` as if come at `at`, with `entries` of the log: `<seconds after> <agent> <event> <data>`."""
    return Told(
        [_moved(fact, at - T0, node) for fact in story.facts],
        [_line(entry, story.n, at, node) for entry in entries],
    )


def answered(n: int, at: Instant = NOON, node: str = "node1") -> Told:
    """2.1 s of waiting, 30 s of talk, a survey, both sides recorded."""
    story = normal(n)
    story.leg(f.RecordingEnded, 0, 1, "1001", file="")
    return tell(
        story,
        at,
        "2 NONE ENTERQUEUE |13800000001|1",
        f"4 1001 CONNECT 2|{leg_id(n)}|2",
        "34 1001 COMPLETEAGENT 2|30|1",
        node=node,
    )


def gave_up(n: int, at: Instant = NOON) -> Told:
    """Hangs up 7 s into waiting."""
    lines = ("2 NONE ENTERQUEUE |13800000001|1", "9 1001 RINGCANCELED 6900", "9 NONE ABANDON 1|1|7")
    return tell(abandoned(n), at, *lines)


def log_of(*calls: Told) -> str:
    """All lines in the order of time, as the file has them; Asterisk was started before the first."""
    lines = sorted((line for call in calls for line in call.lines), key=lambda line: line.split("|")[0])
    started = min((int(line.split("|")[0]) for line in lines), default=0) - 60
    return "".join([f"{started}|NONE|NONE|NONE|QUEUESTART|\n", *lines])


def facts_of(*calls: Told) -> list[f.Fact]:
    """All facts in the order of time."""
    return sorted((fact for call in calls for fact in call.facts), key=lambda fact: fact.at)


def without(calls: Iterable[f.Fact], kind: type[f.Fact]) -> list[f.Fact]:
    """All but those of a kind."""
    return [fact for fact in calls if not isinstance(fact, kind)]


def _moved(fact: f.Fact, by: int, node: str) -> f.Fact:
    fields: dict[str, Any] = {"at": fact.at + by, "node": node}
    if isinstance(fact, f.CallerQueued):
        fields["joined_at"] = fact.joined_at + by
    if hasattr(fact, "leg"):
        fields["leg"] = _reborn(fact.leg, T0 + by, node)
    if isinstance(fact, f.RecordingStarted | f.RecordingEnded):
        fields["file"] = f"{fact.call}_{fields['leg']}.wav"
    return replace(fact, **fields)


def _line(entry: str, n: int, at: Instant, node: str) -> str:
    after, agent, event, data = entry.split(" ")
    channel = f"{node}-{at // SECOND}.{10 * n}"
    return f"{at // SECOND + int(after)}|{channel}|{QUEUE}|{agent}|{event}|{_reborn(data, at, node)}\n"


def _reborn(text: str, at: Instant, node: str) -> str:
    return text.replace(f"node1-{BORN}", f"{node}-{at // SECOND}")
