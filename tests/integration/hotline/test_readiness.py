"""/ready of the whole program with nodes that come and go: what is told, and when it is 503."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from directory.seed import DEMO, load
from telephony.ami.accounts import Role
from tests.integration.telephony.ami.quiet_node import node_settings, quiet_node
from tests.integration.ticketing.conftest import running
from tests.integration.web.program import Program, running_program

Told = tuple[int, dict[str, Any]]
_ASK_AGAIN_S = 0.02


async def ready(program: Program) -> Told:
    async with program.client.get(program.url / "ready") as response:
        return response.status, await response.json()


async def until(program: Program, holds: Callable[[dict[str, str]], bool]) -> Told:
    """The answer once its checks are so; what changes it is not told to anybody else."""
    async with asyncio.timeout(30):
        while True:
            status, told = await ready(program)
            if holds(told["checks"]):
                return status, told
            await asyncio.sleep(_ASK_AGAIN_S)


@asynccontextmanager
async def at_work(folder: Path, *ports: int) -> AsyncIterator[Program]:
    """The program with its telephony at work on nodes at these ports: `node1`, `node2` …"""
    nodes = [node_settings(f"node{n}", port, folder) for n, port in enumerate(ports, 1)]
    async with running_program(load(DEMO), folder, nodes=nodes) as program:
        telephony = program.hotline.telephony
        await telephony.start()
        async with running(telephony.run()):
            try:
                yield program
            finally:
                await telephony.stop()


async def test_without_nodes_the_ledger_is_all_there_is(tmp_path: Path) -> None:
    async with running_program(load(DEMO), tmp_path) as program:
        assert await ready(program) == (200, {"status": "ok", "checks": {"ledger": "ok"}})


async def test_nodes_that_were_never_connected_are_not_ready(tmp_path: Path) -> None:
    nodes = [node_settings("node1", 9, tmp_path), node_settings("node2", 9, tmp_path)]
    async with running_program(load(DEMO), tmp_path, nodes=nodes) as program:
        status, told = await ready(program)
    assert (status, told["status"]) == (503, "failing")
    assert told["checks"]["node node2"] == "not connected yet"


async def test_one_of_two_lost_is_told_and_both_lost_are_503(tmp_path: Path) -> None:
    async with AsyncExitStack() as first, AsyncExitStack() as second:
        one = await first.enter_async_context(quiet_node())
        two = await second.enter_async_context(quiet_node())
        async with at_work(tmp_path, one.port, two.port) as program:
            good = {"ledger": "ok", "node node1": "ok", "node node2": "ok"}
            told = await until(program, lambda checks: checks == good)
            assert told == (200, {"status": "ok", "checks": good})

            await second.aclose()
            status, body = await until(program, lambda checks: checks["node node2"] != "ok")
            assert (status, body["status"], body["checks"]["node node1"]) == (200, "impaired", "ok")
            assert body["checks"]["node node2"].startswith("lost since 2")

            await first.aclose()
            status, body = await until(program, lambda checks: checks["node node1"] != "ok")
            assert (status, body["status"], body["checks"]["ledger"]) == (503, "failing", "ok")
            assert body["checks"]["node node1"].startswith("lost since 2")


async def test_a_node_that_takes_no_commands_is_told_and_no_more(tmp_path: Path) -> None:
    async with quiet_node(Role.COMMANDS) as node, at_work(tmp_path, node.port) as program:
        word = "connected, but of its sessions commands refused"
        status, body = await until(program, lambda checks: checks["node node1"] == word)
        assert (status, body["status"]) == (200, "impaired")
