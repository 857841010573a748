"""A day proved from a real ledger and real files of a queue log, beside the service that writes them."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import delete

from core import facts as f
from core.clock import BANK_ZONE, MINUTE, SECOND, Instant
from ledger import proof_day
from ledger.ledger import Ledger
from ledger.proof_day import DayLogs, DayProof, Found, day_of
from ledger.queue_logs import QueueLogs
from ledger.store import FactStore
from ledger.tables import facts as rows
from storage import Database
from tests.unit.ledger.days import (
    DAY,
    MIDNIGHT,
    NOON,
    Told,
    answered,
    facts_of,
    gave_up,
    log_of,
    tell,
    without,
)
from tests.unit.ledger.samples import Story

NEXT_DAY = date(2026, 9, 22)
LATER = MIDNIGHT + 28 * 60 * MINUTE
"""When a proof of either day is made."""
SILENT = f.AgentStateChanged(at=NOON, agent="1001", before=f.AgentState.READY, state=f.AgentState.NOT_READY)


@dataclass
class House:
    """The ledger of a service that goes on, and the folder of its node's logs."""

    ledger: Ledger
    database: Database
    logs: Path

    async def write(self, told: Iterable[f.Fact]) -> None:
        await self.ledger.readable(self.ledger.append(list(told)))

    async def prove(
        self, day: date = DAY, now: Instant = LATER, node: str = "", nodes: Iterable[str] = ("node1",)
    ) -> tuple[DayProof, Found]:
        found, period, opened = Found(), day_of(day, BANK_ZONE), ExitStack()
        by_node = {
            name: opened.enter_context(
                QueueLogs(self.logs / name, period.since, period.until, refused=found.unreadable)
            )
            for name in nodes
        }
        proof = DayProof(FactStore(self.database), DayLogs(period, by_node), found, now=now, node=node)
        with opened:
            async for _calls in proof.calls():
                pass
        return proof, found

    def log(self, text: str, name: str = "queue_log", node: str = "node1") -> None:
        folder = self.logs / node
        folder.mkdir(exist_ok=True)
        data = text.encode()
        (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)


@pytest.fixture
def house(ledger: Ledger, ledger_database: Database, tmp_path: Path) -> House:
    (tmp_path / "logs").mkdir()
    return House(ledger, ledger_database, tmp_path / "logs")


def rules(found: Found) -> list[str]:
    return [mismatch.rule for mismatch in found.kept]


async def test_a_day_on_which_all_agree(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """In small pages, so that calls lie across them."""
    monkeypatch.setattr(proof_day, "_PAGE", 7)
    monkeypatch.setattr(proof_day, "_CALLS", 3)
    calls = [answered(n, NOON + n * 11 * SECOND) for n in range(1, 9)]
    calls += [gave_up(n, NOON + n * 11 * SECOND) for n in range(9, 13)]
    await house.write([SILENT, *facts_of(*calls)])
    house.log(log_of(*calls))
    proof, found = await house.prove()
    assert rules(found) == []
    assert (proof.proved, proof.left_out) == (12, 0)
    assert (proof.first, proof.last) == (1, house.ledger.last)


async def test_a_call_over_midnight_belongs_to_the_day_it_arrived(house: House) -> None:
    over = answered(1, MIDNIGHT - 10 * SECOND)
    early = answered(2, MIDNIGHT + 10 * SECOND)
    await house.write(facts_of(answered(3), over, early))
    house.log(log_of(answered(3), over, early))
    proof, found = await house.prove()
    assert (proof.proved, rules(found)) == (2, [])
    proof, found = await house.prove(NEXT_DAY)
    assert (proof.proved, rules(found)) == (1, [])
    # Whatever is wrong with it after midnight is told of its own day alone.
    house.log(log_of(answered(3), Told([], over.lines[:-1]), early))
    _proof, found = await house.prove()
    assert [(each.rule, each.subject[-2:]) for each in found.kept] == [("talk_ended", "01")]
    assert rules((await house.prove(NEXT_DAY))[1]) == []


async def test_a_call_given_back_the_next_morning_is_proved_with_its_day(house: House) -> None:
    lost, other = answered(1), answered(2, NOON + MINUTE)
    await house.write([*facts_of(other), *facts_of(answered(3, MIDNIGHT + MINUTE)), *facts_of(lost)])
    house.log(log_of(lost, other, answered(3, MIDNIGHT + MINUTE)))
    proof, found = await house.prove()
    assert (proof.proved, rules(found)) == (2, [])


async def test_calls_in_progress_are_left_out_and_an_end_that_was_missed_is_not(house: House) -> None:
    talking = answered(1)
    del talking.facts[-7:]  # from the end of the talk on
    assert isinstance(talking.facts[-1], f.RecordingStarted)
    done = answered(2)
    await house.write(facts_of(talking, done))
    house.log(log_of(Told([], talking.lines[:2]), done))
    for minutes, left_out, found_rules in (
        (1, 2, []),  # the other one has only just ended
        (3, 1, []),
        (10 * 60, 0, ["ended_once", "talk_ended", "recording_ended", "talk_ended"]),
    ):
        proof, found = await house.prove(now=NOON + minutes * MINUTE)
        assert (proof.left_out, rules(found)) == (left_out, found_rules)


async def test_a_log_that_was_rotated_at_noon_and_again_at_midnight(house: House) -> None:
    morning, evening = answered(1, NOON - 60 * MINUTE), answered(2, NOON + 60 * MINUTE)
    over, night = gave_up(3, MIDNIGHT - 5 * SECOND), gave_up(4, MIDNIGHT + 60 * MINUTE)
    await house.write(facts_of(morning, evening, over, night))
    house.log(log_of(gave_up(9, NOON - 3 * 24 * 60 * MINUTE)), "queue_log.3.gz")
    house.log(log_of(morning), "queue_log.2.gz")
    house.log(log_of(evening, Told([], over.lines[:1])), "queue_log.1")
    house.log(log_of(Told([], over.lines[1:]), night))
    proof, found = await house.prove()
    assert (proof.proved, rules(found)) == (3, [])


async def test_a_day_without_a_log_is_one_mismatch_and_its_calls_are_proved_as_far_as_can_be(
    house: House,
) -> None:
    menu = tell(Story(4).menu().end(f.Phase.MENU), NOON + 8 * MINUTE)
    told = facts_of(answered(1), gave_up(2, NOON + MINUTE), menu)
    await house.write(told)
    proof, found = await house.prove()
    (mismatch,) = found.kept
    assert (mismatch.rule, mismatch.witness) == ("queue_log", "no queue log")
    assert mismatch.ledger == "2 calls joined a queue"
    assert str(house.logs / "node1") in mismatch.explanation
    assert proof.proved == 3
    # A log that begins later than the day's calls is no better for those before it.
    later = gave_up(5, NOON + 3 * MINUTE)
    house.log(log_of(later))
    await house.write(facts_of(later))
    proof, found = await house.prove()
    assert (proof.proved, rules(found)) == (4, ["queue_log"])
    assert found.kept[0].witness == "the queue log begins at 2026-09-21 12:02:02"
    assert found.kept[0].ledger == "2 calls joined a queue"


async def test_a_hole_in_the_numbers_is_found_on_its_day_and_at_its_edge(house: House) -> None:
    await house.write([SILENT, *facts_of(answered(1)), SILENT, SILENT])
    house.log(log_of(answered(1)))
    for seq, named in ((1, "fact 1"), (house.ledger.last - 1, f"fact {house.ledger.last - 1}")):
        async with house.database.write() as connection:
            await connection.execute(delete(rows).where(rows.c.seq == seq))
        _proof, found = await house.prove()
        assert [each.subject for each in found.kept if each.rule == "numbers"][-1] == named
    assert found.by_rule == {"numbers": 2}


async def test_what_only_the_log_knows_is_found_unless_the_ledger_has_its_arrival(house: House) -> None:
    unknown, waiting = gave_up(7, NOON + MINUTE), gave_up(8, NOON + 2 * MINUTE)
    waiting.facts[:] = without(without(waiting.facts, f.CallEnded), f.CallerLeftQueue)
    await house.write(facts_of(answered(1), waiting))
    house.log(log_of(answered(1), unknown, Told([], waiting.lines[:1])))
    proof, found = await house.prove(now=NOON + 10 * MINUTE)
    assert (proof.proved, proof.left_out) == (1, 1)
    assert [(each.rule, each.witness) for each in found.kept] == [
        ("known_call", "ENTERQUEUE, RINGCANCELED, ABANDON")
    ]
    # Before the minute is over that a fact may need, nobody is blamed.
    assert rules((await house.prove(now=NOON + MINUTE + 30 * SECOND))[1]) == []


async def test_a_line_nobody_could_have_written_is_told_with_its_place(house: House) -> None:
    await house.write(facts_of(answered(1)))
    house.log(log_of(answered(1)).replace("1001|CONNECT", "1001|CONN\n\0CONNECT"))
    _proof, found = await house.prove()
    assert found.by_rule["log_line"] == 1
    assert found.by_rule["answered"] == 1
    assert next(each for each in found.kept if each.rule == "log_line").subject.endswith("queue_log:4")


async def test_each_node_has_a_log_of_its_own_and_may_be_proved_alone(house: House) -> None:
    here, there = answered(1), answered(2, node="node2")
    wrong = Told([], [line.replace("2|30|1", "2|90|1") for line in there.lines])
    await house.write(facts_of(here, there))
    house.log(log_of(here))
    house.log(log_of(wrong), node="node2")
    nodes = ("node1", "node2")
    assert rules((await house.prove(nodes=nodes))[1]) == ["talked"]
    proof, found = await house.prove(nodes=("node1",), node="node1")
    assert (proof.proved, rules(found)) == (1, [])
    proof, found = await house.prove(nodes=("node2",), node="node2")
    assert (proof.proved, rules(found)) == (1, ["talked"])
    # A node that the settings no longer name has no log either.
    assert rules((await house.prove())[1]) == ["queue_log"]


async def test_a_day_without_a_call_has_nothing_to_say(house: House) -> None:
    proof, found = await house.prove()
    assert (proof.first, proof.proved, rules(found)) == (0, 0, [])


async def test_more_mismatches_than_anybody_reads_are_counted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof_day, "KEPT", 2)
    await house.write(without(facts_of(*(answered(n) for n in range(1, 6))), f.TalkEnded))
    house.log(log_of(*(answered(n) for n in range(1, 6))))
    _proof, found = await house.prove()
    assert (len(found.kept), found.by_rule) == (2, {"talk_ended": 5})
