"""Sound files as Asterisk writes them: `whole`, and `unfinished` while it has them open."""

from __future__ import annotations

import struct
import wave
from pathlib import Path


def whole(path: Path, *, seconds: float = 1.5, of: bytes = bytes(range(250))) -> bytes:
    """A closed file that repeats `of` (250 bytes); its bytes."""
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(of * int(64 * seconds))
    return path.read_bytes()


def unfinished(path: Path) -> bytes:
    """The same with the two sizes of the header at 0; returns what closing it would make of it."""
    closed = whole(path)
    raw = bytearray(closed)
    struct.pack_into("<I", raw, 4, 0)
    struct.pack_into("<I", raw, 40, 0)
    path.write_bytes(bytes(raw))
    return closed
