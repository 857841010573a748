"""What is said of whoever stands by: there, gone silent, or of another version."""

from __future__ import annotations

from core.clock import SECOND
from hotline.check_lease import of_standby
from hotline.edition import edition
from hotline.findings import Weight
from storage.lease import Standby

OWN = "0123456789ab"


def test_one_that_runs_the_same_files_is_well() -> None:
    found = of_standby(Standby(holder="b:7", edition=OWN, silent=2 * SECOND, there=True), OWN)
    assert found.weight is Weight.GOOD
    assert found.what == "b:7 stands by with this version, gave its last sign of life 2 s ago"


def test_one_that_has_gone_silent_takes_nothing_over() -> None:
    found = of_standby(Standby(holder="b:7", edition=OWN, silent=90 * SECOND, there=False), OWN)
    assert found.weight is Weight.WARNING
    assert "b:7 gave its last sign of life 90 s ago" in found.line()
    assert "→ start hotline-standby" in found.line()


def test_one_of_another_version_is_told_with_both() -> None:
    other, old = (
        of_standby(Standby(holder="b:7", edition=one, silent=0, there=True), OWN) for one in ("feed", "")
    )
    assert (other.weight, old.weight) == (Weight.WARNING, Weight.WARNING)
    assert "another version (feed, here 0123456789ab) → `./run upgrade` there" in other.line()
    assert "does not say which" in old.line()


def test_none_is_no_fault() -> None:
    assert of_standby(None, OWN).weight is Weight.GOOD


def test_an_edition_is_the_same_at_every_asking_and_fits_the_lease() -> None:
    assert edition() == edition()
    assert len(edition()) == 12
