"""HTTP range requests (RFC 9110, 14) over one stored file. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.errors import HotlineError

_RANGE = re.compile(r"bytes=(?P<first>\d{0,18})-(?P<last>\d{0,18})", re.IGNORECASE)


class NotSatisfiable(HotlineError):
    """The range lies outside the file (416)."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the recording has {size} bytes; ask for a range inside it")
        self.size = size


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `first` to `last`, both included."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many bytes that is."""
        return self.last - self.first + 1


def span_asked(header: str | None, size: int) -> Span | None:
    """The part of a file of `size` bytes that a `Range` header asks for; None: send the whole.

    A header that is malformed or asks for several ranges is ignored, as the RFC allows; one that lies
    outside the file raises `NotSatisfiable`.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or not (match["first"] or match["last"]):
        return None
    if not match["first"]:
        tail = int(match["last"])
        if tail == 0 or size == 0:
            raise NotSatisfiable(size)
        return Span(max(0, size - tail), size - 1)
    first = int(match["first"])
    last = min(int(match["last"]), size - 1) if match["last"] else size - 1
    if match["last"] and int(match["last"]) < first:
        return None
    if first >= size:
        raise NotSatisfiable(size)
    return Span(first, last)


def still_same(if_range: str | None, etag: str) -> bool:
    """Whether `If-Range` lets a part be sent: absent, or the very tag. Dates and weak tags never match."""
    return if_range is None or if_range.strip() == etag
