"""What a command beside the service takes for the directory: what is kept, or else the seed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from core.clock import system_clock
from directory.book import DirectoryBook
from directory.changes import Line
from directory.credentials import issue
from directory.entries import entries_of
from directory.seed import DEMO, load
from hotline import configuration
from hotline.__main__ import main
from hotline.check_heard import of_node_flows
from hotline.commands.check import findings
from hotline.content import read_content
from hotline.databases import kept_directory
from hotline.findings import Weight
from hotline.serve import assembled
from hotline.settings import DatabaseSettings, Settings, WebSettings
from hotline.settings_nodes import NodeSettings
from ivr.compile import compile_flow
from ivr.publish import flow_file, publish
from storage import Database, DatabaseDown, migrate
from storage.timers import Timers
from tests.integration.telephony.ami.quiet_node import node_settings
from tests.integration.web.site import CHEAP
from tests.support.databases import Databases
from tests.support.ports import own
from tests.support.postgres import Cluster
from tests.unit.ivr.flows import SMALL

SEED = load(DEMO)
VIP = "13800001111"
PORT = own().web


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


LOAN = {"code": "loan", "zh": "贷款", "en": "Loans"}


def settings_file(folder: Path) -> Path:
    """Of a hotline whose flow leads callers of the small menu's key 2 to the loans."""
    (folder / "flows").mkdir()
    text = SMALL.replace('"777"', '"95559"').replace("queue loss", "queue loan")
    (folder / "flows" / "95559.yaml").write_text(text, "utf-8")
    config = folder / "own.toml"
    config.write_text(f'data_dir = "{folder}"\nflows = "{folder}/flows"\n', "utf-8")
    return config


def changed(folder: Path, *lines: Line) -> None:
    """The directory as it is kept there, changed by a service from before it looked at flows."""

    async def all_of_it() -> None:
        database = Database(Settings(data_dir=folder).main_url, name="main")
        await database.open()
        await migrate(database, "main")
        timers = Timers(clock=system_clock)
        book = DirectoryBook(database=database, timers=timers, clock=system_clock, seed=SEED)
        await book.open()
        await book.change(lines, by="9001", reason="a test")
        await database.close()

    asyncio.run(all_of_it())


def test_flows_are_held_against_the_directory_that_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ["--config", str(settings_file(tmp_path))]
    commands = (["content"], ["flow", "dialplan"], ["flow", "try", "--keys", "2"])
    for command in commands:
        assert main([*command, *config]) == 2
        assert "unknown queue business 'loan'" in capsys.readouterr().err
    changed(tmp_path, Line("businesses", "loan", LOAN))
    for command in commands:
        assert main([*command, *config]) == 0
    assert "ends: loan-cmn" in capsys.readouterr().out
    changed(tmp_path, Line("businesses", "loan", None))
    assert main(["flow", "publish", *config]) == 2
    assert "95559.yaml:16: top: unknown queue business 'loan'" in capsys.readouterr().err


async def test_the_service_starts_with_a_flow_that_fits_what_is_kept(tmp_path: Path) -> None:
    config = settings_file(tmp_path)
    await asyncio.to_thread(changed, tmp_path, Line("businesses", "loan", LOAN))
    settings = configuration.load(config).model_copy(update={"web": WebSettings(port=PORT)})
    issue(settings.credentials_file, SEED, passwords=CHEAP)
    hotline = await assembled(settings)
    assert "loan-cmn" in hotline.directory.present.queues
    await hotline.close()


def test_a_right_that_came_after_the_roles_were_taken_in_is_told_by_the_check_and_at_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(data_dir=tmp_path, web=WebSettings(port=PORT))
    roles = {key: body for (section, key), body in entries_of(SEED).items() if section == "roles"}
    without = {
        code: [right for right in body["rights"] if right != "calls.move"] for code, body in roles.items()
    }
    changed(
        tmp_path, *(Line("roles", code, {**body, "rights": without[code]}) for code, body in roles.items())
    )
    (tmp_path / "left.over").touch()
    told = {one.about: one.line() for one in findings(settings)}
    assert "held by nobody, as shipped of leader: calls.move; supervisor: calls.move → give" in told["rights"]
    assert f"{tmp_path / 'left.over'} is in no backup" in told["folders"]

    issue(settings.credentials_file, SEED, passwords=CHEAP)
    asyncio.run(started_and_stopped(settings))
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "held by nobody" in line]
    assert "leader: calls.move; supervisor: calls.move" in line


async def started_and_stopped(settings: Settings) -> None:
    hotline = await assembled(settings)
    await hotline.close()


def test_the_check_finds_a_queue_that_callers_are_led_to_and_that_is_gone(tmp_path: Path) -> None:
    node = NodeSettings(**node_settings("node1", 9, tmp_path))
    content = read_content(Settings())
    (node.directory / "etc").mkdir()
    publish(compile_flow(content.flows["95559"]), flow_file(node.directory, "95559"))
    (well,) = of_node_flows(node, content)
    assert well.weight is Weight.GOOD
    queues = {name: queue for name, queue in SEED.queues.items() if name != "loss-nan"}
    found = next(of_node_flows(node, replace(content, directory=replace(SEED, queues=queues))))
    assert found.weight is Weight.ERROR
    assert "leads callers to loss-nan (at language), which the directory does not have" in found.line()
