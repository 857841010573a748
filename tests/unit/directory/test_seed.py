"""Pure: the seed file becomes a directory, or is refused with everything that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import BadInput
from core.names import fits
from directory.errors import SeedRefused
from directory.lookup import Directory
from directory.rights import RIGHTS
from directory.seed import DEMO, load, parse

DEMO_TEXT = DEMO.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def demo() -> Directory:
    return load(DEMO)


def problems(text: str) -> list[str]:
    with pytest.raises(SeedRefused) as refused:
        parse(text, "demo.yaml")
    return [str(problem) for problem in refused.value.problems]


def changed(old: str, new: str) -> str:
    assert DEMO_TEXT.count(old) >= 1, f"the demo seed no longer contains {old!r}"
    return DEMO_TEXT.replace(old, new, 1)


def line_of(text: str) -> int:
    return DEMO_TEXT[: DEMO_TEXT.index(text)].count("\n") + 1


@pytest.mark.rule("CALL-12")
def test_demo_serves_every_queue_with_first_line_and_backup(demo: Directory) -> None:
    assert len(demo.queues) == len(demo.businesses) * len(demo.languages) == 18
    for name in demo.queues:
        penalties = [penalty for _staff, penalty in demo.members(name)]
        assert 0 in penalties, f"nobody is first line of {name}"
        assert 10 in penalties, f"{name} has no backup to widen to"


def test_demo_has_the_staff_and_phones_it_promises(demo: Directory) -> None:
    roles = [role for person in demo.staff.values() for role in person.roles]
    assert {role: roles.count(role) for role in set(roles)} == {
        "agent": 24,
        "leader": 2,
        "supervisor": 1,
        "qa": 1,
        "admin": 1,
    }
    assert [str(name) for name in demo.devices] == [f"d{n:03d}" for n in range(1, 41)]
    assert all(fits("queue", name) for name in demo.queues)
    assert all(fits("reason", reason) for reason in demo.reasons)


def test_every_right_is_given_to_someone(demo: Directory) -> None:
    given = frozenset().union(*(role.rights for role in demo.roles.values()))
    assert given == set(RIGHTS)


def test_loss_reports_go_first(demo: Directory) -> None:
    loss = [queue for queue in demo.queues.values() if queue.business == "loss"]
    others = [queue for queue in demo.queues.values() if queue.business != "loss"]
    assert min(queue.weight for queue in loss) == 10 > max(queue.weight for queue in others)
    assert min(queue.priority for queue in loss) > max(queue.priority for queue in others)


def test_lists_from_before_call_backs_offer_none() -> None:
    older = changed("    callback_after_s: 40\n", "").replace(", callback_after_s: 0", "")
    directory = parse(older, "older.yaml")
    assert {queue.callback_after_s for queue in directory.queues.values()} == {0}


@pytest.mark.rule("CALL-24")
def test_the_five_kinds_of_work_are_call_types(demo: Directory) -> None:
    work = {"enquiry", "assisted_transaction", "difficult_case", "outbound_marketing", "customer_care"}
    assert work <= set(demo.call_types)


def test_backups_are_asked_before_the_tenth_second(demo: Directory) -> None:
    for queue in demo.queues.values():
        assert queue.service_level_s == 10
        assert queue.widen_after_s + queue.ring_s < 10


@pytest.mark.rule("TICKET-21")
def test_reply_limits_by_urgency(demo: Directory) -> None:
    assert {code: level.working_days for code, level in demo.urgencies.items()} == {
        "high": 2,
        "medium": 3,
        "low": 5,
    }


@pytest.mark.parametrize(
    ("old", "new", "path", "says"),
    [
        ("roles: [agent],", "roles: [agnet],", "staff[0].roles[0]", "there is no role 'agnet'"),
        (
            "{personal: 1, card: 1,",
            "{persnal: 1, card: 1,",
            "staff[0].skills.persnal",
            "no business 'persnal'",
        ),
        ("operator: 1, loss: 2}", "operator: 3, loss: 2}", "staff[0].skills.operator", "from 1 to 2"),
        ("languages: {cmn: 1, nan: 2}", "languages: {yue: 1}", "staff[0].languages.yue", "no language 'yue'"),
        ("number: 1002", "number: 1001", "staff[1]", "1001 is the number of 王芳 already"),
        ("number: 1002", "number: 12", "staff[1].number", "four to eight digits"),
        ("number: 1002", "nummer: 1002", "staff[1].nummer", "is not known here"),
        ("team: A", "team: A, team: B", "staff[0].team", "twice"),
        ("last: d030", "last: d031", "devices[1]", "d031 is in another range too"),
        ("first: d001", "first: phone1", "devices[0].first", "not a device name"),
        ("first: d001", "first: d090", "devices[0].last", "not a range"),
        ("digit: 2", "digit: 1", "reasons", "meal and rest both have the digit 1"),
        ("digit: 2", "digit: 0", "reasons[1].digit", "from 1 to 9"),
        ("on_duty: true", "on_duty: yes", "reasons[1].on_duty", "neither true nor false"),
        (
            "    rights: [agents.act,",
            "    rights: [agents.fly,",
            "roles[0].rights[0]",
            "no right 'agents.fly'",
        ),
        ("ticket_kinds: [complaint]}", "ticket_kinds: [wish]}", "call_types[4].ticket_kinds[0]", "'wish'"),
        ("raise_at: 80", "raise_at: 120", "thresholds[0].raise_at", "from 0 to 100"),
        ("clear_at: 85", "clear_at: 70", "thresholds[0].clear_at", "clear while it is raised"),
        (", window: 20}", "}", "thresholds[0]", "lacks window"),
        ("alarm: phone_lost", "alarm: phone_gone", "thresholds[5].alarm", "no alarm 'phone_gone'"),
        ("severity: warning", "severity: bad", "thresholds[0].severity", "no severity 'bad'"),
        ("widen_after_s: 5", "widen_after_s: 10", "queues", "backups come late"),
        ("loss: {weight", "lost: {weight", "queues.businesses.lost", "no business 'lost'"),
        ("ring_s: 4", "ring_s: four", "queues.defaults.ring_s", "'four' is not a whole number"),
        ('"13800009999"', '"138-call-me"', "vip_numbers[0]", "not a telephone number"),
        ('"13900008888"', '"+86 138 0000 9999"', "vip_numbers[1]", "twice"),
        ("{code: high, ", "{code: hot, ", "urgencies[0].code", "no level of urgency 'hot'"),
        ("satisfaction_best: 5", "satisfaction_best: 12", "survey.satisfaction_best", "from 2 to 9"),
        ("name: 王芳", "name: ''", "staff[0].name", "is empty"),
        ("name: 王芳", 'name: "王\\n芳"', "staff[0].name", "unprintable"),
        ("name: 王芳", "name: [王, 芳]", "staff[0].name", "single value"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_path(old: str, new: str, path: str, says: str) -> None:
    found = problems(changed(old, new))
    matching = [line for line in found if f" {path}: " in line and says in line]
    assert matching, found
    assert matching[0].startswith("demo.yaml:")


def test_the_line_is_the_right_one() -> None:
    found = problems(changed("number: 1013", "number: abc"))
    assert len(found) == 1
    assert found[0].startswith(f"demo.yaml:{line_of('number: 1013')} staff[12].number:")


def test_all_mistakes_are_told_at_once_in_the_order_of_lines() -> None:
    text = (
        DEMO_TEXT.replace("digit: 9", "digit: 99")
        .replace("number: 1024", "number: x")
        .replace("d040", "e040")
    )
    found = problems(text)
    assert len(found) == 3
    lines = [int(line.split(":")[1].split()[0]) for line in found]
    assert lines == sorted(lines)


def test_a_missing_section_is_told_without_a_flood_of_consequences() -> None:
    text = DEMO_TEXT[: DEMO_TEXT.index("survey:")] + DEMO_TEXT[DEMO_TEXT.index("# skills and") :]
    assert problems(text) == ["demo.yaml:5 lacks survey"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("staff: [", "is not YAML"),
        ("- a list", "pairs here"),
        ("a: \x00", "is not YAML"),
    ],
)
def test_what_is_no_seed_at_all(text: str, says: str) -> None:
    assert any(says in line for line in problems(text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"gone\.yaml.*cannot be read"):
        load(tmp_path / "gone.yaml")


@pytest.mark.rule("SEC-12")
def test_the_shipped_seed_holds_no_secret() -> None:
    words = DEMO_TEXT.split("languages:", 1)[1].lower()
    assert not [word for word in ("password:", "pin:", "secret:", "$argon2") if word in words]
