"""Pure: how numbers are written, what fits, who decides among those who share a number, what is hidden."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from customers import rules
from customers.model import Change, Customer, Details, Level

LANGUAGES = ("cmn", "nan", "en")


def customer(id_: str, level: Level = Level.ORDINARY, until: date | None = None) -> Customer:
    details = Details(name="张三丰", level=level, until=until)
    return Customer(id=id_, version=1, changed_at=0, changed_by="9001", details=details)


@given(st.from_regex(r"(\+86|0086|)(0|1|)[1-9][0-9 ()-]{2,20}", fullmatch=True))
def test_what_is_written_as_it_is_kept_stays_so(written: str) -> None:
    try:
        kept = rules.check_number(written, "x")
    except BadInput:
        return
    assert rules.check_number(kept, "x") == kept


@pytest.mark.parametrize("written", ["", "12", "call me", "1" * 21, "138'00001111", "١٢٣٤٥٦"])
def test_what_is_no_number_is_refused_and_not_repeated(written: str) -> None:
    with pytest.raises(BadInput) as refused:
        rules.check_number(written, "query.number")
    assert not written or written not in str(refused.value)


def test_everything_that_is_wrong_is_named_at_once() -> None:
    wrong = Details(name="", language="tlh", numbers=("13800001111", "call me"))
    assert [one.field for one in rules.refusals(rules.tidy(wrong), LANGUAGES)] == [
        "name",
        "language",
        "numbers",
    ]
    many = Details(name="张三", numbers=tuple(f"1380000{n:04}" for n in range(rules.MOST_NUMBERS + 1)))
    assert [one.field for one in rules.refusals(many, LANGUAGES)] == ["numbers"]
    card = Details(name="张三 6222021234567890123")
    assert [one.field for one in rules.refusals(card, LANGUAGES)] == ["name"]
    fit = Details(name="张三", language="nan", numbers=("13800001111",))
    assert rules.refusals(fit, LANGUAGES) == []


def test_a_number_written_twice_is_kept_once() -> None:
    assert rules.tidy(Details(name=" 张三 ", numbers=("13800001111", "+86 138 0000 1111"))) == Details(
        name="张三", numbers=("13800001111",)
    )


def test_of_those_who_share_a_number_the_most_favoured_decides() -> None:
    shared = [customer("c2"), customer("c3", Level.VIP), customer("c1"), customer("c4", Level.PRIVATE)]
    assert [one.id for one in rules.most_favoured_first(shared)] == ["c4", "c3", "c1", "c2"]
    assert rules.highest(shared) is Level.PRIVATE
    assert rules.highest([]) is Level.ORDINARY


def test_only_numbers_of_those_who_are_served_apart_are_told() -> None:
    """The most favoured decides for all who share a number; who is gone decides nothing."""
    today = date(2026, 11, 25)
    english = replace(customer("c2").details, language="en")
    found = [
        ("1", customer("c1")),
        ("2", replace(customer("c2"), details=english)),
        ("3", customer("c3", Level.VIP, until=date(2026, 11, 24))),
        ("4", replace(customer("c4"), details=english)),
        ("4", customer("c5", Level.PRIVATE)),
    ]
    assert rules.served(found, today) == {"2": rules.Served(False, "en"), "4": rules.Served(True, "")}


def test_the_last_day_counts_and_the_next_does_not() -> None:
    leaves = customer("c1", until=date(2026, 11, 25))
    assert rules.is_current(leaves, date(2026, 11, 25))
    assert not rules.is_current(leaves, date(2026, 11, 26))


@pytest.mark.rule("SEC-19")
def test_of_a_name_its_first_character_is_shown() -> None:
    assert [rules.mask_name(name) for name in ("张三丰", "李", "欧阳修远", "")] == ["张**", "*", "欧***", "*"]


def test_a_change_names_what_is_another_than_before() -> None:
    before = Details(name="张三")
    change = Change(
        customer="c1", version=2, at=0, by="9001", reason="x",
        before=before, after=Details(name="张三", level=Level.VIP, numbers=("95559",)),
    )  # fmt: skip
    assert change.fields == ("level", "numbers")
