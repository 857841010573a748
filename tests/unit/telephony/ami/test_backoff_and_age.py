"""Pure: waiting between attempts, and the age of what we hear."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.clock import MILLISECOND, SECOND
from telephony.ami.age import Lag
from telephony.ami.backoff import Backoff

FIRST, MOST = 200 * MILLISECOND, 10 * SECOND


def test_the_ceiling_doubles_up_to_the_cap_and_begins_anew():
    backoff = Backoff(FIRST, MOST, lambda: 1.0)
    assert [backoff.next() // MILLISECOND for _ in range(8)] == [
        200,
        400,
        800,
        1600,
        3200,
        6400,
        10000,
        10000,
    ]
    backoff.reset()
    assert backoff.next() == FIRST


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=50))
def test_jitter_is_full_but_never_nothing(dice):
    rolls = iter(dice)
    backoff = Backoff(FIRST, MOST, lambda: next(rolls))
    assert all(FIRST // 10 <= backoff.next() <= MOST for _ in dice)


def test_age_is_measured_on_the_nodes_clock():
    lag = Lag()
    lag.ponged(sent=100 * SECOND, took=2_000, node_time="107.001000")
    assert lag.round_trip == 2_000
    assert lag.clock_offset == 7 * SECOND
    lag.heard("107.000000", 100 * SECOND + 300 * MILLISECOND)
    assert lag.event_age == 300 * MILLISECOND
    lag.heard("107.400000", 100 * SECOND + 410 * MILLISECOND)
    assert lag.event_age == 10 * MILLISECOND
    assert lag.oldest() == 300 * MILLISECOND
    assert lag.oldest() == 0


def test_the_quickest_ping_tells_the_distance_of_the_clocks():
    lag = Lag()
    lag.ponged(sent=0, took=1_000, node_time="0.000500")
    lag.ponged(sent=SECOND, took=SECOND, node_time="2.000000")
    assert lag.clock_offset == 0


def test_before_the_first_ping_no_age_is_told():
    lag = Lag()
    lag.heard("107.000000", 300 * SECOND)
    assert (lag.event_age, lag.oldest()) == (0, 0)


def test_a_time_that_is_none_costs_nothing():
    lag = Lag()
    lag.heard(None, 5)
    lag.heard("soon", 5)
    lag.ponged(0, 7, "soon")
    assert (lag.event_age, lag.round_trip, lag.clock_offset) == (0, 7, 0)
