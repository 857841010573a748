"""`hotline migrate`: both databases brought to the tables of this program, or back, with the service stopped.

The service does it by itself at each start. By hand it is for upgrades, which want to know about a migration
before and apart from the start, and for going back: only the newer program knows the way down.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from core.errors import BadInput
from hotline import configuration
from hotline.commands.backup import check, require_backup, service_stopped
from hotline.content import add_config
from hotline.led import require_not_led
from hotline.settings import Settings
from storage import Database, migrate, migrate_down
from storage.migrate import History, newest, revision, scripts
from storage.scratch import scratch

HISTORIES: tuple[History, ...] = ("main", "ledger")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline migrate`."""
    add_config(parser)
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "--show", action="store_true", help="change nothing: at which revision each stands, and is to stand"
    )
    either.add_argument(
        "--to", nargs="+", type=_target, metavar="DATABASE=REVISION", help="back to these, e.g. main=0009"
    )
    either.add_argument(
        "--rehearse", type=Path, metavar="BACKUP", help="on a copy of a backup: all the way up, and back"
    )


def _target(text: str) -> tuple[History, str]:
    name, _, wanted = text.partition("=")
    for history in HISTORIES:
        known = {script.revision for script in scripts(history).walk_revisions()}
        if name == history and wanted in known:
            return history, wanted
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is no revision of this program: e.g. main=0009")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked for, and say at which revisions the databases stand."""
    settings = configuration.load(arguments.config)
    if arguments.show:
        stand = asyncio.run(revisions(settings))
        print(json.dumps({"stand": stand, "wanted": {one: newest(one) for one in HISTORIES}}))
        return 0
    if arguments.rehearse is not None:
        print(asyncio.run(_rehearse(settings, arguments.rehearse)))
        return 0
    with service_stopped(settings, then="migrate"):
        asyncio.run(require_not_led(settings, then="migrate"))
        asyncio.run(_move(settings, dict(arguments.to or ())))
    stand = asyncio.run(revisions(settings))
    print(", ".join(f"{name} database at revision {at or 'none'}" for name, at in stand.items()))
    return 0


async def revisions(settings: Settings) -> dict[History, str | None]:
    """Where each database stands; None: it is not there, or empty. Nothing is made."""
    found: dict[History, str | None] = {}
    for history in HISTORIES:
        database = _database(settings, history)
        if database.is_sqlite and not database.file.exists():
            found[history] = None
            continue
        await database.open()
        try:
            found[history] = await revision(database)
        finally:
            await database.close()
    return found


async def _move(settings: Settings, back: Mapping[History, str]) -> None:
    for history in HISTORIES:
        if back and history not in back:
            continue
        database = _database(settings, history)
        await database.open()
        try:
            if not back:
                await migrate(database, history)
            elif await revision(database) != back[history]:
                await migrate_down(database, history, to=back[history])
        finally:
            await database.close()


async def _rehearse(settings: Settings, backup: Path) -> str:
    """Up to this program's tables and back to where the backup stands, on copies that are gone afterwards."""
    require_backup(backup)
    check(backup)
    ways = []
    with tempfile.TemporaryDirectory(dir=settings.data_dir, prefix=".rehearsal-") as folder:
        for history in HISTORIES:
            origin = _database(settings, history)
            async with scratch(origin, backup / history, aside=Path(folder)) as copy:
                ways.append(await _there_and_back(copy, history))
    return f"rehearsed on the backup's copy: {', '.join(ways)}"


async def _there_and_back(copy: Database, history: History) -> str:
    await copy.open()
    try:
        began = await revision(copy)
        await migrate(copy, history)
        if began is not None:
            await migrate_down(copy, history, to=began)
    finally:
        await copy.close()
    return f"{history} {began or 'none'} → {newest(history)} and back"


def _database(settings: Settings, history: History) -> Database:
    return Database(settings.main_url if history == "main" else settings.ledger_url, name=history)


def require_revisions(text: str) -> dict[History, str | None]:
    """What `--show` of another version has printed as `wanted`; `BadInput` if it has not."""
    try:
        wanted = json.loads(text.splitlines()[-1])["wanted"]
        return {history: str(wanted[history]) for history in HISTORIES}
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise BadInput("the new version", f"does not say which tables it wants: {text[-200:]!r}") from error
