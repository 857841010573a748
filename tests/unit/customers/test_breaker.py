"""Pure: a source that does not answer is left alone, then tried by one look-up."""

from __future__ import annotations

from core.clock import SECOND
from customers.breaker import Breaker, State


def opened() -> Breaker:
    """Open since 0."""
    breaker = Breaker(failures=3, open_for=10 * SECOND)
    assert [breaker.failed(0) for _ in range(3)] == [False, False, True]
    return breaker


def test_so_many_failures_in_a_row_open_it_and_no_fewer() -> None:
    breaker = Breaker(failures=3, open_for=10 * SECOND)
    for _ in range(5):
        breaker.failed(0)
        breaker.failed(0)
        assert not breaker.succeeded()
    assert breaker.admits(0)
    assert not opened().admits(10 * SECOND - 1)


def test_when_its_time_is_over_one_probe_is_let_through() -> None:
    breaker = opened()
    now = 10 * SECOND
    assert breaker.state(now) is State.HALF_OPEN
    assert [breaker.admits(now) for _ in range(3)] == [True, False, False]
    assert breaker.succeeded()
    assert breaker.state(now) is State.CLOSED
    assert [breaker.admits(now) for _ in range(2)] == [True, True]


def test_a_probe_that_fails_opens_it_again_for_as_long_and_that_is_not_told_again() -> None:
    breaker = opened()
    now = 10 * SECOND
    assert breaker.admits(now)
    assert not breaker.failed(now)
    assert not breaker.admits(2 * now - 1)
    assert breaker.admits(2 * now)


def test_a_failure_of_before_that_comes_late_does_not_prolong_it() -> None:
    breaker = opened()
    breaker.failed(9 * SECOND)
    assert breaker.admits(10 * SECOND)


def test_a_probe_that_nobody_waited_for_makes_room_for_the_next() -> None:
    breaker = opened()
    assert breaker.admits(10 * SECOND)
    breaker.given_up()
    assert breaker.admits(10 * SECOND)
