"""Put a compiled flow where Asterisk reads it: written aside, renamed into place, earlier versions kept."""

from __future__ import annotations

import os
from pathlib import Path

from ivr.compile import Compiled, render_file, versions_in

KEEP_EARLIER = 4
"""Versions kept beside the active one: a call is in a menu for minutes, five flows take longer to publish."""


def publish(compiled: Compiled, path: Path, *, keep: int = KEEP_EARLIER) -> bool:
    """Make `compiled` the active version in the dialplan file `path`; whether anything had to be written.

    Asterisk takes it up at its next `dialplan reload`. The file is whole at every moment.
    """
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    earlier = [version for version in versions_in(before) if version.version != compiled.version]
    rendered = render_file(compiled, earlier[:keep])
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
