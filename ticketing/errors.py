"""What ticketing refuses.

TicketingError
├── Incomplete      the record lacks or contradicts something: every field at once (422)
└── NotYours        the leg is another agent's (403)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import BadInput, HotlineError
from web.errors import Forbidden


class TicketingError(HotlineError):
    """Root of the errors of this package."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One field of the request that cannot stay as it is, and what to do about it."""

    field: str
    problem: str


class Incomplete(BadInput, TicketingError):
    """All that is wrong with a record, so that the agent corrects it in one go (SUMMARY-06)."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__("body", "; ".join(f"{one.field}: {one.problem}" for one in refusals))
        self.refusals = tuple(refusals)


class NotYours(Forbidden, TicketingError):
    """The leg or record belongs to another agent, and the person has no right to act for others."""
