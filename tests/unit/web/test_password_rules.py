"""Pure: which passwords are refused, and when one has to be changed."""

from __future__ import annotations

import pytest

from core.clock import DAY
from web.password_rules import Fault, MustChange, PasswordRule, faults, must_change, told
from web.route import Principal

RULE = PasswordRule(length=12, good_for=90 * DAY)
PERSON = Principal(staff="1001", name="欧阳晓伟", also_called=("Ouyang Xiaowei",))


@pytest.mark.rule("SEC-12")
@pytest.mark.parametrize(
    "password",
    [
        "Passw0rd2026!!",
        "qwertyuiopasdf",
        "aaaaaaaaaaaaaaaaaaaa",
        "Aa123456789012",
        "95559hotline95559",
        "woaini1314520",
        "yinhangmima2026",
        "shanghai2026kefu",
        "correct horse",
    ],
)
def test_what_is_easily_guessed_is_simple_however_long_it_is(password: str) -> None:
    assert faults(password, RULE, PERSON) == [Fault.SIMPLE]


@pytest.mark.parametrize("password", ["kR7vTz2mWq9xLc", "purple teacup rides", "窗外下雨紫色小船慢慢划过去"])
def test_random_letters_and_words_that_do_not_belong_together_are_good(password: str) -> None:
    assert Fault.SIMPLE not in faults(password, RULE, PERSON)
    assert Fault.PERSONAL not in faults(password, RULE, PERSON)


@pytest.mark.rule("SEC-12")
@pytest.mark.parametrize(
    "password",
    [
        "purple 1001 teacup rides",
        "purple OUYANG teacup rides",
        "purple xiaowei teacup rides",
        "ouyangxiaowei teacup rides",
        "purple 欧阳晓伟 teacup rides",
        "purple １００１ teacup rides",
    ],
)
def test_number_and_names_are_refused_in_any_spelling(password: str) -> None:
    assert Fault.PERSONAL in faults(password, RULE, PERSON)


def test_syllables_that_half_of_all_words_hold_are_no_name() -> None:
    short = Principal(staff="1001", name="李娜", also_called=("Li Na",))
    assert faults("purple linda teacup nap", RULE, short) == []


def test_everything_wrong_is_told_at_once() -> None:
    assert faults("1001abc", RULE, PERSON) == [Fault.SHORT, Fault.PERSONAL, Fault.SIMPLE]


def test_the_least_length_is_the_settings() -> None:
    assert faults("kR7vTz2mWq9", RULE, PERSON) == [Fault.SHORT]
    assert faults("kR7vTz2mWq9", PasswordRule(length=11), PERSON) == []
    assert "12 characters" in told(Fault.SHORT, RULE)


def test_a_long_one_is_looked_at_as_far_as_its_beginning_goes() -> None:
    assert faults("a" * 200, RULE, PERSON) == [Fault.SIMPLE]
    assert faults("kR7vTz2mWq9xLc" + "a" * 186, RULE, PERSON) == []


@pytest.mark.rule("SEC-12")
def test_initial_before_expired_and_each_by_its_rule() -> None:
    def due(rule: PasswordRule, *, initial: bool, age: int) -> MustChange:
        return must_change(rule, initial=initial, changed_at=1_000, now=1_000 + age)

    assert due(RULE, initial=True, age=0) is MustChange.INITIAL
    assert due(RULE, initial=False, age=90 * DAY - 1) is MustChange.NO
    assert due(RULE, initial=False, age=90 * DAY) is MustChange.EXPIRED
    assert due(PasswordRule(good_for=0), initial=False, age=9_999 * DAY) is MustChange.NO
    demo = PasswordRule(change_initial=False)
    assert due(demo, initial=True, age=0) is MustChange.NO
    assert due(demo, initial=True, age=90 * DAY) is MustChange.EXPIRED
