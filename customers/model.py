"""What is known of a customer. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from core.clock import Instant


class Level(StrEnum):
    """How a customer is served; who is not known is ordinary. In this order, the most favoured last."""

    ORDINARY = "ordinary"
    VIP = "vip"
    PRIVATE = "private"

    @property
    def rank(self) -> int:
        """0 for ordinary, and more the more favoured."""
        return tuple(Level).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What is told of a customer, and may change.

    `language`: a code of the directory's list, "" if none is preferred. `numbers`: as `core.dialling.known`
    writes them. `until`: the last day on which they are a customer.
    """

    name: str
    level: Level = Level.ORDINARY
    language: str = ""
    numbers: tuple[str, ...] = ()
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """`id`: the bank's own customer number (客户号). `version`: counts its changes, from 1."""

    id: str
    version: int
    changed_at: Instant
    changed_by: str
    details: Details


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a customer's details; `before` is None for the first."""

    customer: str
    version: int
    at: Instant
    by: str
    reason: str
    before: Details | None
    after: Details

    @property
    def fields(self) -> tuple[str, ...]:
        """What is another than before, in the order of `Details`."""
        return tuple(
            name
            for name in Details.__slots__
            if self.before is None or getattr(self.before, name) != getattr(self.after, name)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What somebody wrote down about a customer; never changed. `number`: counts the customer's, from 1."""

    customer: str
    number: int
    at: Instant
    by: str
    text: str
