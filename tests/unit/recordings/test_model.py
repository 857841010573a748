from __future__ import annotations

import pytest

from core.errors import BadInput
from recordings.model import Part, base_in, base_of, file_name

CALL = "0f8c2b1e-5a77-4c1d-9b3e-6a0d5f2e1c11"
LEG = "node1-1700000000.12"
BASE = f"{CALL}_{LEG}"


@pytest.mark.parametrize("written", [BASE, f"{BASE}.wav"])
def test_the_base_name_is_taken_from_the_fact_with_or_without_extension(written: str) -> None:
    assert base_of(written, CALL, LEG, "file") == BASE


@pytest.mark.parametrize(
    "written",
    [
        f"../{BASE}",
        f"{BASE}/../../etc/passwd",
        f"{CALL}_node1-1700000000.13",
        f"{BASE}-agent",
        f"{BASE}.wav.wav",
        f"{BASE}\n",
        f"{BASE}\x00.wav",
        "",
    ],
)
def test_a_name_that_is_not_this_legs_is_refused(written: str) -> None:
    with pytest.raises(BadInput, match="RecordingStarted"):
        base_of(written, CALL, LEG, "RecordingStarted.file")


def test_each_part_has_a_file_name_that_leads_back_to_the_base() -> None:
    names = [file_name(BASE, part) for part in Part]
    suffixes = ["", "-customer", "-agent", "-leader"]
    assert names == [f"{BASE}{suffix}.wav" for suffix in suffixes]
    assert {base_in(name) for name in names} == {BASE}


def test_a_base_of_another_shape_makes_no_file_name() -> None:
    with pytest.raises(BadInput, match="recording"):
        file_name("../../etc/passwd", Part.MIXED)
