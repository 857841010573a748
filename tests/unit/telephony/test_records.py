"""The node's own files, read from their ends."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from core.clock import MINUTE, SECOND
from telephony import records

TEXT = st.text(st.characters(blacklist_characters="\n\r", blacklist_categories=("Cs",)), max_size=40)


@given(st.lists(TEXT, max_size=30), st.integers(0, 30), st.booleans(), st.sampled_from((7, 64, 1 << 16)))
def test_the_young_end_of_a_file_is_read_whole_and_no_more(
    lines: list[str], old: int, cut: bool, block: int
) -> None:
    numbered = [f"{number}:{text}" for number, text in enumerate(lines)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "log"
        file.write_bytes(("".join(f"{line}\n" for line in numbered) + ("half a li" if cut else "")).encode())
        before, records._BLOCK = records._BLOCK, block
        try:
            found = records.tail(file, lambda line: int(line.partition(":")[0]) >= old)
        finally:
            records._BLOCK = before
    assert found == [f"{line}\n" for line in numbered[old:]]


def test_files_that_are_not_there_or_broken_give_nothing_back(tmp_path: Path) -> None:
    assert records.recorded_since(tmp_path, 0) == []
    (tmp_path / "log" / "cel-custom").mkdir(parents=True)
    (tmp_path / records.CEL_FILE).write_text('{"eventtime":"1700000000.5"}\n', encoding="utf-8")
    assert records.recorded_since(tmp_path, 1_700_000_000 * SECOND) == []


def test_events_older_than_the_margin_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "log" / "cel-custom").mkdir(parents=True)
    line = (
        '{{"eventenum":"HANGUP","userdeftype":"","eventtime":"{at}.000001","uniqueid":"node1-{at}.1",'
        '"linkedid":"node1-{at}.1","channame":"PJSIP/trunk-00000001","peer":"","eventextra":""}}\n'
    )
    times = (1_700_000_000, 1_700_001_000, 1_700_002_000)
    (tmp_path / records.CEL_FILE).write_text("".join(line.format(at=at) for at in times), encoding="utf-8")
    since = times[1] * SECOND + records.MARGIN - MINUTE
    found = records.recorded_since(tmp_path, since)
    assert [event.at // SECOND for event in found] == list(times[1:])
