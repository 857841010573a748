"""Walking the chain of accesses: does it hold, and where not (guarantee 8, SEC-17).

    verdict = await walk(database, kept=Head.parse("1200:4f9c…"))

Rows are read in pages and forgotten again. What the chain by itself cannot show is that its end was cut off,
or that somebody worked all of it out anew: whoever has kept a link's value elsewhere (`Head`) can.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.engine import RowMapping

from core.clock import Instant
from core.errors import BadInput
from storage.audit import START, access_log, last_link, link
from storage.database import Database

MOST_FINDINGS = 20
"""After so many it is known that the chain does not hold; the others are counted."""
PAGE = 2_000
_HEAD = re.compile(r"(\d{1,18}):([0-9a-f]{64})")


class Fault(StrEnum):
    """What can be wrong with a chain."""

    GONE = "gone"
    ALTERED = "altered"
    CUT_OFF = "cut_off"
    REWRITTEN = "rewritten"


@dataclass(frozen=True, slots=True)
class Head:
    """A link by number and value, written `17:4f9c…`. Number 0 is the chain before its first link."""

    seq: int = 0
    value: str = START

    def __str__(self) -> str:
        return f"{self.seq}:{self.value}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """The link of its written form; `BadInput` for any other."""
        found = _HEAD.fullmatch(text.strip())
        if found is None or (int(found[1]) == 0) != (found[2] == START):
            raise BadInput(
                "link of the chain",
                f"{text[:90]!r} is none: write SEQ:VALUE as `hotline audit head` prints it",
            )
        return cls(int(found[1]), found[2])


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where the chain does not hold. `seq`: of the first link that is concerned."""

    fault: Fault
    seq: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a walk has seen. `head`: the last link; `more`: findings beyond those that are listed."""

    links: int
    first_at: Instant | None
    last_at: Instant | None
    head: Head
    findings: tuple[Finding, ...]
    more: int

    @property
    def holds(self) -> bool:
        """Nothing was found."""
        return not self.findings


async def walk(
    database: Database,
    *,
    kept: Head | None = None,
    page: int = PAGE,
    progress: Callable[[int], None] = lambda _links: None,
) -> Verdict:
    """Every link from the first to the last. `kept`: one that must stand as it was kept elsewhere.

    `progress` is told after each page how many links have been walked.
    """
    walker = Walker(kept)
    async for rows in _pages(database, page):
        for row in rows:
            walker.take(row)
        progress(walker.links)
    return walker.verdict()


async def head(database: Database) -> Head:
    """The last link there is."""
    async with database.read() as connection:
        return Head(*await last_link(connection))


async def _pages(database: Database, size: int) -> AsyncIterator[Sequence[RowMapping]]:
    """Each page is a reading of its own: a long walk holds nobody up, and no old state in the file."""
    query = select(access_log).order_by(access_log.c.seq).limit(size)
    after: int | None = None
    while True:
        beyond = query if after is None else query.where(access_log.c.seq > after)
        async with database.read() as connection:
            rows = (await connection.execute(beyond)).mappings().all()
        if not rows:
            return
        yield rows
        after = rows[-1]["seq"]


class Walker:
    """Takes the rows in the order of their numbers; pure."""

    def __init__(self, kept: Head | None = None) -> None:
        self.links = 0
        self._kept = kept
        self._last = Head()
        self._first_at: Instant | None = None
        self._last_at: Instant | None = None
        self._findings: list[Finding] = []
        self._more = 0

    def take(self, row: RowMapping) -> None:
        """The next row."""
        seq, due = row["seq"], self._last.seq + 1
        if seq < due:
            self._found(Fault.ALTERED, seq, f"link {seq} was put in: numbers begin with 1")
            return
        if seq > due:
            self._found(Fault.GONE, due, _gone(due, seq - 1))
        elif row["chain"] != link(self._last.value, seq, row):
            before = f" or link {seq - 1}" if seq > 1 else ""
            detail = f"link {seq}{before} was changed, or link {seq} was put in"
            self._found(Fault.ALTERED, seq, detail)
        if self._kept is not None and seq == self._kept.seq and row["chain"] != self._kept.value:
            detail = f"link {seq} is not the one that was kept: the chain up to it was written anew"
            self._found(Fault.REWRITTEN, seq, detail)
        self._last = Head(seq, row["chain"])
        self._first_at = row["at"] if self._first_at is None else self._first_at
        self._last_at = row["at"]
        self.links += 1

    def verdict(self) -> Verdict:
        """What has come of it, once there are no more rows."""
        if self._kept is not None and self._kept.seq > self._last.seq:
            first = self._last.seq + 1
            detail = f"{_gone(first, self._kept.seq)}: the end was cut off"
            self._found(Fault.CUT_OFF, first, detail)
        return Verdict(
            links=self.links,
            first_at=self._first_at,
            last_at=self._last_at,
            head=self._last,
            findings=tuple(self._findings),
            more=self._more,
        )

    def _found(self, fault: Fault, seq: int, detail: str) -> None:
        if len(self._findings) < MOST_FINDINGS:
            self._findings.append(Finding(fault, seq, detail))
        else:
            self._more += 1


def _gone(first: int, last: int) -> str:
    return f"link {first} is gone" if first == last else f"links {first} to {last} are gone"
