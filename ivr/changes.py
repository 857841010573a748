"""What differs between two versions of a flow, node by node. Pure.

It goes by the compiled text, which is what callers meet: a title that nobody hears is no change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ivr.compile import Compiled

_CONTEXT = re.compile(r"^\[ivr-\S+?-[0-9a-f]{8}-([a-z_]+)(?:-\d+)?\]$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Changes:
    """Names of nodes; `entry`: callers begin at another node, or in another language."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    entry: str

    def lines(self) -> Iterator[str]:
        """For people, one kind a line; nothing where nothing differs."""
        for word in ("added", "removed", "changed"):
            if names := getattr(self, word):
                yield f"{word}: {', '.join(names)}"
        if self.entry:
            yield self.entry


def changes(before: Compiled, after: Compiled) -> Changes:
    """What a caller of `after` meets that a caller of `before` does not, and the other way round."""
    old, new = _nodes(before), _nodes(after)
    was, now = (f"{_start(one)} in {one.language}" for one in (before, after))
    return Changes(
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        changed=tuple(name for name, text in new.items() if name in old and old[name] != text),
        entry=f"calls begin at {now}, not at {was}" if was != now else "",
    )


def _nodes(version: Compiled) -> dict[str, str]:
    """Name of the node → its contexts, without the version in them."""
    pieces = _CONTEXT.split(version.text)[1:]
    found: dict[str, str] = {}
    for name, text in zip(pieces[::2], pieces[1::2], strict=True):
        found[name] = found.get(name, "") + text.strip().replace(version.version, "")
    return found


def _start(version: Compiled) -> str:
    return version.start.rpartition("-")[2]
