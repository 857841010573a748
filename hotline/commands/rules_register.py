"""The register of rules: every rule ID with the tests that prove it, or the reason why there is none.

docs/rules.yaml holds the rules in our words; tests carry `@pytest.mark.rule("CALL-02", …)`, found by reading
the sources, not by running them. `hotline rules --write` makes docs/rules.md of both.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from core.errors import BadInput, HotlineError

REGISTER = Path("docs/rules.yaml")
PAGE = Path("docs/rules.md")
TESTS = Path("tests")
NOW = "now"
STANDINGS = ("later", "outside software")


class BadRegister(HotlineError):
    """The register or a test's mark cannot be used; `problems` names each place."""

    def __init__(self, problems: Sequence[BadInput]) -> None:
        super().__init__("the register of rules:" + "".join(f"\n  {problem}" for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why there is no test: `standing` is `later` or `outside software`, `why` a sentence."""

    standing: str
    why: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `reason` is None if it must have a test now."""

    id: str
    area: str
    title: str
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Register:
    """All rules in the order of the register, and the areas' titles."""

    areas: Mapping[str, str]
    rules: tuple[Rule, ...]


# test as pytest names it (`tests/unit/core/test_names.py::test_shape`), by rule ID
Proofs = Mapping[str, Sequence[str]]


def read_register(file: Path = REGISTER) -> Register:
    """The register from its file; `BadRegister` naming every entry that cannot be used."""
    table = yaml.safe_load(file.read_text("utf-8"))
    problems: list[BadInput] = []
    reasons: dict[str, Reason | None] = {NOW: None}
    for name, text in table["reasons"].items():
        standing, _, why = str(text).partition(" | ")
        if standing not in STANDINGS or not why.endswith("."):
            problems.append(
                BadInput(f"{file}: reasons.{name}", f"write {' or '.join(STANDINGS)} | a sentence.")
            )
        reasons[name] = Reason(standing, why)
    rules: list[Rule] = []
    for area, content in table["areas"].items():
        for rule, text in content["rules"].items():
            reason, _, title = str(text).partition(" | ")
            where = f"{file}: {rule}"
            if not rule.startswith(f"{area}-") or not title:
                problems.append(BadInput(where, f"write {area}-NN: REASON | title"))
            elif reason not in reasons:
                problems.append(BadInput(where, f"{reason!r} is no reason; choose from {', '.join(reasons)}"))
            else:
                rules.append(Rule(rule, area, title, reasons[reason]))
    if problems:
        raise BadRegister(problems)
    return Register({area: content["title"] for area, content in table["areas"].items()}, tuple(rules))


# ------------------------------------------------------------------ the tests


def marks(tests: Path = TESTS) -> Iterator[tuple[str, str, int]]:
    """Every mark in the tests' sources: (rule ID, test, line)."""
    for file in sorted(tests.rglob("*.py")):
        yield from _marks_below(ast.parse(file.read_text("utf-8"), str(file)), file.as_posix())


def _marks_below(node: ast.Module | ast.ClassDef, name: str) -> Iterator[tuple[str, str, int]]:
    for child in node.body:
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = f"{name}::{child.name}"
            for decorator in child.decorator_list:
                yield from _ids(decorator, inner)
            if isinstance(child, ast.ClassDef):
                yield from _marks_below(child, inner)
        elif isinstance(child, ast.Assign | ast.AnnAssign) and child.value is not None:
            yield from _ids(child.value, name)  # pytestmark, or a parameter list with marks of its own


def _ids(expression: ast.expr, test: str) -> Iterator[tuple[str, str, int]]:
    for node in ast.walk(expression):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.rule")):
            continue
        for argument in node.args:
            literal = argument.value if isinstance(argument, ast.Constant) else ast.unparse(argument)
            yield str(literal), test, argument.lineno


def proofs(register: Register, tests: Path = TESTS) -> Proofs:
    """The tests of each rule; `BadRegister` if one names a rule that is not in the register."""
    known = {rule.id for rule in register.rules}
    found: dict[str, list[str]] = defaultdict(list)
    problems: list[BadInput] = []
    for rule, test, line in marks(tests):
        if rule not in known:
            file = test.partition("::")[0]
            problems.append(
                BadInput(f"{file}:{line}", f"{rule!r} is no rule of {REGISTER}: correct the mark")
            )
        elif test not in found[rule]:
            found[rule].append(test)
    if problems:
        raise BadRegister(problems)
    return found


def owed(register: Register, tests: Proofs) -> list[Rule]:
    """Rules that must have a test now and have none."""
    return [rule for rule in register.rules if rule.reason is None and not tests.get(rule.id)]


# ------------------------------------------------------------------ the page


def page(register: Register, tests: Proofs) -> str:
    """docs/rules.md, whole."""
    shown = sum(1 for rule in register.rules if tests.get(rule.id))
    by_standing = {
        standing: sum(
            1 for r in register.rules if not tests.get(r.id) and r.reason and r.reason.standing == standing
        )
        for standing in STANDINGS
    }
    parts = [
        "# Rules and their tests\n\n"
        "Made from `docs/rules.yaml` and the tests' marks by `./run hotline rules --write`; do not edit.\n\n"
        f"{len(register.rules)} rules: {shown} shown by tests, "
        + ", ".join(f"{count} {standing}" for standing, count in by_standing.items())
        + f", {len(owed(register, tests))} still owed a test.\n"
    ]
    for area, title in register.areas.items():
        parts.append(f"\n## {area}: {title}\n\n| rule | what it asks for | shown by |\n|---|---|---|\n")
        parts += [_row(rule, tests.get(rule.id, ())) for rule in register.rules if rule.area == area]
    return "".join(parts)


def _row(rule: Rule, tests: Sequence[str]) -> str:
    if tests:
        shown = "<br>".join(f"[{_short(test)}](../{test.partition('::')[0]})" for test in sorted(tests))
    elif rule.reason:
        shown = f"{rule.reason.standing}: {rule.reason.why}"
    else:
        shown = "**a test is owed**"
    return f"| {rule.id} | {rule.title} | {shown} |\n"


def _short(test: str) -> str:
    file, _, name = test.partition("::")
    return f"{file.removeprefix('tests/').removesuffix('.py')}: {name.removeprefix('test_') or 'all'}"


# ------------------------------------------------------------------ the command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline rules`."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--write", action="store_true", help=f"write {PAGE} anew")
    either.add_argument(
        "--check", action="store_true", help=f"fail if {PAGE} is out of date or a test is owed"
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints, writes or checks the page."""
    register = read_register()
    tests = proofs(register)
    text = page(register, tests)
    if arguments.write:
        PAGE.write_text(text, "utf-8")
        return 0
    if not arguments.check:
        print(text, end="")
        return 0
    complaints = [
        f"{rule.id} has neither a test nor a reason: {rule.title}" for rule in owed(register, tests)
    ]
    if not PAGE.exists() or PAGE.read_text("utf-8") != text:
        complaints.append(f"{PAGE} is out of date: run ./run hotline rules --write")
    print(*complaints, sep="\n", end="\n" if complaints else "", file=sys.stderr)
    return 1 if complaints else 0
