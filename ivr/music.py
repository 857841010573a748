"""Music on hold, of our own making: no licence to ask for, nothing to install. Pure."""

from __future__ import annotations

import math
from array import array

from ivr.sound import RATE, normalise

VERSION = 1
LEVEL_DBOV = -26.0
"""Below speech, so that an announcement over it is understood."""

_BEAT_S = 0.45
_SCALE = (261.63, 293.66, 329.63, 392.00, 440.00, 523.25, 587.33, 659.25)  # pentatonic: C D E G A C D E
# Sixty-four beats, an index into the scale or a rest; four phrases, the last comes home to C.
_TUNE = "0243 54-2 3210 13-- 2435 76-4 5432 42-- 0243 54-5 7654 35-- 4321 24-1 2130 00--".replace(" ", "")
_BASS = (130.81, 110.00, 98.00, 130.81)
_PARTIALS = ((1.0, 1.0), (2.0, 0.35), (3.0, 0.12))


def hold_music() -> array[int]:
    """About half a minute of a gentle tune that can be looped without a seam."""
    beat = round(_BEAT_S * RATE)
    mix = [0.0] * (beat * len(_TUNE))
    for place, degree in enumerate(_TUNE):
        if degree != "-":
            _add(mix, place * beat, _note(_SCALE[int(degree)], 1.6), 0.6)
        if place % 4 == 0:
            _add(mix, place * beat, _note(_BASS[place // 4 % len(_BASS)] * 2, 2.2), 0.35)
    return normalise([round(9000 * value) for value in mix], LEVEL_DBOV)


def _note(hertz: float, seconds: float) -> list[float]:
    """A plucked string: quick to speak, slow to fade."""
    step, fade = 2 * math.pi * hertz / RATE, 3.0 / (seconds * RATE)
    return [
        min(1.0, at / 80)
        * math.exp(-fade * at)
        * sum(weight * math.sin(step * times * at) for times, weight in _PARTIALS)
        for at in range(round(seconds * RATE))
    ]


def _add(mix: list[float], start: int, note: list[float], volume: float) -> None:
    for offset, value in enumerate(note):
        mix[(start + offset) % len(mix)] += volume * value  # what rings past the end rings into the beginning
