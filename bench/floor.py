"""`floor`: mixed paths at a steady rate on a real Asterisk, with the service; then everything is held against
everything else. Rate and mix are data (tests/load/floor.yaml). Takes ten minutes, and some for the proof.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp

from bench.floor_checks import Talked, called_of, offers_to_busy, scores_of
from bench.floor_plan import Caller, FloorPlan, read_plan
from bench.floor_seed import staff_at
from bench.report import Result, at_most
from bench.site import CUSTOMERS_FIRST, BenchFailed, Site, Telephones, Wants, site, take_our_core
from bench.traffic import quiet
from core import facts as f
from core.clock import MINUTE, Instant, moment, system_clock
from hotline.commands.proof import Report, prove_day
from hotline.databases import existing
from hotline.simulation.scripts import customer, injection
from hotline.simulation.sipp import Counts, Load, Sipp
from ledger.store import FactStore

NAME = "floor"
BARS = {name: at_most(0) for name in ("mismatches", "two_calls_at_once", "wrong_scores", "callback_doubles")}
_CUSTOMERS_IP = "127.0.0.3"
_AFTER_THE_LAST_S = 120.0
_LOOK_S = 5.0
_SAID = 10
"""Mismatches, double offers and wrong scores are told one by one up to this many of each."""


class Floor:
    """One performance of a plan."""

    def __init__(self, plan: FloorPlan) -> None:
        self._plan = plan
        self._began = time.monotonic()
        self._score_of: dict[str, int] = {}

    async def measure(self, wrapper: Sequence[str] = ()) -> Result:
        """Play, then prove. `wrapper`: puts Asterisk on a core of its own."""
        plan = self._plan
        kinds = tuple(kind.script() for kind in plan.telephones)
        telephones = Telephones(kinds=kinds, kind_of=plan.kind_of_seat, notes=True)
        wants = Wants(agents=plan.agents, desk=plan.desk, telephones=telephones, called=plan.called.script())
        async with site(wants, wrapper=wrapper) as there:
            await there.start_service()
            self._say(f"{plan.agents} agents are ready; {plan.rate:g} calls/s for {plan.seconds:g} s")
            async with _brought_back(there):
                counts = await self._customers(there)
                self._say(f"{counts.created} calls made; those who keep a place are called")
                await _called_back(there)
            await quiet(there)
            await _written(there)
            await there.service.stop()
            self._say("proving")
            return await self._proved(there, counts)

    async def _customers(self, there: Site) -> Counts:
        whole = sum(kind.share for kind in self._plan.customers)
        calling: list[Sipp] = []
        try:
            for number, kind in enumerate(self._plan.customers):
                rate = self._plan.rate * kind.share / whole
                numbers = self._numbers(number, kind, rate)
                load = Load(calls=len(numbers), rate=rate, at_once=len(numbers), injected=injection(numbers))
                one = there.sipp(
                    f"customers-{number}",
                    customer(kind.script()),
                    load,
                    ip=_CUSTOMERS_IP,
                    port=CUSTOMERS_FIRST + number,
                )
                await one.start()
                calling.append(one)
            total = Counts()
            for one in calling:
                total += await one.done(self._plan.seconds + _AFTER_THE_LAST_S)
            return total
        finally:
            for one in calling:
                await one.stop(deadline=0.2)

    def _numbers(self, kind: int, caller: Caller, rate: float) -> list[tuple[str]]:
        """A number for each call, nobody's twice."""
        made = [f"1{30 + kind}{n:08d}" for n in range(round(rate * self._plan.seconds))]
        self._score_of.update(dict.fromkeys(made, caller.score))
        return [(number,) for number in made]

    async def _proved(self, there: Site, counts: Counts) -> Result:
        facts = await _facts(there)
        arrived = [fact for fact in facts if isinstance(fact, f.CallArrived)]
        if not arrived:
            raise BenchFailed("no call arrived: look at the customers' own errors")
        reports = await _proofs(there, arrived[0].at, arrived[-1].at)
        doubled = offers_to_busy(facts)
        scores = scores_of(facts, _notes(there), self._score_of)
        called, answered = called_of(facts), _answered_outside(there)
        twice, unlike = called.doubles(answered), called.differences(answered)
        mismatches = sum(report.found.total for report in reports) + abs(counts.created - len(arrived))
        mismatches += len(unlike)
        self._tell(reports, doubled, scores.wrong, twice, unlike)
        left_out = sum(report.counts.left_out for report in reports)
        figures = {
            "mismatches": mismatches,
            "two_calls_at_once": len(doubled),
            "wrong_scores": len(scores.wrong),
            "callback_doubles": len(twice),
            "calls": len(arrived),
            "answered": sum(isinstance(fact, f.AgentAnswered) for fact in facts),
            "abandoned": sum(_abandoned(fact) for fact in facts),
            "transfers": sum(isinstance(fact, f.CallTransferred) for fact in facts),
            "asked_to_be_called": len(called.asked),
            "called_back": sum(_called(fact) for fact in facts),
            "outside": sum(isinstance(fact, f.OutsideAnswered) for fact in facts),
            "holds": sum(isinstance(fact, f.HoldStarted) for fact in facts),
            "scores": scores.right + len(scores.wrong),
            "left_out": left_out,
        }
        return Result(
            bench=NAME,
            figures=figures,
            bars=BARS | {"left_out": at_most(0)},
            notes=(
                f"{self._plan.rate:g} calls/s for {self._plan.seconds:g} s, {self._plan.agents} agents",
                "mismatches: ledger, queue log, recordings and summaries, and SIPp's own count of its calls,",
                "made and taken",
            ),
        )

    def _tell(self, reports: Sequence[Report], *wrong: Sequence[str]) -> None:
        found = [mismatch for report in reports for mismatch in report.found.kept]
        for mismatch in found[:_SAID]:
            self._say(
                f"MISMATCH ({mismatch.rule}) {mismatch.subject}: the ledger says {mismatch.ledger}, "
                f"the witness {mismatch.witness}; {mismatch.explanation}"
            )
        for told in (one for some in wrong for one in some[:_SAID]):
            self._say(told)

    def _say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:6.0f} s] {text}", file=sys.stderr, flush=True)


def _abandoned(fact: f.Fact) -> bool:
    return isinstance(fact, f.CallerLeftQueue) and fact.reason is f.LeaveReason.ABANDONED


def _called(fact: f.Fact) -> bool:
    return isinstance(fact, f.CallbackPlaceEnded) and fact.outcome is f.PlaceOutcome.REACHED


@asynccontextmanager
async def _brought_back(there: Site) -> AsyncIterator[None]:
    """Those whom the service has taken off the line for calls not taken make themselves ready again. Those at
    the desk write their summaries: the wrap-up of a call that we make lasts a minute without one."""
    at_desk = {staff_at(seat) for seat in there.desk}

    async def look(leader: aiohttp.ClientSession) -> None:
        while True:
            async with leader.get("/api/board") as response:
                response.raise_for_status()
                agents = (await response.json())["agents"]
            for number, agent in agents.items():
                if agent["state"] == "not_ready":
                    await _ready_again(there, number)
                elif agent["state"] == "wrap_up" and number in at_desk:
                    await _summarised(there, number)
            await asyncio.sleep(_LOOK_S)

    async with there.leader() as client:
        looking = asyncio.create_task(look(client))
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)


async def _ready_again(there: Site, number: str) -> None:
    async with (
        there.signed_in(number) as (client, csrf),
        client.post("/api/agent/ready", headers={"X-CSRF-Token": csrf}) as response,
    ):
        if response.status != 409:  # in between the telephone has got a call
            response.raise_for_status()


async def _summarised(there: Site, number: str) -> None:
    async with there.signed_in(number) as (client, csrf):
        async with client.get("/api/summaries/owed") as response:
            response.raise_for_status()
            owed = (await response.json())["owed"]
        for one in owed:
            summary = {"leg": one["leg"], "type": "silent_call"}
            headers = {"X-CSRF-Token": csrf}
            async with client.post("/api/summaries", json=summary, headers=headers) as response:
                response.raise_for_status()


async def _called_back(there: Site, deadline: float = 300) -> None:
    """Returns when everybody who asked for it has been called, or it is settled otherwise."""
    loop = asyncio.get_running_loop()
    until = loop.time() + deadline
    while loop.time() < until:
        facts = await _facts(there, kinds=("CallbackRequested", "CallbackPlaceEnded"))
        asked = {fact.call for fact in facts if isinstance(fact, f.CallbackRequested)}
        over = {fact.call for fact in facts if isinstance(fact, f.CallbackPlaceEnded)}
        if not asked - over:
            return
        await asyncio.sleep(1)
    raise BenchFailed(f"{len(asked - over)} of {len(asked)} still wait to be called after {deadline:g} s")


async def _written(there: Site, deadline: float = 60) -> None:
    """Returns when every answered leg has its recording filed: what comes last is written behind."""
    loop = asyncio.get_running_loop()
    until = loop.time() + deadline
    while loop.time() < until:
        facts = await _facts(there, kinds=("AgentAnswered", "RecordingFiled"))
        if 2 * sum(isinstance(fact, f.RecordingFiled) for fact in facts) >= len(facts):
            return
        await asyncio.sleep(1)


async def _facts(there: Site, kinds: Collection[str] | None = None) -> list[f.Fact]:
    found: list[f.Fact] = []
    async with existing(there.settings.ledger_url, "ledger") as database:
        store, last = FactStore(database), 0
        while page := await store.read(last, 5_000, kinds=kinds):
            found += [numbered.fact for numbered in page]
            last = page[-1].seq
    return found


async def _proofs(there: Site, first: Instant, last: Instant) -> list[Report]:
    """Of each day on which a call arrived, as if some minutes had passed since."""
    zone = there.settings.zone_info
    day, until = moment(first, zone).date(), moment(last, zone).date()
    reports = []
    while day <= until:
        reports.append(await prove_day(there.settings, day=day, clock=lambda: system_clock() + 5 * MINUTE))
        day += timedelta(days=1)
    return reports


def _notes(there: Site) -> list[Talked]:
    return [note for one in there.telephones for line in one.notes() if (note := note_of(line)) is not None]


def _answered_outside(there: Site) -> list[str]:
    """The number of each call that was taken outside, by the telephones' own notes."""
    notes = (line for one in there.called for line in one.notes())
    return [number for line in notes if (number := _noted_address(line))]


def note_of(line: str) -> Talked | None:
    """A telephone's note (`scripts.NOTE`); None of a line that is none, or of a call that is not ours."""
    when, _, rest = line.partition("|")
    call = rest.partition("|")[0].strip()
    if not (device := _noted_address(line)) or not call:
        return None
    *_, epoch = when.split()  # after the same as date and time
    return Talked(float(epoch), call, device)


def _noted_address(line: str) -> str:
    """Who was called, by a telephone's note; "" of a line that is none."""
    *_, address = line.split("|")
    _, _, user = address.partition("<sip:")
    return user.partition("@")[0]


def measure() -> Result:
    """The whole bench."""
    return asyncio.run(Floor(read_plan()).measure(take_our_core()))
