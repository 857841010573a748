"""`hotline prompts`: speak the catalogue into a folder, or say what is missing there."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hotline.configuration import load
from hotline.content import CATALOGUE, add_config
from ivr.prompts import read_catalogue
from ivr.render import check_prompts, render_prompts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline prompts`."""
    add_config(parser)
    parser.add_argument("into", type=Path, help="folder of the sound files, <node directory>/prompts")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if any is missing or stale")


def run(arguments: argparse.Namespace) -> int:
    """Renders or checks the prompts."""
    settings = load(arguments.config)
    catalogue = read_catalogue(CATALOGUE)
    if arguments.check:
        found = check_prompts(catalogue, arguments.into, studio=settings.studio_prompts)
        print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
        return 1 if found else 0
    done = render_prompts(
        catalogue,
        arguments.into,
        cache=settings.data_dir / "prompts",
        studio=settings.studio_prompts,
    )
    print(
        f"{done.made} made, {done.cached} from before, {done.unchanged} unchanged, "
        f"{done.studio} from the studio"
    )
    return 0
