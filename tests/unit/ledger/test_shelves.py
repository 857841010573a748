"""How large the next part of the ledger is made."""

from __future__ import annotations

import pytest

from core.clock import DAY
from ledger.shelves import LEAST, MOST, numbers_a_month


@pytest.mark.parametrize(
    ("facts", "over", "expected"),
    [
        (1, 0, LEAST),
        (84_000, DAY, 2_520_000),
        (1_000, DAY, LEAST),
        (20_000_000, DAY, MOST),
    ],
)
def test_a_part_takes_about_what_a_month_brings(facts: int, over: int, expected: int) -> None:
    assert numbers_a_month(facts, over) == expected
