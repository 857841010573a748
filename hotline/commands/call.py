"""`hotline call show`: one call in order, line by line, or as a drawing; read beside the service."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from core.clock import moment
from core.errors import NotFound
from hotline.configuration import load
from hotline.content import add_config
from hotline.databases import existing
from hotline.settings import Settings
from ledger.calls import story_of
from ledger.ladder import ladder
from ledger.store import FactStore
from ledger.story import Story
from ledger.story_words import Language, lane_name, seconds, sentence

_MISSING = "there is no {file}: start the service once, or name its settings"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline call`."""
    commands = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    show = commands.add_parser("show", help="what happened, in order; the caller's number is masked")
    add_config(show)
    show.add_argument("call", help="number of the call, as `/api/calls` and the log have it")
    show.add_argument("--svg", action="store_true", help="a ladder diagram on standard output")
    show.add_argument("--language", choices=("zh", "en"), default="zh", help="of the words (zh)")


def run(arguments: argparse.Namespace) -> int:
    """Shows it; 0."""
    settings = load(arguments.config)
    story = asyncio.run(_story(settings, arguments.call))
    if arguments.svg:
        print(ladder(story, arguments.language), end="")
    else:
        print(*_lines(story, arguments.language, settings.zone_info), sep="\n")
    return 0


async def _story(settings: Settings, call: str) -> Story:
    async with existing(settings.ledger_url, "ledger", missing=_MISSING) as facts:
        story = await story_of(FactStore(facts), call)
    if story is None:
        raise NotFound(
            f"the ledger has no call {call[:40]!r}: look at its number again; what retention has removed "
            "is in the list of calls alone"
        )
    return story


def _lines(story: Story, language: Language, zone: ZoneInfo) -> Iterator[str]:
    yield f"{story.call}  {moment(story.began_at, zone):%Y-%m-%d %H:%M:%S %z}"
    for line in story.lines:
        who = lane_name(line.source, language)
        if line.target != line.source:
            who += f" → {lane_name(line.target, language)}"
        yield f"{'+' + seconds(line.since):>12}  {who}: {sentence(line, language)}"
