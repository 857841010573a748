"""The sign of life: fresh while we live, old at once when we leave, and it tells since when."""

from __future__ import annotations

import time
from pathlib import Path

from core.clock import SECOND
from telephony.heartbeat import Heartbeat


def age_s(folder: Path) -> float:
    return time.time() - (folder / "heartbeat").stat().st_mtime


def test_who_leaves_in_order_is_old_at_once_and_says_when(tmp_path: Path) -> None:
    heartbeat = Heartbeat(tmp_path)
    assert heartbeat.last() is None
    heartbeat.beat()
    assert age_s(tmp_path) < 1
    touched = heartbeat.last()
    assert touched is not None
    assert abs(touched - time.time_ns() // 1_000) < SECOND
    heartbeat.leave(1_700_000_000 * SECOND)
    assert age_s(tmp_path) > 3600
    assert heartbeat.last() == 1_700_000_000 * SECOND
    heartbeat.beat()
    assert age_s(tmp_path) < 1
    assert heartbeat.last() != 1_700_000_000 * SECOND
