"""Studio recordings: put in one by one, kept for going back, and known by the text they were recorded for.

    <folder>/<language>/<prompt>.wav            what callers hear
    <folder>/kept/<language>/<prompt>/<n>.wav   everything that was ever put in
    <folder>/deliveries.json                    who put in what, when, for which text; the last is heard

A recording that was laid there by hand is heard, too; of it nobody knows the text it was recorded for.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core.errors import Conflict, HotlineError, NotFound
from ivr.prompts import Prompt
from ivr.publish import write_aside

KEPT = "kept"
_DELIVERIES = "deliveries.json"


class StudioUnreadable(HotlineError):
    """What was delivered cannot be read; the message names the file."""


class Delivery(msgspec.Struct, frozen=True):
    """One recording. `text`: digest of the text it was recorded for, "" if nobody knows; `sha256`: of the
    file; `kept`: its place below `kept/`; `at`: RFC 3339, UTC."""

    text: str
    sha256: str
    kept: str
    by: str
    at: str


def text_digest(prompt: Prompt, language: str) -> str:
    """Of what a speaker reads: a change of how espeak-ng is told to read it is none of theirs."""
    return hashlib.sha256(prompt.shown(language).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Studio:
    """The folder, which need not be there. A prompt is named as `plan_prompts` does: `cmn/welcome`."""

    folder: Path

    def recording(self, name: str) -> Path:
        """The file that callers hear, if there is one."""
        return self.folder / f"{name}.wav"

    def recordings(self) -> list[Path]:
        """All that callers could hear, whatever they are called."""
        kept = self.folder / KEPT
        return sorted(path for path in self.folder.glob("**/*.wav") if not path.is_relative_to(kept))

    def deliveries(self) -> dict[str, list[Delivery]]:
        """Prompt → what was put in and not taken back, the last one heard; `StudioUnreadable`."""
        file = self.folder / _DELIVERIES
        try:
            return msgspec.json.decode(file.read_bytes(), type=dict[str, list[Delivery]])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            raise StudioUnreadable(f"{file} cannot be read ({error}): put it back from a backup") from error

    def put(self, name: str, content: bytes, *, text: str, by: str, at: str) -> Delivery:
        """Callers hear `content` from the next playback on; what they heard so far is kept."""
        with self._alone():
            known = self.deliveries()
            stack = known.setdefault(name, [])
            self._adopt(name, stack)
            made = self._keep(name, content, text=text, by=by, at=at)
            stack.append(made)
            self._hear(name, made)
            self._write(known)
        return made

    def take_back(self, name: str) -> Delivery | None:
        """Callers hear what was heard before; None: no recording is left, and the voice speaks again.

        `NotFound` if there is no recording to take back. It stays in `kept/`.
        """
        with self._alone():
            known = self.deliveries()
            stack = known.get(name, [])
            self._adopt(name, stack)
            if not stack:
                raise NotFound(f"{name}: there is no studio recording to take back; the voice speaks it")
            stack.pop()
            known[name] = stack
            if stack:
                self._hear(name, stack[-1])
            else:
                self.recording(name).unlink(missing_ok=True)
                del known[name]
            self._write(known)
        return stack[-1] if stack else None

    def _adopt(self, name: str, stack: list[Delivery]) -> None:
        """What was laid there by hand counts as put in, for a text nobody knows."""
        file = self.recording(name)
        if not file.exists():
            stack.clear()  # taken away by hand: what came before it is not heard either
            return
        content = file.read_bytes()
        if not stack or stack[-1].sha256 != hashlib.sha256(content).hexdigest():
            stack.append(self._keep(name, content, text="", by="", at=""))

    def _keep(self, name: str, content: bytes, *, text: str, by: str, at: str) -> Delivery:
        place = self.folder / KEPT / name
        place.mkdir(parents=True, exist_ok=True, mode=0o750)
        number = max((int(path.stem) for path in place.glob("*.wav") if path.stem.isdigit()), default=0) + 1
        write_aside(place / f"{number}.wav", content)
        digest = hashlib.sha256(content).hexdigest()
        return Delivery(text=text, sha256=digest, kept=f"{name}/{number}.wav", by=by, at=at)

    def _hear(self, name: str, delivery: Delivery) -> None:
        file = self.recording(name)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        write_aside(file, (self.folder / KEPT / delivery.kept).read_bytes())

    def _write(self, known: dict[str, list[Delivery]]) -> None:
        text = msgspec.json.format(msgspec.json.encode(known), indent=1)
        write_aside(self.folder / _DELIVERIES, text, mode=0o640)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """`Conflict` if somebody else puts in or takes back just now."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        descriptor = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise Conflict(f"{self.folder}: somebody else changes it: wait, then look again") from error
        try:
            yield
        finally:
            os.close(descriptor)
