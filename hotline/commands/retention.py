"""`hotline retention`: remove what is past its time now instead of at night, or look at it, or hold a call.

What is kept how long is a matter of the settings (`[retention]`); the service does the same every night.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from core.clock import Instant, moment, system_clock
from core.errors import BadInput
from core.names import check
from hotline import configuration
from hotline.content import add_config
from hotline.databases import existing
from hotline.retention import Retention, limits_of
from hotline.settings import Settings
from recordings.holds import Hold, hold, holds, release
from storage.retention import Outcome, last_runs

ACTIONS = ("run", "list", "hold", "release")
_LISTED = 20
_MISSING = "{file} is not there: has the service ever run with these settings?"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline retention`."""
    add_config(parser)
    parser.add_argument(
        "action",
        nargs="?",
        choices=ACTIONS,
        default="run",
        help="run: remove now; list: the last runs, and holds; hold, release: a call of which nothing may go",
    )
    parser.add_argument("--dry-run", action="store_true", help="remove nothing: say what would go, what not")
    parser.add_argument("--call", default="", help="the call to hold or release")
    parser.add_argument("--by", default="", metavar="STAFF", help="the staff number of whoever asks for that")
    parser.add_argument("--reason", default="", help="why, for whoever reads it years later")


def run(arguments: argparse.Namespace) -> int:
    """0; 1 if a kind of thing could not be removed."""
    settings = configuration.load(arguments.config)
    if arguments.action in ("hold", "release"):
        print(asyncio.run(_change_hold(settings, arguments)))
        return 0
    if arguments.action == "list":
        print(*asyncio.run(_listed(settings)), sep="\n")
        return 0
    outcomes = asyncio.run(carry_out(settings, dry=arguments.dry_run))
    print(*told(settings, outcomes, dry=arguments.dry_run), sep="\n")
    return 1 if any(outcome.problem for outcome in outcomes) else 0


async def carry_out(settings: Settings, *, dry: bool) -> list[Outcome]:
    """One run beside the service, or the look at what it would do."""
    folders = {node.name: node.directory / "recordings" for node in settings.nodes}
    async with (
        existing(settings.ledger_url, "ledger", missing=_MISSING) as facts,
        existing(settings.main_url, "main", missing=_MISSING) as main,
    ):
        retention = Retention(settings, main=main, facts=facts, folders=folders, clock=system_clock)
        return await retention.carry_out(dry=dry)


def told(settings: Settings, outcomes: list[Outcome], *, dry: bool) -> Iterator[str]:
    """For people: a line for each kind of thing, then why something older stayed."""
    if not any(limits_of(settings.retention, system_clock())):
        yield "everything is kept for ever: [retention] in the settings names no time"
    for outcome in outcomes:
        yield from _lines(outcome, settings.zone_info, "would go" if dry else "removed")


def _lines(outcome: Outcome, zone: ZoneInfo, verb: str) -> Iterator[str]:
    yield f"{outcome.what:<11} before {_at(outcome.before, zone)}: {outcome.removed} {verb}"
    yield from (f"  kept: {why}" for why in outcome.kept)
    if outcome.problem:
        yield f"  cut short: {outcome.problem}"


async def _listed(settings: Settings) -> list[str]:
    zone = settings.zone_info
    async with (
        existing(settings.main_url, "main", missing=_MISSING) as main,
        main.read() as connection,
    ):
        runs, held = await last_runs(connection, _LISTED), await holds(connection)
    lines = [f"runs: {len(runs) or 'none yet'}"]
    for one in runs:
        first, *more = _lines(one.outcome, zone, "removed")
        ended = (
            "" if one.ended_at is not None else " (goes on, or was killed: the next run goes on from there)"
        )
        lines += [f"{_at(one.began_at, zone)}  {first}{ended}", *more]
    lines.append(f"holds: {len(held) or 'none'}")
    return lines + [
        f"  call {one.call}, since {_at(one.since, zone)}, {one.by}: {one.reason}" for one in held
    ]


async def _change_hold(settings: Settings, given: argparse.Namespace) -> str:
    check("call", given.call, "--call")
    check("staff", given.by, "--by")
    if not given.reason.strip():
        raise BadInput("--reason", "is empty: say why, for whoever reads it years later")
    wanted = Hold(call=given.call, since=system_clock(), by=given.by, reason=given.reason.strip()[:200])
    async with (
        existing(settings.main_url, "main", missing=_MISSING) as main,
        main.write() as connection,
    ):
        await (hold if given.action == "hold" else release)(connection, wanted)
    return f"call {wanted.call}: {'held' if given.action == 'hold' else 'no longer held'}"


def _at(at: Instant, zone: ZoneInfo) -> str:
    return f"{moment(at, zone):%Y-%m-%d %H:%M}"
