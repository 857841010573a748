"""Samples: rate, level, A-law and the files they travel in."""

from __future__ import annotations

import math
import struct
from array import array
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from ivr.music import LEVEL_DBOV, hold_music
from ivr.sound import PEAK, RATE, from_wav, level, normalise, resample, silence, to_alaw, to_wav, trim


def tone(hertz: float, rate: int = RATE, seconds: float = 1.0, peak: int = 10000) -> array[int]:
    step = 2 * math.pi * hertz / rate
    return array("h", (round(peak * math.sin(step * at)) for at in range(round(seconds * rate))))


def test_the_level_of_a_sine_is_3_db_below_its_peak() -> None:
    assert level(tone(1000, peak=32767)) == pytest.approx(-3.01, abs=0.02)
    assert level(tone(1000, peak=3277)) == pytest.approx(-23.01, abs=0.02)


def test_pauses_do_not_count_for_the_level() -> None:
    speech = tone(800)
    assert level(speech + silence(3000) + speech) == pytest.approx(level(speech), abs=0.01)


def test_silence_has_no_level_and_stays_silence() -> None:
    assert level(silence(200)) == -math.inf
    assert level(array("h")) == -math.inf
    assert normalise(silence(200)) == silence(200)


@pytest.mark.parametrize("peak", [200, 3000, 32000])
def test_normalised_sound_has_the_target_level(peak: int) -> None:
    assert level(normalise(tone(700, peak=peak), -20)) == pytest.approx(-20, abs=0.1)


def test_peaks_are_never_clipped_for_the_sake_of_the_level() -> None:
    clicks = silence(1000)
    for at in range(0, len(clicks), 150):
        clicks[at] = 900
    assert max(normalise(clicks, -3)) == PEAK


@pytest.mark.parametrize("hertz", [300, 1000, 3000])
def test_resampling_keeps_what_a_telephone_carries(hertz: int) -> None:
    out = resample(tone(hertz, 22050), 22050)
    assert len(out) == RATE
    assert level(out[200:-200]) == pytest.approx(level(tone(hertz)), abs=0.6)
    rising = sum(before < 0 <= after for before, after in pairwise(out))
    assert rising == pytest.approx(hertz, abs=2)


@pytest.mark.parametrize("hertz", [5500, 7000])
def test_resampling_lets_nothing_fold_back(hertz: int) -> None:
    assert level(resample(tone(hertz, 22050), 22050)[200:-200]) < level(tone(hertz, 22050)) - 35


def test_sound_at_the_right_rate_is_left_alone() -> None:
    assert resample(tone(500), RATE) == tone(500)


# Input, code: from the tables of ITU-T G.711, even bits inverted.
@pytest.mark.parametrize(
    ("sample", "code"),
    [
        (0, 0xD5),
        (-1, 0x55),
        (16, 0xD4),
        (-17, 0x54),
        (512, 0xF5),
        (1024, 0xE5),
        (32767, 0xAA),
        (-32768, 0x2A),
    ],
)
def test_a_law_codes(sample: int, code: int) -> None:
    assert to_alaw([sample])[0] == code


def a_law_value(code: int) -> int:
    """The decoder of G.711, written from the standard, independent of the encoder's table."""
    code ^= 0x55
    exponent, mantissa = code >> 4 & 7, code & 15
    magnitude = (mantissa << 4) + 8 if exponent == 0 else ((mantissa << 4) + 0x108) << (exponent - 1)
    return magnitude if code & 0x80 else -magnitude


@given(st.integers(-32768, 32767))
def test_a_law_is_right_to_half_a_step(sample: int) -> None:
    step = 16 << max(0, (abs(sample) >> 8).bit_length() - 1)
    assert abs(a_law_value(to_alaw([sample])[0]) - sample) <= step // 2 + 1


def test_trimming_leaves_a_little_silence_on_either_side() -> None:
    speech = tone(400, seconds=0.5)
    out = trim(silence(900) + speech + silence(900), lead_ms=30, tail_ms=120)
    assert len(out) == pytest.approx(len(speech) + 150 * RATE // 1000, abs=20)


def test_wav_files_come_back_as_they_were() -> None:
    assert from_wav(to_wav(tone(440)), "a.wav") == (RATE, tone(440))


def test_a_wav_file_from_a_pipe_is_read_to_its_end() -> None:
    content = bytearray(to_wav(tone(440)))
    content[4:8] = struct.pack("<I", 0x7FFFF024)
    content[40:44] = struct.pack("<I", 0x7FFFF000)
    assert from_wav(bytes(content), "a.wav") == (RATE, tone(440))


@pytest.mark.parametrize("content", [b"", b"RIFF", b"ID3\x03 an mp3", bytes(100)])
def test_what_is_no_wav_file_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(BadInput, match=r"cmn/x\.wav: is not a PCM WAV file"):
        from_wav(content, "cmn/x.wav")


def test_music_on_hold_is_half_a_minute_below_the_voices() -> None:
    music = hold_music()
    assert 20 <= len(music) / RATE <= 30
    assert level(music) == pytest.approx(LEVEL_DBOV, abs=0.5)
    assert max(map(abs, music)) < 32000
    # A loop without a seam: the last sample and the first are neighbours.
    assert abs(music[0] - music[-1]) < 2000
