"""What a command beside the service takes for the directory: what is kept, or else the seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.clock import system_clock
from directory.book import DirectoryBook
from directory.changes import Line
from directory.seed import DEMO, load
from hotline.databases import kept_directory
from hotline.settings import DatabaseSettings, Settings
from storage import Database, DatabaseDown, migrate
from storage.timers import Timers
from tests.support.databases import Databases
from tests.support.postgres import Cluster

SEED = load(DEMO)
VIP = "13800001111"


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_the_seed_is_the_directory_until_it_has_been_taken_in(
    databases: Databases, tmp_path: Path
) -> None:
    url = databases.url("empty", None)
    settings = Settings(data_dir=tmp_path, database=DatabaseSettings(main=url, ledger=""))
    assert await kept_directory(settings, SEED) is SEED
    assert names(tmp_path) == []  # to look makes nothing
    database = Database(url, name="main")
    await database.open()
    try:
        await migrate(database, "main")
        assert await kept_directory(settings, SEED) is SEED
        book = DirectoryBook(
            database=database, timers=Timers(clock=system_clock), clock=system_clock, seed=SEED
        )
        await book.open()
        assert await kept_directory(settings, SEED) == SEED
        await book.change([Line("vip_numbers", VIP, {})], by="9001", reason="a new one")
    finally:
        await database.close()
    assert (await kept_directory(settings, SEED)).is_vip(VIP)


@pytest.mark.postgresql
async def test_a_server_that_is_down_is_not_taken_for_a_new_one(server: Cluster, tmp_path: Path) -> None:
    url = server.url("postgres").replace(f":{server.port}/", ":1/")
    settings = Settings(data_dir=tmp_path, database=DatabaseSettings(main=url, ledger=""))
    with pytest.raises(DatabaseDown):
        await kept_directory(settings, SEED)
