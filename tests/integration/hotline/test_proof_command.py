"""`hotline proof` on a real ledger, main database, queue log and recordings, beside their service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import String, Text, delete, insert, update

from core import facts as f
from core.clock import SECOND, Instant
from core.errors import BadInput
from core.facts import Numbered
from hotline.__main__ import main
from hotline.commands.proof import Report, as_json, as_text, prove_day
from hotline.settings import Settings
from hotline.settings_nodes import NodeSettings
from ledger.ledger import Ledger
from ledger.tables import facts as fact_rows
from recordings import catalogue
from recordings.catalogue import Filing
from recordings.model import Measured, Part, Status, file_name
from recordings.tables import recordings
from storage import Database, DatabaseDown, migrate
from tests.unit.ledger.days import DAY, MIDNIGHT, NOON, Told, answered, facts_of, gave_up, log_of
from ticketing import duties
from ticketing.tables import summaries, summary_duties

NEXT_MORNING = MIDNIGHT + 4 * 3600 * SECOND
SILENT = f.AgentStateChanged(at=NOON, agent="1001", before=f.AgentState.READY, state=f.AgentState.NOT_READY)


@dataclass
class House:
    """What a service has written and still has open, and the clock of who proves it."""

    settings: Settings
    ledger: Ledger
    main: Database
    facts: Database
    now: Instant = NEXT_MORNING
    told: list[Told] = field(default_factory=list)

    @property
    def node(self) -> Path:
        return self.settings.nodes[0].directory

    async def a_day(self) -> None:
        """Three calls that were answered and one that was not; one summary is written, two are owed."""
        self.told = [answered(n, NOON + n * 60 * SECOND) for n in (1, 2, 3)]
        self.told.append(gave_up(4, NOON + 240 * SECOND))
        told = [SILENT, *facts_of(*self.told), SILENT]
        last = self.ledger.append(told)
        await self.ledger.readable(last)
        numbered = [Numbered(seq, fact) for seq, fact in enumerate(told, 1)]
        async with self.main.write() as connection:
            await catalogue.follow_facts(connection, numbered)
            await duties.follow(connection, numbered)
            for recording in await catalogue.unfiled(connection, 10):
                await catalogue.file_away(connection, [self._filing(recording)])
        await self.summarise(self.leg(1))
        self.log()

    def leg(self, n: int) -> str:
        """The leg of answered call `n`."""
        return next(fact.leg for fact in self.told[n - 1].facts if isinstance(fact, f.AgentAnswered))

    def log(self, change: Callable[[str], str] = str, name: str = "queue_log") -> None:
        folder = self.node / "log"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(change(log_of(*self.told)))

    async def summarise(self, leg: str) -> None:
        row: dict[str, Any] = {
            column.name: "" if isinstance(column.type, String | Text) else 0 for column in summaries.columns
        }
        settled = update(summary_duties).where(summary_duties.c.leg == leg)
        async with self.main.write() as connection:
            await connection.execute(insert(summaries).values(row | {"number": "ZJ1", "leg": leg}))
            await connection.execute(settled.values(settled_at=NOON, summary="ZJ1"))

    async def change(self, statement: Any) -> None:
        async with self.main.write() as connection:
            assert (await connection.execute(statement)).rowcount == 1

    async def prove(self, day: date | None = None, node: str = "") -> Report:
        return await prove_day(self.settings, day=day, node=node, clock=lambda: self.now)

    def _filing(self, recording: Any) -> Filing:
        name = file_name(recording.base, Part.AGENT)
        folder = self.node / "recordings"
        folder.mkdir(parents=True, exist_ok=True)
        there = recording.leg != self.leg(3)
        if there:
            (folder / name).write_bytes(b"sound")
        file = Measured(name=name, part=Part.AGENT, size=5, length=SECOND, channels=1, sha256="")
        return Filing(
            recording=recording,
            status=Status.PRESENT if there else Status.MISSING,
            why="" if there else "the node's disk was full",
            files=(file,) if there else (),
            at=NOON,
        )


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    node = NodeSettings(name="node1", accounts=tmp_path / "accounts.json", directory=tmp_path / "node1")
    settings = Settings(data_dir=tmp_path, nodes=(node,))
    main_database = Database(settings.main_url, name="main")
    facts = Database(settings.ledger_url, name="ledger")
    await main_database.open()
    await facts.open()
    await migrate(main_database)
    await migrate(facts, "ledger")
    ledger = Ledger(facts, spool=tmp_path / "ledger.spool")
    await ledger.open()
    yield House(settings, ledger, main_database, facts)
    await ledger.close()
    await main_database.close()
    await facts.close()


async def test_a_good_day_is_said_in_numbers(house: House) -> None:
    await house.a_day()
    report = await house.prove()
    assert report.found.kept == []
    assert report.day == DAY  # the day before the morning on which it is asked
    counts = report.counts
    assert (counts.calls, counts.left_out, counts.answered, counts.talks) == (4, 0, 3, 3)
    assert counts.recordings == {Status.PRESENT: 2, Status.MISSING: 1}
    assert counts.summaries == {"written": 1, "owed": 2}
    assert as_text(report).splitlines() == [
        "proof of 2026-09-21 (Asia/Shanghai)",
        f"facts       1 to {house.ledger.last}",
        "calls       4 proved, 0 left out: not over yet",
        "queue log   13 lines of node1: queue_log",
        "recordings  3 legs answered; 1 missing, 2 present",
        "summaries   3 talks ended; 1 written, 2 owed",
        "mismatches  0",
    ]
    told = json.loads(as_json(report))
    assert (told["day"], told["mismatches_total"], told["mismatches"]) == ("2026-09-21", 0, [])
    assert told["counts"]["recordings"] == {"present": 2, "missing": 1}


async def _no_row(house: House) -> None:
    await house.change(delete(recordings).where(recordings.c.leg == house.leg(3)))


async def _never_measured(house: House) -> None:
    await house.change(update(recordings).where(recordings.c.leg == house.leg(3)).values(status=Status.ENDED))


async def _never_ended(house: House) -> None:
    await house.change(
        update(recordings).where(recordings.c.leg == house.leg(3)).values(status=Status.RECORDING)
    )


async def _file_removed(house: House) -> None:
    next((house.node / "recordings").iterdir()).unlink()


async def _file_changed(house: House) -> None:
    next((house.node / "recordings").iterdir()).write_bytes(b"silence")


async def _no_duty(house: House) -> None:
    await house.change(delete(summary_duties).where(summary_duties.c.leg == house.leg(2)))


async def _never_owed(house: House) -> None:
    await house.change(
        update(summary_duties).where(summary_duties.c.leg == house.leg(2)).values(ended_at=None)
    )


async def _summary_lost(house: House) -> None:
    await house.change(delete(summaries))


async def _hole(house: House) -> None:
    async with house.facts.write() as connection:
        await connection.execute(delete(fact_rows).where(fact_rows.c.seq == 1))


async def _fact_lost(house: House) -> None:
    ended = fact_rows.c.kind == "CallerLeftQueue"
    seq = house.ledger.last - 2
    async with house.facts.write() as connection:
        gone = await connection.execute(delete(fact_rows).where(ended, fact_rows.c.seq == seq))
        assert gone.rowcount == 1


async def _no_log(house: House) -> None:
    (house.node / "log" / "queue_log").unlink()


async def _log_says_otherwise(house: House) -> None:
    house.log(lambda text: text.replace("ABANDON", "WITHDRAW"))


async def _log_knows_more(house: House) -> None:
    house.told.append(gave_up(9, NOON))
    house.log()


async def _spooled(house: House) -> None:
    (house.settings.data_dir / "ledger.spool").write_text("{}\n")


async def _log_damaged(house: House) -> None:
    house.log(lambda text: text + "\0\0\0\n")


@pytest.mark.parametrize(
    ("harm", "rules", "where"),
    [
        (_no_row, ["recording"], "neither a recording nor word of its absence"),
        (_never_measured, ["recording"], "ended, never measured"),
        (_never_ended, ["recording"], "still being recorded"),
        (_file_removed, ["recording_file"], "no file of the 5 filed as"),
        (_file_changed, ["recording_file"], "7 bytes of the 5 filed as"),
        (_no_duty, ["summary"], "neither a summary nor a duty"),
        (_never_owed, ["summary"], "neither a summary nor a duty"),
        (_summary_lost, ["summary"], "on account of summary ZJ1, which is not there"),
        (_hole, ["numbers"], "0 is followed by 2"),
        (_fact_lost, ["numbers", "wait_ended"], "the exit was missed"),
        (_no_log, ["queue_log"], "4 calls joined a queue, the witness no queue log"),
        (_log_says_otherwise, ["exit"], "abandoned, the witness WITHDRAW"),
        (_log_knows_more, ["known_call"], "ENTERQUEUE, RINGCANCELED, ABANDON"),
        (_log_damaged, ["log_line"], "queue_log:14"),
        (_spooled, ["spool"], "facts wait in ledger.spool"),
    ],
)
async def test_what_does_not_agree_has_a_line_that_says_where_to_look(
    house: House, harm: Callable[[House], Awaitable[None]], rules: list[str], where: str
) -> None:
    await house.a_day()
    await harm(house)
    report = await house.prove()
    assert sorted(report.found.by_rule) == rules
    assert report.found.total == len(rules)
    lines = as_text(report).splitlines()
    assert [line.startswith("MISMATCH (") for line in lines].count(True) == len(rules)
    assert any(where in line for line in lines)
    told = json.loads(as_json(report))
    assert [each["rule"] for each in told["mismatches"]] == [each.rule for each in report.found.kept]


async def test_what_cannot_be_proved_is_refused_in_a_sentence(house: House, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="2026-09-23 is still to come: name a day up to 2026-09-22"):
        await house.prove(date(2026, 9, 23))
    with pytest.raises(BadInput, match="the settings name no node 'node7'"):
        await house.prove(node="node7")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with pytest.raises(DatabaseDown, match=r"ledger\.db is not there"):
        await prove_day(Settings(data_dir=elsewhere), clock=lambda: NEXT_MORNING)
    assert list(elsewhere.iterdir()) == []


async def test_today_is_proved_as_far_as_it_has_come(house: House) -> None:
    await house.a_day()
    house.now = NOON + 180 * SECOND + 50 * SECOND  # the third has ended half a minute ago
    report = await house.prove(DAY)
    assert (report.found.kept, report.counts.calls, report.counts.left_out) == ([], 2, 2)


async def test_the_command_reads_beside_the_service_and_changes_nothing(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its exit status is what the timer's unit goes by. It runs in a process of its own in service."""
    await house.a_day()
    config = tmp_path / "hotline.toml"
    config.write_text(
        f'data_dir = "{tmp_path}"\n[[nodes]]\nname = "node1"\naccounts = "none"\ndirectory = "{house.node}"\n'
    )
    command = ["proof", "--config", str(config), "--day", DAY.isoformat()]
    assert await _in_thread(command) == 0
    assert "mismatches  0" in capsys.readouterr().out
    last = house.ledger.last
    await _no_duty(house)
    assert await _in_thread([*command, "--node", "node1", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["node"], told["mismatches_by_rule"]) == ("node1", {"summary": 1})
    assert await _in_thread([*command, "--node", "node7"]) == 2
    assert "hotline proof: --node:" in capsys.readouterr().err
    await house.ledger.readable(house.ledger.append([SILENT]))  # its lock and its database are still its own
    assert house.ledger.last == last + 1


async def _in_thread(command: list[str]) -> int:
    return await asyncio.to_thread(main, command)
