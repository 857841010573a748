"""A queue that a flow leads callers to is not taken from the directory: they would hear a fault.

Looked at are the flow files, which are what would be published next, and the version in each node's own file,
as far as these can be read from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog

from core.errors import HotlineError
from directory.errors import Problem
from directory.lookup import Directory
from hotline.content import read_content
from hotline.settings import Settings
from ivr.compile import Compiled, compile_flow, versions_in
from ivr.named import queues_named

_log = structlog.get_logger("hotline.flow_guard")


class FlowGuard:
    """A `directory.book.Guard`; files are looked at only when a queue goes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, before: Directory, after: Directory) -> list[Problem]:
        """A problem for each queue that goes and each flow that names it."""
        gone = before.queues.keys() - after.queues.keys()
        if not gone:
            return []
        return [
            Problem(
                "queues",
                queue,
                f"flow {version.flow}, {where}, leads callers there at {menu}: publish another one first",
            )
            for where, version in self._versions(before)
            for queue, menu in queues_named(version).items()
            if queue in gone
        ]

    def _versions(self, before: Directory) -> Iterator[tuple[str, Compiled]]:
        try:
            flows = list(read_content(self._settings, before).flows.values())
        except HotlineError as problem:  # the next start says so, too; what is published counts for itself
            _log.warning("flow files not looked at", problem=str(problem))
            flows = []
        for flow in flows:
            yield "as its file is", compile_flow(flow)
        for node in self._settings.nodes:
            for file in sorted((node.directory / "etc").glob("ivr-*.conf")):
                for version in _versions_in(file)[:1]:
                    yield f"as published on {node.name}", version


def _versions_in(file: Path) -> Sequence[Compiled]:
    """None, and a word in the log, if it cannot be read: that is found by `hotline check`."""
    try:
        return versions_in(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        _log.warning("published flow not looked at", file=str(file), problem=str(problem))
        return ()
