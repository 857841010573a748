"""The catalogue → sound files of a node: `<language>/<name>.wav` and `.alaw`, and `music-on-hold.*`.

A studio recording `<studio>/<language>/<name>.wav` (`studio.py`) wins over the voice of espeak-ng, one by
one. What has been rendered once is kept in a cache under the hash of everything it was made from, so that a
second run, or a second node, costs nothing. `manifest.json` in the folder says what each file was made from.
"""

from __future__ import annotations

import hashlib
import json
import math
import multiprocessing
import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from core.errors import BadInput
from core.names import LANGUAGES
from ivr import music, speech
from ivr.prompts import Catalogue
from ivr.publish import write_aside
from ivr.sound import RATE, TARGET_DBOV, WINDOW_DB, from_wav, level, to_alaw, to_wav
from ivr.speech import Speaker, Utterance, find_speaker, speak
from ivr.studio import Studio

MUSIC = "music-on-hold"
STUDIO_WINDOW_DB = 4.0
"""A studio recording may be this far from the level of the others; more is heard as a jump."""

STUDIO_SECONDS = (0.2, 60.0)
"""A studio recording is cut off if it is shorter, and forgotten about if it is longer."""

_CLIPPED = 3  # so many samples at the limit are chance
_MANIFEST = "manifest.json"
_ENDINGS = (".wav", ".alaw")
_POOL_FROM = 12  # fewer than this are done before a second process has started


@dataclass(frozen=True, slots=True)
class Source:
    """What a file is made from: a studio recording, or utterances; neither for the music."""

    key: str
    studio: Path | None = None
    utterances: tuple[Utterance, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What a run did: files made anew, taken from the cache, left as they were; studio among all."""

    made: int
    cached: int
    unchanged: int
    studio: int


def render_prompts(
    catalogue: Catalogue,
    into: Path,
    *,
    cache: Path,
    studio: Path | None = None,
    processes: int = 2,
    only: Collection[str] = (),
) -> Rendered:
    """Bring the folder `into` up to date with the catalogue, or only these (`<language>/<prompt>`) of it.

    Studio recordings are checked first; `BadInput` names every one that does not fit, and nothing is written.
    """
    whole = plan_prompts(catalogue, find_speaker(), studio)
    plan = {name: source for name, source in whole.items() if not only or name in only}
    cache.mkdir(parents=True, exist_ok=True)
    needed = {source.key: source for source in plan.values() if not _cached(cache, source.key)}
    _make(list(needed.values()), cache, processes)
    before = read_manifest(into)
    changed = 0
    for name, source in plan.items():
        if before.get(name) != source.key or not present(into, name):
            changed += 1
            for ending in _ENDINGS:
                _link(cache / f"{source.key}{ending}", into / f"{name}{ending}")
    manifest = {name: key for name, key in before.items() if only} | {
        name: source.key for name, source in plan.items()
    }
    for name in before.keys() - manifest.keys():
        for ending in _ENDINGS:
            (into / f"{name}{ending}").unlink(missing_ok=True)
    if manifest != before:
        write_aside(into / _MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode())
    made = min(changed, sum(source.key in needed for source in plan.values()))
    recorded = sum(source.studio is not None for source in plan.values())
    return Rendered(made=made, cached=changed - made, unchanged=len(plan) - changed, studio=recorded)


def plan_prompts(catalogue: Catalogue, speaker: Speaker, studio: Path | None) -> dict[str, Source]:
    """`<language>/<name>` → what its file is made from."""
    plan = {MUSIC: Source(_key("music", music.VERSION, music.LEVEL_DBOV))}
    problems: list[str] = []
    for prompt in catalogue.prompts.values():
        for language in LANGUAGES:
            name = f"{language}/{prompt.name}"
            recording = studio / f"{name}.wav" if studio else None
            if recording and recording.exists():
                content = recording.read_bytes()
                problems += studio_problems(content, str(recording))
                plan[name] = Source(_key("studio", hashlib.sha256(content).hexdigest()), studio=recording)
            else:
                said = tuple(speaker.utterance(part) for part in prompt.parts[language])
                made_by = (speech.VERSION, speaker.version, TARGET_DBOV)
                plan[name] = Source(_key("speech", *made_by, *map(asdict, said)), utterances=said)
    if studio:
        known = {studio / f"{name}.wav" for name in plan}
        problems += [
            f"{path}: no prompt of that name is in the catalogue; rename it to <language>/<prompt>.wav"
            for path in Studio(studio).recordings()
            if path not in known
        ]
    if problems:
        raise BadInput(str(studio), "\n".join(["studio recordings do not fit", *problems]))
    return plan


def studio_problems(content: bytes, name: str) -> list[str]:
    """What is wrong with a studio recording and how to mend it; empty if it can be used."""
    try:
        rate, samples = from_wav(content, name)
    except BadInput as refused:
        return [str(refused)]
    if rate != RATE:
        return [f"{name}: sampled at {rate} Hz; save it as 8 kHz mono 16-bit WAV"]
    heard, seconds = level(samples), len(samples) / RATE
    clipped = sum(abs(sample) >= 32767 for sample in samples)
    shortest, longest = STUDIO_SECONDS
    problem = ""
    if not shortest <= seconds <= longest:
        problem = f"lasts {seconds:.1f} s instead of {shortest} to {longest:.0f}: is it the right file?"
    elif heard == -math.inf:
        problem = "is silent; record it again"
    elif abs(heard - TARGET_DBOV) > STUDIO_WINDOW_DB:
        change = f"{abs(TARGET_DBOV - heard):.1f} dB {'louder' if heard < TARGET_DBOV else 'quieter'}"
        allowed = f"{TARGET_DBOV:.0f} ± {STUDIO_WINDOW_DB:.0f} dBov"
        problem = f"speaks at {heard:.1f} dBov instead of {allowed}; make it {change}"
    elif clipped > _CLIPPED:
        problem = f"{clipped} samples are clipped; record it again at a lower gain"
    return [f"{name}: {problem}"] if problem else []


def _make(sources: list[Source], cache: Path, processes: int) -> None:
    if len(sources) < _POOL_FROM or processes < 2:
        for source in sources:
            _make_one(source, cache)
        return
    # Spawned, not forked: the caller may have threads and an event loop.
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for _ in pool.map(_make_one, sources, [cache] * len(sources), chunksize=4):
            pass


def _make_one(source: Source, cache: Path) -> None:
    if source.studio is not None:
        _, samples = from_wav(source.studio.read_bytes(), str(source.studio))
    elif source.utterances:
        samples = speak(source.utterances)
        heard = level(samples)
        if abs(heard - TARGET_DBOV) > WINDOW_DB:
            text = " ".join(utterance.text for utterance in source.utterances)
            raise speech.SpeechFailed(
                f"{text!r} came out at {heard:.1f} dBov, not {TARGET_DBOV:.0f}: record it"
            )
    else:
        samples = music.hold_music()
    write_aside(cache / f"{source.key}.alaw", to_alaw(samples), sync=False)
    write_aside(cache / f"{source.key}.wav", to_wav(samples), sync=False)


def _key(*made_from: object) -> str:
    return hashlib.sha256(json.dumps(made_from, ensure_ascii=False).encode()).hexdigest()[:32]


def _cached(cache: Path, key: str) -> bool:
    return all((cache / f"{key}{ending}").is_file() for ending in _ENDINGS)


def missing_prompts(names: Iterable[str], languages: Iterable[str], into: Path) -> list[str]:
    """Those of `names` that a caller of one of the languages would not hear: `<language>/<prompt>`."""
    wanted = sorted({f"{language}/{name}" for language in languages for name in names})
    return [name for name in wanted if not any((into / f"{name}{ending}").is_file() for ending in _ENDINGS)]


def present(into: Path, name: str) -> bool:
    """Whether a prompt has its sound files in a node's folder."""
    return all((into / f"{name}{ending}").is_file() for ending in _ENDINGS)


def read_manifest(into: Path) -> Mapping[str, str]:
    """What each prompt in a node's folder was made from: the key of its `Source`."""
    try:
        manifest: dict[str, str] = json.loads((into / _MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}  # nothing known: everything is linked afresh
    return manifest


def _link(source: Path, target: Path) -> None:
    """Hard link where the file system allows it, else copy; in either case by a rename."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{os.getpid()}.aside")
    try:
        aside.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, aside)
    aside.replace(target)
