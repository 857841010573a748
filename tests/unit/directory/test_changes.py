"""Pure: what a change makes of the directory, and what is refused."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from core.errors import BadInput, Conflict
from directory.changes import Line, Present, apply, days_ahead
from directory.entries import Body, directory_of, entries_of
from directory.errors import Refused
from directory.seed import DEMO, load

TODAY = date(2026, 11, 25)
PRESENT_DIRECTORY = load(DEMO, today=TODAY)
PRESENT = Present(entries_of(PRESENT_DIRECTORY), {("staff", "1003"): 7})


def staff(number: str, **changes: Any) -> Body:
    return {**PRESENT.entries["staff", number], **changes}


def test_a_change_says_what_was_before_and_what_is_after() -> None:
    done = apply(PRESENT, [Line("staff", "1003", staff("1003", team="B"))], TODAY)
    assert [(one.before or {}).get("team") for one in done.lines] == ["A"]
    assert [(one.after or {}).get("team") for one in done.lines] == ["B"]
    assert done.directory.staff["1003"].team == "B"  # type: ignore[index]
    assert PRESENT.entries["staff", "1003"]["team"] == "A"


def test_what_is_kept_is_written_in_one_way() -> None:
    given = staff("1003", trainee="true", skills={"personal": "1"}, languages={"cmn": "2"}, active="true")
    done = apply(PRESENT, [Line("staff", "1003", given)], TODAY)
    after = done.lines[0].after
    assert after is not None
    assert (after["trainee"], after["skills"], "active" in after) == (True, {"personal": 1}, False)


def test_several_lines_hold_together_or_none_does() -> None:
    role = {"code": "coach", "zh": "教练", "en": "Coach", "rights": ["calls.read"]}
    lines = [Line("roles", "coach", role), Line("staff", "1003", staff("1003", roles=["agent", "coach"]))]
    assert "calls.read" in apply(PRESENT, lines, TODAY).directory.rights("1003")
    with pytest.raises(Refused, match=r"staff 1003 roles\[1\]: there is no role 'coach'"):
        apply(PRESENT, lines[1:], TODAY)


def test_what_others_use_cannot_be_removed() -> None:
    with pytest.raises(Refused, match="no role 'qa'"):
        apply(PRESENT, [Line("roles", "qa", None)], TODAY)


@pytest.mark.rule("SEC-12")
def test_a_number_stays_that_of_one_person() -> None:
    with pytest.raises(BadInput, match="stays in the books"):
        apply(PRESENT, [Line("staff", "1003", None)], TODAY)
    with pytest.raises(BadInput, match="is that of 1004, not of 1003"):
        apply(PRESENT, [Line("staff", "1003", staff("1004"))], TODAY)


def test_somebody_must_be_left_who_can_change_it_back() -> None:
    with pytest.raises(Refused, match="nobody would be left"):
        apply(PRESENT, [Line("staff", "9001", staff("9001", active=False))], TODAY)


def test_who_looked_at_an_older_state_looks_again() -> None:
    line = Line("staff", "1003", staff("1003", team="B"), seen=6)
    with pytest.raises(Conflict, match="change 7"):
        apply(PRESENT, [line], TODAY)
    apply(PRESENT, [Line("staff", "1003", staff("1003", team="B"), seen=7)], TODAY)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], "1 to 5000 lines"),
        ([Line("moons", "1", {})], "there is no 'moons'"),
        ([Line("reasons", "", {})], "lines[0].key: is empty"),
        ([Line("reasons", "swim", None)], "has no swim"),
        ([Line("survey", "survey", None)], "cannot be removed"),
        ([Line("queues", "defaults", None)], "cannot be removed"),
        ([Line("calendar", "calendar", None)], "cannot be removed"),
        ([Line("survey", "second", {})], "survey is one entry"),
        ([Line("vip_numbers", "+86 138-0000-1111", {})], "write the number as 13800001111"),
        ([Line("staff", "1003", staff("1003", team="B"))] * 2, "stands there twice"),
        ([Line("staff", "1003", staff("1003"))], "nothing would change"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused(lines: list[Line], told: str) -> None:
    with pytest.raises(BadInput) as refused:
        apply(PRESENT, lines, TODAY)
    assert told in str(refused.value)


def test_figures_of_a_business_come_and_go() -> None:
    given = apply(PRESENT, [Line("queues", "card", {"ring_s": "6"})], TODAY)
    assert given.lines[0].after == {"ring_s": 6}
    assert given.directory.queues["card-cmn"].ring_s == 6  # type: ignore[index]
    gone = apply(Present(given.entries, {}), [Line("queues", "card", None)], TODAY)
    assert gone.directory.queues["card-cmn"].ring_s == 4  # type: ignore[index]


def test_days_on_which_somebody_comes_or_is_gone() -> None:
    lines = [
        Line("staff", "1003", staff("1003", until="2026-11-30")),
        Line("staff", "1004", staff("1004", since="2026-12-05")),
        Line("staff", "1005", staff("1005", since="2026-01-01", until="2026-06-30")),
    ]
    directory = apply(PRESENT, lines, TODAY).directory
    assert days_ahead(directory, TODAY) == {date(2026, 12, 1), date(2026, 12, 5)}


@pytest.mark.rule("CALL-12")
def test_who_is_lent_serves_other_queues_on_that_day_and_their_own_on_the_next() -> None:
    lent = {"on": TODAY.isoformat(), "skills": {"loss": 1}, "languages": {"cmn": 1}}
    done = apply(PRESENT, [Line("staff", "1003", staff("1003", lent=lent))], TODAY)
    own = PRESENT_DIRECTORY.memberships("1003")
    assert [place.queue for place in done.directory.memberships("1003")] == ["loss-cmn"]
    assert days_ahead(done.directory, TODAY) == {TODAY + timedelta(days=1)}
    next_day = directory_of(done.entries, TODAY + timedelta(days=1))
    assert next_day.memberships("1003") == own
    assert next_day.staff["1003"].lent is None  # type: ignore[index]
    assert directory_of(done.entries, TODAY).staff["1003"].skills == PRESENT_DIRECTORY.staff["1003"].skills  # type: ignore[index]
