"""The root of every error this project raises on purpose.

Each package derives one root of its own from `HotlineError` and its errors from that. A message says what
happened, where, and what to do next; it is written for the person who reads it, not for a program.
"""

from __future__ import annotations


class HotlineError(Exception):
    """Something this project refuses or cannot do; `str(error)` is fit to be shown to a person."""


class BadInput(HotlineError):
    """A value from outside is refused, whole.

    `where` names the place a person can look at: a field (`body.queue`), a file and line
    (`95559.yaml:12`), a setting (`HOTLINE_WEB__PORT`).
    """

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = where
        self.problem = problem


class NotFound(HotlineError):
    """What was asked for does not exist, or not for the one who asks."""


class Conflict(HotlineError):
    """The world has moved on since the request was made: look again, then decide."""
