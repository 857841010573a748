"""The spool file: order, half-written lines, and what goes when all is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import BadInput
from core.facts import DeviceContactChanged
from ledger.entry import Entry, written
from ledger.errors import SpoolDamaged
from ledger.spool import Spool


def entries(first: int, last: int) -> list[Entry]:
    fact = DeviceContactChanged(at=1, device="d001", reachable=True)
    return [written(seq, fact) for seq in range(first, last + 1)]


def test_what_is_added_is_taken_in_order_and_the_file_goes(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s")
    spool.add(entries(1, 3))
    spool.add(entries(4, 5))
    assert [entry.seq for entry in spool.head(2)] == [1, 2]
    spool.drop_head(2)
    assert (spool.waiting, spool.is_empty) == (3, False)
    assert spool.head(9) == entries(3, 5)
    spool.drop_head(3)
    assert spool.is_empty
    assert not (tmp_path / "s").exists()
    spool.add(entries(6, 6))
    assert spool.head(9) == entries(6, 6)


def test_half_a_line_of_a_failed_attempt_does_not_stay(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s")
    spool.add(entries(1, 1))
    with (tmp_path / "s").open("ab") as file:  # as a full disk leaves it
        file.write(b"[2,1,")
    spool.add(entries(2, 2))
    assert spool.head(9) == entries(1, 2)
    assert Spool(tmp_path / "s").open() == 2


def test_an_earlier_run_is_taken_over_without_its_torn_last_line(tmp_path: Path) -> None:
    Spool(tmp_path / "s").add(entries(1, 2))
    content = (tmp_path / "s").read_bytes()
    (tmp_path / "s").write_bytes(content[:-5])
    spool = Spool(tmp_path / "s")
    assert spool.open() == 1
    spool.add(entries(2, 2))
    assert spool.head(9) == entries(1, 2)


def test_a_damaged_line_is_named_wherever_it_is(tmp_path: Path) -> None:
    Spool(tmp_path / "s").add(entries(1, 3))
    lines = (tmp_path / "s").read_bytes().splitlines(keepends=True)
    (tmp_path / "s").write_bytes(lines[0] + b"oh\n" + lines[2])
    with pytest.raises(SpoolDamaged, match=r"/s:2: "):
        Spool(tmp_path / "s").open()


def test_a_folder_that_does_not_exist_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="does not exist: create it"):
        Spool(tmp_path / "nowhere" / "s")


def test_nothing_is_there_before_the_first_fact(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s")
    assert spool.open() == 0
    assert spool.is_empty
