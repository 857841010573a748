"""`hotline reload`: a running Asterisk takes what `hotline prepare` has made anew.

The dialplan by itself (flows, VIPs, PINs): calls in progress go on in the version they began with. Telephones
and queues only when asked for, since each makes Asterisk look at all of its devices.
"""

from __future__ import annotations

import argparse
import asyncio

from hotline import configuration
from hotline.commands.asterisk import node_of, of
from hotline.content import add_config
from hotline.settings_nodes import NodeSettings

_DIALPLAN = "dialplan reload"
_TELEPHONES = "module reload res_pjsip.so"
_QUEUES = "queue reload all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline reload`."""
    add_config(parser)
    parser.add_argument("nodes", nargs="*", metavar="NODE", help="only these; without any, all")
    parser.add_argument("--telephones", action="store_true", help="telephones and trunks, too")
    parser.add_argument("--queues", action="store_true", help="the queues' settings, too")


def run(arguments: argparse.Namespace) -> int:
    """Say of each node that it has taken the changes."""
    settings = configuration.load(arguments.config)
    nodes = [node_of(settings, name) for name in arguments.nodes] or list(settings.nodes)
    commands = [_DIALPLAN]
    commands += [_TELEPHONES] if arguments.telephones else []
    commands += [_QUEUES] if arguments.queues else []
    for node in nodes:
        asyncio.run(_tell(node, commands))
        print(f"{node.name}: {', '.join(commands)}: done")
    return 0


async def _tell(node: NodeSettings, commands: list[str]) -> None:
    asterisk = await of(node)
    for command in commands:
        await asterisk.cli(command)
