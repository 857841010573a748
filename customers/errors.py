"""What customers refuse.

CustomersError
└── Unfit      details that cannot stay as they are: every field at once (422)
"""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import BadInput, HotlineError
from directory.errors import Refusal


class CustomersError(HotlineError):
    """Root of the errors of this package."""


class Unfit(BadInput, CustomersError):
    """All that is wrong with a customer's details, each with its field."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__("body", "; ".join(f"{one.field}: {one.problem}" for one in refusals))
        self.refusals = tuple(refusals)
