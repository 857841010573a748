"""docs/calls.md shows what the recordings tell now."""

from __future__ import annotations

import os

from tests.scenarios.page import DRAWINGS, written


def test_the_page_of_call_paths_is_up_to_date() -> None:
    """And has no drawing of a recording that is gone."""
    files = written()
    if os.environ.get("HOTLINE_RECORD"):
        DRAWINGS.mkdir(exist_ok=True)
        for drawing in DRAWINGS.glob("*.svg"):
            drawing.unlink()
        for file, text in files.items():
            file.write_text(text, encoding="utf-8")
    stale = [f.name for f, text in files.items() if not f.exists() or f.read_text(encoding="utf-8") != text]
    assert stale == [], "write them anew: HOTLINE_RECORD=1 ./run test scenarios"
    assert set(DRAWINGS.iterdir()) == {file for file in files if file.parent == DRAWINGS}
