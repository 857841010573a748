"""Customers who are served apart reach each node's folder by themselves: real databases, real files."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import CodeType, FrameType

import pytest

from core.clock import BANK_ZONE, DAY
from customers import rules, store
from customers.model import Details, Level
from customers.service import Customers
from directory.lookup import Directory
from directory.seed import DEMO, load
from hotline.customer_files import CustomerFiles, word_of, write_all
from hotline.settings_nodes import NodeSettings
from storage import Database, migrate
from telephony.nodefiles import customer_file
from tests.integration.ticketing.conftest import running
from tests.support.databases import Databases

NOW = 1_795_276_800_000_000
"""2026-11-22 00:00:00 in the bank's zone."""
KEY = "0123456789abcdef"
MOBILE, LANDLINE, ABROAD, PLAIN = "13800001111", "059588880001", "+442079460000", "13900002222"


@dataclass
class World:
    """One customer table, one node's folder, and what keeps them the same."""

    folder: Path
    customers: Customers
    files: CustomerFiles
    directory: Directory
    now: int = NOW

    def says(self, number: str) -> str:
        file = self.folder / customer_file(KEY, number)
        return file.read_text("ascii") if file.exists() else ""

    async def keep(self, id_: str, *numbers: str, **more: object) -> None:
        details = Details(name="张三丰", numbers=numbers, **more)  # type: ignore[arg-type]
        await self.customers.create(id_, details, by="9001", reason="x")

    async def published(self) -> None:
        await asyncio.wait_for(self.files.done(), 60)


@pytest.fixture
async def world(databases: Databases, tmp_path: Path) -> AsyncIterator[World]:
    database = Database(databases.url("main"), name="main")
    await database.open()
    await migrate(database)
    node = NodeSettings(name="node1", accounts=tmp_path / "a.json", directory=tmp_path)
    customers = Customers(database=database, directory=lambda: made.directory, clock=lambda: made.now)
    files = CustomerFiles(
        (node,), customers, lambda: made.directory, key=KEY, clock=lambda: made.now, zone=BANK_ZONE
    )
    made = World(tmp_path / "customers", customers, files, load(DEMO))
    yield made
    await database.close()


async def test_who_is_served_apart_is_published_and_nobody_else(world: World) -> None:
    await world.keep("C-1", MOBILE, LANDLINE, level=Level.VIP, language="nan")
    await world.keep("C-2", ABROAD, language="en")
    await world.keep("C-3", PLAIN, language="cmn")
    async with running(world.files.run()):
        await world.published()
        numbers = (MOBILE, LANDLINE, ABROAD, PLAIN)
        assert [world.says(number) for number in numbers] == ["1nan", "1nan", "0en", ""]
        assert world.files.published["node1"].numbers == 3
        assert world.files.published["node1"].since == NOW
        (first, *_) = world.folder.iterdir()
        assert stat.S_IMODE(first.stat().st_mode) == 0o640
        assert stat.S_IMODE(world.folder.stat().st_mode) & 0o007 == 0
        assert not [name for name in world.folder.iterdir() if MOBILE in name.name or len(name.name) != 40]


async def test_every_change_is_live_without_all_being_written_anew(world: World) -> None:
    await world.keep("C-1", MOBILE, level=Level.VIP)
    async with running(world.files.run()):
        await world.published()
        untouched = (world.folder / customer_file(KEY, MOBILE)).stat().st_ino
        await world.keep("C-2", LANDLINE, level=Level.PRIVATE)
        await world.published()
        assert world.says(LANDLINE) == "1"
        told = {"numbers": (ABROAD,), "language": "en"}
        await world.customers.change("C-2", 1, told, by="9001", reason="x")
        await world.published()
        assert (world.says(LANDLINE), world.says(ABROAD)) == ("", "1en")
        plain = {"level": Level.ORDINARY, "language": ""}
        await world.customers.change("C-2", 2, plain, by="9001", reason="x")
        await world.published()
        assert world.says(ABROAD) == ""
        assert world.files.published["node1"].numbers == 1
        assert (world.folder / customer_file(KEY, MOBILE)).stat().st_ino == untouched


async def test_of_those_who_share_a_number_the_most_favoured_decides(world: World) -> None:
    await world.keep("C-1", MOBILE, language="en")
    await world.keep("C-2", MOBILE, level=Level.VIP)
    async with running(world.files.run()):
        await world.published()
        assert world.says(MOBILE) == "1"


async def test_what_was_missed_or_is_too_much_is_mended_at_the_start(world: World) -> None:
    world.folder.mkdir()
    stray = world.folder / customer_file(KEY, PLAIN)
    stray.write_text("1", "ascii")
    await world.keep("C-1", MOBILE, level=Level.VIP)  # nobody publishes
    async with running(world.files.run()):
        await world.published()
        assert (world.says(MOBILE), world.says(PLAIN)) == ("1", "")


async def test_after_the_last_day_a_customer_is_served_as_anybody(world: World) -> None:
    await world.keep("C-1", MOBILE, level=Level.VIP, until=date(2026, 11, 22))
    async with running(world.files.run()):
        await world.published()
        assert world.says(MOBILE) == "1"
        world.now += DAY
        world.files.compare()  # what the first second of the day does
        await world.published()
        assert world.says(MOBILE) == ""


async def test_a_language_is_published_only_where_every_queue_is_there(world: World) -> None:
    without = {name: queue for name, queue in world.directory.queues.items() if name != "loss-en"}
    world.directory = replace(world.directory, queues=without)
    await world.keep("C-1", MOBILE, language="en")
    await world.keep("C-2", LANDLINE, language="nan")
    async with running(world.files.run()):
        await world.published()
        assert (world.says(MOBILE), world.says(LANDLINE)) == ("", "0nan")


async def test_a_folder_that_cannot_be_written_is_told_and_made_good(world: World) -> None:
    world.folder.write_text("in the way", "ascii")
    await world.keep("C-1", MOBILE, level=Level.VIP)
    async with running(world.files.run()):
        await world.published()
        standing = world.files.published["node1"]
        assert (standing.since, "hotline prepare" in standing.waiting) == (None, True)
        world.folder.unlink()
        await world.keep("C-2", LANDLINE, level=Level.VIP)  # wakes it before its time
        await world.published()
        assert not world.files.published["node1"].waiting
        assert (world.says(MOBILE), world.says(LANDLINE)) == ("1", "1")


async def test_what_is_done_for_each_number_is_not_done_in_the_event_loop(world: World) -> None:
    """With a hundred thousand favoured customers it would stand still for seconds."""
    here: set[CodeType] = set()

    def note(frame: FrameType, _event: str, _arg: object) -> None:
        here.add(frame.f_code)

    await world.keep("C-1", MOBILE, LANDLINE, level=Level.VIP)
    before = sys.getprofile()
    sys.setprofile(note)  # of this thread alone
    try:
        async with running(world.files.run()):
            await world.published()
    finally:
        sys.setprofile(before)
    assert world.says(MOBILE) == "1"
    for_each = (store.with_its_number, rules.is_current, word_of, customer_file)
    assert CustomerFiles.done.__code__ in here
    assert not [each.__name__ for each in for_each if each.__code__ in here]


async def test_one_that_is_ended_has_let_go_of_the_files(world: World) -> None:
    """Else its successor would meet it there: both write the same file aside."""
    world.folder.mkdir()
    slow = world.folder / customer_file(KEY, MOBILE)
    os.mkfifo(slow)  # whoever compares it waits for as long as we like
    await world.keep("C-1", MOBILE, level=Level.VIP)
    task = asyncio.create_task(world.files.run())
    writer = await asyncio.to_thread(os.open, slow, os.O_WRONLY)
    try:
        task.cancel()
        for _ in range(10):
            await asyncio.sleep(0)
        assert not task.done()
    finally:
        os.close(writer)
    with pytest.raises(asyncio.CancelledError):
        await task


def test_who_is_told_to_stop_leaves_the_rest_of_the_files_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "stray").write_text("1", "ascii")
    told = iter((False, True, True))
    write_all(tmp_path, {"a": "1", "b": "1"}, frozenset(), lambda: next(told))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a", "stray"]
