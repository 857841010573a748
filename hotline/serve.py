"""`hotline serve`: the service on the nodes that the settings name, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal

import structlog
import uvloop

from core.clock import system_clock
from core.errors import HotlineError
from directory import credentials
from directory.credentials import Credentials
from hotline import configuration, logs
from hotline.assembly import Hotline, Running, assemble
from hotline.content import add_config, read_content, read_seed
from hotline.databases import kept_directory, kept_passwords
from hotline.preflight import WantedPort, require_folder, require_free
from hotline.settings import Settings
from hotline.sign_in import cannot_sign_in

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
    """Put everything together and run it until SIGTERM or SIGINT; a part that ends takes the rest along."""
    await until_told(await assembled(settings))


async def assembled(settings: Settings) -> Hotline:
    """The program as the settings want it. Whatever is missing or wrong is refused here."""
    require_folder(settings.data_dir)
    require_free([WantedPort(settings.web.host, settings.web.port, "HOTLINE_WEB__PORT")])
    if not settings.nodes:
        _log.warning("no node is named: no call will be seen; name one under [[nodes]] in the settings")
    seed = read_seed(settings)
    directory = await kept_directory(settings, seed)
    read_content(settings, directory)
    keys = credentials_of(settings)
    if without := cannot_sign_in(settings, directory, keys, await kept_passwords(settings)):
        _log.warning("cannot sign in until a password is made for them", staff=", ".join(without))
    return await assemble(settings, seed, keys, clock=system_clock)


async def until_told(hotline: Hotline) -> None:
    """Run it until SIGTERM or SIGINT, or until a part of it ends."""
    spare_the_collector()
    async with Running(hotline) as running:
        told = asyncio.create_task(stop_asked())
        failed = asyncio.create_task(running.failed())
        done, pending = await asyncio.wait({told, failed}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        for task in done:
            await task


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
    await asked.wait()
