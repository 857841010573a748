"""SIPp, run and counted: one process for each kind of customer or telephone."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import HotlineError

_CREATED, _CURRENT = "TotalCallCreated", "CurrentCall"
_SUCCEEDED, _FAILED = "SuccessfulCall(C)", "FailedCall(C)"


class SippProblem(HotlineError):
    """SIPp did not start or did not end as it should; the message holds its own last words."""


@dataclass(frozen=True, slots=True)
class Counts:
    """SIPp's own count of its calls so far."""

    created: int = 0
    succeeded: int = 0
    failed: int = 0
    current: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.created + other.created,
            self.succeeded + other.succeeded,
            self.failed + other.failed,
            self.current + other.current,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How calls are made. `calls` None: until stopped; `rate`: new calls per second; `at_once`: the most that
    run at the same time; `injected`: text of an injection file. A telephone needs none of this."""

    calls: int | None = 1
    rate: float = 1.0
    at_once: int | None = None
    injected: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where SIPp sits (`ip`, `port`, RTP ports `media` to `media_last`) and whom it calls. `echo`: it
    says again what it hears."""

    remote: str
    ip: str
    port: int
    media: int
    media_last: int
    transport: str = "u1"
    echo: bool = False


def arguments(
    place: Place, scenario: Path, statistics: Path, load: Load | None, *, notes: Path | None = None
) -> list[str]:
    """SIPp's command line; `load` None: it is called, it does not call. `notes`: where its own go."""
    words = [
        *("-sf", str(scenario), "-i", place.ip, "-p", str(place.port), "-t", place.transport),
        *("-min_rtp_port", str(place.media), "-max_rtp_port", str(place.media_last)),
        *("-trace_stat", "-stf", str(statistics), "-fd", "1"),
        *("-trace_err", "-error_file", str(statistics.with_suffix(".errors"))),
        *("-nostdin", "-skip_rlimit", "-aa"),
    ]
    if place.echo:
        words.append("-rtp_echo")
    if notes is not None:
        words += ["-trace_logs", "-log_file", str(notes)]
    if load is not None:
        words += ["-r", f"{load.rate:g}"] if load.rate >= 1 else ["-r", "1", "-rp", f"{1000 / load.rate:.0f}"]
        words += ["-m", str(load.calls)] if load.calls is not None else []
        words += ["-l", str(load.at_once)] if load.at_once is not None else []
        words += ["-inf", str(scenario.with_suffix(".csv"))] if load.injected is not None else []
        words.append(place.remote)
    return words


def parse_statistics(text: str) -> Counts:
    """The last whole line of SIPp's statistics file; nothing counted if there is none yet."""
    lines = text.splitlines()
    if text and not text.endswith("\n"):
        lines = lines[:-1]
    if len(lines) < 2:
        return Counts()
    head, *_, last = csv.reader(lines, delimiter=";")
    row = dict(zip(head, last, strict=False))
    return Counts(
        created=int(row[_CREATED]),
        succeeded=int(row[_SUCCEEDED]),
        failed=int(row[_FAILED]),
        current=int(row[_CURRENT]),
    )


class Sipp:
    """One SIPp process. `folder` receives its scenario, statistics and errors, named after `name`."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        name: str,
        *,
        scenario: str,
        place: Place,
        load: Load | None = None,
        notes: bool = False,
    ) -> None:
        self.name = name
        self._notes = folder / f"{name}.notes" if notes else None
        self._command = tuple(command)
        self._folder = folder
        self._scenario = folder / f"{name}.xml"
        self._statistics = folder / f"{name}.csvstat"
        self._text = scenario
        self._place = place
        self._load = load
        self._process: asyncio.subprocess.Process | None = None
        self._closing = False

    @property
    def port(self) -> int:
        """Where it listens for SIP."""
        return self._place.port

    async def start(self) -> None:
        """Write the scenario and start SIPp."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._scenario.write_text(self._text, encoding="utf-8")
        self._statistics.unlink(missing_ok=True)
        if self._load is not None and self._load.injected is not None:
            self._scenario.with_suffix(".csv").write_text(self._load.injected, encoding="utf-8")
        with (self._folder / f"{self.name}.out").open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                *arguments(self._place, self._scenario, self._statistics, self._load, notes=self._notes),
                cwd=self._folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "TERM": "dumb"},
                start_new_session=True,  # Ctrl-C is ours to hear, not SIPp's
            )

    def counts(self) -> Counts:
        """What SIPp has counted so far; it writes once a second."""
        try:
            return parse_statistics(self._statistics.read_text(encoding="utf-8", errors="replace"))
        except FileNotFoundError:
            return Counts()

    def notes(self) -> list[str]:
        """What the scenario has written down itself, line by line; empty without `notes`."""
        if self._notes is None or not self._notes.exists():
            return []
        return self._notes.read_text(encoding="utf-8", errors="replace").splitlines()

    def errors(self) -> str:
        """SIPp's own words about what went wrong, empty if nothing did."""
        try:
            return self._statistics.with_suffix(".errors").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    async def done(self, deadline: float = 120) -> Counts:
        """Wait until all calls are over; `SippProblem` if that takes longer or SIPp itself fails."""
        process = self._running()
        try:
            status = await asyncio.wait_for(process.wait(), deadline)
        except TimeoutError:
            await self.stop()
            raise SippProblem(f"{self.name}: not done within {deadline:g} s. {self._last_words()}") from None
        self._process = None
        if status not in (0, 1):  # 0: every call as written; 1: at least one was not, which is counted
            raise SippProblem(f"{self.name}: SIPp ended with status {status}. {self._last_words()}")
        return self.counts()

    def no_more(self) -> None:
        """No new calls; those in progress go on."""
        # Told a second time, SIPp would cut them off.
        if self._process is not None and self._process.returncode is None and not self._closing:
            self._closing = True
            self._process.send_signal(signal.SIGUSR1)

    async def stop(self, deadline: float = 3) -> Counts:
        """No new calls, then the end: in order if those in progress end within `deadline` seconds."""
        self.no_more()
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), deadline)
            if process.returncode is None:
                process.kill()
                await process.wait()
        return self.counts()

    def kill(self) -> None:
        """Vanish without a word, as a telephone whose power fails."""
        self._running().kill()

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise SippProblem(f"{self.name}: not running; start it first")
        return self._process

    def _last_words(self) -> str:
        output = (self._folder / f"{self.name}.out").read_text(encoding="utf-8", errors="replace")
        return (self.errors().strip() or output.strip())[-600:]
