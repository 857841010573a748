"""What is played: one file as it lies there, or the two sides of a leg put together as stereo on the way out.

Both have a size known before the first byte and can be read from any place, so that byte ranges work. Reading
blocks: do it in a thread.
"""

from __future__ import annotations

import struct
from array import array
from typing import BinaryIO, Protocol

from recordings.errors import NotPlayable
from recordings.model import Measured

_HEADER = 44
_MONO_16_BIT = (1, 1, 16)


class Sound(Protocol):
    """Something to be played. `etag`: the same for the same bytes only."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def etag(self) -> str: ...

    def read(self, first: int, size: int) -> bytes:
        """Up to `size` bytes from byte `first` on."""

    def close(self) -> None:
        """Let go of the files."""


class OneFile:
    """A file of the catalogue as it is."""

    def __init__(self, file: Measured, handle: BinaryIO) -> None:
        self.name = file.name
        self.size = file.size
        self.etag = f'"{file.sha256}"'
        self._handle = handle

    def read(self, first: int, size: int) -> bytes:
        """See `Sound`."""
        self._handle.seek(first)
        return self._handle.read(size)

    def close(self) -> None:
        """See `Sound`."""
        self._handle.close()


class BothSides:
    """Customer on the left, agent on the right; the shorter side ends in silence.

    `NotPlayable` unless both are 16-bit mono of one rate, as Asterisk writes them.
    """

    def __init__(self, base: str, sides: tuple[tuple[Measured, BinaryIO], tuple[Measured, BinaryIO]]) -> None:
        self._handles = (sides[0][1], sides[1][1])
        rates = {_rate(file, handle) for file, handle in sides}
        if len(rates) != 1:
            raise NotPlayable(f"the two sides of {base} have different sampling rates: play them one by one")
        self.name = f"{base}-stereo.wav"
        self.etag = f'"{sides[0][0].sha256[:32]}{sides[1][0].sha256[:32]}"'
        self._frames = max((file.size - _HEADER) // 2 for file, _ in sides)
        self._head = _stereo_head(rates.pop(), self._frames)
        self.size = _HEADER + 4 * self._frames

    def read(self, first: int, size: int) -> bytes:
        """See `Sound`."""
        end = min(first + size, self.size)
        head = self._head[first:end]
        start = max(first, _HEADER) - _HEADER
        stop = end - _HEADER
        if stop <= start:
            return head
        frame, last = start // 4, -(-stop // 4)
        woven = self._woven(frame, last)
        return head + woven[start - 4 * frame : stop - 4 * frame]

    def close(self) -> None:
        """See `Sound`."""
        for handle in self._handles:
            handle.close()

    def _woven(self, frame: int, last: int) -> bytes:
        both = array("H", bytes(4 * (last - frame)))
        for channel, handle in enumerate(self._handles):
            handle.seek(_HEADER + 2 * frame)
            raw = handle.read(2 * (last - frame))
            side = array("H", raw[: len(raw) // 2 * 2])
            both[channel : channel + 2 * len(side) : 2] = side
        return both.tobytes()


def _rate(file: Measured, handle: BinaryIO) -> int:
    head = handle.read(_HEADER)
    if len(head) < _HEADER or head[36:40] != b"data":
        raise NotPlayable(f"{file.name} has an unusual header: play the sides one by one")
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", head, 20)
    if (kind, channels, bits) != _MONO_16_BIT:
        raise NotPlayable(f"{file.name} is not 16-bit mono: play the sides one by one")
    return int(rate)


def _stereo_head(rate: int, frames: int) -> bytes:
    data = 4 * frames
    shape = struct.pack("<IHHIIHH", 16, 1, 2, rate, 4 * rate, 4, 16)
    return b"RIFF" + struct.pack("<I", 36 + data) + b"WAVEfmt " + shape + b"data" + struct.pack("<I", data)
