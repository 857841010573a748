"""Two processes of tests at once use no port in common."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.ports import SIZE, own

ROOT = Path(__file__).resolve().parents[3]
OTHER = "from tests.support.ports import own; print(own().sip, own().sound[-1])"


def test_another_process_gets_other_ports_than_we_hold() -> None:
    ours = own()
    said = subprocess.run(
        [sys.executable, "-c", OTHER], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    first, last = map(int, said.stdout.split())
    assert last - first == ours.sound[-1] - ours.sip == SIZE - 1
    assert last < ours.sip or ours.sound[-1] < first
    assert own() is ours
