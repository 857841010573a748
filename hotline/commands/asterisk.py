"""`hotline asterisk NODE`: one node's Asterisk in the foreground, for whoever supervises it.

`hotline asterisk NODE --ask "core show channels"` asks the one that runs.
"""

from __future__ import annotations

import argparse
import asyncio
import os

from core.errors import BadInput
from hotline import configuration
from hotline.content import add_config
from hotline.settings import Settings
from hotline.settings_nodes import NodeSettings
from telephony import instance
from telephony.instance import AsteriskInstance


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline asterisk`."""
    add_config(parser)
    parser.add_argument("node", help="a node of the settings")
    parser.add_argument("--ask", metavar="COMMAND", help="a command of Asterisk's own command line")


def run(arguments: argparse.Namespace) -> int:
    """Become that Asterisk, or print its answer."""
    node = node_of(configuration.load(arguments.config), arguments.node)
    asterisk = asyncio.run(of(node))
    asterisk.require_config()
    if arguments.ask is None:
        os.execvp(asterisk.command[0], asterisk.command)  # noqa: S606 - words of ours, no shell reads them
    print(asyncio.run(asterisk.cli(arguments.ask)), end="")
    return 0


async def of(node: NodeSettings) -> AsteriskInstance:
    """The node's Asterisk, running or not."""
    return AsteriskInstance(node.directory.absolute(), await instance.find())


def node_of(settings: Settings, name: str) -> NodeSettings:
    """The node of that name; `BadInput` naming those there are."""
    for node in settings.nodes:
        if node.name == name:
            return node
    known = ", ".join(node.name for node in settings.nodes) or "none at all"
    raise BadInput("node", f"the settings name no node {name[:32]!r}; there is: {known}")
