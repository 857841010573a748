"""`hotline up`: the service with the Asterisk of each of its nodes, until it is told to stop.

For a machine of one's own. Where systemd keeps things running, service and Asterisk are units apart
(deploy/systemd), so that either can be started anew without the other.
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import AsyncExitStack

import structlog
import uvloop

from hotline import configuration, logs
from hotline.content import add_config
from hotline.preflight import WantedPort, require_free
from hotline.serve import serve
from hotline.settings import Settings
from hotline.settings_nodes import NodeSettings
from telephony import instance
from telephony.instance import AsteriskInstance

_log = structlog.get_logger("hotline")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline up`."""
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run it; 0 when told to stop."""
    settings = configuration.load(arguments.config)
    logs.configure(settings.log)
    uvloop.run(up(settings))
    return 0


async def up(settings: Settings) -> None:
    """Start every Asterisk that is ours, keep it running, and serve; what fails takes the rest along."""
    ours = await _ours(settings)
    async with AsyncExitStack() as stack:
        keepers = []
        for node, asterisk in ours:
            await stack.enter_async_context(asterisk)
            _log.info("asterisk runs", node=node.name, sip=f"{node.sip_address}:{node.sip_port}")
            keepers.append(asterisk.keep(_log.warning))
        work = [asyncio.create_task(one) for one in (serve(settings), *keepers)]
        done, pending = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()


async def _ours(settings: Settings) -> list[tuple[NodeSettings, AsteriskInstance]]:
    """Those to be started, each prepared and its ports free."""
    nodes = [node for node in settings.nodes if node.run_asterisk]
    if not nodes:
        return []
    programs = await instance.find()
    found = [(node, AsteriskInstance(node.directory.absolute(), programs)) for node in nodes]
    for node, asterisk in found:
        asterisk.require_config()
        require_free(
            [
                WantedPort(node.host, node.port, f"port of node {node.name}"),
                WantedPort(node.sip_address, node.sip_port, f"sip_port of node {node.name}", udp=True),
            ]
        )
    return found
