"""The ledger on a real database: numbers, order, durability, listeners, restart, spool."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

import pytest

from core.facts import AlarmRaised, CallArrived, DeviceContactChanged, MenuChosen, Numbered
from ledger.errors import LedgerClosed, LedgerFailed, LedgerTaken, SpoolDamaged
from ledger.ledger import BATCH, Ledger
from storage import Database, SchemaMismatch
from tests.support.databases import Databases

CALL = "0b0e8f4e-5f7e-4f37-9d53-000000000001"


def arrived(at: int, call: str = CALL) -> CallArrived:
    return CallArrived(
        at=at,
        node="node1",
        call=call,
        leg=f"node1-1700000000.{at}",
        caller="张三 13800001111",
        called="95559",
    )


async def test_facts_come_back_as_they_were_given_with_unbroken_numbers(ledger: Ledger) -> None:
    facts = [arrived(1), MenuChosen(at=2, node="node1", call=CALL, menu="main", key="2", target="card")]
    assert ledger.append(facts[:1]) == 1
    assert ledger.append(facts[1:]) == 2
    await ledger.readable(2)
    assert await ledger.read(0) == [Numbered(1, facts[0]), Numbered(2, facts[1])]
    assert (ledger.last, ledger.last_stored) == (2, 2)


async def test_reading_filters_by_kind_and_call_and_pages_by_number(ledger: Ledger) -> None:
    other = CALL[:-1] + "2"
    ledger.append([arrived(1), arrived(2, other), DeviceContactChanged(at=3, device="d001", reachable=True)])
    await ledger.readable(3)
    assert [n.seq for n in await ledger.read(0, kinds={"DeviceContactChanged", "MenuChosen"})] == [3]
    assert [n.seq for n in await ledger.read(0, call=other)] == [2]
    assert [n.seq for n in await ledger.read(0, limit=1)] == [1]
    assert [n.seq for n in await ledger.read(1, limit=1)] == [2]


async def test_before_finds_the_place_to_read_on_from_an_instant(ledger: Ledger) -> None:
    ledger.append([arrived(10), arrived(30), arrived(20), arrived(40)])
    await ledger.readable(4)
    assert await ledger.before(20) == 1  # fact 2 happened at 30, fact 3 at 20: both must be met
    assert await ledger.before(41) == 4
    assert await ledger.before(0) == 0


async def test_stored_returns_only_when_another_connection_can_see_the_fact(
    ledger: Ledger, databases: Databases
) -> None:
    seq = ledger.append([arrived(1)])
    assert ledger.last_stored == 0
    await ledger.stored(seq)
    assert databases.ask("ledger", "SELECT seq, kind FROM facts") == [(1, "CallArrived")]


async def test_more_than_a_batch_at_once_is_stored_whole(ledger: Ledger) -> None:
    last = ledger.append([arrived(n) for n in range(2 * BATCH + 7)])
    await asyncio.wait_for(ledger.readable(last), 30)
    assert [n.seq for n in await ledger.read(0, limit=5000)] == list(range(1, last + 1))


async def test_a_failing_listener_is_logged_and_hurts_nobody(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[int] = []

    def broken(batch: Sequence[Numbered]) -> None:
        raise RuntimeError("no screen")

    ledger.listen(broken)
    stop = ledger.listen(lambda batch: heard.extend(n.seq for n in batch))
    ledger.append([arrived(1)])
    assert heard == [1]
    assert "no screen" in caplog.text
    stop()
    ledger.append([arrived(2)])
    assert heard == [1]


async def test_a_fact_appended_by_a_listener_is_heard_after_the_one_that_caused_it(ledger: Ledger) -> None:
    heard: list[int] = []

    def alarm(batch: Sequence[Numbered]) -> None:
        if isinstance(batch[0].fact, CallArrived):
            ledger.append([AlarmRaised(at=2, alarm="sl10", subject="card-cmn")])

    ledger.listen(alarm)
    ledger.listen(lambda batch: heard.extend(n.seq for n in batch))
    ledger.append([arrived(1)])
    assert heard == [1, 2]
    await ledger.readable(2)
    assert [type(n.fact).__name__ for n in await ledger.read(0)] == ["CallArrived", "AlarmRaised"]


async def test_a_fact_that_cannot_be_written_down_is_refused_before_any_number_is_given(
    ledger: Ledger,
) -> None:
    with pytest.raises(ValueError, match="no time a clock could show"):
        ledger.append([arrived(1), arrived(1 << 70)])
    assert ledger.append([arrived(1)]) == 1
    await ledger.stored(1)
    assert len(await ledger.read(0)) == 1


async def test_numbers_go_on_after_a_restart(ledger_database: Database, tmp_path: Path) -> None:
    for round_ in range(3):
        ledger = Ledger(ledger_database, spool=tmp_path / "s")
        await ledger.open()
        assert ledger.append([arrived(1), arrived(2)]) == 2 * (round_ + 1)
        await ledger.close()  # close stores what is queued
    assert ledger.last_stored == 6
    with pytest.raises(LedgerClosed):
        ledger.append([arrived(1)])


async def test_a_second_writer_is_refused(ledger: Ledger, ledger_database: Database, tmp_path: Path) -> None:
    with pytest.raises(LedgerTaken, match="another program writes this ledger"):
        await Ledger(ledger_database, spool=tmp_path / "ledger.spool").open()


async def test_an_unmigrated_database_is_refused_and_the_lock_released(
    databases: Databases, tmp_path: Path
) -> None:
    database = Database(databases.url("new", None), name="ledger")
    await database.open()
    for _ in range(2):
        with pytest.raises(SchemaMismatch, match="run the migrations"):
            await Ledger(database, spool=tmp_path / "s").open()
    await database.close()


async def test_while_the_database_refuses_facts_wait_in_the_spool_and_follow_in_order(
    ledger: Ledger, databases: Databases, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.append([arrived(1)])
    await ledger.readable(1)
    with databases.held("ledger"):
        ledger.append([arrived(2)])
        await asyncio.wait_for(ledger.stored(2), 30)
        assert ledger.last_stored == 1
        assert ledger.health.spooled == 1
        assert "does not serve" in ledger.health.problem
        ledger.append([arrived(3)])
        await asyncio.wait_for(ledger.stored(3), 30)
        assert ledger.health.spooled == 2
    await asyncio.wait_for(ledger.readable(3), 10)
    assert [n.fact.at for n in await ledger.read(0)] == [1, 2, 3]
    assert ledger.health.problem == ""
    # The spool is cut after its facts can be read, and before the next fact is written.
    ledger.append([arrived(4)])
    await asyncio.wait_for(ledger.stored(4), 30)
    assert not (tmp_path / "ledger.spool").exists()
    assert ledger.last_stored == 4
    caplog.clear()


async def test_a_spool_left_behind_is_stored_once_by_the_next_run(
    ledger_database: Database, databases: Databases, tmp_path: Path
) -> None:
    first = Ledger(ledger_database, spool=tmp_path / "s")
    await first.open()
    with databases.held("ledger"):
        first.append([arrived(n) for n in (1, 2, 3)])
        await first.close()
    content = (tmp_path / "s").read_bytes()
    second = Ledger(ledger_database, spool=tmp_path / "s")
    await second.open()
    assert second.append([arrived(4)]) == 4
    await asyncio.wait_for(second.readable(4), 10)
    await second.close()
    # Killed between the commit and the removal of the spool, with half a line after it:
    (tmp_path / "s").write_bytes(content + content[: len(content) // 5])
    third = Ledger(ledger_database, spool=tmp_path / "s")
    await third.open()
    assert third.append([arrived(5)]) == 5
    await asyncio.wait_for(third.readable(5), 10)
    assert [(n.seq, n.fact.at) for n in await third.read(0)] == [(n, n) for n in range(1, 6)]
    await third.close()


async def test_a_damaged_spool_is_named_with_its_line(ledger_database: Database, tmp_path: Path) -> None:
    (tmp_path / "s").write_text("[1]\n")
    with pytest.raises(SpoolDamaged, match=r"/s:1: .*mend or remove that line"):
        await Ledger(ledger_database, spool=tmp_path / "s").open()


async def test_when_neither_database_nor_spool_takes_facts_they_stay_in_memory(
    ledger: Ledger, databases: Databases, tmp_path: Path
) -> None:
    said = asyncio.Event()
    listening = logging.Handler(logging.CRITICAL)
    listening.emit = lambda record: said.set()  # type: ignore[method-assign]
    logging.getLogger("ledger.ledger").addHandler(listening)
    (tmp_path / "ledger.spool").mkdir()  # what is no file cannot be written, whoever runs the test
    with databases.held("ledger"):
        ledger.append([arrived(1)])
        await asyncio.wait_for(said.wait(), 30)
        assert ledger.health.in_memory == 1
        assert "neither database nor spool" in ledger.health.problem
    logging.getLogger("ledger.ledger").removeHandler(listening)
    (tmp_path / "ledger.spool").rmdir()
    await asyncio.wait_for(ledger.readable(1), 10)


async def test_numbers_that_another_program_has_used_stop_the_ledger_and_lose_nothing(
    ledger_database: Database, databases: Databases, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = Ledger(ledger_database, spool=tmp_path / "s")
    await first.open()
    first.append([arrived(1)])
    await first.stored(1)
    databases.ask(
        "ledger", "INSERT INTO facts SELECT 2, at, node, kind, call, agent, origin, '{}' FROM facts"
    )
    first.append([arrived(2)])
    with pytest.raises(LedgerFailed, match="the writer has failed"):
        await first.stored(2)
    with pytest.raises(LedgerFailed):
        await first.stored(2)  # whoever asks later is told as well
    with pytest.raises(LedgerFailed):
        first.append([arrived(3)])
    assert "facts in the ledger database takes no such rows" in first.health.problem
    with pytest.raises(LedgerFailed):
        await first.close()
    second = Ledger(ledger_database, spool=tmp_path / "s")
    await second.open()
    with pytest.raises(LedgerFailed, match="another one has that number already"):
        await asyncio.wait_for(second.readable(3), 30)
    with pytest.raises(LedgerFailed):
        await second.close()
    assert b"node1-1700000000.2" in (tmp_path / "s").read_bytes()
    caplog.clear()
