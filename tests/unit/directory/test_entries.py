"""Pure: the directory taken apart into entries, and put together again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from directory.entries import DEFAULTS, Key, calendar_lacking, directory_of, entries_of, same
from directory.errors import Refused
from directory.seed import DEMO, load
from web.scope import Scope

TODAY = date(2026, 11, 25)
SEED = load(DEMO, today=TODAY)


def test_taken_apart_and_put_together_it_is_the_same() -> None:
    entries = entries_of(SEED)
    again = directory_of(entries, TODAY)
    assert again == SEED
    assert entries_of(again) == entries


def test_a_figure_is_kept_with_the_business_it_belongs_to() -> None:
    entries = entries_of(SEED)
    assert entries["queues", "loss"] == {
        "weight": 10, "priority": 10, "timeout_s": 600, "wrapup_limit_s": 90, "callback_after_s": 0,
    }  # fmt: skip
    assert entries["queues", DEFAULTS]["ring_s"] == 4
    assert ("queues", "card") not in entries


def test_telephones_are_kept_as_ranges() -> None:
    entries = entries_of(SEED)
    assert [body for (section, _), body in entries.items() if section == "devices"] == [
        {"first": "d001", "last": "d030", "kind": "sim"},
        {"first": "d031", "last": "d036", "kind": "phone"},
        {"first": "d037", "last": "d040", "kind": "web"},
    ]


def test_queues_of_one_business_that_differ_cannot_be_kept() -> None:
    queues = {
        name: replace(queue, ring_s=9) if name == "card-cmn" else queue for name, queue in SEED.queues.items()
    }
    with pytest.raises(ValueError, match="queues of card differ"):
        entries_of(replace(SEED, queues=queues))


def test_every_problem_is_told_with_its_entry() -> None:
    entries = entries_of(SEED)
    entries["staff", "1003"] = {**entries["staff", "1003"], "roles": ["pilot"], "skills": {"flying": 1}}
    entries["queues", "loss"] = {"ring_s": 1}
    with pytest.raises(Refused) as refused:
        directory_of(entries, TODAY)
    told = [(one.field, one.problem) for one in refused.value.refusals]
    assert [field for field, _ in told] == [
        "queues loss: ring_s",
        "staff 1003: roles[0]",
        "staff 1003",
        "staff 1003: skills.flying",
        "staff 1003",
    ], told
    assert "no role 'pilot'" in told[1][1]


@pytest.mark.parametrize(
    ("since", "until", "here"),
    [
        ("2026-11-25", None, True),
        ("2026-11-26", None, False),
        (None, "2026-11-25", True),
        (None, "2026-11-24", False),
    ],
)
@pytest.mark.rule("SEC-21")
def test_first_and_last_day_are_days_with_the_bank(since: str | None, until: str | None, here: bool) -> None:
    entries = entries_of(SEED)
    days = {"since": since, "until": until}
    entries["staff", "1003"] = {**entries["staff", "1003"], **{k: v for k, v in days.items() if v}}
    directory = directory_of(entries, TODAY)
    assert directory.staff["1003"].active is here
    assert bool(directory.memberships("1003")) is here
    assert entries_of(directory) == entries


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ({"a": 1}, {"a": "1"}, True),
        ({"a": True}, {"a": "true"}, True),
        ({"a": [1, 2]}, {"a": (1, 2)}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": [1]}, {"a": [1, 2]}, False),
        (None, {}, False),
    ],
)
def test_what_is_written_alike_is_the_same(one: object, other: object, alike: bool) -> None:
    assert same(one, other) is alike


NEXT_YEAR: dict[str, Any] = {
    "number": "国办发明电〔2026〕9号",
    "published": "2026-11-20",
    "since": "2027-01-01",
    "until": "2027-12-31",
    "days": [
        {"name": "元旦", "off": "2027-01-01..2027-01-03"},
        {"name": "春节", "off": "2027-02-05..2027-02-11", "work": ["2027-01-31", "2027-02-20"]},
        {"name": "清明节", "off": "2027-04-03..2027-04-05"},
        {"name": "劳动节", "off": "2027-05-01..2027-05-05", "work": ["2027-05-08"]},
        {"name": "端午节", "off": "2027-06-09"},
        {"name": "中秋节", "off": "2027-09-15"},
        {"name": "国庆节", "off": "2027-10-01..2027-10-07", "work": ["2027-10-09"]},
    ],
}


def with_notices(*notices: dict[str, Any]) -> dict[Key, Any]:
    return entries_of(SEED) | {("holiday_notices", one["number"]): one for one in notices}


def test_a_years_notice_is_an_entry_and_read_as_the_file_is() -> None:
    entries = with_notices(NEXT_YEAR)
    directory = directory_of(entries, TODAY)
    assert entries_of(directory) == entries
    made_up, eve = (directory.calendar.day(on) for on in (date(2027, 2, 20), date(2027, 2, 5)))
    assert (made_up.works, made_up.name, made_up.source) == (True, "春节", NEXT_YEAR["number"])
    assert (eve.works, eve.confirmed) == (False, True)
    assert directory.calendar.confirmed_until == date(2027, 12, 31)


def test_notices_count_in_the_order_of_their_publication_whenever_they_were_entered() -> None:
    """What was published in January overrules November's, though that is entered after it."""
    later = {
        "number": "changed",
        "published": "2027-01-26",
        "since": "2027-02-12",
        "until": "2027-02-12",
        "days": [{"name": "春节", "off": "2027-02-12"}],
    }
    calendar = directory_of(with_notices(later, NEXT_YEAR), TODAY).calendar
    assert (calendar.edition, calendar.works(date(2027, 2, 12))) == ("changed", False)


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [
        ({"days": NEXT_YEAR["days"][1:]}, "days", "2027-01-01 (元旦) is off by law"),
        ({"until": "2027-11-30"}, "until", "not the end of a year"),
        ({"since": "2027-01-02"}, "since", "nothing covers 2027-01-01 to"),
        (
            {"days": [*NEXT_YEAR["days"], {"name": "春节", "off": "2027-02-11"}]},
            "days[7].off",
            "2027-02-11 is spoken of twice",
        ),
        (
            {"days": [*NEXT_YEAR["days"][:6], {**NEXT_YEAR["days"][6], "work": ["2027-10-11"]}]},
            "days[6].work[0]",
            "2027-10-11 (mon) works in any case",
        ),
    ],
)
def test_a_year_given_by_half_is_refused_at_its_entry(changes: dict[str, Any], field: str, told: str) -> None:
    with pytest.raises(Refused) as refused:
        directory_of(with_notices({**NEXT_YEAR, **changes}), TODAY)
    found = {one.field: one.problem for one in refused.value.refusals}
    assert told in found[f"holiday_notices {NEXT_YEAR['number']}: {field}"], found


def test_a_mistake_in_the_plain_week_is_told_at_its_field() -> None:
    entries = entries_of(SEED)
    entries["calendar", "calendar"] = {**entries["calendar", "calendar"], "week": ["mon", "moon"]}
    with pytest.raises(Refused) as refused:
        directory_of(entries, TODAY)
    assert [one.field for one in refused.value.refusals if "moon" in one.problem] == ["calendar: week[1]"]


def test_what_was_kept_before_there_was_a_calendar_lacks_that_alone() -> None:
    whole = entries_of(SEED)
    before = {key: body for key, body in whole.items() if key[0] not in ("calendar", "holiday_notices")}
    lacking = calendar_lacking(before, SEED)
    assert len(lacking) == 1 + len(SEED.calendar.notices)
    assert {**before, **lacking} == whole
    assert calendar_lacking(whole, SEED) == {}


@pytest.mark.rule("SEC-05")
def test_a_role_that_was_kept_before_there_were_scopes_means_what_it_did() -> None:
    entries = dict(entries_of(SEED))
    kept = {**entries["roles", "leader"], "rights": ["calls.read", "recordings.play.own", "tickets.read.own"]}
    entries["roles", "leader"] = kept
    directory = directory_of(entries, TODAY)
    assert directory.rights("8001") == {
        "calls.read": Scope.ALL,
        "recordings.play": Scope.OWN,
        "tickets.read": Scope.OWN,
    }
    assert entries_of(directory)["roles", "leader"] == kept


@pytest.mark.parametrize("grant", ["board.read.team", "admin.unit", "calls.read.city", "read.own"])
def test_a_scope_that_a_right_cannot_have_is_refused(grant: str) -> None:
    entries = dict(entries_of(SEED))
    entries["roles", "leader"] = {**entries["roles", "leader"], "rights": [grant]}
    with pytest.raises(Refused, match=f"there is no right '{grant}'"):
        directory_of(entries, TODAY)
