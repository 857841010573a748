"""Who may lead, by what a program has itself seen of the lease. Pure: the time of its own clock comes in, in
seconds, beside what the database says by its own.

That a lease has run out by the database's clock is not enough: after a stop of the database it has run out
for everybody, and whoever comes first would lead. So a standby has to see the same lease unrenewed over a
full term in which the database served at every look (docs/adr/0038).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from core.clock import SECOND, Duration, Instant


class Step(StrEnum):
    """What a program that does not lead does next."""

    TAKE = "take"
    WAIT = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The lease as it is stored. `token` names one leader's time and nobody else's, `holder` is for people.

    `renewed` and `expires` by the database's clock; given up in order: `expires` is 0. `term`: the holder's.
    """

    token: str
    holder: str
    fence: int
    address: str
    renewed: Instant
    expires: Instant
    term: Duration

    @property
    def given_up(self) -> bool:
        """Its holder has stopped, and left nothing behind that only it could store."""
        return self.expires == 0


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the lease: None if there never was one. `expired`: by the database's clock."""

    row: Row | None
    expired: bool = False


@dataclass(frozen=True, slots=True)
class Watch:
    """The same row, seen unchanged from `since` to `last` (seconds of the own clock)."""

    row: Row
    since: float
    last: float

    @property
    def seconds(self) -> float:
        """For how long nothing has changed, as far as was seen."""
        return self.last - self.since


def watched(before: Watch | None, row: Row, at: float) -> Watch:
    """The watch with one look more. Another row begins it anew, and so does a pause in the looks: who was
    frozen itself, or had no database, has seen nothing meanwhile. A look that failed: forget the watch."""
    if before is None or before.row != row or not 0 <= at - before.last <= _pause(row):
        return Watch(row, at, at)
    return Watch(row, before.since, at)


def step(look: Look, watch: Watch | None, *, own: Collection[str], term: Duration) -> Step:
    """Whether to take the lease now. `own`: tokens under which the programs of this data folder have led,
    which are dead, as one holds the folder's lock; `term`: as the own settings have it."""
    row = look.row
    if row is None or row.given_up or row.token in own:
        return Step.TAKE
    if not look.expired or watch is None or watch.row != row:
        return Step.WAIT
    return Step.TAKE if watch.seconds * SECOND >= max(row.term, term) else Step.WAIT


def still_sure(heard: float, now: float, term: Duration) -> bool:
    """Whether a leader that last asked at `heard` whether it leads may go on as if it did.

    Nobody takes over within a term of that; a quarter of it is left for what is on its way.
    """
    return 0 <= now - heard < 0.75 * term / SECOND


def has_run_out(renewed: float, now: float, term: Duration) -> bool:
    """Whether the lease that was last asked for at `renewed`, and granted, is over: another program may lead.

    By the own clock, from the asking on: the database counts the term from later, and a standby from later
    still, so that nobody leads before this is true.
    """
    return not 0 <= now - renewed < term / SECOND


def _pause(row: Row) -> float:
    return row.term / SECOND / 2
