"""When a program may lead: by the lease as it has seen it itself, over a full term, unbroken."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import SECOND
from storage.lease_rules import Look, Row, Step, Watch, has_run_out, step, still_sure, watched

TERM = 10 * SECOND
ROW = Row(token="a", holder="h:1", fence=3, address="", renewed=100, expires=100 + TERM, term=TERM)


def seen(*looks: tuple[float, Row]) -> Watch:
    """The watch after looks at these times."""
    watch: Watch | None = None
    for at, row in looks:
        watch = watched(watch, row, at)
    assert watch is not None
    return watch


def step_after(watch: Watch, *, expired: bool = True) -> Step:
    return step(Look(watch.row, expired), watch, own=(), term=TERM)


@pytest.mark.parametrize(
    ("row", "own"),
    [(None, ()), (replace(ROW, expires=0), ()), (ROW, ("a", "b"))],
    ids=["nobody ever led", "given up", "our own folder's, whose lock we hold"],
)
def test_what_nobody_holds_is_taken_at_once(row: Row | None, own: tuple[str, ...]) -> None:
    assert step(Look(row), None, own=own, term=TERM) is Step.TAKE


def test_a_lease_is_taken_after_a_full_term_without_renewal() -> None:
    looks = [(float(at), ROW) for at in range(0, 11, 2)]
    assert step_after(seen(*looks)) is Step.TAKE
    assert step_after(seen(*looks[:-1])) is Step.WAIT
    assert step_after(seen(*looks), expired=False) is Step.WAIT


def test_that_it_has_run_out_is_not_enough_after_a_stop_of_the_database() -> None:
    assert step(Look(ROW, expired=True), None, own=(), term=TERM) is Step.WAIT
    assert step_after(seen((1000.0, ROW))) is Step.WAIT


def test_a_renewal_begins_the_term_anew() -> None:
    renewed = replace(ROW, renewed=101)
    assert step_after(seen(*((float(at), ROW) for at in range(0, 9, 2)), (10, renewed))) is Step.WAIT


def test_a_standby_that_was_frozen_has_seen_nothing() -> None:
    assert step_after(seen((0, ROW), (2, ROW), (60, ROW))) is Step.WAIT


def test_the_longer_of_two_terms_counts() -> None:
    watch = seen(*((float(at), ROW) for at in range(0, 13, 2)))
    assert step(Look(ROW, expired=True), watch, own=(), term=2 * TERM) is Step.WAIT
    longer = replace(ROW, term=2 * TERM)
    watch = seen(*((float(at), longer) for at in range(0, 13, 2)))
    assert step(Look(longer, expired=True), watch, own=(), term=TERM) is Step.WAIT


def _seconds(most: int, least: float = 0) -> st.SearchStrategy[float]:
    """Such as are added and taken away without rounding: the rules are asked about, not the arithmetic."""
    return st.integers(round(least * 1024), most * 1024).map(lambda ticks: ticks / 1024)


@given(
    gaps=st.lists(_seconds(8, 0.1), min_size=1, max_size=40),
    renewals=st.sets(st.integers(0, 40)),
    failures=st.sets(st.integers(0, 40)),
)
def test_whoever_takes_it_has_seen_a_term_without_renewal_failure_or_pause(
    gaps: list[float], renewals: set[int], failures: set[int]
) -> None:
    watch: Watch | None = None
    row, at, unbroken_since = ROW, 0.0, 0.0
    for number, gap in enumerate(gaps):
        at += gap
        if number in failures:
            watch, unbroken_since = None, at + gap
            continue
        if number in renewals:
            row, unbroken_since = replace(row, renewed=row.renewed + 1), at
        if watch is None or gap > TERM / SECOND / 2:
            unbroken_since = at
        watch = watched(watch, row, at)
        taken = step(Look(row, expired=True), watch, own=(), term=TERM) is Step.TAKE
        assert taken == (at - unbroken_since >= TERM / SECOND)


@given(heard=_seconds(1_000_000), pause=_seconds(100))
def test_a_leader_is_not_sure_any_more_before_another_can_lead(heard: float, pause: float) -> None:
    if still_sure(heard, heard + pause, TERM):
        assert pause < TERM / SECOND


def test_a_leader_whose_clock_was_set_back_asks() -> None:
    assert not still_sure(10.0, 9.0, TERM)


@given(asked=_seconds(1_000_000), travelled=_seconds(30), first_look=_seconds(30), later=_seconds(10_000))
def test_nobody_takes_it_before_its_holder_knows_that_it_has_run_out(
    asked: float, travelled: float, first_look: float, later: float
) -> None:
    """Asked for at `asked`, granted by the database a while later, seen by a standby later still."""
    seen_at = asked + travelled + first_look
    taken_at = seen_at + TERM / SECOND + later
    assert has_run_out(asked, taken_at, TERM)
    assert not has_run_out(asked, asked + 0.999 * TERM / SECOND, TERM)
    assert has_run_out(asked, asked - 1, TERM), "a clock that was set back says nothing"
