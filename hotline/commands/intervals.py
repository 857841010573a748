"""`hotline intervals rebuild`: count the figures over time again from the ledger, while the service runs."""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Callable
from datetime import date, datetime
from datetime import time as time_of_day

from board.rebuild import Rebuild, Rebuilt
from core.clock import Instant, instant
from core.errors import BadInput
from hotline import configuration
from hotline.content import add_config
from hotline.databases import existing
from hotline.settings import Settings
from ledger.store import FactStore

_NICE = 10
"""The service runs on the same processors."""
_SAY_EVERY_S = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline intervals`."""
    add_config(parser)
    parser.add_argument("action", choices=["rebuild"], help="count again, and put right what differs")
    parser.add_argument("--since", metavar="DATE", help="only from this day on (YYYY-MM-DD, the bank's)")


def run(arguments: argparse.Namespace) -> int:
    """Rebuild; the last line says what was found."""
    settings = configuration.load(arguments.config)
    since = None if arguments.since is None else _midnight(arguments.since, settings)
    os.nice(_NICE)
    done = asyncio.run(rebuild(settings, since, _said()))
    print(
        f"{done.facts} facts counted; {done.rows} rows are right, "
        f"{done.mended} of them were missing or wrong, {done.removed} were too many"
    )
    return 0


async def rebuild(settings: Settings, since: Instant | None, progress: Callable[[int, int], None]) -> Rebuilt:
    """Open both databases, rebuild, close them. Errors of storage say which one fails and why."""
    async with existing(settings.main_url, "main") as main, existing(settings.ledger_url, "ledger") as facts:
        return await Rebuild(
            database=main, facts=FactStore(facts), since=since, zone=settings.zone_info, progress=progress
        ).run()


def _midnight(text: str, settings: Settings) -> Instant:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise BadInput("--since", f"{text[:20]!r} is no date: write it as 2026-03-02") from error
    return instant(datetime.combine(day, time_of_day(), settings.zone_info))


def _said() -> Callable[[int, int], None]:
    """Says how far the reading is, at most once a second and at the end of it."""
    said = time.monotonic()

    def progress(done: int, of: int) -> None:
        nonlocal said
        if done < of and time.monotonic() - said < _SAY_EVERY_S:
            return
        said = time.monotonic()
        print(f"fact {done} of {of} ({done / max(1, of):.0%})", flush=True)

    return progress
