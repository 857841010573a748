"""How numbers are written and known again, which may be dialled, and what becomes of one that is dialled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dialling import DOMESTIC, check_pattern, is_allowed, known, plain, spellings
from core.errors import BadInput


@pytest.mark.parametrize(
    ("written", "dialled"),
    [
        ("13812345678", "13812345678"),
        ("138 1234 5678", "13812345678"),
        ("+86 138-1234-5678", "13812345678"),
        ("008613812345678", "13812345678"),
        ("(021) 54321000", "02154321000"),
        ("+86 21 5432 1000", "02154321000"),
        ("+86 10 5432 1000", "01054321000"),
        ("+86 595 8888 0001", "059588880001"),
        ("+86 (0)755 888 0001", "07558880001"),
    ],
)
def test_a_number_is_dialled_as_within_the_country(written: str, dialled: str) -> None:
    assert plain(written) == dialled
    assert is_allowed(dialled, DOMESTIC)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("13800001111", "13800001111"),
        ("+86 138-0000-1111", "13800001111"),
        ("0086 (138) 0000 1111", "13800001111"),
        ("0595-8888-0001", "059588880001"),
        ("+8659588880001", "059588880001"),
        ("00862154321000", "02154321000"),
        ("00 44 20 7946 0000", "+442079460000"),
        ("+442079460000", "+442079460000"),
        ("+86 95559", "95559"),
        ("95559", "95559"),
        ("", ""),
        ("anonymous", "anonymous"),
    ],
)
def test_a_number_is_one_however_it_is_written(written: str, kept: str) -> None:
    assert known(written) == kept


@pytest.mark.parametrize(
    ("number", "ways"),
    [
        ("13800001111", {"13800001111", "+8613800001111", "008613800001111"}),
        (
            "059588880001",
            {"059588880001", "+8659588880001", "008659588880001", "+86059588880001", "0086059588880001"},
        ),
        ("+442079460000", {"+442079460000", "00442079460000"}),
    ],
)
def test_every_spelling_of_a_number_is_known_as_that_number(number: str, ways: set[str]) -> None:
    assert spellings(number) == ways
    assert {known(way) for way in ways} == {number}


@pytest.mark.parametrize(
    "written", ["", "withheld", "138x", "sip:a@b", "13812345678\nExten: x", "+1 202", "12"]
)
def test_what_is_no_number_is_never_dialled(written: str) -> None:
    with pytest.raises(BadInput):
        plain(written)


@pytest.mark.parametrize(
    "number",
    [
        "0012025550100",  # abroad
        "00862154321000x",
        "95559",
        "4008812345",
        "02116812345",  # a paid service behind an area code
        "02196012345",
        "1381234567",  # too short
        "138123456789",  # too long
        "110",
    ],
)
def test_abroad_paid_and_wrong_lengths_are_not_allowed(number: str) -> None:
    assert not is_allowed(number, DOMESTIC)


@pytest.mark.parametrize("pattern", ["", "1X.", "1X!", "_1XX", "[2-", "1,2", "XX", "X" * 21, "[]1X"])
def test_a_pattern_has_one_length_and_nothing_else_in_it(pattern: str) -> None:
    with pytest.raises(BadInput, match="allowed"):
        check_pattern(pattern, "allowed")


@given(st.text(max_size=24))
def test_only_digits_pass_whatever_is_written(text: str) -> None:
    try:
        number = plain(text)
    except BadInput:
        return
    assert number.isascii()
    assert number.isdecimal()
