"""Pure: the directory taken apart into entries, and put together again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from directory.entries import DEFAULTS, directory_of, entries_of, same
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
        "weight": 10, "priority": 10, "timeout_s": 600, "wrapup_limit_s": 90,
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


@pytest.mark.parametrize("grant", ["board.read.team", "directory.change.unit", "calls.read.city", "read.own"])
def test_a_scope_that_a_right_cannot_have_is_refused(grant: str) -> None:
    entries = dict(entries_of(SEED))
    entries["roles", "leader"] = {**entries["roles", "leader"], "rights": [grant]}
    with pytest.raises(Refused, match=f"there is no right '{grant}'"):
        directory_of(entries, TODAY)
