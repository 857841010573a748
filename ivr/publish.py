"""Put a compiled flow where Asterisk reads it: written aside, renamed into place, earlier versions kept."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from ivr.compile import Compiled, render_file, versions_in

KEEP_EARLIER = 4
"""Versions kept beside the active one: a call is in a menu for minutes, five flows take longer to publish."""


def flow_file(node: Path, flow: str) -> Path:
    """Where the Asterisk whose folder is `node` reads a flow; its `extensions.conf` includes it."""
    return node / "etc" / f"ivr-{flow}.conf"


def publish(
    compiled: Compiled, path: Path, *, keep: int = KEEP_EARLIER, in_use: Collection[str] = ()
) -> bool:
    """Make `compiled` the active version in the dialplan file `path`; whether anything had to be written.

    `in_use`: versions that calls are in, kept however many came after them. Asterisk takes the file up at its
    next `dialplan reload`. The file is whole at every moment.
    """
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    earlier = [version for version in versions_in(before) if version.version != compiled.version]
    kept = [one for place, one in enumerate(earlier) if place < keep or one.version in in_use]
    rendered = render_file(compiled, kept)
    if rendered == before:
        return False
    write_aside(path, rendered.encode())
    return True


def write_aside(path: Path, content: bytes, *, mode: int = 0o644, sync: bool = True) -> None:
    """Write `content` beside `path`, make it durable unless it can be made again, rename it into place."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.aside")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            if sync:
                os.fsync(file.fileno())
        aside.chmod(mode)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
