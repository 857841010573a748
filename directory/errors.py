"""What can be wrong with what we are told about people and lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import BadInput, HotlineError


class DirectoryError(HotlineError):
    """Root of the errors of this package."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `where`: `demo.yaml:12`; `path`: `staff[3].roles[0]`."""

    where: str
    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.where} {self.path}: {self.text}" if self.path else f"{self.where} {self.text}"


class SeedRefused(DirectoryError):
    """The seed file is refused, whole; all its problems at once, in the order of its lines."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        lines = "\n  ".join(str(problem) for problem in problems)
        super().__init__(f"{file} is refused, correct {len(problems)} place(s):\n  {lines}")
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One problem as the edge tells it. `field`: `staff 1004: roles[0]`."""

    field: str
    problem: str


class Refused(DirectoryError, BadInput):
    """A change of the directory is refused, whole; all its problems at once, each with its entry."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        lines = "; ".join(str(problem) for problem in problems)
        super().__init__("directory", f"is left as it is, correct {len(problems)} place(s): {lines}")
        self.problems = tuple(problems)

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Each problem with the entry it belongs to."""
        return tuple(
            Refusal(f"{one.where}: {one.path}" if one.path else one.where, one.text) for one in self.problems
        )


class CredentialsRefused(DirectoryError):
    """The credentials file cannot be used; the message says what to do."""
