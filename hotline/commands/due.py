"""`hotline due`: timers given up, notices not sent, late or come back; another chance for one."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator

from core.clock import Instant, moment, system_clock
from core.errors import NotFound
from hotline.configuration import load
from hotline.content import add_config
from hotline.databases import existing
from hotline.settings import Settings
from storage.notices.model import Sending
from storage.notices.outbox import Notices
from storage.notices.undeliverable import Blocked, all_blocked, lift
from storage.timers import Timer, Timers

_MISSING = "there is no {file}: start the service once, or name its settings"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline due`."""
    add_config(parser)
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--timer", nargs=2, metavar=("OWNER", "NAME"), help="fire this dead timer again")
    either.add_argument("--notice", type=int, metavar="NUMBER", help="send this notice after all")
    either.add_argument("--lift", metavar="ADDRESS", help="send mail to this address again")


def run(arguments: argparse.Namespace) -> int:
    """Lists what did not happen, or has one of it tried again; the service does that within half a minute."""
    settings = load(arguments.config)
    print(*asyncio.run(_answer(settings, arguments)), sep="\n")
    return 0


async def _answer(settings: Settings, arguments: argparse.Namespace) -> list[str]:
    timers, notices = Timers(clock=system_clock), Notices(clock=system_clock)
    async with (
        existing(settings.main_url, "main", missing=_MISSING) as database,
        database.write() as connection,
    ):
        if arguments.timer:
            return [_told(await timers.again(connection, *arguments.timer), "dead timer")]
        if arguments.notice is not None:
            return [_told(await notices.again(connection, arguments.notice), "notice that was not sent")]
        if arguments.lift is not None:
            return [_told(await lift(connection, arguments.lift), "address that is held back")]
        dead = await timers.dead(connection)
        unsent, late = await notices.not_sent(connection), await notices.delayed(connection)
        held = await all_blocked(connection)
    return [*_listed(settings, dead, unsent), *_of_mail(settings, late, held)]


def _told(found: bool, what: str) -> str:
    if not found:
        raise NotFound(f"that is no {what}: `hotline due` lists them")
    return "it is tried again now"


def _of_mail(settings: Settings, late: list[Sending], held: list[Blocked]) -> Iterator[str]:
    """Nothing where there is nothing to tell: most hotlines read no mail that comes back."""
    if late:
        yield f"notices sent and late: {len(late)}"
    for one in late:
        yield f"  {one.id}: {one.notice.cause} → {one.notice.person} by {one.channel}: {one.detail}"
    if held:
        yield f"addresses that mail came back from for good: {len(held)}"
    for each in held:
        since = f"{moment(each.since, settings.zone_info):%Y-%m-%d %H:%M}"
        yield f"  {each.address}, nothing sent since {since}: {each.detail}"


def _listed(settings: Settings, dead: list[Timer], unsent: list[Sending]) -> Iterator[str]:
    def at(instant: Instant) -> str:
        return f"{moment(instant, settings.zone_info):%Y-%m-%d %H:%M}"

    yield f"timers given up: {len(dead) or 'none'}"
    for timer in dead:
        yield f"  {timer.owner} {timer.name}, due {at(timer.due)}, {timer.tries} tries: {timer.error}"
    yield f"notices not sent: {len(unsent) or 'none'}"
    for one in unsent:
        head = f"  {one.id}: {at(one.created_at)} {one.notice.cause} → {one.notice.person} by {one.channel}"
        yield f"{head}: {one.state}, {one.why.zh}{': ' if one.detail else ''}{one.detail}"
