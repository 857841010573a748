"""`hotline prompts`: how each prompt stands; replace one by a studio recording, take that back, listen.

Asterisk opens a prompt's file each time it plays it, so what is replaced is heard from the next playback on:
nothing is restarted, and a caller who hears the old one hears it to its end.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from core.clock import iso, system_clock
from core.errors import BadInput, HotlineError
from core.names import LANGUAGES
from hotline.author import add_by, who
from hotline.commands.asterisk import node_of
from hotline.configuration import load
from hotline.content import add_config, read_prompts
from hotline.settings import Settings
from ivr.prompts import Catalogue
from ivr.render import plan_prompts, present, render_prompts, studio_problems
from ivr.speech import find_speaker
from ivr.standing import PromptStanding, prompt_standings
from ivr.studio import Studio, text_digest
from telephony.instance import cache_dir

PLAYERS = (("aplay", "--quiet"), ("play", "-q"))
"""Who plays a WAV file here: ALSA's, SoX's."""


class NotPlayed(HotlineError):
    """A prompt could not be played; the message says what the player said."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline prompts`; without a word of what, it lists."""
    add_config(parser)
    commands = parser.add_subparsers(dest="what", metavar="WHAT")
    listed = commands.add_parser("list", help="each prompt: rendered, studio, missing or stale")
    listed.add_argument("--node", help="as this node has them; without it, each node")
    listed.add_argument("--check", action="store_true", help="only what is missing or stale; status 1 if any")
    replaced = commands.add_parser("replace", help="let callers hear a studio recording")
    back = commands.add_parser("back", help="let callers hear again what they heard before it")
    listen = commands.add_parser("listen", help="play what callers hear, or copy it")
    for sub in (replaced, back, listen):
        sub.add_argument("prompt", metavar="PROMPT", help="name in the catalogue, e.g. welcome")
        sub.add_argument("language", metavar="LANGUAGE", choices=LANGUAGES, help=", ".join(LANGUAGES))
    replaced.add_argument("file", metavar="FILE.wav", type=Path, help="8 kHz, mono, 16 bit, -20 ± 4 dBov")
    for sub in (replaced, back):
        add_by(sub)
    listen.add_argument("--node", help="as this node has it; without it, the first")
    listen.add_argument("--out", metavar="FILE", type=Path, help="copy it there instead of playing it")
    render = commands.add_parser("render", help="make the sound files in a folder of their own")
    render.add_argument("into", type=Path, help="folder of the sound files")
    for sub in (listed, replaced, back, listen, render):
        add_config(sub, again=True)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked for."""
    work: Mapping[str | None, Callable[[Settings, Catalogue, argparse.Namespace], int]] = {
        None: _list,
        "list": _list,
        "replace": _replace,
        "back": _back,
        "listen": _listen,
        "render": _render,
    }
    settings = load(arguments.config)
    return work[arguments.what](settings, read_prompts(settings), arguments)


# ------------------------------------------------------------------ looking


def _list(settings: Settings, catalogue: Catalogue, arguments: argparse.Namespace) -> int:
    only_wrong, wrong = getattr(arguments, "check", False), 0
    for node, folder in _folders(settings, getattr(arguments, "node", None)).items():
        standings = prompt_standings(catalogue, folder, studio=settings.studio_folder)
        problems = [one.problem for one in standings if one.problem]
        wrong += len(problems)
        if not only_wrong:
            print("\n".join([node, *_table(catalogue, standings)]))
        for problem in problems:
            print(f"{node}: {problem}", file=sys.stderr if only_wrong else sys.stdout)
        counts = Counter(one.state.value for one in standings)
        print(f"{node}: {', '.join(f'{number} {state}' for state, number in sorted(counts.items()))}")
    return 1 if only_wrong and wrong else 0


def _table(catalogue: Catalogue, standings: Sequence[PromptStanding]) -> list[str]:
    states = {one.name: one.state.value for one in standings}
    wide = max(len(name) for name in catalogue.prompts) + 2
    head = f"  {'':{wide}}" + "".join(f"{language:10}" for language in LANGUAGES)
    rows = (
        f"  {name:{wide}}" + "".join(f"{states[f'{language}/{name}']:10}" for language in LANGUAGES)
        for name in sorted(catalogue.prompts)
    )
    return [line.rstrip() for line in (head, *rows)]


def _listen(settings: Settings, catalogue: Catalogue, arguments: argparse.Namespace) -> int:
    name = _name(catalogue, arguments)
    node, folder = next(iter(_folders(settings, arguments.node).items()))
    file = folder / f"{name}.wav"
    if not present(folder, name):
        raise BadInput(name, f"{node} does not have it: `hotline prepare` makes it")
    print(f"{name} on {node}: {catalogue.prompts[arguments.prompt].shown(arguments.language)}")
    player = next((words for words in PLAYERS if shutil.which(words[0])), None)
    if arguments.out is not None:
        if arguments.out.exists():
            raise BadInput("--out", f"{arguments.out} is there already: name a new file")
        shutil.copyfile(file, arguments.out)
        print(f"copied to {arguments.out}")
    elif player is None:
        print(f"no {' or '.join(words[0] for words in PLAYERS)} here to play it; the file is {file}")
    else:
        print(f"{player[0]} plays {file}", flush=True)
        _play([*player, str(file)])
    return 0


def _play(command: Sequence[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise NotPlayed(
            f"{command[0]} could not play it: {said[0]}; take it along by --out FILE, and play it elsewhere"
        )


# ------------------------------------------------------------------ replacing


def _replace(settings: Settings, catalogue: Catalogue, arguments: argparse.Namespace) -> int:
    name, by = _name(catalogue, arguments), who(arguments)
    try:
        content = arguments.file.read_bytes()
    except OSError as error:
        raise BadInput(str(arguments.file), f"cannot be read: {error.strerror}") from error
    if problems := studio_problems(content, str(arguments.file)):
        raise BadInput(name, f"nothing was changed: {'; '.join(problems)}")
    # If another recording does not fit, rendering would stop half way: before anything is put in, then.
    plan_prompts(catalogue, find_speaker(), settings.studio_folder)
    text = text_digest(catalogue.prompts[arguments.prompt], arguments.language)
    studio = Studio(settings.studio_folder)
    studio.put(name, content, text=text, by=by, at=iso(system_clock()))
    print(f"{name}: {arguments.file} is in {studio.recording(name)}, put in by {by}; what was heard is kept")
    _bring(settings, catalogue, name)
    return 0


def _back(settings: Settings, catalogue: Catalogue, arguments: argparse.Namespace) -> int:
    name, by = _name(catalogue, arguments), who(arguments)
    now = Studio(settings.studio_folder).take_back(name)
    if now is None:
        print(f"{name}: the voice speaks it again; taken back by {by}")
    else:
        origin = f"put in {now.at} by {now.by}" if now.at else "laid there by hand"
        print(f"{name}: the recording before is heard again, {origin}; taken back by {by}")
    _bring(settings, catalogue, name)
    return 0


def _bring(settings: Settings, catalogue: Catalogue, name: str) -> None:
    """To the nodes that are prepared; the others get it when they are."""
    for node, folder in _folders(settings, None).items():
        if not folder.is_dir():
            print(f"{node}: is not prepared yet; `hotline prepare` takes it along")
            continue
        render_prompts(
            catalogue, folder, cache=cache_dir() / "prompts", studio=settings.studio_folder, only={name}
        )
        print(f"{node}: callers hear it from the next playback on")


def _render(settings: Settings, catalogue: Catalogue, arguments: argparse.Namespace) -> int:
    done = render_prompts(
        catalogue, arguments.into, cache=cache_dir() / "prompts", studio=settings.studio_folder
    )
    print(
        f"{done.made} made, {done.cached} from before, {done.unchanged} unchanged, "
        f"{done.studio} from the studio"
    )
    return 0


def _name(catalogue: Catalogue, arguments: argparse.Namespace) -> str:
    if arguments.prompt not in catalogue.prompts:
        raise BadInput(
            arguments.prompt[:64], "is no prompt of the catalogue: `hotline prompts` lists those there are"
        )
    return f"{arguments.language}/{arguments.prompt}"


def _folders(settings: Settings, node: str | None) -> dict[str, Path]:
    """Node → its folder of prompts; `BadInput` if there is no node."""
    nodes = [node_of(settings, node)] if node else list(settings.nodes)
    if not nodes:
        raise BadInput("nodes", "none is named, so nobody hears a prompt: name one under [[nodes]]")
    return {one.name: one.directory.absolute() / "prompts" for one in nodes}
