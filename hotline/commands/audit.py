"""`hotline audit`: does the chain of accesses hold, and which link is to be kept elsewhere.

It reads the main database beside a service that runs, and changes nothing in it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

from core.clock import Instant, moment
from core.errors import BadInput
from directory.evidence import faults
from hotline.configuration import load
from hotline.content import add_config
from hotline.databases import existing
from hotline.settings import Settings
from storage.audit_chain import Head, Verdict, head, walk

PROGRESS_EVERY_S = 2.0
_MISSING = "there is no {file}: say by --config where the service runs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline audit`."""
    commands = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    verify = commands.add_parser("verify", help="walk the whole chain; exit status 1 if it does not hold")
    verify.add_argument(
        "--expect", type=_head, metavar="SEQ:VALUE", help="a link that was kept elsewhere, to be found again"
    )
    last = commands.add_parser("head", help="print the last link, to be kept elsewhere")
    for sub in (verify, last):
        add_config(sub)


def _head(text: str) -> Head:
    try:
        return Head.parse(text)
    except BadInput as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def run(arguments: argparse.Namespace) -> int:
    """Prints what was asked for; 1 if the chain does not hold."""
    settings = load(arguments.config)
    if arguments.what == "head":
        print(asyncio.run(_last_link(settings)))
        return 0
    verdict, wrong = asyncio.run(_verify(settings, arguments.expect))
    print("\n".join([*told(verdict, arguments.expect, settings.zone_info), *wrong]))
    return 0 if verdict.holds and not wrong else 1


async def _last_link(settings: Settings) -> Head:
    async with existing(settings.main_url, "main", missing=_MISSING) as database:
        return await head(database)


async def _verify(settings: Settings, kept: Head | None) -> tuple[Verdict, list[str]]:
    """Of the chain itself, and what in the directory's history does not fit it."""
    async with existing(settings.main_url, "main", missing=_MISSING) as database:
        total = (await head(database)).seq
        verdict = await walk(database, kept=kept, progress=progress_of(total))
        return verdict, [fault async for fault in faults(database)]


def progress_of(
    total: int, *, every_s: float = PROGRESS_EVERY_S, clock: Callable[[], float] = time.monotonic
) -> Callable[[int], None]:
    """Tells on standard error how far a long walk has come, not more often than every `every_s` seconds."""
    told_at = clock()

    def tell(links: int) -> None:
        nonlocal told_at
        if clock() - told_at >= every_s:
            told_at = clock()
            print(f"{links:,} of {total:,} links walked", file=sys.stderr, flush=True)

    return tell


def told(verdict: Verdict, kept: Head | None, zone: ZoneInfo) -> Iterator[str]:
    """The verdict in words, line by line."""
    if verdict.holds and not verdict.links:
        yield "the chain of accesses is empty: nobody has looked at anything yet"
    else:
        yield f"the chain of accesses {'holds' if verdict.holds else 'IS BROKEN'}: {_extent(verdict, zone)}"
    for finding in verdict.findings:
        yield f"  {finding.detail}"
    if verdict.more:
        yield f"  and {verdict.more:,} more"
    if not verdict.holds:
        yield "keep the database as it is, and read docs/operations.md: The chain of accesses"
        return
    if kept is None:
        yield "whether its end was cut off cannot be told without a link that was kept elsewhere (--expect)"
    else:
        yield f"link {kept.seq} stands as it was kept"
    yield f"its last link, to be kept elsewhere: {verdict.head}"


def _extent(verdict: Verdict, zone: ZoneInfo) -> str:
    if verdict.first_at is None or verdict.last_at is None:
        return "no link is there"
    links = "1 link" if verdict.links == 1 else f"{verdict.links:,} links"
    first, last = (_time(at, zone) for at in (verdict.first_at, verdict.last_at))
    return f"{links}, the first of {first}, the last of {last} ({zone.key})"


def _time(at: Instant, zone: ZoneInfo) -> str:
    return moment(at, zone).strftime("%Y-%m-%d %H:%M:%S")
