"""Recordings go with their files, whoever is killed in between; what is owed, held or not filed stays."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from core.clock import DAY, Instant, system_clock
from core.errors import NotFound
from core.facts import AgentAnswered
from recordings import catalogue
from recordings.audit import audit_node
from recordings.folder import Folder
from recordings.holds import Hold, hold, holds, release
from recordings.model import Part, Recording, Status, file_name
from recordings.proof import prove_recordings
from recordings.retention import RecordingsRetention
from storage.audit import accesses_of
from storage.retention import What, begin_run
from tests.integration.recordings.conftest import NODE, Archive
from tests.integration.recordings.sounds import whole
from tests.integration.ticketing.conftest import CALL
from tests.support.databases import Databases

PROJECT = Path(__file__).parents[3]
LEGS = [f"node1-1700000000.{n}" for n in range(1, 7)]
NONE: dict[str, str] = {}

KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from recordings.folder import Folder
from recordings.retention import RecordingsRetention
from storage import Database

where, folder, url, before = sys.argv[1:]
remove = Folder.remove

def until_killed(self, names):
    names = list(names)
    wanted = {"before": 0, "among": len(names) // 2, "behind": len(names)}[where]
    remove(self, names[:wanted])
    os.kill(os.getpid(), signal.SIGKILL)

Folder.remove = until_killed

async def main():
    database = Database(url, name="main")
    await database.open()
    retention = RecordingsRetention(database=database, folders={"node1": Path(folder)})
    await retention.remove(int(before), {}, dry=False)

asyncio.run(main())
"""


async def recorded(archive: Archive) -> Instant:
    """Six filed legs, both sides each; an instant at which all of them are old."""
    for leg in LEGS:
        for part in (Part.CUSTOMER, Part.AGENT):
            whole(archive.folder / file_name(f"{CALL}_{leg}", part), seconds=0.1)
        await archive.leg(leg)
    await archive.filed(len(LEGS))
    return system_clock() + DAY


def retention(archive: Archive) -> RecordingsRetention:
    return RecordingsRetention(database=archive.main, folders={NODE: archive.folder})


async def rows(archive: Archive) -> list[Recording]:
    async with archive.main.read() as connection:
        return await catalogue.of_node(connection, NODE)


def files(archive: Archive) -> list[str]:
    return sorted(path.name for path in archive.folder.iterdir())


async def test_rows_and_files_go_together(archive: Archive) -> None:
    before = await recorded(archive)
    dry = await retention(archive).remove(before, NONE, dry=True)
    assert (dry.removed, len(files(archive)), len(await rows(archive))) == (6, 12, 6)
    young = await retention(archive).remove(before - 2 * DAY, NONE, dry=False)
    assert (young.removed, len(files(archive))) == (0, 12)
    outcome = await retention(archive).remove(before, NONE, dry=False)
    assert (outcome.removed, outcome.kept, outcome.problem) == (6, (), "")
    assert (files(archive), await rows(archive)) == ([], [])


async def test_a_file_that_no_row_names_goes_with_its_leg(archive: Archive) -> None:
    before = await recorded(archive)
    stray = archive.folder / file_name(f"{CALL}_{LEGS[0]}", Part.MIXED)
    whole(stray, seconds=0.1)
    await retention(archive).remove(before, NONE, dry=False)
    assert files(archive) == []


async def test_what_is_owed_or_not_filed_stays_and_says_why(archive: Archive) -> None:
    before = await recorded(archive)
    await archive.leg("node1-1700000000.77", ended=False)
    owed = {CALL: "work order GD1 is open"}
    outcome = await retention(archive).remove(before, owed, dry=False)
    assert outcome.removed == 0
    assert outcome.kept[0] == f"leg {LEGS[0]}: call {CALL}: work order GD1 is open"
    assert outcome.kept[-1] == "1 recordings are not filed yet: is the service running?"
    assert len(files(archive)) == 12
    assert (await retention(archive).remove(before, NONE, dry=False)).removed == 6
    assert [row.status for row in await rows(archive)] == [Status.RECORDING]


async def test_files_that_cannot_be_removed_keep_their_rows_and_are_tried_again(archive: Archive) -> None:
    before = await recorded(archive)
    in_the_way = archive.folder / file_name(f"{CALL}_{LEGS[0]}", Part.MIXED)
    in_the_way.mkdir()
    outcome = await retention(archive).remove(before, NONE, dry=False)
    assert outcome.removed == 0
    assert "6 recordings of node node1" in outcome.kept[0]
    assert {row.status for row in await rows(archive)} == {Status.REMOVING}
    in_the_way.rmdir()
    assert (await retention(archive).remove(before, NONE, dry=False)).removed == 6
    assert (files(archive), await rows(archive)) == ([], [])


async def test_a_node_that_is_no_longer_configured_keeps_its_recordings(archive: Archive) -> None:
    before = await recorded(archive)
    elsewhere = RecordingsRetention(database=archive.main, folders={})
    outcome = await elsewhere.remove(before, NONE, dry=False)
    assert (outcome.removed, len(files(archive))) == (0, 12)
    assert "the settings name no such node" in outcome.kept[0]


@pytest.mark.parametrize("where", ["before", "among", "behind"])
async def test_killed_in_between_no_file_is_without_its_row(
    archive: Archive, databases: Databases, where: str
) -> None:
    before = await recorded(archive)
    removing = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, where, str(archive.folder), databases.url("main"), str(before)),
        cwd=PROJECT,
    )
    assert await asyncio.wait_for(removing.wait(), 60) == -signal.SIGKILL
    assert len(files(archive)) == {"before": 12, "among": 6, "behind": 0}[where]
    assert await audit_node(archive.main, NODE, Folder(archive.folder), system_clock()) == []
    outcome = await retention(archive).remove(before, NONE, dry=False)
    assert outcome.removed == 6
    assert (files(archive), await rows(archive)) == ([], [])


async def test_a_hold_is_written_down_and_can_be_let_go(archive: Archive) -> None:
    placed = Hold(call=CALL, since=system_clock(), by="8001", reason="complaint GD1")
    async with archive.main.write() as connection:
        await hold(connection, placed)
    async with archive.main.read() as connection:
        assert await holds(connection) == [placed]
        (access,) = await accesses_of(connection, f"call:{CALL}")
    assert (access.staff, access.action, access.reason) == ("8001", "hold", "complaint GD1")
    async with archive.main.write() as connection:
        await release(connection, placed)
    async with archive.main.read() as connection:
        assert await holds(connection) == []
        assert [one.action for one in await accesses_of(connection, f"call:{CALL}")] == ["hold", "release"]
    with pytest.raises(NotFound, match="no hold on call"):
        async with archive.main.write() as connection:
            await release(connection, placed)


async def test_the_proof_of_an_old_day_knows_what_was_removed(archive: Archive) -> None:
    before = await recorded(archive)
    answers = [
        AgentAnswered(
            at=before - 2 * DAY,
            node=NODE,
            call=CALL,
            leg=leg,
            agent="1001",
            queue="card-cmn",
            device="d001",
            waited=0,
            rang=0,
        )
        for leg in LEGS
    ]
    async with archive.main.write() as connection:
        await begin_run(connection, What.RECORDINGS, before, system_clock())
    await retention(archive).remove(before, NONE, dry=False)
    counts: Counter[Status] = Counter()
    assert await prove_recordings(archive.main, answers, {}, counts, system_clock()) == []
    assert counts == {Status.REMOVING: 6}
