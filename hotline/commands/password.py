"""`hotline password`: a new first password or a new PIN for one person, shown once at the terminal.

It writes beside a service that runs: a new password is good at once, and the person's sessions end within
seconds. A PIN is the dialplan's, and is taken by the node's next reload.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable

from core.clock import system_clock
from core.errors import NotFound
from directory import credentials
from directory.people import DirectoryPeople
from hotline.configuration import load
from hotline.content import add_config, read_seed
from hotline.databases import existing, kept_directory
from hotline.settings import Settings
from hotline.sign_in import password_rule
from storage import Database
from web.password_book import PasswordBook

_MISSING = "there is no {file}: start the service once, or say by --config where it runs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline password`."""
    commands = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    reset = commands.add_parser(
        "reset", help="make a new first password, to be changed at the first sign-in; sessions end"
    )
    pin = commands.add_parser("pin", help="make a new PIN for the telephone")
    for sub in (reset, pin):
        sub.add_argument("number", help="staff number")
        add_config(sub)


def run(arguments: argparse.Namespace) -> int:
    """Prints what was made, and what comes next."""
    settings = load(arguments.config)
    make = _pin if arguments.what == "pin" else _password
    print("\n".join(asyncio.run(_made(make, settings, arguments.number))))
    return 0


_Make = Callable[[Settings, Database, DirectoryPeople, str], Awaitable[tuple[str, str]]]


async def _made(make: _Make, settings: Settings, number: str) -> tuple[str, str]:
    keys = credentials.load(settings.credentials_file)
    async with existing(settings.main_url, "main", missing=_MISSING) as database:
        # The seed may know nothing of somebody who came since.
        directory = await kept_directory(settings, read_seed(settings))
        people = DirectoryPeople(lambda: directory, keys)
        if people.principal(number) is None:
            raise NotFound(f"nobody who may sign in has the number {number[:8]!r}")
        return await make(settings, database, people, number)


async def _password(
    settings: Settings, database: Database, people: DirectoryPeople, number: str
) -> tuple[str, str]:
    book = PasswordBook(database, people, clock=system_clock, rule=password_rule(settings))
    password, _ended = await book.reset(number, by="")
    return password, "shown at no other time; good at once, and to be changed at the first sign-in"


async def _pin(
    settings: Settings, _database: Database, _people: DirectoryPeople, number: str
) -> tuple[str, str]:
    pin = credentials.issue_pin(settings.credentials_file, number)
    return pin, "shown at no other time; good once `hotline prepare` and `hotline reload` have run"
