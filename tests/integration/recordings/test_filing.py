from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from core.facts import RecordingEnded
from recordings.audit import Fault, altered, audit_node
from recordings.folder import Folder
from recordings.model import Part, Status
from tests.integration.recordings.conftest import LEG, NODE, Archive, archive_in
from tests.integration.recordings.sounds import unfinished, whole
from tests.integration.ticketing.conftest import CALL
from tests.support.databases import Databases


async def test_a_whole_file_is_filed_with_length_and_checksum(archive: Archive) -> None:
    raw = whole(archive.folder / f"{CALL}_{LEG}.wav")
    await archive.leg()
    (fact,) = await archive.filed()
    digest = hashlib.sha256(raw).hexdigest()
    assert (fact.leg, fact.status, fact.length, fact.sha256) == (LEG, "present", 1_500_000, digest)
    assert (fact.file, fact.node, fact.agent) == (f"{CALL}_{LEG}.wav", NODE, "1001")
    row = await archive.row()
    assert (row.status, row.size, row.length) == (Status.PRESENT, len(raw), 1_500_000)
    assert row.started_at is not None and row.ended_at is not None


async def test_both_sides_are_filed_under_one_leg(archive: Archive) -> None:
    for side in ("customer", "agent"):
        whole(archive.folder / f"{CALL}_{LEG}-{side}.wav")
    await archive.leg(file=f"{CALL}_{LEG}.wav")
    await archive.filed()
    row = await archive.row()
    assert row.status is Status.PRESENT
    assert {file.part for file in row.files} == {Part.CUSTOMER, Part.AGENT}


async def test_a_file_that_asterisk_has_not_closed_yet_is_waited_for(
    tmp_path: Path, databases: Databases
) -> None:
    async with archive_in(tmp_path, databases, waits_s=[0.02] * 400) as archive:
        path = archive.folder / f"{CALL}_{LEG}.wav"
        closed = unfinished(path)
        await archive.leg()
        assert await archive.filer.file_some() == 0
        assert (await archive.row()).status is Status.ENDED
        path.write_bytes(closed)
        (fact,) = await archive.filed()
    assert (fact.status, fact.sha256) == ("present", hashlib.sha256(closed).hexdigest())


async def test_waiting_for_one_file_holds_up_no_other(tmp_path: Path, databases: Databases) -> None:
    async with archive_in(tmp_path, databases, waits_s=[60.0]) as archive:
        await archive.leg("node1-1700000000.50")
        base = await archive.leg("node1-1700000000.51", ended=False)
        whole(archive.folder / f"{base}.wav")
        await archive.leg("node1-1700000000.51")
        (fact,) = await archive.filed()
    assert fact.leg == "node1-1700000000.51"


async def test_patience_ends_missing_or_damaged(archive: Archive) -> None:
    await archive.leg()
    (missing,) = await archive.filed()
    assert (missing.status, missing.length, missing.sha256) == ("missing", 0, "")
    unfinished(archive.folder / f"{CALL}_node1-1700000000.13.wav")
    await archive.leg("node1-1700000000.13")
    damaged = (await archive.filed(2))[1]
    assert (damaged.status, damaged.length) == ("damaged", 1_500_000)
    row = await archive.row("node1-1700000000.13")
    assert row.why == "mixed: never closed by Asterisk"


async def test_a_name_that_is_not_the_legs_own_is_never_opened(archive: Archive) -> None:
    whole(archive.folder / f"{CALL}_{LEG}.wav")
    await archive.leg("node1-1700000000.13", file="../../../etc/passwd")
    (fact,) = await archive.filed()
    assert (fact.status, fact.file) == ("damaged", "")
    assert "is not the recording of call" in (await archive.row("node1-1700000000.13")).why


async def test_an_end_without_a_beginning_is_filed_all_the_same(archive: Archive) -> None:
    base = f"{CALL}_{LEG}"
    whole(archive.folder / f"{base}.wav")
    await archive.tell(
        RecordingEnded(at=1, node=NODE, call=CALL, leg=LEG, agent="1001", queue="card-cmn", file=base)
    )
    await archive.filed()
    row = await archive.row()
    assert (row.status, row.started_at) == (Status.PRESENT, None)


async def test_what_ended_before_a_crash_is_filed_after_it_once(tmp_path: Path, databases: Databases) -> None:
    async with archive_in(tmp_path, databases, file=False) as archive:
        whole(archive.folder / f"{CALL}_{LEG}.wav")
        await archive.leg()
        assert await archive.ledger.read(0, kinds={"RecordingFiled"}) == []
    for _ in range(2):
        async with archive_in(tmp_path, databases) as archive:
            await archive.leg()
            assert len(await archive.filed()) == 1


async def test_the_audit_finds_what_has_no_row_and_what_has_no_file(archive: Archive) -> None:
    lost = await archive.leg("node1-1700000000.21", ended=False)
    whole(archive.folder / f"{lost}.wav")
    await archive.leg("node1-1700000000.21")
    kept = await archive.leg("node1-1700000000.22", ended=False)
    whole(archive.folder / f"{kept}.wav")
    await archive.leg("node1-1700000000.22")
    await archive.filed(2)
    folder = Folder(archive.folder)
    now = 1_800_000_000_000_000
    assert await audit_node(archive.main, NODE, folder, now) == []
    (archive.folder / f"{lost}.wav").unlink()
    stray = f"{CALL}_node1-1700000000.99.wav"
    whole(archive.folder / stray)
    (archive.folder / "notes.txt").write_text("?")
    found = await audit_node(archive.main, NODE, folder, now)
    assert {(one.fault, one.name) for one in found} == {
        (Fault.NO_FILE, f"{lost}.wav"),
        (Fault.NO_ROW, stray),
        (Fault.FOREIGN, "notes.txt"),
    }
    row = await archive.row("node1-1700000000.22")
    assert await altered(folder, row) == []
    path = archive.folder / f"{kept}.wav"
    raw = bytearray(path.read_bytes())
    raw[100] ^= 1
    path.write_bytes(bytes(raw))
    assert [one.fault for one in await altered(folder, row)] == [Fault.CHANGED]


async def test_a_database_that_fails_for_a_while_delays_filing_and_ends_nothing(
    tmp_path: Path, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recordings.service._RETRY_S", 0.05)
    async with archive_in(tmp_path, databases) as archive:
        whole(archive.folder / f"{CALL}_{LEG}.wav")
        async with archive.main.write() as connection:
            await connection.exec_driver_sql("ALTER TABLE recording_files RENAME TO away")
        await archive.leg()
        async with asyncio.timeout(10):
            while not archive.filer.problem:  # noqa: ASYNC110 - a problem is a state, not an event
                await asyncio.sleep(0.01)
        assert "recording_files" in archive.filer.problem
        async with archive.main.write() as connection:
            await connection.exec_driver_sql("ALTER TABLE away RENAME TO recording_files")
        (fact,) = await archive.filed()
        assert fact.status == "present"
