"""`journey`: how many calls a second the hotline carries with the service, compared with no service at all.

The same dialplan, the same agents, the same search for the highest rate with fewer than one failed call in a
thousand; the service runs or is stopped, in turn, three times. Asterisk has one core, everything else the
other, so what the service costs Asterisk (events, commands) shows in the rate, and what it costs itself in
`cpu_share`: processor time per call, at four fifths of the highest rate, ÷ Asterisk's own over the same time.
Where the service keeps what it writes in servers (`--database postgresql`), their time is counted in.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from dataclasses import dataclass, field

from bench import processor
from bench.report import Result, at_least, at_most
from bench.search import highest
from bench.site import Site, Wants, site, take_our_core
from bench.stores import Kind, Stores, stores
from bench.traffic import Outcome, Traffic, play, quiet

NAME = "journey"
RATE_BAR = at_least(0.95)
BARS = {"rate_ratio": RATE_BAR, "cpu_share": at_most(0.25)}
SERVER_BARS = {"rate_ratio": RATE_BAR, "cpu_share": at_most(0.35)}
"""With the servers' own work in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How thoroughly to measure. Seconds are those in which calls begin."""

    rounds: int = 3
    probe_s: float = 20.0
    steady_s: float = 30.0
    first_guess: float = 60.0
    agents: int = 450
    allowed: float = 0.001
    database: Kind = Kind.SQLITE


@dataclass(slots=True)
class _Found:
    """What the rounds have measured so far."""

    stopped: list[float] = field(default_factory=list)
    running: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    asterisk_ms: list[float] = field(default_factory=list)
    service_ms: list[float] = field(default_factory=list)
    servers_ms: list[float] = field(default_factory=list)


class Journey:
    """One whole measurement."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._found = _Found()
        self._began = time.monotonic()
        self._wrapper: tuple[str, ...] = ()

    async def measure(self) -> Result:
        """All rounds."""
        self._wrapper = take_our_core()
        for number in range(1, self._plan.rounds + 1):
            for running in (False, True):
                self._say(f"round {number}, service {'running' if running else 'stopped'}")
                await self._side(running=running)
        return self._result()

    async def _side(self, *, running: bool) -> None:
        with stores(self._plan.database) as kept:
            await self._measured(kept, running=running)

    async def _measured(self, kept: Stores, *, running: bool) -> None:
        wants = Wants(agents=self._plan.agents, stores=kept)
        async with site(wants, wrapper=self._wrapper) as there:
            if running:
                await there.start_service()
            found = self._found.running if running else self._found.stopped
            known = self._found.stopped + self._found.running
            guess, step = (statistics.median(known), 1.06) if known else (self._plan.first_guess, 1.25)
            found.append(await highest(lambda rate: self._probe(there, rate), guess, step=step))
            self._say(f"highest rate {found[-1]:.1f}/s")
            if running:
                await self._steady(there, kept, 0.8 * found[-1])

    async def _probe(self, there: Site, rate: float) -> bool:
        outcome = await play(there, Traffic(rate=rate, seconds=self._plan.probe_s))
        await quiet(there)
        works = outcome.share_failed < self._plan.allowed and outcome.kept_pace
        self._say(f"  {rate:6.1f}/s: {_words(outcome)} {'✓' if works else '✗'}")
        return works

    async def _steady(self, there: Site, kept: Stores, rate: float) -> None:
        """Processor time over one steady load, from its first call until all its work is done."""

        def spent() -> tuple[float, float, float]:
            asterisk, service = processor.seconds(there.asterisk.pid), processor.seconds(there.service.pid)
            return asterisk, service, processor.seconds_of_family(kept.processes())

        before = spent()
        outcome = await play(there, Traffic(rate=rate, seconds=self._plan.steady_s))
        calls = outcome.load.calls
        asterisk, service, servers = ((n - b) / calls * 1000 for n, b in zip(spent(), before, strict=True))
        self._found.shares.append((service + servers) / asterisk)
        self._found.asterisk_ms.append(asterisk)
        self._found.service_ms.append(service)
        self._found.servers_ms.append(servers)
        self._say(
            f"  steady {rate:.1f}/s: {_words(outcome)}, Asterisk {asterisk:.2f} ms a call, "
            f"service {service:.2f} ms, servers {servers:.2f} ms, share {(service + servers) / asterisk:.3f}"
        )

    def _result(self) -> Result:
        found = self._found
        medians = {
            "rate_ratio": statistics.median(found.running) / statistics.median(found.stopped),
            "cpu_share": statistics.median(found.shares),
            "rate_running": statistics.median(found.running),
            "rate_stopped": statistics.median(found.stopped),
            "asterisk_ms_per_call": statistics.median(found.asterisk_ms),
            "service_ms_per_call": statistics.median(found.service_ms),
            "servers_ms_per_call": statistics.median(found.servers_ms),
        }
        return Result(
            bench=NAME,
            figures={name: round(value, 4) for name, value in medians.items()},
            bars=BARS if self._plan.database is Kind.SQLITE else SERVER_BARS,
            notes=(
                f"what is written goes to {self._plan.database}",
                "rates in calls/s, medians of " + str(self._plan.rounds),
                f"stopped {_list(found.stopped)}, running {_list(found.running)}",
                f"probes of {self._plan.probe_s:g} s, {self._plan.agents} agents, "
                f"shares {', '.join(f'{share:.3f}' for share in found.shares)}",
            ),
        )

    def _say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:6.0f} s] {text}", file=sys.stderr, flush=True)


def _words(outcome: Outcome) -> str:
    pace = "" if outcome.kept_pace else f", fell behind (took {outcome.took_s:.1f} s)"
    return f"{outcome.load.calls} calls, {outcome.failed} failed{pace}"


def _list(rates: list[float]) -> str:
    return " ".join(f"{rate:.1f}" for rate in rates)


def measure(database: Kind = Kind.SQLITE) -> Result:
    """The whole bench."""
    return asyncio.run(Journey(Plan(database=database)).measure())
