"""Pure: when failed sign-ins lock a number out, and for how long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import MINUTE, SECOND
from web.errors import LockedOut
from web.lockout import Attempts, LockoutRule, counted, forgotten, remaining

RULE = LockoutRule(failures=3, locked_for=10 * MINUTE)
T = 1_700_000_000 * SECOND


def after(*moments: int) -> Attempts:
    attempts = Attempts()
    for moment in moments:
        attempts = counted(attempts, RULE, moment)
    return attempts


def test_the_third_failure_in_a_row_locks() -> None:
    assert remaining(after(T, T + 1), T + 1) == 0
    assert remaining(after(T, T + 1, T + 2), T + 2) == RULE.locked_for


def test_failures_far_apart_do_not_add_up() -> None:
    assert after(T, T + 1, T + 1 + RULE.locked_for).failures == 1


def test_after_the_lock_the_count_begins_anew() -> None:
    locked = after(T, T, T)
    later = T + RULE.locked_for
    assert remaining(locked, later) == 0
    assert forgotten(locked, RULE, later)
    assert counted(locked, RULE, later).failures == 1


@given(st.lists(st.integers(min_value=0, max_value=20 * MINUTE), min_size=1, max_size=30))
def test_never_more_tries_than_the_rule_allows_between_locks(gaps: list[int]) -> None:
    attempts, now, tries = Attempts(), T, 0
    for gap in gaps:
        now += gap
        if remaining(attempts, now):
            continue
        tries = tries + 1 if gap < RULE.locked_for else 1
        attempts = counted(attempts, RULE, now)
        assert attempts.failures < RULE.failures
        if remaining(attempts, now):
            tries = 0
        assert tries < RULE.failures


@pytest.mark.parametrize(
    ("left", "spoken"),
    [(1, "1 s"), (59 * SECOND, "59 s"), (60 * SECOND, "1 min"), (61 * SECOND + 1, "1 min 2 s")],
)
def test_the_remaining_time_is_said(left: int, spoken: str) -> None:
    assert f"try again in {spoken}," in str(LockedOut(left))
