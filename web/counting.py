"""How often each route was asked, how that ended, and how long it took; kept for whoever looks."""

from __future__ import annotations

from dataclasses import dataclass

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
"""Those a route may have."""
_COUNTED = METHODS | {"HEAD", "OPTIONS"}


@dataclass(slots=True)
class Served:
    """`seconds`: of all of them together, each from its head until the handler was done."""

    count: int = 0
    seconds: float = 0.0


class RequestCounts:
    """`by`: (method, path as the route writes it, status) → what was served so since the start.

    No more keys than routes and statuses allow: what a client made up itself is counted together.
    """

    def __init__(self) -> None:
        self.by: dict[tuple[str, str, int], Served] = {}

    def add(self, method: str, path: str, status: int, seconds: float) -> None:
        """One more answer."""
        key = (method if method in _COUNTED else "other", path, status)
        served = self.by.get(key)
        if served is None:
            served = self.by[key] = Served()
        served.count += 1
        served.seconds += seconds
