"""`hotline restore BACKUP`: everything back where the settings say, as it was when the backup was made."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from hotline import configuration
from hotline.commands.backup import check, require_backup, restore
from hotline.content import add_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline restore`."""
    add_config(parser)
    parser.add_argument("backup", type=Path, help="a folder that `hotline backup` has made")
    parser.add_argument("--check", action="store_true", help="only look whether the backup is whole")


def run(arguments: argparse.Namespace) -> int:
    """Restore, or only look; says what is to be done next."""
    settings = configuration.load(arguments.config)
    require_backup(arguments.backup)
    manifest = check(arguments.backup)
    size = sum(entry.size for entry in manifest.files)
    print(
        f"{arguments.backup}: {len(manifest.files)} files, {size / 1e6:.1f} MB, whole, of {manifest.made_at}"
    )
    if arguments.check:
        return 0
    for aside in asyncio.run(restore(settings, arguments.backup)):
        print(f"what was there before is now {aside}")
    print("restored; next: `hotline prepare`, then start Asterisk and the service")
    return 0
