"""`hotline upgrade [REF]`: another version in place, or everything as it was."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.clock import system_clock
from core.errors import BadInput
from hotline import configuration
from hotline.author import add_by, who
from hotline.content import PROJECT, add_config
from hotline.releases import releases_of
from hotline.upgrading import Upgrade


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline upgrade`."""
    add_config(parser)
    add_by(parser)
    parser.add_argument(
        "ref", nargs="?", default="", help="branch, tag or commit; without it the main branch"
    )
    parser.add_argument("--unwell", action="store_true", help="although the service is not well as it is")
    parser.add_argument(
        "--unrehearsed", action="store_true", help="without trying migrations on a copy of the databases"
    )


def run(arguments: argparse.Namespace) -> int:
    """Say each step; 0 once the new version is ready."""
    upgrade = upgrade_of(arguments)
    with upgrade.releases.alone():
        upgrade.to(arguments.ref, unwell=arguments.unwell, rehearse=not arguments.unrehearsed)
    return 0


def upgrade_of(arguments: argparse.Namespace) -> Upgrade:
    """What there is to work with; `BadInput` if this program is not installed as a release."""
    config: Path | None = arguments.config or configuration.named_file()
    if config is None:
        raise BadInput("--config", "say where the settings are: other versions are to be given the same")
    return Upgrade(
        releases=releases_of(PROJECT),
        project=PROJECT,
        settings=configuration.load(config),
        config=config.absolute(),
        by=who(arguments),
        clock=system_clock,
        say=lambda text: print(text, flush=True),
    )
