from __future__ import annotations

import io
import wave

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.errors import NotPlayable
from recordings.model import Measured, Part
from recordings.sound import BothSides


def side(part: Part, samples: bytes, *, rate: int = 8000, channels: int = 1) -> tuple[Measured, io.BytesIO]:
    handle = io.BytesIO()
    with wave.open(handle, "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(samples)
    size = len(handle.getvalue())
    handle.seek(0)
    file = Measured(name=f"{part}.wav", part=part, size=size, length=0, channels=channels, sha256="0" * 64)
    return file, handle


def both(customer: bytes, agent: bytes) -> BothSides:
    return BothSides("base", (side(Part.CUSTOMER, customer), side(Part.AGENT, agent)))


@given(
    customer=st.binary(max_size=40).map(lambda raw: raw[: len(raw) // 2 * 2]),
    agent=st.binary(max_size=40).map(lambda raw: raw[: len(raw) // 2 * 2]),
    first=st.integers(0, 140),
    size=st.integers(0, 140),
)
def test_any_piece_is_the_same_piece_of_the_whole(
    customer: bytes, agent: bytes, first: int, size: int
) -> None:
    sound = both(customer, agent)
    whole = sound.read(0, sound.size)
    assert len(whole) == sound.size
    assert sound.read(first, size) == whole[first : first + size]
    with wave.open(io.BytesIO(whole)) as heard:
        assert heard.getnframes() == max(len(customer), len(agent)) // 2


def test_the_shorter_side_ends_in_silence() -> None:
    sound = both(b"\x01\x02", b"\x03\x04\x05\x06")
    assert sound.read(44, 100) == b"\x01\x02\x03\x04\x00\x00\x05\x06"


def test_sides_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(NotPlayable, match="different sampling rates"):
        BothSides("base", (side(Part.CUSTOMER, b"", rate=16000), side(Part.AGENT, b"")))
    with pytest.raises(NotPlayable, match="not 16-bit mono"):
        BothSides("base", (side(Part.CUSTOMER, b"", channels=2), side(Part.AGENT, b"")))
