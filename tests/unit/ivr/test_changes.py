"""What differs between two versions of a flow, and which versions led to the live one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ivr import history
from ivr.changes import changes
from ivr.compile import Compiled, compile_flow, render_file, versions_in
from ivr.history import HistoryUnreadable, How, Published
from ivr.model import Menu
from ivr.publish import KEEP_EARLIER, publish
from tests.unit.ivr.flows import SMALL, small

ADDED = SMALL.replace('"1": {label: Cards, to: notice}', '"1": {label: Cards, to: other}') + (
    "  other:\n    say: [welcome]\n    then: notice\n"
)
REMOVED = SMALL.partition("  notice:")[0].replace("to: notice", "to: queue card")


def compiled(source: str = SMALL) -> Compiled:
    return compile_flow(small(source))


def test_nodes_are_told_apart_by_what_callers_meet() -> None:
    assert list(changes(compiled(), compiled(ADDED)).lines()) == ["added: other", "changed: top"]
    assert list(changes(compiled(), compiled(REMOVED)).lines()) == ["removed: notice", "changed: top"]
    assert list(changes(compiled(), compiled(SMALL.replace("A small flow", "Another"))).lines()) == []


def test_another_beginning_is_a_change() -> None:
    start = SMALL.replace("start: top", "start: notice").replace("then: queue card", "then: top")
    (entry,) = [line for line in changes(compiled(), compiled(start)).lines() if "begin" in line]
    assert entry == "calls begin at notice in cmn, not at top in cmn"


def test_a_kept_version_knows_its_own_language_and_start() -> None:
    other = compiled(SMALL.replace("language: cmn\n", "language: en\n"))
    assert versions_in(render_file(compiled(), [other])) == (compiled(), other)


def test_a_file_of_an_earlier_program_is_still_read() -> None:
    marked = render_file(compiled()).replace(f" language cmn start {compiled().start} ====", " ====")
    assert versions_in(marked) == (compiled(),)


def test_a_version_with_callers_in_it_is_kept_however_many_follow(tmp_path: Path) -> None:
    file = tmp_path / "ivr-777.conf"
    top = small().nodes["top"]
    assert isinstance(top, Menu)
    versions = [
        compile_flow(replace(small(), nodes={**small().nodes, "top": replace(top, timeout_s=seconds)}))
        for seconds in range(1, KEEP_EARLIER + 5)
    ]
    for version in versions:
        publish(version, file, in_use={versions[0].version})
    kept = [one.version for one in versions_in(file.read_text())]
    assert versions[0].version in kept
    assert versions[1].version not in kept


def line(version: str, how: How = How.PUBLISHED, before: str = "") -> Published:
    return Published("2026-11-25T00:00:00Z", version, how, "7001", before)


@pytest.mark.parametrize(
    ("entries", "trail"),
    [
        ((), ()),
        ((line("b", before="a"),), ("a", "b")),
        ((line("a"), line("b", before="a"), line("c", before="b")), ("a", "b", "c")),
        ((line("b", before="a"), line("c", before="b"), line("b", How.WENT_BACK, "c")), ("a", "b")),
        ((line("b", before="a"), line("a", How.WENT_BACK, "b"), line("c", before="a")), ("a", "c")),
        ((line("b", before="a"), line("a", before="b")), ("b", "a")),
    ],
)
def test_going_back_twice_goes_back_two_versions(
    entries: tuple[Published, ...], trail: tuple[str, ...]
) -> None:
    assert history.trail(entries) == trail


def test_the_history_lasts_and_a_foreign_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "flow-777.jsonl"
    entries = (line("a"), line("b", How.PREPARED, "a"), line("a", How.WENT_BACK, "b"))
    for entry in entries:
        history.record(file, entry)
    assert history.read(file) == entries
    assert history.gone_back_from(entries) == "b"
    assert history.gone_back_from(entries[:2]) == ""
    file.write_text(file.read_text() + "no line of ours\n")
    with pytest.raises(HistoryUnreadable, match=r"flow-777\.jsonl:4"):
        history.read(file)
