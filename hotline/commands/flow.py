"""`hotline flow`: draw a flow, walk through it in the terminal, publish it, go back.

`publish` and `back` make a version live on running nodes (`hotline.publishing`); the others touch nothing.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager

from core.clock import system_clock
from core.errors import BadInput
from hotline import configuration, publishing
from hotline.author import add_by, who
from hotline.commands.asterisk import node_of, of
from hotline.content import Content, add_config, kept_content, read_seed
from hotline.databases import kept_directory
from hotline.publishing import Order, Place, Standing
from hotline.settings import Settings
from hotline.settings_nodes import NodeSettings
from ivr import history
from ivr.changes import changes
from ivr.check import languages_of
from ivr.compile import Compiled, compile_flow, versions_in
from ivr.draw import mermaid, svg
from ivr.history import How
from ivr.load import FLOW_NAME
from ivr.model import Flow
from ivr.named import told_gone
from ivr.publish import flow_file
from ivr.render import missing_prompts
from ivr.walk import SILENCE, Step, walk
from storage import StorageError
from telephony.instance import AsteriskProblem

DEFAULT = "95559"
_HANG_UP = "q"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline flow`."""
    commands = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    draw = commands.add_parser("draw", help="a drawing on standard output: SVG, or Mermaid for documents")
    draw.add_argument("--mermaid", action="store_true", help="as Mermaid text")
    walked = commands.add_parser("try", help="walk through it in the terminal, key by key")
    walked.add_argument("--keys", help=f"press these and say where it ends; {SILENCE} is silence")
    dialplan = commands.add_parser("dialplan", help="the dialplan it is compiled to")
    publish = commands.add_parser("publish", help="make the flow file live; calls in progress go on as begun")
    back = commands.add_parser("back", help="make the version before live again")
    back.add_argument("--to", metavar="VERSION", help="not the one before, but this one")
    versions = commands.add_parser("versions", help="what is kept, which is live, since when, by whom")
    for sub in (draw, walked, dialplan, publish, back, versions):
        add_config(sub)
        sub.add_argument("flow", nargs="?", default=DEFAULT, type=_name, help=f"name of the flow ({DEFAULT})")
    for sub in (publish, back, versions):
        sub.add_argument("--node", action="append", default=[], help="only this node; without any, all")
    for sub in (publish, back):
        add_by(sub)


def _name(text: str) -> str:
    """It stands in file names and in what Asterisk is asked."""
    if not FLOW_NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text[:32]!r} is no flow's name: 2 to 12 small letters or digits")
    return text


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked for; 0 if it is done."""
    work: Mapping[str, Callable[[argparse.Namespace], None]] = {
        "draw": _draw,
        "try": _try,
        "dialplan": lambda given: print(compile_flow(_flow(given)[1]).text),
        "publish": lambda given: asyncio.run(_publish(given, _flow(given)[1])),
        "back": lambda given: asyncio.run(_back(given)),
        "versions": lambda given: asyncio.run(_versions(given)),
    }
    work[arguments.what](arguments)
    return 0


def _flow(arguments: argparse.Namespace) -> tuple[Content, Flow]:
    content = asyncio.run(kept_content(configuration.load(arguments.config)))
    if arguments.flow not in content.flows:
        raise BadInput(f"flow {arguments.flow}", f"there is none; there are {', '.join(content.flows)}")
    return content, content.flows[arguments.flow]


def _draw(arguments: argparse.Namespace) -> None:
    _, flow = _flow(arguments)
    print(mermaid(flow) if arguments.mermaid else svg(flow), end="")


# ------------------------------------------------------------------ walking


def _try(arguments: argparse.Namespace) -> None:
    content, flow = _flow(arguments)
    if arguments.keys is None:
        _walk_along(content, flow)
        return
    way = walk(flow, arguments.keys)
    for step in way.steps:
        print(_heard(content, step))
        if step.key:
            print("  no key pressed" if step.key == SILENCE else f"  presses {step.key}")
    print(f"ends: {way.end or 'still there, nothing more was pressed'}")


def _walk_along(content: Content, flow: Flow) -> None:
    """A caller at the keyboard: hears, presses, hears what follows."""
    keys, shown = "", 0
    while True:
        way = walk(flow, keys)
        for step in way.steps[shown:]:
            print(_heard(content, step))
        if way.end:
            print(f"ends: {way.end}")
            return
        shown = len(way.steps)
        pressed = _pressed()
        if pressed == _HANG_UP:
            print("ends: the caller hangs up")
            return
        try:
            walk(flow, pressed)
            keys += pressed
        except BadInput as refused:
            print(f"  {refused}")


def _pressed() -> str:
    try:
        return input(f"  key (Enter: silence, {_HANG_UP}: hang up): ").strip() or SILENCE
    except EOFError:
        print()
        return _HANG_UP


def _heard(content: Content, step: Step) -> str:
    heard = (content.catalogue.prompts[name].shown(step.language) for name in step.prompts)
    return f"{step.node} ({step.language}): {' '.join(heard)}"


# ------------------------------------------------------------------ publishing


async def _publish(arguments: argparse.Namespace, flow: Flow) -> None:
    compiled = compile_flow(flow)
    async with _standings(arguments) as standings:
        for standing in standings:
            _require_prompts(flow, standing.place)
        wanted = {one.place.node: compiled for one in standings}
        await _make_live(arguments, standings, wanted, How.PUBLISHED)


async def _back(arguments: argparse.Namespace) -> None:
    async with _standings(arguments) as standings:
        wanted = {
            one.place.node: publishing.kept(one, arguments.to) if arguments.to else publishing.before(one)
            for one in standings
        }
        if len({version.version for version in wanted.values()}) > 1:
            each = ", ".join(f"{node}: {version.version}" for node, version in wanted.items())
            raise BadInput(
                "nodes", f"the version before is not the same everywhere ({each}): say --to, or --node"
            )
        await _require_queues(arguments, wanted)
        await _make_live(arguments, standings, wanted, How.WENT_BACK)


async def _make_live(
    arguments: argparse.Namespace, standings: list[Standing], wanted: Mapping[str, Compiled], how: How
) -> None:
    by = who(arguments)
    for standing in standings:
        for line in _difference(standing, wanted[standing.place.node]):
            print(line)
    await publishing.make_live(standings, Order(wanted, how, by), system_clock)
    for standing in standings:
        version, node = wanted[standing.place.node].version, standing.place.node
        if version == standing.live:
            print(f"{node}: {version} was live already")
            continue
        still = f"; callers in {', '.join(sorted(standing.in_use))} go on there" if standing.in_use else ""
        print(f"{node}: {version} is live, Asterisk leads callers into it{still}")


async def _versions(arguments: argparse.Namespace) -> None:
    settings = configuration.load(arguments.config)
    for node in _nodes(settings, arguments.node):
        place = await _place(node)
        entries = history.read(history.history_file(place.folder, arguments.flow))
        try:
            standing = await publishing.look(place, arguments.flow)
        except AsteriskProblem as problem:
            file = flow_file(place.folder, arguments.flow)
            text = file.read_text(encoding="utf-8") if file.exists() else ""
            standing = Standing(place, arguments.flow, text, versions_in(text), "", frozenset())
            print(f"{node.name}: which is live cannot be told: {problem}")
        print("\n".join(publishing.told(standing, entries)))


@asynccontextmanager
async def _standings(arguments: argparse.Namespace) -> AsyncIterator[list[Standing]]:
    """How the flow stands on every node that was named, nobody else publishing there meanwhile.

    Each has to answer before anything is changed.
    """
    settings = configuration.load(arguments.config)
    places = [await _place(node) for node in _nodes(settings, arguments.node)]
    with ExitStack() as held:
        for place in places:
            place.asterisk.require_config()
            held.enter_context(publishing.alone(place.folder))
        yield [await publishing.look(place, arguments.flow) for place in places]


async def _place(node: NodeSettings) -> Place:
    return Place(node.name, node.directory.absolute(), await of(node))


def _nodes(settings: Settings, named: list[str]) -> list[NodeSettings]:
    nodes = [node_of(settings, name) for name in named] or list(settings.nodes)
    if not nodes:
        raise BadInput("nodes", "none is named: name one under [[nodes]] in the settings")
    return nodes


def _difference(standing: Standing, wanted: Compiled) -> list[str]:
    head = f"{standing.place.node}: {standing.flow} {standing.live or 'nothing'} → {wanted.version}"
    live = standing.version(standing.live)
    if live is None or live.version == wanted.version:
        return [head]
    return [head, *(f"  {line}" for line in changes(live, wanted).lines())]


async def _require_queues(arguments: argparse.Namespace, wanted: Mapping[str, Compiled]) -> None:
    """What a version from before leads callers to may be gone. That nobody can say so does not stop it."""
    settings = configuration.load(arguments.config)
    try:
        directory = await kept_directory(settings, read_seed(settings))
    except StorageError as problem:
        print(f"not looked at whether all its queues are there: {problem}")
        return
    for node, version in wanted.items():
        if gone := told_gone(version, directory.queues):
            raise BadInput(
                f"flow {version.flow} on {node}", f"version {version.version} leads callers to {gone}"
            )


def _require_prompts(flow: Flow, place: Place) -> None:
    names = [prompt for node in flow.nodes.values() for prompt in node.prompts]
    missing = missing_prompts(names, languages_of(flow), place.folder / "prompts")
    if missing:
        raise BadInput(
            f"flow {flow.name} on {place.node}",
            f"callers would hear nothing where it says {', '.join(missing)}: `hotline prepare` makes them",
        )
