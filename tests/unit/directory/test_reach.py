"""Pure: whose records are one's team's and one's unit's, in any tree of units."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.names import StaffId
from directory.model import Staff, Unit, UnitKind
from directory.reach import beneath, within
from web.scope import Reach, Scope, joined, split, widest

CODES = ("head", "east", "west", "north", "south", "desk")


def _unit(code: str, parent: str) -> Unit:
    return Unit(code=code, name_zh=code, name_en=code, kind=UnitKind.BRANCH, parent=parent)


def _person(number: str, team: str, unit: str, *, active: bool = True) -> Staff:
    return Staff(
        number=StaffId(number),
        name=number,
        name_en=number,
        team=team,
        roles=("agent",),
        skills={},
        languages={},
        unit=unit,
        active=active,
    )


@st.composite
def trees(draw: st.DrawFn) -> dict[str, Unit]:
    """Units, each beneath one that was there before it or beneath none."""
    found: dict[str, Unit] = {}
    for code in CODES[: draw(st.integers(1, len(CODES)))]:
        found[code] = _unit(code, draw(st.sampled_from(["", *found])))
    return found


@st.composite
def banks(draw: st.DrawFn) -> tuple[dict[str, Unit], list[Staff]]:
    units = draw(trees())
    places = draw(
        st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from(["", *units])), min_size=1, max_size=8)
    )
    return units, [_person(f"{1001 + at}", team, unit) for at, (team, unit) in enumerate(places)]


def _is_above(upper: str, lower: str, units: Mapping[str, Unit]) -> bool:
    """By walking up, not down as the rule does."""
    while lower and lower != upper:
        lower = units[lower].parent
    return lower == upper


@given(trees())
def test_beneath_is_what_leads_up_to_it(units: dict[str, Unit]) -> None:
    for upper in units:
        assert beneath(upper, units) == {lower for lower in units if _is_above(upper, lower, units)}


@given(trees())
def test_beneath_what_is_beneath_is_beneath(units: dict[str, Unit]) -> None:
    for upper in units:
        for middle in beneath(upper, units):
            assert beneath(middle, units) <= beneath(upper, units)
            assert middle == upper or upper not in beneath(middle, units)


def test_a_circle_which_the_reader_refuses_ends_all_the_same() -> None:
    units = {"east": _unit("east", "west"), "west": _unit("west", "east")}
    assert beneath("east", units) == {"east", "west"}


@given(banks())
def test_each_scope_holds_the_one_before_it_and_oneself(bank: tuple[dict[str, Unit], list[Staff]]) -> None:
    units, people = bank
    for one in people:
        reached = [within(one, scope, people, units) for scope in Scope]
        assert reached[0] == Reach(frozenset({one.number}))
        for other in people:
            told = [other.number in reach for reach in reached]
            assert told == sorted(told), (one, other)
        assert "9999" in reached[-1], "a record that is nobody's"


@pytest.mark.rule("SEC-04")
@given(banks())
def test_a_team_is_of_one_unit_and_a_unit_is_all_beneath_it(
    bank: tuple[dict[str, Unit], list[Staff]],
) -> None:
    units, people = bank
    for one in people:
        team, unit = (within(one, scope, people, units) for scope in (Scope.TEAM, Scope.UNIT))
        for other in people:
            assert (other.number in team) == (other.team == one.team and other.unit == one.unit)
            if one.unit:
                beneath_mine = bool(other.unit) and _is_above(one.unit, other.unit, units)
                assert (other.number in unit) == beneath_mine
            else:
                assert (other.number in unit) == (other.number in team)


def test_who_has_left_is_still_of_the_team() -> None:
    people = [_person("1001", "A", "head"), _person("1002", "A", "head", active=False)]
    assert "1002" in within(people[0], Scope.TEAM, people, {"head": _unit("head", "")})


@given(st.sampled_from(["admin", "calls.read", "directory.change"]), st.sampled_from(list(Scope)))
def test_a_grant_is_read_as_it_is_written(right: str, scope: Scope) -> None:
    assert split(joined(right, scope)) == (right, scope)


def test_of_two_grants_the_wider_one_counts() -> None:
    grants = ["calls.read.team", "calls.read.own", "admin", "calls.read"]
    assert widest(map(split, grants[:3])) == {"calls.read": Scope.TEAM, "admin": Scope.ALL}
    assert widest(map(split, grants)) == {"calls.read": Scope.ALL, "admin": Scope.ALL}
