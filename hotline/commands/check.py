"""`hotline check`: is everything as it should be? A line for each finding, with the remedy.

It looks at files, databases and the service's sign of life, and asks each node by an independent client
(`witness`). What agents and queues look like is held against the ledger, twice: who is just changing state is
no finding. It changes nothing, and needs no password.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

from core.clock import SECOND, local_day, system_clock
from core.errors import HotlineError
from directory import credentials
from hotline import configuration
from hotline.check_folders import of_folders
from hotline.check_heard import of_node_flows, of_node_prompts
from hotline.check_lease import of_lease
from hotline.commands.prepare import spec_of
from hotline.content import Content, add_config, kept_content, read_content
from hotline.databases import existing, kept_passwords
from hotline.findings import Finding, Weight, good, of_calendar, of_lacking, of_rights, of_seats, of_unheld
from hotline.node import read_accounts
from hotline.settings import Settings
from hotline.settings_nodes import NodeSettings
from hotline.sign_in import cannot_sign_in
from hotline.unheld import unheld
from hotline.witness import NotWitnessed, SeatSeen, witness
from ledger.store import FactStore
from storage import StorageError
from storage.migrate import History
from telephony import instance
from telephony.agents import Agent, Duties
from telephony.ami.accounts import Role
from telephony.heartbeat import Heartbeat
from telephony.instance import version_of, wide_enough
from telephony.nodefiles import render
from telephony.switchboard import Switchboard
from telephony.takeup import take_up
from web.relay_line import LINE_FAILURES, RelayLine

_SETTLING_S = 2.0
_STALE = 5 * SECOND


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline check`."""
    add_config(parser)
    parser.add_argument("--quiet", action="store_true", help="only what is wrong")


def run(arguments: argparse.Namespace) -> int:
    """0 if nothing is in error, 1 if something is."""
    settings = configuration.load(arguments.config)
    worst = False
    for finding in findings(settings, arguments.config):
        worst = worst or finding.weight is Weight.ERROR
        if not (arguments.quiet and finding.weight is Weight.GOOD):
            print(finding.line(), flush=True)
    return 1 if worst else 0


def findings(settings: Settings, config: Path | None = None) -> Iterator[Finding]:
    """Everything there is to say, in the order in which to mend it. `config`: the file of the settings."""
    try:
        content = _content(settings)
    except HotlineError as problem:
        yield Finding(Weight.ERROR, "content", str(problem), "correct it, then check again")
        yield from _of_databases(settings)  # while that is down, flows are held against the seed
        return
    yield good("content", f"{len(content.directory.staff)} staff, {len(content.directory.queues)} queues")
    yield of_calendar(content.directory.calendar, local_day(system_clock(), settings.zone_info))
    yield of_unheld(unheld(content.directory))
    yield from _of_credentials(settings, content)
    yield from of_folders(settings, config)
    yield from _of_databases(settings)
    yield from _of_redis(settings)
    if not settings.nodes:
        yield Finding(Weight.WARNING, "nodes", "none is named", "name one under [[nodes]] in the settings")
    for node in settings.nodes:
        yield from _of_files(node, settings, content)
        yield from _of_service(node)
        yield from _of_manager(node)
        yield from _of_queues(node, settings, content)


def _content(settings: Settings) -> Content:
    """With the directory as the service keeps it; a database that is down is a finding of its own."""
    try:
        return asyncio.run(kept_content(settings))
    except StorageError:
        return read_content(settings)


# ------------------------------------------------------------------ files


def _of_credentials(settings: Settings, content: Content) -> Iterator[Finding]:
    file = settings.credentials_file
    try:
        found = credentials.load(file)
    except HotlineError as problem:
        yield Finding(Weight.ERROR, "credentials", str(problem), "`hotline prepare`")
        return
    agents = [person.number for person in content.directory.agents()]
    yield of_lacking(
        "credentials",
        [number for number in agents if number not in found.staff],
        f"{file}, with a PIN for each of {len(agents)} agents",
        "no PIN, so no log-in at a telephone",
        "`hotline prepare` shows new ones once, then `hotline reload`",
    )
    try:
        kept = asyncio.run(kept_passwords(settings))
    except StorageError:
        return  # a finding of its own
    yield of_lacking(
        "passwords",
        cannot_sign_in(settings, content.directory, found, kept),
        "everybody can sign in",
        "cannot sign in, nobody has made a password",
        "`hotline password reset NUMBER` shows one once",
    )


def _of_files(node: NodeSettings, settings: Settings, content: Content) -> Iterator[Finding]:
    about = f"files of {node.name}"
    folder = node.directory.absolute()
    try:
        keys = credentials.load(settings.credentials_file)
        programs = asyncio.run(instance.find())
        accounts = read_accounts(node.accounts)
        wanted = render(spec_of(node, content, keys, programs, accounts, outgoing=settings.outgoing))
    except HotlineError as problem:
        yield Finding(Weight.ERROR, about, str(problem), "`hotline prepare`")
        return
    stale = [name for name, file in wanted.items() if _text(folder / "etc" / name) != file.text]
    if stale:
        yield Finding(
            Weight.ERROR,
            about,
            f"{', '.join(stale)} not as settings and seed want it",
            "`hotline prepare`, then `hotline reload`",
        )
    else:
        yield good(about, f"{len(wanted)} files as settings and seed want them")
    yield from of_node_prompts(node, settings, content)
    yield from of_node_flows(node, content)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return ""


# ------------------------------------------------------------------ databases and service


def _of_databases(settings: Settings) -> Iterator[Finding]:
    histories: tuple[tuple[History, str], ...] = (
        ("main", settings.main_url),
        ("ledger", settings.ledger_url),
    )
    for name, url in histories:
        about = f"{name} database"
        try:
            asyncio.run(_open_once(url, name))
        except HotlineError as problem:
            yield Finding(Weight.ERROR, about, str(problem), "start the service once: it migrates")
        else:
            yield good(about, "answers, with the tables of this program")
    yield from of_lease(settings)
    spool = settings.data_dir / "ledger.spool"
    if spool.exists():
        yield Finding(
            Weight.WARNING,
            "ledger",
            f"facts wait in {spool}",
            "see why the ledger's database refuses them; the service brings them in by itself",
        )


async def _open_once(url: str, history: History) -> None:
    async with existing(url, history):
        pass


def _of_redis(settings: Settings) -> Iterator[Finding]:
    """Nothing where there is to be none."""
    if not settings.redis.url:
        return
    line = RelayLine(settings.redis.url, settings.redis.prefix)
    try:
        asyncio.run(line.check())
    except LINE_FAILURES as problem:
        yield Finding(
            Weight.ERROR,
            "redis",
            f"{line.place} does not answer ({problem}): screens of web processes grow old, calls go on",
            "start it, or correct redis.url",
        )
    else:
        yield good("redis", f"{line.place} answers")


def _of_service(node: NodeSettings) -> Iterator[Finding]:
    about = f"service beside {node.name}"
    heart, now = Heartbeat(node.directory), system_clock()
    last = heart.last()
    if heart.beats(now, _STALE):
        yield good(about, "lives")
    elif last is None:
        yield Finding(Weight.ERROR, about, "has never run", "`hotline up`, or start its unit")
    else:
        yield Finding(
            Weight.ERROR,
            about,
            f"gave its last sign of life {(now - last) // SECOND} s ago: calls go on without it",
            "start it and read its log",
        )


# ------------------------------------------------------------------ the node, by another client


def _of_manager(node: NodeSettings) -> Iterator[Finding]:
    about = f"AMI of {node.name}"
    try:
        secrets = read_accounts(node.accounts)
        for role in Role:
            with witness(node.host, node.port) as asked:
                asked.login(role.value, secrets[role])
                if role is Role.RESYNC:
                    yield _of_version(about, asked.version())
                yield from of_rights(f"account {role.value} of {node.name}", role, asked.permitted())
    except NotWitnessed as problem:
        yield Finding(Weight.ERROR, about, str(problem), "is Asterisk running, on these files? `hotline up`")
    except HotlineError as problem:
        yield Finding(Weight.ERROR, about, str(problem), "`hotline prepare`")


def _of_version(about: str, version: str) -> Finding:
    found = version_of(f"Asterisk {version}")
    if found is None or not wide_enough(found):
        return Finding(
            Weight.ERROR, about, f"is Asterisk {version}", "22.10.1 or a later 22.x is what this relies on"
        )
    return good(about, f"Asterisk {version}")


def _of_queues(node: NodeSettings, settings: Settings, content: Content) -> Iterator[Finding]:
    about = f"queues of {node.name}"
    places = content.directory.places()

    def look() -> tuple[list[str], list[Finding]]:
        seats, unknown = _seats(node, content)
        agents = asyncio.run(_agents(settings))
        return unknown, list(of_seats(node.name, agents, seats, lambda number: places.get(number, ())))

    try:
        unknown, found = look()
        if found:  # who is just changing state is no finding: what stands twice stands
            time.sleep(_SETTLING_S)
            again = look()[1]
            found = [finding for finding in found if finding in again]
    except HotlineError as problem:
        yield Finding(Weight.ERROR, about, f"cannot be compared: {problem}", "mend what is said above first")
        return
    if unknown:
        yield Finding(
            Weight.ERROR,
            about,
            f"the node does not know {', '.join(unknown)}: who asks for them hears a fault",
            "`hotline prepare`, then `hotline reload --queues`",
        )
    yield from found
    if not unknown and not found:
        yield good(about, "queues and members as the service says")


def _seats(node: NodeSettings, content: Content) -> tuple[dict[str, dict[str, SeatSeen]], list[str]]:
    seats: dict[str, dict[str, SeatSeen]] = {}
    unknown: list[str] = []
    with witness(node.host, node.port) as asked:
        asked.login(Role.RESYNC.value, read_accounts(node.accounts)[Role.RESYNC])
        for queue in content.directory.queues:
            found = asked.seats(queue)
            if found is None:
                unknown.append(queue)
            else:
                seats[queue] = found
    return seats, unknown


async def _agents(settings: Settings) -> dict[str, Agent]:
    """The agents as the ledger has them: what the service would take up if it were started now."""
    board = Switchboard(Duties(memberships=lambda _: (), wrapup_limit=lambda _: 0, nodes=()))
    async with existing(settings.ledger_url, "ledger") as database:
        await take_up(FactStore(database), board, system_clock())
    return board.agents
