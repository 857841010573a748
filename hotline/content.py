"""The content that is data, read and checked together: the directory's seed, the prompts, the flows.

A flow is checked against the prompts and queues there are, so these belong to one another. `hotline content`
checks them, as the service would, and starts nothing; `hotline flow` and `hotline prompts` work on them.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import directory.calendar
import directory.seed
from core.calendar import WorkingCalendar
from core.errors import BadInput
from directory.lookup import Directory
from hotline.configuration import load
from hotline.databases import kept_directory
from hotline.settings import Settings
from ivr.load import read_flow
from ivr.model import Flow, Surroundings
from ivr.prompts import Catalogue, read_catalogue

PROJECT = Path(__file__).resolve().parent.parent
CATALOGUE = PROJECT / "dialplans/prompts/catalogue.yaml"
ENTRY = "95559"
"""The flow into which the dialplan leads every call."""


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that is data, checked against each other; flows by name."""

    directory: Directory
    catalogue: Catalogue
    flows: Mapping[str, Flow]


async def kept_content(settings: Settings) -> Content:
    """The content these settings name, with the directory as the service keeps it.

    `DatabaseDown` if nobody can say what that is; else as `read_content`.
    """
    return read_content(settings, await kept_directory(settings, read_seed(settings)))


def read_content(settings: Settings, kept: Directory | None = None) -> Content:
    """The content these settings name; refused as its own reader refuses it, with file and line.

    `kept`: the directory that flows must fit, if it is not the seed.
    """
    people = kept or read_seed(settings)
    catalogue = read_prompts(settings)
    around = Surroundings(
        prompts=catalogue.names, queues=frozenset(people.queues), languages=frozenset(people.languages)
    )
    flows: dict[str, Flow] = {}
    for path in sorted(place_of(settings.flows).glob("*.yaml")):
        flow = read_flow(path, around)
        if flow.name in flows:
            raise BadInput(str(path), f"flow {flow.name} is there already, in another file: keep one")
        flows[flow.name] = flow
    if ENTRY not in flows:
        raise BadInput(
            str(place_of(settings.flows)),
            f"holds no flow {ENTRY}, into which every call is led: write it there",
        )
    return Content(people, catalogue, flows)


def read_seed(settings: Settings) -> Directory:
    """What a new hotline begins with; `SeedRefused` with file and line if seed or calendar is wrong."""
    return directory.seed.load(place_of(settings.seed), calendar=read_calendar(settings))


def read_prompts(settings: Settings) -> Catalogue:
    """The catalogue these settings name; `BadInput` if it lacks what the program itself has to say."""
    file = place_of(settings.catalogue)
    found = read_catalogue(file)
    if file != CATALOGUE and (missing := sorted(read_catalogue(CATALOGUE).names - found.names)):
        raise BadInput(
            str(file), f"prompts are missing: take them over from {CATALOGUE}: {', '.join(missing)}"
        )
    return found


def read_calendar(settings: Settings) -> WorkingCalendar:
    """The working calendar these settings name; `SeedRefused` with file and line if it is wrong."""
    return directory.calendar.load(place_of(settings.calendar), settings.zone_info)


def place_of(path: Path) -> Path:
    """Where content of that path is: what is relative comes along with the program."""
    return path if path.is_absolute() else PROJECT / path


def add_config(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """The option that every command which reads the settings has; `again`: beneath one that has it."""
    default = argparse.SUPPRESS if again else None
    parser.add_argument("--config", type=Path, default=default, help="the TOML file with the settings")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline content`."""
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    """Checks all content and says what there is."""
    content = asyncio.run(kept_content(load(arguments.config)))
    print(
        f"{len(content.directory.staff)} staff, {len(content.directory.queues)} queues, "
        f"{len(content.directory.devices)} devices, {len(content.catalogue.prompts)} prompts, "
        f"working days confirmed until {content.directory.calendar.confirmed_until}, "
        f"flows: {', '.join(content.flows)}: all in order"
    )
    return 0
