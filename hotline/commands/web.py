"""`hotline web`: pages and screens beside the service, in a process of their own; any number of them."""

from __future__ import annotations

import argparse
import asyncio

import uvloop

from core.clock import system_clock
from hotline import configuration, logs
from hotline.content import add_config, read_seed
from hotline.preflight import WantedPort, require_free
from hotline.serve import credentials_of, spare_the_collector, stop_asked
from hotline.settings import Settings
from hotline.web_process import WebRunning, assemble_web, check_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline web`."""
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve; 0 when told to stop."""
    settings = configuration.load(arguments.config)
    logs.configure(settings.log)
    uvloop.run(serve_web(settings))
    return 0


async def serve_web(settings: Settings) -> None:
    """Put everything together and run it until SIGTERM or SIGINT."""
    check_settings(settings)
    require_free([WantedPort(settings.web.host, settings.web.port, "HOTLINE_WEB__PORT")])
    directory = read_seed(settings)
    process = await assemble_web(settings, directory, credentials_of(settings), clock=system_clock)
    spare_the_collector()
    async with WebRunning(process) as running:
        told = asyncio.create_task(stop_asked())
        failed = asyncio.create_task(running.failed())
        done, pending = await asyncio.wait({told, failed}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        for task in done:
            await task
