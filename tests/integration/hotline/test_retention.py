"""`hotline retention` and the service's own nights, on real databases of each kind and real files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import insert

from core.clock import BANK_ZONE, DAY, HOUR, Instant, instant_on, local_day, system_clock
from core.errors import BadInput
from core.facts import DeviceContactChanged
from hotline.__main__ import main as hotline
from hotline.commands.proof import prove_day
from hotline.retention import AT_MINUTE, MONTHS_AHEAD, Retention
from hotline.settings import DatabaseSettings, RetentionSettings, Settings
from hotline.settings_nodes import NodeSettings
from ledger import retention as facts_retention
from ledger.ledger import Ledger
from ledger.tables import calls
from recordings.model import Part, Status, file_name
from recordings.tables import recordings
from storage import Database, migrate
from storage.months import month_of, shifted
from storage.partitions import parts_of
from storage.retention import Run, What, last_runs
from tests.support.databases import Databases
from tests.unit.ledger.samples import call_id, leg_id
from ticketing.tables import summary_duties

KEPT = RetentionSettings(facts_months=6, calls_months=6, intervals_months=12, recordings_days=180)
NOW = system_clock()


@dataclass
class House:
    """Databases with something of a year ago in them, and the folder of a node."""

    settings: Settings
    main: Database
    facts: Database
    databases: Databases
    now: Instant = NOW

    @property
    def folder(self) -> Path:
        return self.settings.nodes[0].directory / "recordings"

    def retention(self) -> Retention:
        return Retention(
            self.settings,
            main=self.main,
            facts=self.facts,
            folders={"node1": self.folder},
            clock=lambda: self.now,
        )

    async def runs(self) -> list[Run]:
        async with self.main.read() as connection:
            return await last_runs(connection, 100)

    async def recorded(self, n: int, ended_at: Instant) -> None:
        base = f"{call_id(n)}_{leg_id(n)}"
        (self.folder / file_name(base, Part.MIXED)).write_bytes(b"sound")
        row = {
            "leg": leg_id(n),
            "call": call_id(n),
            "agent": "1001",
            "queue": "card-cmn",
            "node": "node1",
            "base": base,
            "started_at": ended_at,
            "ended_at": ended_at,
            "status": Status.PRESENT,
            "why": "",
        }
        async with self.main.write() as connection:
            await connection.execute(insert(recordings).values(**row))

    async def owes(self, n: int) -> None:
        row = {"leg": leg_id(n), "call": call_id(n), "agent": "1001", "queue": "card-cmn", "ended_at": 1}
        async with self.main.write() as connection:
            await connection.execute(insert(summary_duties).values(**row))

    def files(self) -> int:
        return len(list(self.folder.iterdir()))


@pytest.fixture
async def house(databases: Databases, tmp_path: Path) -> AsyncIterator[House]:
    node = NodeSettings(name="node1", accounts=tmp_path / "accounts", directory=tmp_path / "node1")
    settings = Settings(
        data_dir=tmp_path,
        nodes=(node,),
        retention=KEPT,
        database=DatabaseSettings(main=databases.url("main"), ledger=databases.url("ledger", "ledger")),
    )
    main = Database(settings.main_url, name="main")
    facts = Database(settings.ledger_url, name="ledger")
    for database, history in ((main, "main"), (facts, "ledger")):
        await database.open()
        await migrate(database, history)  # type: ignore[arg-type]
    (tmp_path / "node1" / "recordings").mkdir(parents=True)
    yield House(settings, main, facts, databases)
    await main.close()
    await facts.close()


async def test_a_run_is_written_down_with_what_it_left_and_why(house: House) -> None:
    for n in (1, 2, 3):
        await house.recorded(n, NOW - (300 if n < 3 else 3) * DAY)
    await house.owes(2)
    dry = {outcome.what: outcome for outcome in await house.retention().carry_out(dry=True)}
    assert (dry[What.RECORDINGS].removed, house.files(), await house.runs()) == (1, 3, [])
    done = {outcome.what: outcome for outcome in await house.retention().carry_out(dry=False)}
    assert done[What.RECORDINGS] == dry[What.RECORDINGS]
    assert done[What.RECORDINGS].kept == (f"leg {leg_id(2)}: call {call_id(2)}: agent 1001 owes its summary",)
    assert house.files() == 2
    runs = await house.runs()
    assert {run.outcome.what for run in runs} == set(What)
    assert all(run.ended_at is not None for run in runs)
    (recorded,) = [run for run in runs if run.outcome.what is What.RECORDINGS]
    assert recorded.outcome == done[What.RECORDINGS]


async def test_one_kind_that_fails_is_written_down_and_spares_the_others(house: House) -> None:
    await house.recorded(1, NOW - 300 * DAY)
    await house.facts.close()
    outcomes = {outcome.what: outcome for outcome in await house.retention().carry_out(dry=False)}
    assert "not open" in outcomes[What.FACTS].problem
    assert outcomes[What.RECORDINGS].removed == 1
    (failed,) = [run.outcome for run in await house.runs() if run.outcome.what is What.FACTS]
    assert failed.problem == outcomes[What.FACTS].problem


async def test_a_night_that_is_cut_short_is_a_problem_until_the_next(house: House) -> None:
    retention = house.retention()
    await house.facts.close()
    house.now = await retention._night() - HOUR
    assert retention.problem.startswith("facts cut short: ")
    assert await retention._night() == house.now + HOUR
    assert retention.problem, "nothing was due, so nothing has been removed"
    await house.facts.open()
    house.now += DAY
    await retention._night()
    assert retention.problem == ""


async def test_the_service_makes_up_for_nights_it_was_off_and_waits_for_the_next(house: House) -> None:
    await house.recorded(1, NOW - 300 * DAY)
    retention = house.retention()
    due = await retention._night()
    assert len(await house.runs()) == len(What)
    tonight = instant_on(local_day(NOW, BANK_ZONE), AT_MINUTE, BANK_ZONE)
    assert due == (tonight if tonight > NOW else tonight + DAY)
    house.now = due - HOUR
    assert await retention._night() == due
    assert len(await house.runs()) == len(What)
    house.now = NOW + 40 * DAY
    assert await retention._night() > house.now
    assert len(await house.runs()) == 2 * len(What)


async def test_months_are_made_ahead_even_if_everything_is_kept(house: House) -> None:
    kept = house.settings.model_copy(update={"retention": RetentionSettings()})
    retention = Retention(kept, main=house.main, facts=house.facts, folders={}, clock=lambda: NOW)
    task = asyncio.create_task(retention.run())
    async with asyncio.timeout(10):
        while house.databases.kind == "postgresql":
            async with house.main.read() as connection:
                there = await parts_of(connection, calls)
            if len(there) == MONTHS_AHEAD + 1:
                assert there[0].first == month_of(NOW)
                assert there[-1].end == shifted(month_of(NOW), MONTHS_AHEAD + 1)
                break
            await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert (retention.problem, await house.runs()) == ("", [])


async def test_an_old_day_is_kept_until_it_is_proved_and_then_can_be_proved_no_longer(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if house.databases.kind == "postgresql":
        pytest.skip("its parts are larger than a test's ledger: tests/integration/ledger/test_retention.py")
    monkeypatch.setattr(facts_retention, "_ROWS", 7)
    ledger = Ledger(house.facts, spool=tmp_path / "spool")
    await ledger.open()
    for days in (300, 300, 260, 1):
        ledger.append([DeviceContactChanged(at=NOW - days * DAY, device="d001", reachable=True)])
    await ledger.stored(ledger.last)
    old = [local_day(NOW - days * DAY, BANK_ZONE) for days in (300, 260)]

    async def facts_run() -> tuple[int, tuple[str, ...]]:
        outcomes = {outcome.what: outcome for outcome in await house.retention().carry_out(dry=False)}
        return outcomes[What.FACTS].removed, outcomes[What.FACTS].kept

    assert await facts_run() == (0, (f"{old[0]} has not been proved: run `hotline proof --day {old[0]}`",))
    await prove_day(house.settings, day=old[0], clock=lambda: NOW)
    assert await facts_run() == (2, (f"{old[1]} has not been proved: run `hotline proof --day {old[1]}`",))
    await prove_day(house.settings, day=old[1], clock=lambda: NOW)
    assert await facts_run() == (1, ())
    with pytest.raises(BadInput, match=r"proved no longer: facts before number 4 .* removed by"):
        await prove_day(house.settings, day=old[1], clock=lambda: NOW)
    await ledger.close()


async def test_what_is_typed_is_done_and_told(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await house.recorded(1, NOW - 300 * DAY)
    config = tmp_path / "hotline.toml"
    database = house.settings.database
    config.write_text(
        f'data_dir = "{tmp_path}"\n[retention]\nrecordings_days = 180\n[database]\nmain = "{database.main}"\n'
        f'ledger = "{database.ledger}"\n[[nodes]]\nname = "node1"\naccounts = "x"\n'
        f'directory = "{house.settings.nodes[0].directory}"\n'
    )

    async def typed(*arguments: str) -> tuple[int, str]:
        given = ["retention", *arguments, "--config", str(config)]
        status = await asyncio.to_thread(hotline, given)
        return status, "".join(capsys.readouterr())

    held = ("--call", call_id(1), "--by", "8001", "--reason", "court")
    assert await typed("hold", *held) == (0, f"call {call_id(1)}: held\n")
    status, said = await typed("--dry-run")
    assert (status, "0 would go" in said, "held by 8001: court" in said) == (0, True, True)
    assert (await typed("hold", "--call", "x", "--by", "8001"))[0] == 2
    assert (await typed("hold", "--call", call_id(1), "--by", "8001"))[1].startswith(
        "hotline retention: --reason: is empty"
    )
    assert await typed("release", *held) == (0, f"call {call_id(1)}: no longer held\n")
    status, said = await typed()
    assert (status, house.files()) == (0, 0)
    assert "1 removed" in said
    status, said = await typed("list")
    assert (status, "1 removed" in said, "holds: none" in said) == (0, True, True)
