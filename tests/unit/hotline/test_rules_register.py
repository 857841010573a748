"""The register of rules: what counts as a proof, what is owed, and what is refused."""

from pathlib import Path

import pytest

from hotline.__main__ import main
from hotline.commands import rules_register
from hotline.commands.rules_register import BadRegister, Register, owed, page, proofs, read_register
from hotline.content import PROJECT

REGISTER = """
reasons:
  elsewhere: outside software | It is about chairs.
  soon: later | It comes with the desks.
areas:
  CALL:
    title: Handling a call
    rules:
      CALL-01: now | Answered at all
      CALL-02: soon | Answered sitting
      CALL-03: elsewhere | Answered on a chair
      CALL-04: now | Answered kindly
"""
TEST = """
import pytest

pytestmark = [pytest.mark.rule("CALL-01")]

@pytest.mark.rule("CALL-01", "CALL-02")
async def test_answers(): ...

class TestChair:
    @pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.rule("CALL-02"))])
    def test_sits(self, n): ...

def test_other():
    "CALL-03"
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("docs").mkdir()
    Path("docs/rules.yaml").write_text(REGISTER, "utf-8")
    Path("tests/unit").mkdir(parents=True)
    Path("tests/unit/test_desk.py").write_text(TEST, "utf-8")


def both() -> tuple[Register, rules_register.Proofs]:
    register = read_register()
    return register, proofs(register)


def test_marks_are_found_on_functions_methods_parameters_and_modules() -> None:
    _, found = both()
    assert found == {
        "CALL-01": ["tests/unit/test_desk.py", "tests/unit/test_desk.py::test_answers"],
        "CALL-02": ["tests/unit/test_desk.py::test_answers", "tests/unit/test_desk.py::TestChair::test_sits"],
    }


def test_owed_is_what_has_neither_test_nor_reason() -> None:
    assert [rule.id for rule in owed(*both())] == ["CALL-04"]


def test_the_page_tells_of_every_rule() -> None:
    text = page(*both())
    assert "4 rules: 2 shown by tests, 0 later, 1 outside software, 1 still owed a test." in text
    assert "| CALL-01 | Answered at all | [unit/test_desk: all](../tests/unit/test_desk.py)<br>" in text
    assert "[unit/test_desk: TestChair::test_sits](../tests/unit/test_desk.py)<br>" in text
    assert "| CALL-03 | Answered on a chair | outside software: It is about chairs. |" in text
    assert "| CALL-04 | Answered kindly | **a test is owed** |" in text


def test_a_mark_of_an_unknown_rule_is_refused_with_its_line() -> None:
    Path("tests/test_wrong.py").write_text(
        'import pytest\n@pytest.mark.rule("CALL-99")\ndef test_x(): ...\n', "utf-8"
    )
    with pytest.raises(BadRegister, match=r"tests/test_wrong\.py:2: 'CALL-99' is no rule of docs/rules"):
        both()


def test_all_that_is_wrong_in_the_register_is_named_at_once() -> None:
    Path("docs/rules.yaml").write_text(
        "reasons:\n  soon: some day | It comes.\n"
        "areas:\n  CALL:\n    title: T\n    rules:\n      KB-01: now | X\n      CALL-02: never | X\n"
        "      CALL-03: now\n",
        "utf-8",
    )
    with pytest.raises(BadRegister) as refused:
        read_register()
    assert [problem.where for problem in refused.value.problems] == [
        "docs/rules.yaml: reasons.soon",
        "docs/rules.yaml: KB-01",
        "docs/rules.yaml: CALL-02",
        "docs/rules.yaml: CALL-03",
    ]


def test_check_fails_for_an_old_page_and_for_what_is_owed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--write"]) == 0
    assert main(["rules", "--check"]) == 1
    assert capsys.readouterr().err == "CALL-04 has neither a test nor a reason: Answered kindly\n"
    Path("docs/rules.yaml").write_text(REGISTER.replace("CALL-04: now", "CALL-04: soon"), "utf-8")
    assert main(["rules", "--check"]) == 1
    assert "docs/rules.md is out of date" in capsys.readouterr().err
    assert main(["rules", "--write"]) == 0
    assert main(["rules", "--check"]) == 0


def test_the_register_of_this_project_can_be_read() -> None:
    register = read_register(PROJECT / "docs" / "rules.yaml")
    ids = [rule.id for rule in register.rules]
    assert len(ids) == 348
    for area in register.areas:  # no gap, no rule twice
        own = [rule for rule in ids if rule.startswith(f"{area}-")]
        assert own == [f"{area}-{number:02}" for number in range(1, len(own) + 1)]
