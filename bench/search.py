"""The highest rate that still works, by doubling back and forth. Pure but for the probe it is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import sqrt

Probe = Callable[[float], Awaitable[bool]]


async def highest(probe: Probe, guess: float, *, step: float, precision: float = 1.03) -> float:
    """The highest rate found at which `probe` succeeds; the next one tried, at most `precision` times as
    high, failed.

    Walks from `guess` in factors of `step` until one success and one failure lie side by side, then halves
    what is between them. A machine has bad moments: a failure counts when it comes twice. ValueError if
    nothing works, down to a hundredth of the guess.
    """
    works, fails = 0.0, 0.0
    rate = guess
    while not (works and fails):
        if await probe(rate) or await probe(rate):
            works, rate = rate, rate * step
        else:
            fails, rate = rate, rate / step
        if rate < guess / 100:
            raise ValueError(f"not even {rate:g} calls a second work: something else is broken")
    while fails > works * precision:
        rate = sqrt(works * fails)
        if await probe(rate) or await probe(rate):
            works = rate
        else:
            fails = rate
    return works
