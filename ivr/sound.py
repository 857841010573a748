"""Samples of sound and what is done with them: rate, level, A-law. Pure, standard library only.

Samples are whole numbers from -32768 to 32767, one channel. Levels are in dBov: 0 dBov is the RMS of a
full-scale square wave. The level of speech is that of its active 20 ms frames, so that pauses do not count.
"""

from __future__ import annotations

import io
import math
import wave
from array import array
from collections.abc import Sequence
from functools import lru_cache
from operator import mul

from core.errors import BadInput

RATE = 8000
TARGET_DBOV = -20.0
"""Level of every prompt: loud enough on a mobile in the street, with room for peaks."""
WINDOW_DB = 2.0
"""How far a rendered prompt may be from the target."""
PEAK = 32000

_FULL = 32768.0
_FRAME = RATE // 50
_GATE_DB = 25.0  # a frame this far below the loudest one is a pause, not speech
_TAPS = 48  # at 22,050 Hz: flat to 3.3 kHz, 40 dB down where it would fold back below that
_CUT_HZ = 3600.0


def resample(samples: Sequence[int], rate: int) -> array[int]:
    """`samples` at `rate` Hz brought to 8 kHz through a windowed-sinc low pass."""
    if rate == RATE:
        return array("h", samples)
    common = math.gcd(rate, RATE)
    step, phases = rate // common, RATE // common
    banks = _banks(phases, rate)
    half = _TAPS // 2
    padded = [0] * half + list(samples) + [0] * half
    out = array("h")
    for number in range(len(samples) * phases // step):
        whole, phase = divmod(number * step, phases)
        value = sum(map(mul, banks[phase], padded[whole + 1 : whole + 1 + _TAPS]))
        out.append(max(-32768, min(32767, round(value))))
    return out


@lru_cache(maxsize=4)
def _banks(phases: int, rate: int) -> list[list[float]]:
    return [_bank(phase / phases, rate) for phase in range(phases)]


def _bank(shift: float, rate: int) -> list[float]:
    """Filter taps for an output sample that lies `shift` (0 ≤ shift < 1) input samples after an input one."""
    cut = 2 * min(_CUT_HZ, 0.45 * rate) / rate
    taps = []
    for index in range(_TAPS):
        at = index + 1 - _TAPS // 2 - shift
        x = math.pi * cut * at
        window = 0.54 + 0.46 * math.cos(2 * math.pi * at / (_TAPS + 1))
        taps.append((math.sin(x) / x if x else 1.0) * window)
    whole = sum(taps)
    return [tap / whole for tap in taps]


def level(samples: Sequence[int]) -> float:
    """Active speech level in dBov; -inf for silence."""
    frames = [samples[start : start + _FRAME] for start in range(0, len(samples), _FRAME)]
    powers = [sum(map(mul, frame, frame)) / len(frame) for frame in frames]
    floor = max(powers, default=0.0) / 10 ** (_GATE_DB / 10)
    active = [power for power in powers if power > floor]
    if not active:
        return -math.inf
    return 10 * math.log10(sum(active) / len(active) / _FULL**2)


def normalise(samples: Sequence[int], target: float = TARGET_DBOV) -> array[int]:
    """The same sound at `target` dBov, or as near as its highest peak allows; silence stays silence."""
    now = level(samples)
    if now == -math.inf:
        return array("h", samples)
    gain = min(10 ** ((target - now) / 20), PEAK / max(map(abs, samples)))
    return array("h", (round(sample * gain) for sample in samples))


def trim(samples: Sequence[int], lead_ms: int = 30, tail_ms: int = 120) -> array[int]:
    """Without the silence around it, but for a little on either side."""
    threshold = max(map(abs, samples), default=0) / 200
    loud = [index for index, sample in enumerate(samples) if abs(sample) > threshold]
    if not loud:
        return array("h", samples)
    first = max(0, loud[0] - lead_ms * RATE // 1000)
    return array("h", samples[first : loud[-1] + 1 + tail_ms * RATE // 1000])


def silence(milliseconds: int) -> array[int]:
    return array("h", bytes(2 * (milliseconds * RATE // 1000)))


# ------------------------------------------------------------------ files


def to_wav(samples: array[int]) -> bytes:
    """A WAV file, 8 kHz mono 16 bit."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return out.getvalue()


def from_wav(content: bytes, name: str) -> tuple[int, array[int]]:
    """Rate in Hz and samples of a mono 16-bit WAV file; `BadInput` says what it is instead.

    A length in the header beyond the file's end, as programs write into pipes, means "to the end".
    """
    try:
        with wave.open(io.BytesIO(content)) as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            frames = file.readframes(min(file.getnframes(), len(content)))
    except (wave.Error, EOFError) as error:
        raise BadInput(name, f"is not a PCM WAV file ({error}); save it as 8 kHz mono 16-bit WAV") from error
    if channels != 1 or width != 2:
        found = f"{channels} channel(s) of {8 * width} bit"
        raise BadInput(name, f"has {found}; save it as 8 kHz mono 16-bit WAV")
    return rate, array("h", frames[: len(frames) // 2 * 2])


def to_alaw(samples: Sequence[int]) -> bytes:
    """G.711 A-law, as trunks carry it, so that playing it costs Asterisk no transcoding."""
    return bytes([_ALAW[sample >> 4] for sample in samples])


def _alaw_code(value: int) -> int:
    """G.711 A-law code of a 12-bit signed value."""
    sign, magnitude = (0x80, value) if value >= 0 else (0x00, ~value)
    exponent = max(0, magnitude.bit_length() - 4)
    mantissa = magnitude >> max(0, exponent - 1) & 0x0F
    return (sign | (exponent << 4) | mantissa) ^ 0x55


# Indexed by the upper 12 bits of a sample; a negative index counts from the end, as it should.
_ALAW = [_alaw_code(value) for value in (*range(2048), *range(-2048, 0))]
