"""`hotline roll-back`: the version before in place again, and its tables."""

from __future__ import annotations

import argparse

from hotline.author import add_by
from hotline.commands.upgrade import upgrade_of
from hotline.content import add_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline roll-back`."""
    add_config(parser)
    add_by(parser)


def run(arguments: argparse.Namespace) -> int:
    """Say each step; 0 once the version before is ready."""
    upgrade = upgrade_of(arguments)
    with upgrade.releases.alone():
        upgrade.back()
    return 0
