"""A version of a flow made live on running nodes, seen to be live, or taken back: all nodes or none.

Asterisk is asked over its control socket, on its own host: which version callers are led to, which versions
have callers in them, and, after the reload, whether every context of the new one is there. Calls in progress
go on in the version they began with, so no version is dropped while one is in it.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.clock import Clock, iso
from core.errors import BadInput, Conflict, HotlineError
from ivr import history
from ivr.compile import Compiled, contexts_of, render_file, version_global, versions_in
from ivr.history import How, Published
from ivr.publish import flow_file, publish, write_aside
from telephony.instance import AsteriskInstance, AsteriskProblem

RELOAD = "dialplan reload"
_CHANNEL_FIELDS = 2  # Channel!Context!… in `core show channels concise`


class NotPublished(HotlineError):
    """A version did not become live; the message says on which node, and what is live there now."""


@dataclass(frozen=True, slots=True)
class Place:
    """A node on which a flow is published: its name, its folder, its running Asterisk."""

    node: str
    folder: Path
    asterisk: AsteriskInstance


@dataclass(frozen=True, slots=True)
class Standing:
    """How a flow stands on a node. `text`: the file as it is, "" if there is none; `kept`: its versions, the
    file's active one first; `live`: the version callers are led to, "" if none; `in_use`: those with callers
    in them."""

    place: Place
    flow: str
    text: str
    kept: tuple[Compiled, ...]
    live: str
    in_use: frozenset[str]

    @property
    def file(self) -> Path:
        return flow_file(self.place.folder, self.flow)

    def version(self, name: str) -> Compiled | None:
        """The kept version of that name."""
        return next((one for one in self.kept if one.version == name), None)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to become live (node → version), how it came to that, who wants it."""

    wanted: Mapping[str, Compiled]
    how: How
    by: str


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else publishes on the node whose folder this is meanwhile; `Conflict` if somebody does."""
    descriptor = os.open(folder / "etc" / ".publishing", os.O_RDWR | os.O_CREAT, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise Conflict(f"{folder}: somebody else is publishing there: wait, then look again") from error
    try:
        yield
    finally:
        os.close(descriptor)


async def look(place: Place, flow: str) -> Standing:
    """How `flow` stands there now; `AsteriskProblem` if nobody answers."""
    file = flow_file(place.folder, flow)
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return Standing(
        place=place,
        flow=flow,
        text=text,
        kept=versions_in(text),
        live=await live_version(place.asterisk, flow),
        in_use=versions_with_callers(await place.asterisk.cli("core show channels concise"), flow),
    )


async def live_version(asterisk: AsteriskInstance, flow: str) -> str:
    """The version to which callers of `flow` are led; "" if Asterisk does not know the flow."""
    entry = await asterisk.cli(f"dialplan show s@ivr-{flow}")
    found = re.search(rf"Goto\(ivr-{flow}-([0-9a-f]{{8}})-", entry)
    return found[1] if found else ""


def versions_with_callers(channels: str, flow: str) -> frozenset[str]:
    """Out of `core show channels concise`: the versions of `flow` that channels are in."""
    rows = (line.split("!") for line in channels.splitlines())
    contexts = (row[1] for row in rows if len(row) > _CHANNEL_FIELDS)
    inside = (re.match(rf"ivr-{flow}-([0-9a-f]{{8}})-", context) for context in contexts)
    return frozenset(found[1] for found in inside if found)


def before(standing: Standing) -> Compiled:
    """The version that was live before the live one; `BadInput` if there is none, or it is not kept."""
    entries = history.read(history.history_file(standing.place.folder, standing.flow))
    led = [version for version in history.trail(entries) if version != standing.live]
    if not entries:  # published by a program that kept no history: the file's own order
        led = [one.version for one in reversed(standing.kept) if one.version != standing.live]
    if not led:
        raise BadInput(
            f"flow {standing.flow} on {standing.place.node}", "nothing was live before: publish another"
        )
    return kept(standing, led[-1])


def kept(standing: Standing, name: str) -> Compiled:
    """The kept version of that name; `BadInput` naming those there are."""
    found = standing.version(name)
    if found is None:
        there = ", ".join(one.version for one in standing.kept) or "none"
        raise BadInput(
            f"flow {standing.flow} on {standing.place.node}",
            f"version {name[:16]!r} is not kept; kept are: {there}",
        )
    return found


async def make_live(standings: Sequence[Standing], order: Order, clock: Clock) -> None:
    """Each node's wanted version live, seen in Asterisk itself, and recorded; or everything as it was.

    `NotPublished` says which node failed and what is live now.
    """
    done: list[Standing] = []
    for standing in standings:
        done.append(standing)
        try:
            await _switch(standing, order.wanted[standing.place.node])
        except (HotlineError, OSError) as problem:
            undone = [await _undo(one) for one in reversed(done)]
            raise NotPublished(
                f"{standing.place.node}: {problem}; taken back: {'; '.join(undone)}"
            ) from problem
    for standing in standings:
        wanted = order.wanted[standing.place.node]
        if wanted.version != standing.live:
            entry = Published(iso(clock()), wanted.version, order.how, order.by, standing.live)
            history.record(history.history_file(standing.place.folder, standing.flow), entry)


async def _switch(standing: Standing, wanted: Compiled) -> None:
    in_use = standing.in_use | {standing.live}
    publish(wanted, standing.file, in_use=in_use)
    await standing.place.asterisk.cli(RELOAD)
    await _require_live(standing.place.asterisk, wanted)


async def _require_live(asterisk: AsteriskInstance, wanted: Compiled) -> None:
    """`NotPublished` unless Asterisk leads callers into `wanted` and knows all of it."""
    live = await live_version(asterisk, wanted.flow)
    if live != wanted.version:
        raise NotPublished(
            f"Asterisk still leads callers into {live or 'no version'}, not into {wanted.version}: "
            "its log/messages says what it does not take"
        )
    there = set(re.findall(r"Context '([^']+)'", await asterisk.cli("dialplan show")))
    if missing := [name for name in contexts_of(wanted) if name not in there]:
        raise NotPublished(f"Asterisk does not know {', '.join(missing)}")
    said = f"{version_global(wanted.flow)}={wanted.version}"
    if said not in (await asterisk.cli("dialplan show globals")).split():
        raise NotPublished(f"calls would be counted to another version: the global {said} is not set")


async def _undo(standing: Standing) -> str:
    """The file and Asterisk as they were; what stands now, for people."""
    node = standing.place.node
    write_aside(standing.file, _as_it_was(standing).encode())
    try:
        await standing.place.asterisk.cli(RELOAD)
        live = await live_version(standing.place.asterisk, standing.flow)
    except AsteriskProblem as problem:
        had = standing.live or "what it had"
        return f"{node} will start with {had}, its Asterisk does not answer ({problem})"
    return f"{node} leads callers into {live or 'no version'}"


def _as_it_was(standing: Standing) -> str:
    """The file with the version active that was live, even if somebody had written a later one into it."""
    live = standing.version(standing.live)
    if live is None or standing.kept[0] is live:
        return standing.text
    return render_file(live, [one for one in standing.kept if one is not live])


def told(standing: Standing, entries: Iterable[Published]) -> list[str]:
    """What is kept of a flow on a node, which is live, since when, by whom: a line each."""
    known = tuple(entries)
    lines = [f"{standing.flow} on {standing.place.node}"]
    for one in standing.kept:
        entry = history.last(known, one.version)
        origin = f"{entry.how} {entry.at} by {entry.by}" if entry else "from before there was a history"
        callers = ", callers in it" if one.version in standing.in_use else ""
        word = "live" if one.version == standing.live else "kept"
        lines.append(f"  {word}  {one.version}  {origin}{callers}")
    if standing.kept and standing.kept[0].version != standing.live:
        lines.append(
            f"  the file has {standing.kept[0].version} for Asterisk's next start or `hotline reload`; "
            f"callers are led into {standing.live or 'none'}"
        )
    return lines
