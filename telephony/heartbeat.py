"""The sign of life that the dialplan looks at: a file in the node's folder, touched while the service lives.

Its age tells the dialplan whether to believe what the service has said (house decision 1). Who stops in order
makes it old at once, so that no caller meets a dead service's word for seconds more, and leaves the time of
leaving in it; after a crash the time of the last touch is the best that is known.
"""

from __future__ import annotations

import os
from pathlib import Path

from core.clock import Duration, Instant


class Heartbeat:
    """`folder`: the node's directory."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "heartbeat"

    def beat(self) -> None:
        """We live."""
        self._file.touch()

    def leave(self, at: Instant) -> None:
        """We stop in order: old from this moment on."""
        self._file.write_text(str(at), encoding="ascii")
        os.utime(self._file, (0, 0))

    def beats(self, now: Instant, within: Duration) -> bool:
        """Whether the service lives, as the dialplan sees it; one that has stopped in order does not."""
        try:
            return now - self._file.stat().st_mtime_ns // 1_000 < within
        except FileNotFoundError:
            return False

    def last(self) -> Instant | None:
        """When a service last lived beside this node; None if none ever did."""
        try:
            touched = self._file.stat().st_mtime_ns // 1_000
            left = self._file.read_text(encoding="ascii") if touched == 0 else ""
        except FileNotFoundError:
            return None
        return int(left) if left.isdigit() else touched or None
