"""Pure: how long to wait before the next try, and when to give up."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import MINUTE, SECOND
from storage.retry import Retry

RETRY = Retry(first=SECOND, most=10 * MINUTE, tries=200)


def test_the_longest_waits_double_up_to_the_cap_and_then_it_is_given_up() -> None:
    retry = Retry(first=SECOND, most=5 * SECOND, tries=5)
    waits = [retry.wait(failures, 0.999_999_9) for failures in range(1, 7)]
    assert waits == [SECOND, 2 * SECOND, 4 * SECOND, 5 * SECOND, None, None]


@settings(deadline=None)
@given(st.integers(1, 199), st.floats(0, 1, exclude_max=True))
def test_every_wait_lies_in_the_upper_half_of_its_step(failures: int, random: float) -> None:
    longest = min(RETRY.most, SECOND * 2 ** (failures - 1))
    wait = RETRY.wait(failures, random)
    assert wait is not None
    assert longest / 2 <= wait <= longest
