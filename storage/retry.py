"""How often to try again, and how long to wait before it: doubling, capped, with jitter. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from core.clock import Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """`first`: the wait after one failure, doubled for each further one up to `most`. `tries`: no more."""

    first: Duration
    most: Duration
    tries: int

    def wait(self, failures: int, random: float) -> Duration | None:
        """The wait after so many failures (at least 1); None: that was the last try.

        `random` in [0, 1) spreads it over the upper half, so that what failed together does not come back
        together.
        """
        if failures >= self.tries:
            return None
        longest = min(self.most, self.first << min(failures - 1, 62))
        return round(longest * (0.5 + random / 2))
