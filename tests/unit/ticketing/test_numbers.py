from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.clock import instant
from core.errors import BadInput
from ticketing.numbers import Series, check_number, day_of, write_number


@pytest.mark.rule("SUMMARY-02")
def test_a_number_carries_the_banks_own_date() -> None:
    late_in_utc = instant(datetime(2026, 11, 21, 16, 0, tzinfo=UTC))
    assert day_of(late_in_utc - 1) == "20261121"
    assert day_of(late_in_utc) == "20261122"
    assert write_number(Series.SUMMARY, "20261122", 123) == "ZJ20261122-000123"
    assert write_number(Series.TICKET, "20261122", 1_000_000) == "GD20261122-1000000"


def test_numbers_count_from_one() -> None:
    with pytest.raises(ValueError, match="from 1"):
        write_number(Series.SUMMARY, "20261122", 0)


WRONG = ["GD20261122-000001", "ZJ20261122-1", "ZJ20261122-000001x", "", "zj20261122-000001"]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_summary_number_is_refused_with_its_place(text: str) -> None:
    assert check_number(Series.SUMMARY, "ZJ20261122-000001", "path") == "ZJ20261122-000001"
    with pytest.raises(BadInput, match=r"body\.summary"):
        check_number(Series.SUMMARY, text, "body.summary")
