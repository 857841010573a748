"""How long a consumer lets facts gather."""

from __future__ import annotations

from ledger.consumer import gathering_s


def test_the_more_there_was_the_longer_it_gathers_up_to_a_second() -> None:
    assert gathering_s(0.25, 0) == 0.25
    assert gathering_s(0.25, 20) == 0.5
    assert gathering_s(0.25, 500) == 1.0


def test_who_gathers_long_by_himself_gathers_no_longer() -> None:
    assert gathering_s(5.0, 500) == 5.0
    assert gathering_s(0.0, 500) == 0.0
