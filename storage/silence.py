"""A server that says nothing: asked by one at a time, and not at once again; all others are told so at once.

Otherwise everybody would wait for it as long as one can wait, one request after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from storage.errors import DatabaseDown


class Silence:
    """What is known of one server. `pause_s`: between one vain question and the next."""

    def __init__(self, pause_s: float) -> None:
        self._pause_s = pause_s
        self._problem = ""
        self._asked = False
        self._again_at = 0.0

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Around the taking of a connection; `DatabaseDown` if it is somebody else's turn to ask."""
        silent = self._problem
        if silent and (self._asked or self._now() < self._again_at):
            raise DatabaseDown(silent)
        self._asked = self._asked or bool(silent)
        try:
            yield
        finally:
            if silent:
                self._asked = False
        self._problem = ""

    def met(self, problem: str) -> None:
        """Somebody has waited in vain; `problem` is what they were told."""
        self._problem = problem
        self._again_at = self._now() + self._pause_s

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
