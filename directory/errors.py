"""What can be wrong with what we are told about people and lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import HotlineError


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


class CredentialsRefused(DirectoryError):
    """The credentials file cannot be used; the message says what to do."""
