"""Tones: what simulated people say, so that a recording can be asked whose voice is in it."""

from __future__ import annotations

import math
import wave
from array import array
from pathlib import Path

RATE = 8_000


def tone(hz: float, seconds: float, amplitude: float = 0.3) -> array[int]:
    """16-bit samples of a sine."""
    return array(
        "h",
        (
            round(32767 * amplitude * math.sin(2 * math.pi * hz * n / RATE))
            for n in range(int(seconds * RATE))
        ),
    )


def write_tone(path: Path, hz: float, seconds: float) -> Path:
    """A wav of that tone, 8 kHz mono."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(tone(hz, seconds).tobytes())
    return path


def write_alaw(path: Path, hz: float, seconds: float) -> Path:
    """The tone as raw A-law, the form in which SIPp sends it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(_alaw(sample) for sample in tone(hz, seconds)))
    return path


def _alaw(sample: int) -> int:
    """G.711 A-law of one 16-bit sample."""
    sign = 0x80 if sample >= 0 else 0x00
    magnitude = min(sample if sample >= 0 else -sample - 1, 32635) >> 4
    exponent = max(0, magnitude.bit_length() - 4)
    mantissa = (magnitude >> 0 if exponent < 1 else magnitude >> (exponent - 1)) & 0x0F
    low = magnitude & 0x0F if exponent == 0 else mantissa
    return (sign | (exponent << 4) | low) ^ 0x55


def power_at(samples: array[int], hz: float) -> float:
    """Mean square of the part of `samples` that is at `hz` (Goertzel)."""
    if not samples:
        return 0.0
    turn = 2 * math.cos(2 * math.pi * hz / RATE)
    before, last = 0.0, 0.0
    for sample in samples:
        before, last = last, sample + turn * last - before
    return (before * before + last * last - turn * before * last) / (len(samples) ** 2 / 2)
