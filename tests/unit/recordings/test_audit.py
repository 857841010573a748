from __future__ import annotations

from dataclasses import replace

from core.clock import MINUTE, SECOND
from recordings.audit import Fault, compare
from recordings.model import Measured, Part, Recording, Status

CALL = "0f8c2b1e-5a77-4c1d-9b3e-6a0d5f2e1c11"
LEG = "node1-1700000000.12"
BASE = f"{CALL}_{LEG}"
FILE = Measured(name=f"{BASE}.wav", part=Part.MIXED, size=100, length=SECOND, channels=1, sha256="0" * 64)
ROW = Recording(
    leg=LEG,
    call=CALL,
    agent="1001",
    queue="card-cmn",
    node="node1",
    base=BASE,
    started_at=0,
    ended_at=MINUTE,
    status=Status.PRESENT,
    files=(FILE,),
)


def faults(row: Recording | None, files: dict[str, int], now: int = 5 * MINUTE) -> list[tuple[Fault, str]]:
    found = compare([row] if row else [], files, now)
    return [(one.fault, one.name) for one in found]


def test_agreement_finds_nothing() -> None:
    assert faults(ROW, {FILE.name: 100}) == []


def test_each_difference_has_its_own_name() -> None:
    assert faults(ROW, {}) == [(Fault.NO_FILE, FILE.name)]
    assert faults(ROW, {FILE.name: 99}) == [(Fault.CHANGED, FILE.name)]
    assert faults(None, {FILE.name: 100}) == [(Fault.NO_ROW, FILE.name)]
    assert faults(None, {"core": 100, FILE.name: -1}) == [(Fault.FOREIGN, FILE.name), (Fault.FOREIGN, "core")]


def test_a_leg_that_is_being_recorded_is_left_alone_until_that_takes_too_long() -> None:
    going_on = replace(ROW, status=Status.RECORDING, ended_at=None, files=())
    assert faults(going_on, {FILE.name: 44}) == []
    assert faults(going_on, {FILE.name: 44}, now=241 * MINUTE) == [(Fault.NO_END, LEG)]


def test_what_was_missing_all_along_is_no_news() -> None:
    assert faults(replace(ROW, status=Status.MISSING, files=()), {}) == []
