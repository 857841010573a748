"""What the directory says in Asterisk's own files, published to each node as soon as it says something else.

    files before, files after ─► those that differ ─► written ─► the one module that reads them ─► live since

Telephones, VIPs, PINs and star codes, ring times of queues stand there; who serves which queue does not. Only
files that are as this program made them are touched. What cannot be published from here waits, and says for
what: an Asterisk on another host, a file that somebody else has changed, a telephone without a secret.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from core.clock import Clock, Instant
from core.errors import HotlineError
from directory import credentials
from directory.lookup import Directory
from hotline.node import read_accounts, spec_by
from hotline.settings import Settings
from hotline.settings_nodes import NodeSettings
from telephony import instance
from telephony.instance import AsteriskInstance
from telephony.nodefiles import NodeFile, render, write_file

_log = structlog.get_logger("hotline.node_upkeep")
_AGAIN_S = 15.0
_BY_HAND = "`hotline prepare`, then `hotline reload` on its host"
_RELOADS: Mapping[str, str] = {
    "extensions.conf": "dialplan reload",
    "queues.conf": "queue reload parameters",
    "queuerules.conf": "queue reload rules",
    "pjsip.conf": "module reload res_pjsip.so",
}
"""Files that follow the directory, each with the least that makes Asterisk read it; calls go on meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a node is. `change`: the last one of the directory that is live there; `since`: since when.

    `waiting`: why a later one is not, and what to do; "" if there is none.
    """

    node: str
    change: int = 0
    since: Instant | None = None
    waiting: str = ""


class CannotPublish(HotlineError):
    """A node cannot be told from here; the message says why and what to do."""


class NodeUpkeep:
    """`published` is how far each node is; `run` is the task.

    `directory`: what the nodes' files were prepared from, as far as anybody knows; `number`: its last change.
    """

    def __init__(self, settings: Settings, number: int, directory: Directory, *, clock: Clock) -> None:
        self.published = {node.name: Standing(node=node.name, change=number) for node in settings.nodes}
        self._settings = settings
        self._clock = clock
        self._wanted = (number, directory)
        self._live = dict.fromkeys(self.published, directory)
        self._owed: dict[str, list[str]] = {}
        self._wake = asyncio.Event()
        self._tried = 0
        self._progress = asyncio.Condition()

    def changed(self, number: int, directory: Directory) -> None:
        """The directory says something else from now on."""
        self._wanted = (number, directory)
        self._wake.set()

    async def tried(self, change: int) -> None:
        """Returns when all nodes have been told of that change or a later one, or say why not."""
        async with self._progress:
            await self._progress.wait_for(lambda: self._tried >= change)

    async def run(self) -> None:
        """Publish until cancelled; what waits is tried again from time to time."""
        while True:
            waiting = any(one.waiting for one in self.published.values())
            try:
                async with asyncio.timeout(_AGAIN_S if waiting else None):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            number, _ = self._wanted
            for node in self._settings.nodes:
                await self._publish(node)
            async with self._progress:
                self._tried = number
                self._progress.notify_all()

    async def _publish(self, node: NodeSettings) -> None:
        number, directory = self._wanted
        try:
            told = await self._tell(node, self._live[node.name], directory)
        except (HotlineError, OSError) as problem:
            before = self.published[node.name]
            if before.waiting != str(problem):
                _log.warning("directory_not_live", node=node.name, change=number, problem=str(problem))
            self.published[node.name] = Standing(
                node=node.name, change=before.change, since=before.since, waiting=str(problem)
            )
            return
        self._live[node.name] = directory
        self.published[node.name] = Standing(node=node.name, change=number, since=self._clock())
        _log.info("directory_live", node=node.name, change=number, told=", ".join(told) or "nothing")

    async def _tell(self, node: NodeSettings, before: Directory, after: Directory) -> Sequence[str]:
        """The commands that made it so; none if nothing in the node's files is different."""
        programs = await instance.find()
        files = await asyncio.to_thread(self._files, node, programs, before, after)
        commands, needed = self._owed.setdefault(node.name, []), reloads(files)
        await asyncio.to_thread(_write, node.directory / "etc", files)
        commands += [one for one in needed if one not in commands]
        if commands and not (node.directory / "run" / "asterisk.ctl").exists():
            raise CannotPublish(f"the Asterisk of {node.name} cannot be told from here: {_BY_HAND}")
        asterisk = AsteriskInstance(node.directory.absolute(), programs)
        told = tuple(commands)
        for command in told:
            await asterisk.cli(command)
            commands.remove(command)
        return told

    def _files(
        self, node: NodeSettings, programs: instance.Programs, before: Directory, after: Directory
    ) -> Mapping[str, tuple[NodeFile, NodeFile]]:
        """Files that differ, as they were and as they are to be."""
        keys, accounts = credentials.load(self._settings.credentials_file), read_accounts(node.accounts)
        if without := [name for name in after.devices if name not in keys.devices]:
            raise CannotPublish(f"{without[0]} has no secret yet: {_BY_HAND}")
        old, new = (
            render(spec_by(node, directory, keys, programs, accounts, outgoing=self._settings.outgoing))
            for directory in (before, after)
        )
        return {name: (old[name], file) for name, file in new.items() if file != old[name]}


def reloads(files: Collection[str]) -> list[str]:
    """What Asterisk is told after these files have changed. `CannotPublish` if only a restart reads one."""
    if beyond := [name for name in files if name not in _RELOADS]:
        raise CannotPublish(f"{beyond[0]} is read at Asterisk's start only: {_BY_HAND}, and restart it")
    return [command for name, command in _RELOADS.items() if name in files]


def _write(folder: Path, files: Mapping[str, tuple[NodeFile, NodeFile]]) -> None:
    for name, (before, after) in files.items():
        there = (folder / name).read_text("utf-8")
        if there not in (before.text, after.text):
            raise CannotPublish(f"{folder / name} is not as this program made it: {_BY_HAND}")
    for name, (_, after) in files.items():
        write_file(folder / name, after.text, after.mode)
