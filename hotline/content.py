"""The content that is data, read and checked together: the directory's seed, the prompts, the flows.

A flow is checked against the prompts and queues there are, so these belong to one another. `hotline content`
checks them without starting anything; `hotline flow` and `hotline prompts` work on them.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import directory.calendar
import directory.seed
from core.calendar import WorkingCalendar
from directory.lookup import Directory
from hotline.configuration import load
from hotline.settings import Settings
from ivr.load import read_flow
from ivr.model import Flow, Surroundings
from ivr.prompts import Catalogue, read_catalogue

PROJECT = Path(__file__).resolve().parent.parent
CATALOGUE = PROJECT / "dialplans/prompts/catalogue.yaml"
FLOWS = PROJECT / "ivr/flows"


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that is data, checked against each other; flows by name."""

    directory: Directory
    calendar: WorkingCalendar
    catalogue: Catalogue
    flows: Mapping[str, Flow]


def read_content(settings: Settings, flows: Path = FLOWS) -> Content:
    """The content these settings name; refused as its own reader refuses it, with file and line."""
    people = directory.seed.load(_place(settings.seed))
    catalogue = read_catalogue(CATALOGUE)
    around = Surroundings(
        prompts=catalogue.names, queues=frozenset(people.queues), languages=frozenset(people.languages)
    )
    found = [read_flow(path, around) for path in sorted(flows.glob("*.yaml"))]
    return Content(people, read_calendar(settings), catalogue, {flow.name: flow for flow in found})


def read_calendar(settings: Settings) -> WorkingCalendar:
    """The working calendar these settings name; `SeedRefused` with file and line if it is wrong."""
    return directory.calendar.load(_place(settings.calendar), settings.zone_info)


def _place(path: Path) -> Path:
    return path if path.is_absolute() else PROJECT / path


def add_config(parser: argparse.ArgumentParser) -> None:
    """The option that every command which reads the settings has."""
    parser.add_argument("--config", type=Path, help="the TOML file with the settings")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline content`."""
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    """Checks all content and says what there is."""
    content = read_content(load(arguments.config))
    print(
        f"{len(content.directory.staff)} staff, {len(content.directory.queues)} queues, "
        f"{len(content.directory.devices)} devices, {len(content.catalogue.prompts)} prompts, "
        f"working days confirmed until {content.calendar.confirmed_until}, "
        f"flows: {', '.join(content.flows)}: all in order"
    )
    return 0
