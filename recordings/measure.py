"""Look at the files of one leg and say what they are. Blocking: run it in a thread.

Asterisk 22 writes a sound file with both sizes in its header at 0, flushes every 32 kB (two seconds of
sound), and fills the header in when it closes the file (measured). So a size that stands still proves
nothing; a filled header does.
"""

from __future__ import annotations

import hashlib
import os
import struct
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from core.clock import SECOND
from recordings.errors import UnsafeFile
from recordings.folder import Folder
from recordings.model import Measured, Part, Status, file_name

_HEADER = 44
_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look found. `open_parts`: still being written. `broken`: what is wrong, for people."""

    files: tuple[Measured, ...] = ()
    open_parts: tuple[Part, ...] = ()
    broken: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Nothing is being written, nothing is broken, and both voices are there: no need to look again."""
        return not self.open_parts and not self.broken and _both_voices(self.files)


def look_at(folder: Folder, base: str) -> Look:
    """Measure and hash every file of the leg whose base name is `base`."""
    files: list[Measured] = []
    open_parts: list[Part] = []
    broken: list[str] = []
    for part in Part:
        name = file_name(base, part)
        try:
            file = folder.open(name)
        except UnsafeFile as error:
            broken.append(str(error))
            continue
        if file is None:
            continue
        with file:
            unfinished = _being_written(file)
            if unfinished:
                open_parts.append(part)
            try:
                files.append(_measure(file, name, part, unfinished=unfinished))
            except (wave.Error, EOFError, struct.error) as error:
                broken.append(f"{name}: not a whole sound file ({error})")
    return Look(files=tuple(files), open_parts=tuple(open_parts), broken=tuple(broken))


def verdict(look: Look) -> tuple[Status, str]:
    """The last word on a leg, once there is no more waiting: its status and, unless present, why."""
    if look.whole:
        return Status.PRESENT, ""
    if not look.files and not look.broken:
        return Status.MISSING, "no file of this leg is in the folder"
    problems = list(look.broken)
    problems += [f"{part}: never closed by Asterisk" for part in look.open_parts]
    if look.files and not _both_voices(look.files):
        problems.append(f"only the {look.files[0].part}'s side is there")
    return Status.DAMAGED, "; ".join(problems)


def _both_voices(files: Sequence[Measured]) -> bool:
    parts = {file.part for file in files}
    return Part.MIXED in parts or {Part.CUSTOMER, Part.AGENT} <= parts


def _being_written(file: BinaryIO) -> bool:
    head = file.read(_HEADER)
    file.seek(0)
    return len(head) == _HEADER and struct.unpack_from("<I", head, 4)[0] == 0


def _measure(file: BinaryIO, name: str, part: Part, *, unfinished: bool) -> Measured:
    size = os.fstat(file.fileno()).st_size
    shape = _unfinished_shape(file, size) if unfinished else _finished_shape(file, size)
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return Measured(
        name=name,
        part=part,
        size=size,
        length=shape.frames * SECOND // shape.rate,
        channels=shape.channels,
        sha256=digest.hexdigest(),
    )


@dataclass(frozen=True, slots=True)
class _Shape:
    frames: int
    rate: int
    channels: int


def _finished_shape(file: BinaryIO, size: int) -> _Shape:
    with wave.open(file) as sound:
        promised = _HEADER + sound.getnframes() * sound.getnchannels() * sound.getsampwidth()
        if size < promised:
            raise wave.Error(f"{size} bytes, but its header promises {promised}")
        return _Shape(sound.getnframes(), sound.getframerate(), sound.getnchannels())


def _unfinished_shape(file: BinaryIO, size: int) -> _Shape:
    """From the fields written first: the `wave` module reads no sound whose size is not filled in."""
    channels, rate, _, frame = struct.unpack_from("<HIIH", file.read(_HEADER), 22)
    if not channels or not rate or not frame:
        raise wave.Error("its header is empty")
    return _Shape((size - _HEADER) // frame, rate, channels)
