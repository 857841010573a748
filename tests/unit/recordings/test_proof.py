"""What the daily proof says of one answered leg's recording."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.clock import MINUTE, SECOND
from core.facts import AgentAnswered
from recordings.folder import Folder
from recordings.model import Measured, Part, Recording, Status
from recordings.proof import mismatches_of

CALL, LEG = "00000000-0000-4000-8000-000000000001", "node1-1790000000.11"
ENDED = 1_790_000_040 * SECOND
ANSWER = AgentAnswered(
    at=ENDED - 30 * SECOND,
    node="node1",
    call=CALL,
    leg=LEG,
    agent="1001",
    queue="card-cmn",
    device="d001",
    waited=0,
    rang=0,
)


def recording(status: Status, *sizes: int) -> Recording:
    return Recording(
        leg=LEG,
        call=CALL,
        agent="1001",
        queue="card-cmn",
        node="node1",
        base=f"{CALL}_{LEG}",
        started_at=ENDED - 30 * SECOND,
        ended_at=None if status is Status.RECORDING else ENDED,
        status=status,
        files=tuple(
            Measured(name=f"{n}.wav", part=Part.AGENT, size=size, length=SECOND, channels=1, sha256="")
            for n, size in enumerate(sizes)
        ),
    )


@pytest.mark.parametrize("status", [Status.PRESENT, Status.MISSING, Status.DAMAGED])
def test_a_recording_and_a_stated_absence_are_both_an_account(status: Status) -> None:
    assert list(mismatches_of(ANSWER, recording(status), None, ENDED + 600 * MINUTE)) == []


def test_a_file_may_wait_ten_minutes_to_be_measured() -> None:
    waits = recording(Status.ENDED)
    assert list(mismatches_of(ANSWER, waits, None, ENDED + 10 * MINUTE)) == []
    (late,) = mismatches_of(ANSWER, waits, None, ENDED + 10 * MINUTE + 1)
    assert (late.rule, late.witness) == ("recording", "ended, never measured")


def test_every_file_is_looked_for_where_it_was_filed(tmp_path: Path) -> None:
    (tmp_path / "0.wav").write_bytes(b"four")
    (tmp_path / "1.wav").write_bytes(b"changed")
    (tmp_path / "3.wav").symlink_to(tmp_path / "0.wav")
    found = mismatches_of(ANSWER, recording(Status.PRESENT, 4, 4, 4, 4), Folder(tmp_path), ENDED + MINUTE)
    assert [each.witness for each in found] == [
        "7 bytes of the 4 filed as 1.wav",
        "no file of the 4 filed as 2.wav",
        "no ordinary file of the 4 filed as 3.wav",
    ]
