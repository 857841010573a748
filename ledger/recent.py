"""The latest facts, kept in memory for those who follow the ledger closely behind its writer.

Every consumer would otherwise read and decode again, a moment later, what this process has just written.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from itertools import islice

from core.facts import Numbered

KEPT = 8_000


class Recent:
    """The last `kept` facts, without a gap between their numbers."""

    def __init__(self, kept: int = KEPT) -> None:
        self._facts: deque[Numbered] = deque(maxlen=kept)

    def add(self, facts: Sequence[Numbered]) -> None:
        """The next ones, in order."""
        self._facts.extend(facts)

    def read(
        self, after: int, upto: int, limit: int, kinds: Collection[str] | None, call: str | None
    ) -> list[Numbered] | None:
        """Up to `limit` facts with `after` < number ≤ `upto`; None if not all of those are kept here."""
        first = self._facts[0].seq if self._facts else upto + 1
        if after < first - 1:
            return None
        found: list[Numbered] = []
        for numbered in islice(self._facts, after + 1 - first, max(0, upto + 1 - first)):
            fact = numbered.fact
            if kinds is not None and type(fact).__name__ not in kinds:
                continue
            if call is not None and getattr(fact, "call", None) != call:
                continue
            found.append(numbered)
            if len(found) == limit:
                break
        return found
