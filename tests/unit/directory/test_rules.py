"""Pure: who serves which queue, who may use which reason, what a call type demands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.names import StaffId
from directory import rules
from directory.lookup import Directory
from directory.model import Staff
from directory.seed import DEMO, load
from web.scope import Scope

DIRECTORY = load(DEMO)
BUSINESSES = sorted(DIRECTORY.businesses)
LANGUAGES = sorted(DIRECTORY.languages)
LEVELS = st.sampled_from((1, 2))


def person(
    skills: dict[str, int],
    languages: dict[str, int],
    *,
    roles: tuple[str, ...] = ("agent",),
    active: bool = True,
) -> Staff:
    return Staff(
        number=StaffId("1999"),
        name="某人",
        name_en="Someone",
        team="A",
        roles=roles,
        skills=skills,
        languages=languages,
        active=active,
    )


@pytest.fixture
def directory() -> Directory:
    return DIRECTORY


@pytest.mark.rule("CALL-12")
@pytest.mark.parametrize(("skill", "language", "penalty"), [(1, 1, 0), (1, 2, 10), (2, 1, 10), (2, 2, 10)])
def test_first_line_only_if_business_and_language_both_are(skill: int, language: int, penalty: int) -> None:
    found = rules.memberships(person({"card": skill}, {"nan": language}), DIRECTORY.queues.values())
    assert [(place.queue, place.penalty) for place in found] == [("card-nan", penalty)]


@given(
    st.dictionaries(st.sampled_from(BUSINESSES), LEVELS), st.dictionaries(st.sampled_from(LANGUAGES), LEVELS)
)
def test_one_membership_for_each_pair_of_skill_and_language(
    skills: dict[str, int], languages: dict[str, int]
) -> None:
    found = rules.memberships(person(skills, languages), DIRECTORY.queues.values())
    assert {place.queue for place in found} == {f"{s}-{tongue}" for s in skills for tongue in languages}
    assert len(found) == len(skills) * len(languages)


def test_who_has_left_serves_nothing() -> None:
    assert rules.memberships(person({"card": 1}, {"cmn": 1}, active=False), DIRECTORY.queues.values()) == ()


def test_members_and_memberships_tell_the_same(directory: Directory) -> None:
    by_queue = {(staff, q, penalty) for q in directory.queues for staff, penalty in directory.members(q)}
    by_agent = {
        (agent.number, place.queue, place.penalty)
        for agent in directory.agents()
        for place in directory.memberships(agent.number)
    }
    assert by_queue == by_agent


@pytest.mark.rule("CALL-20")
def test_resting_off_hook_is_for_leaders(directory: Directory) -> None:
    assert "off_hook" not in {reason.code for reason in directory.reasons_for("1001")}
    assert "off_hook" in {reason.code for reason in directory.reasons_for("8001")}
    assert directory.reasons_for("9001") == ()


@pytest.mark.rule("CALL-21")
def test_every_reason_has_a_key_and_a_limit(directory: Directory) -> None:
    for reason in directory.reasons.values():
        assert directory.reason_of_digit(reason.digit) == reason
        assert reason.max_minutes > 0
    assert directory.reason_of_digit(0) is None


@pytest.mark.rule("SUMMARY-06")
def test_missing_fields_in_the_order_of_the_list(directory: Directory) -> None:
    complaint = directory.call_types["complaint"]
    assert rules.missing_fields(complaint, {"content", "result"}) == (
        "customer_name",
        "contact",
        "nature",
        "urgency",
        "read_back",
    )
    assert rules.missing_fields(complaint, complaint.mandatory) == ()


@pytest.mark.rule("CALL-08", "TICKET-01")
def test_a_wrong_number_opens_no_ticket(directory: Directory) -> None:
    assert not any(
        rules.may_open(directory.call_types["wrong_number"], kind) for kind in directory.ticket_kinds
    )
    assert rules.may_open(directory.call_types["complaint"], "complaint")
    assert not rules.may_open(directory.call_types["complaint"], "suggestion")


@pytest.mark.parametrize(
    "written",
    [
        "13800009999",
        "+8613800009999",
        "008613800009999",
        "138 0000 9999",
        "+86 (138) 0000-9999",
        "059588880001",
        "+8659588880001",
    ],
)
def test_a_vip_is_known_however_the_number_is_written(directory: Directory, written: str) -> None:
    assert directory.is_vip(written)


@pytest.mark.parametrize("number", ["", "13800009998", "anonymous", "8613"])
def test_others_are_not(directory: Directory, number: str) -> None:
    assert not directory.is_vip(number)


@pytest.mark.rule("SEC-04")
def test_agents_see_their_own_work_only(directory: Directory) -> None:
    theirs = directory.rights("1001")
    assert {theirs["calls.read"], theirs["recordings.play"], theirs["tickets.read"]} == {Scope.OWN}
    assert "summaries.read" not in theirs
    leaders = directory.rights("8001")
    assert {leaders["calls.read"], leaders["help.answer"], leaders["agents.command"]} == {Scope.TEAM}
