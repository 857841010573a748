"""`hotline serve`: the service on the nodes that the settings name, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal
from collections.abc import Coroutine
from typing import Any

import structlog
import uvloop

from core.clock import system_clock
from core.errors import HotlineError
from directory import credentials
from directory.credentials import Credentials
from hotline import configuration, logs
from hotline.assembly import assemble
from hotline.content import add_config, read_content, read_seed
from hotline.databases import kept_directory, kept_passwords
from hotline.leading import Candidate, Won
from hotline.preflight import WantedPort, require_folder, require_free
from hotline.running import Hotline, Running
from hotline.settings import Settings
from hotline.sign_in import cannot_sign_in
from hotline.unheld import REMEDY, told, unheld

_log = structlog.get_logger("hotline")


class NotPrepared(HotlineError):
    """What `hotline prepare` makes is not there."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline serve`."""
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve; 0 when told to stop."""
    settings = configuration.load(arguments.config)
    logs.configure(settings.log)
    uvloop.run(serve(settings))
    return 0


async def serve(settings: Settings) -> None:
    """Put everything together and run it until SIGTERM or SIGINT; a part that ends takes the rest along.

    Where another program leads, stand by until it is gone.
    """
    require_startable(settings)

    def checked() -> None:
        read_content(settings, read_seed(settings))
        credentials_of(settings)

    async with Candidate(settings, checked=checked) as candidate:
        if await before_told(candidate.leads()):
            hotline = await assembled(settings, candidate.won)
            await until_told(hotline, candidate)


def require_startable(settings: Settings) -> None:
    """What no program can do without: `BadInput` or `PortsTaken`."""
    require_folder(settings.data_dir)
    require_free([WantedPort(settings.web.host, settings.web.port, "HOTLINE_WEB__PORT")])


async def assembled(settings: Settings, won: Won | None = None) -> Hotline:
    """The program as the settings want it. Whatever is missing or wrong is refused here."""
    require_startable(settings)
    if not settings.nodes:
        _log.warning("no node is named: no call will be seen; name one under [[nodes]] in the settings")
    seed = read_seed(settings)
    directory = await kept_directory(settings, seed)
    read_content(settings, directory)
    if nobodys := unheld(directory):
        _log.warning("rights of the shipped roles are held by nobody", rights=told(nobodys), remedy=REMEDY)
    keys = credentials_of(settings)
    if without := cannot_sign_in(settings, directory, keys, await kept_passwords(settings)):
        _log.warning("cannot sign in until a password is made for them", staff=", ".join(without))
    return await assemble(settings, seed, keys, clock=system_clock, won=won)


async def until_told(hotline: Hotline, candidate: Candidate | None = None) -> None:
    """Run it until SIGTERM or SIGINT, or until a part of it ends, or another program leads (`LeaseLost`)."""
    spare_the_collector()
    async with Running(hotline) as running:
        failed = [running.failed(), *([] if candidate is None else [candidate.kept()])]
        await before_told(*failed)


async def before_told(*work: Coroutine[Any, Any, None]) -> bool:
    """Whether one of `work` ended before SIGTERM or SIGINT came; what it raises. The rest is cancelled."""
    told = asyncio.create_task(stop_asked())
    tasks = [asyncio.create_task(one) for one in work]
    try:
        done, _ = await asyncio.wait({told, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (told, *tasks):
            task.cancel()
        await asyncio.gather(told, *tasks, return_exceptions=True)
    for task in done:
        await task
    return told not in done


def credentials_of(settings: Settings) -> Credentials:
    """Passwords and secrets as `hotline prepare` has made them; `NotPrepared` if it never has.

    None are made here: whoever they are for would never be told.
    """
    if not settings.credentials_file.exists():
        raise NotPrepared(
            f"{settings.credentials_file} is not there: `hotline prepare` makes passwords and telephones' "
            "secrets and shows each of them once"
        )
    return credentials.load(settings.credentials_file)


def spare_the_collector() -> None:
    """What is there at the start stays: look for cycles among newer objects only, and not so often.

    Facts and calls hold no cycles, so the collector finds next to nothing among the many that are made.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def stop_asked() -> None:
    """Returns at SIGTERM or SIGINT."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    try:
        await asked.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)  # while nobody waits, it ends the program as it always does
