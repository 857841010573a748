"""Real calls on a real Asterisk: ledger, queue log and customers tell the same story (guarantee 2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
import pytest_asyncio
from msgspec.structs import fields

from core import facts as f
from core.clock import MINUTE, SECOND, moment, system_clock
from core.facts import Numbered
from directory import seed
from hotline.commands.proof import as_text, prove_day
from hotline.simulation.scripts import Key, Pause, Phone
from ledger.call_record import CallOutcome
from ledger.calls import CallSearch
from ledger.proof import CallerCount, prove
from ledger.queue_log import QueueLogLine, read_queue_log
from ledger.recovery import read_cel, recorded_events
from recordings.model import Status
from telephony.agents import Duties
from telephony.switchboard import Switchboard
from telephony.translate import translate
from tests.support.floor import Floor, floor
from ticketing.proof import OWED

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
CALLS = 4
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))
TO_CORPORATE = (Pause(400), Key("1"), Pause(400), Key("3"), Pause(400), Key("1"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hotline() -> AsyncIterator[Floor]:
    demo = seed.load(seed.DEMO)
    queues = {
        name: replace(queue, timeout_s=12 if queue.business == "corporate" else 60, wrapup_limit_s=30)
        for name, queue in demo.queues.items()
    }
    async with floor(directory=replace(demo, queues=queues)) as running:
        yield running


def serving(queue: str, *, but_not: str) -> str:
    """An agent of the demo's directory who serves the one queue and not the other."""
    demo = seed.load(seed.DEMO)
    for person in demo.agents():
        queues = {membership.queue for membership in demo.memberships(person.number)}
        if queue in queues and but_not not in queues:
            return person.number
    raise LookupError(f"nobody serves {queue} without {but_not}: change the demo's skills or this test")


async def make_calls(hotline: Floor) -> None:
    """One call of each kind, some at the same time: CALLS of them."""
    exchange = hotline.exchange
    await exchange.phone("d003", Phone("rests", answer_ms=300, talk_ms=60_000))
    resting = await hotline.agent(serving("corporate-cmn", but_not="card-cmn"), "d003")
    await resting.post("/api/agent/not-ready", reason="rest")
    await exchange.call(*TO_CORPORATE)  # somebody is on duty, nobody answers: queue time-out
    await exchange.call(Pause(400), Key("1"), Pause(300), hang_up=True)  # gives up in the menu
    await exchange.phone("d001", Phone("silent", answer_ms=None))
    await hotline.agent("1009", "d001")
    await exchange.call(*TO_CARD, Pause(12_000), Key("5"), Pause(1200), Key("1"))
    await hotline.fact(f.OfferEnded)  # 1009 rang out; now there is somebody who talks
    await exchange.phone("d002", Phone("talks", answer_ms=300, talk_ms=1500))
    await hotline.agent("1001", "d002")
    await hotline.fact(f.TalkEnded)
    await exchange.call(
        *TO_CARD, Pause(2_500), hang_up=True
    )  # 1001 has to write the summary: a wait, given up


async def observed(hotline: Floor) -> tuple[list[Numbered], list[QueueLogLine]]:
    """What the ledger and app_queue have written once every call has come to its end."""
    ended = 0
    async with asyncio.timeout(60):
        while (ended := len(hotline.all(f.CallEnded))) < CALLS:
            await hotline.fact(f.CallEnded, after=_after_nth(hotline, ended), within=60)
    ledger = hotline.hotline.ledger
    await ledger.readable(ledger.last)
    path = hotline.settings.nodes[0].directory / "log" / "queue_log"
    with path.open(encoding="utf-8") as file:
        log = read_queue_log(file, str(path))
    return await ledger.read(0, limit=100_000), log


def _after_nth(hotline: Floor, n: int) -> int:
    places = [place for place, one in enumerate(hotline.facts, 1) if isinstance(one.fact, f.CallEnded)]
    return places[n - 1] if n else 0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seen(hotline: Floor) -> tuple[list[Numbered], list[QueueLogLine]]:
    await make_calls(hotline)
    return await observed(hotline)


async def test_ledger_queue_log_and_customers_agree(
    hotline: Floor, seen: tuple[list[Numbered], list[QueueLogLine]]
) -> None:
    facts, log = seen
    assert f.OfferOutcome.NO_ANSWER in {fact.outcome for fact in hotline.all(f.OfferEnded)}
    found = prove(facts, log, CallerCount(placed=CALLS, talked=1))
    assert found == [], "\n".join([*map(str, found), *map(str, log), hotline.story()])

    book = hotline.hotline.calls
    await asyncio.wait_for(book.consumer.caught_up(facts[-1].seq), 10)
    listed = (await book.find_calls(CallSearch())).calls
    assert sorted(record.outcome for record in listed) == sorted(
        [CallOutcome.MENU, CallOutcome.TIMED_OUT, CallOutcome.ANSWERED, CallOutcome.ABANDONED]
    )
    for record in listed:
        assert record == await book.call_record(record.call)

    # And the proof is not blind: without one line, or one fact, it speaks up.
    connect = next(line for line in log if line.event == "CONNECT")
    assert prove(facts, [line for line in log if line is not connect])
    timed_out = next(line for line in log if line.event == "EXITWITHTIMEOUT")
    assert prove(facts, [replace(line, event="ABANDON") if line is timed_out else line for line in log])
    assert prove([one for one in facts if not isinstance(one.fact, f.AgentAnswered)], log)


async def test_the_daily_proof_agrees_beside_the_running_service(
    hotline: Floor, seen: tuple[list[Numbered], list[QueueLogLine]]
) -> None:
    """With recordings as filed and summaries as owed; two minutes on, when nothing is under way any more."""
    facts, log = seen
    await hotline.fact(f.RecordingFiled)
    for consumer in hotline.hotline.consumers:
        await asyncio.wait_for(consumer.caught_up(facts[-1].seq), 10)
    arrived = [moment(one.fact.at).date() for one in facts if isinstance(one.fact, f.CallArrived)]
    report = await prove_day(hotline.settings, day=arrived[0], clock=lambda: system_clock() + 2 * MINUTE)
    assert report.found.kept == [], "\n".join([as_text(report), *map(str, log), hotline.story()])
    assert (report.counts.calls, report.counts.left_out) == (arrived.count(arrived[0]), 0)
    assert report.counts.recordings == {Status.PRESENT: 1}
    assert report.counts.summaries == {OWED: 1}
    assert report.counts.log_files == {"node1": ["queue_log"]}


OWN_RECORDS = (f.RecordingFiled, f.SummarySaved, f.TicketOpened)
SIMILAR = SECOND // 10  # CEL and AMI look at the same moments, each with its own eyes


def told_of_calls(facts: Sequence[f.Fact]) -> dict[str, list[dict[str, object]]]:
    """Call by call what happened, without the moment; each fact once, in the order of their names."""
    calls: dict[str, list[dict[str, object]]] = {}
    for fact in facts:
        if isinstance(fact, f.CallFact) and not isinstance(fact, OWN_RECORDS):
            told = {"kind": type(fact).__name__} | {name: getattr(fact, name) for name in names_of(fact)}
            calls.setdefault(fact.call, []).append(told)
    return {call: sorted(told, key=lambda one: (str(one["kind"]), str(one))) for call, told in calls.items()}


def names_of(fact: f.Fact) -> list[str]:
    return [field.name for field in fields(fact) if field.name != "at"]


async def test_calls_nobody_listened_to_are_given_back_by_asterisks_own_files(
    hotline: Floor, seen: tuple[list[Numbered], list[QueueLogLine]]
) -> None:
    facts, log = seen
    path = hotline.settings.nodes[0].directory / "log" / "cel-custom" / "facts.jsonl"
    with path.open(encoding="utf-8") as file:
        cel = read_cel(file, str(path))
    board = Switchboard(Duties(memberships=lambda _: (), wrapup_limit=lambda _: SECOND, nodes=("node1",)))
    again: list[f.Fact] = []
    for event in recorded_events(cel, log):
        signal = translate(event, "node1", event.at)
        if signal is not None:
            again += board.hear(signal).facts
    live, recovered = told_of_calls([one.fact for one in facts]), told_of_calls(again)
    assert live.keys() == recovered.keys()
    for call, told in live.items():
        assert [one["kind"] for one in told] == [one["kind"] for one in recovered[call]]
        for one, other in zip(told, recovered[call], strict=True):
            for name, value in one.items():
                if name in ("waited", "rang", "talked", "lasted", "joined_at"):
                    assert abs(int(str(value)) - int(str(other[name]))) < SIMILAR, (one, other)
                else:
                    assert value == other[name], (name, one, other)
