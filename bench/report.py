"""A measured figure with its bar, and its two written forms: a table for people, one line of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Wanted(StrEnum):
    """Which side of its bar a figure should be on."""

    AT_LEAST = "≥"
    AT_MOST = "≤"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """The limit that the project has set itself for one figure."""

    wanted: Wanted
    limit: float

    def met(self, value: float) -> bool:
        """Whether `value` is on the right side."""
        return value >= self.limit if self.wanted is Wanted.AT_LEAST else value <= self.limit


def at_least(limit: float) -> Bar:
    """The figure may not fall below `limit`."""
    return Bar(wanted=Wanted.AT_LEAST, limit=limit)


def at_most(limit: float) -> Bar:
    """The figure may not rise above `limit`."""
    return Bar(wanted=Wanted.AT_MOST, limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One bench's outcome. `bars` names those figures that have one; `notes` are conditions, for people."""

    bench: str
    figures: Mapping[str, float]
    bars: Mapping[str, Bar]
    notes: Sequence[str] = ()

    @property
    def met(self) -> bool:
        """Whether every bar is met; a figure that is missing meets none."""
        return all(name in self.figures and bar.met(self.figures[name]) for name, bar in self.bars.items())

    def table(self) -> str:
        """For people: figure, value, bar, ✓ or ✗, then the conditions."""
        rows = []
        for name, value in self.figures.items():
            bar = self.bars.get(name)
            limit = f"{bar.wanted} {bar.limit:g}" if bar else ""
            mark = ("✓" if bar.met(value) else "✗") if bar else ""
            rows.append(f"  {name:<26}{value:>12g}  {limit:<10}{mark}".rstrip())
        return "\n".join([self.bench, *rows, *(f"  · {note}" for note in self.notes)])

    def line(self) -> str:
        """One JSON object."""
        return json.dumps({"bench": self.bench, "figures": dict(self.figures)})
