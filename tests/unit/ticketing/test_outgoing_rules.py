"""When and how often a customer may be called."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.clock import HOUR, SECOND
from core.dialling import DOMESTIC
from core.errors import Conflict
from core.facts import OutgoingOutcome as O
from directory.seed import DEMO, load
from ticketing.outgoing_rules import OutgoingRules

SUNDAY = 1_795_276_800_000_000
"""2026-11-22 00:00:00 in the bank's zone."""
RULES = OutgoingRules(
    allow=DOMESTIC, first="08:30", last="20:30", working_days=False, tries=3, greeting="{agent}"
)


@pytest.mark.parametrize(
    ("hours", "may"), [(8.4, False), (8.5, True), (20.4, True), (20.5, False), (0, False)]
)
def test_customers_are_called_within_hours(hours: float, may: bool) -> None:
    calendar, now = load(DEMO).calendar, SUNDAY + round(hours * HOUR) + SECOND
    if may:
        RULES.require_hours(now, calendar)
        return
    with pytest.raises(Conflict, match="between 08:30 and 20:30"):
        RULES.require_hours(now, calendar)


def test_and_on_working_days_if_so_wished() -> None:
    strict = replace(RULES, working_days=True)
    with pytest.raises(Conflict, match="working days"):
        strict.require_hours(SUNDAY + 10 * HOUR, load(DEMO).calendar)
    strict.require_hours(SUNDAY + 34 * HOUR, load(DEMO).calendar)


@pytest.mark.parametrize(
    ("asked", "called"),
    [(10, 10), (3, 8.5), (8.5, 8.5), (20.5, 32.5), (23, 32.5)],
)
def test_what_falls_outside_the_hours_waits_until_they_begin(asked: float, called: float) -> None:
    at, then = (SUNDAY + round(hours * HOUR) for hours in (asked, called))
    assert RULES.within_hours(at, load(DEMO).calendar) == then
    strict = replace(RULES, working_days=True)
    assert strict.within_hours(at, load(DEMO).calendar) == SUNDAY + round(32.5 * HOUR)


@pytest.mark.parametrize(
    ("outcomes", "left"),
    [
        ([], 3),
        ([O.BUSY], 2),
        ([O.AGENT_AWAY, O.NOT_DIALLED, O.NOT_ALLOWED], 3),  # nobody was dialled
        ([O.UNKNOWN], 2),  # somebody may have been
        ([O.BUSY, O.NO_ANSWER, O.CANCELLED, O.WRONG_NUMBER], 0),
        ([O.BUSY, O.NO_ANSWER, O.REACHED, O.BUSY], 2),
        ([None], 2),
    ],
)
def test_tries_are_times_that_a_customer_was_or_may_have_been_dialled(
    outcomes: list[O | None], left: int
) -> None:
    assert RULES.tries_left(outcomes) == left
