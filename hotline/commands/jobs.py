"""`hotline jobs`: work that runs aside, how it stands; another chance for what was given up, or none."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator

from core.clock import Instant, moment, system_clock
from core.errors import BadInput, NotFound
from hotline.configuration import load
from hotline.content import add_config
from hotline.databases import existing
from hotline.settings import Settings
from storage.jobs.model import Job, JobState
from storage.jobs.queue import Jobs

ACTIONS = ("list", "retry", "cancel")
_OPEN = (JobState.DEAD, JobState.RUNNING, JobState.WAITING)
_MISSING = "there is no {file}: start the service once, or name its settings"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline jobs`."""
    add_config(parser)
    parser.add_argument(
        "action",
        nargs="?",
        choices=ACTIONS,
        default="list",
        help="list: what waits, runs or was given up; retry: one that was given up; cancel: one that waits",
    )
    parser.add_argument("number", nargs="?", type=int, help="of the job to retry or cancel")
    parser.add_argument("--all", action="store_true", help="list those that are over, too")


def run(arguments: argparse.Namespace) -> int:
    """Lists jobs, or changes one; the service takes it up within ten seconds."""
    settings = load(arguments.config)
    if arguments.action != "list" and arguments.number is None:
        raise BadInput("number", f"say which job to {arguments.action}: `hotline jobs` lists them")
    print(*asyncio.run(_answer(settings, arguments)), sep="\n")
    return 0


async def _answer(settings: Settings, given: argparse.Namespace) -> list[str]:
    jobs = Jobs(clock=system_clock)
    async with (
        existing(settings.main_url, "main", missing=_MISSING) as database,
        database.write() as connection,
    ):
        if given.action == "retry":
            number = await jobs.again(connection, given.number)
            if number is None:
                raise NotFound(f"job {given.number} was not given up: `hotline jobs` lists those that were")
            return [f"job {number} is tried again now"]
        if given.action == "cancel":
            if not await jobs.cancel(connection, given.number):
                raise NotFound(f"job {given.number} does not wait: `hotline jobs` lists those that do")
            return [f"job {given.number} is cancelled"]
        standing = await jobs.standing(connection)
        listed = await jobs.listed(connection, states=() if given.all else _OPEN)
    counts = f"waiting: {standing.waiting}, running: {standing.running}, given up: {standing.dead}"
    return [counts, *_lines(settings, listed)]


def _lines(settings: Settings, listed: list[Job]) -> Iterator[str]:
    def at(instant: Instant) -> str:
        return f"{moment(instant, settings.zone_info):%Y-%m-%d %H:%M:%S}"

    for job in listed:
        head = f"  {job.number}: {job.kind} {job.key}, put {at(job.put_at)}"
        match job.state:
            case JobState.WAITING:
                yield f"{head}: waits until {at(job.next_at)}{_failed(job)}"
            case JobState.RUNNING:
                yield f"{head}: runs, {job.done} of {job.total} {job.doing}{_failed(job)}"
            case JobState.DEAD:
                yield f"{head}: given up{_failed(job)}"
            case _:
                yield f"{head}: {job.state} {at(job.ended_at or job.put_at)}"


def _failed(job: Job) -> str:
    return f", failed {job.tries} times: {job.error}" if job.error else ""
