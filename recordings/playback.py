"""Listening: by right, with a stated purpose, written down before the first byte (QA-10, SEC-11)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from core.clock import Clock
from core.errors import NotFound
from core.names import check
from recordings import catalogue
from recordings.errors import NotPlayable, NotYours, UnsafeFile
from recordings.folder import Folder
from recordings.model import Measured, Part, Recording
from recordings.sound import BothSides, OneFile, Sound
from storage import Database
from storage.audit import Access, accesses_of, record_access
from web.route import Principal

PLAY = "recordings.play"


class Purpose(StrEnum):
    """The work reasons for which a recording may be heard."""

    QUALITY = "quality"
    COMPLAINT = "complaint"
    TRAINING = "training"
    INVESTIGATION = "investigation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """What someone wants to hear, and why. `part` None: both voices, or the one there is."""

    leg: str
    purpose: Purpose
    reason: str = ""
    part: Part | None = None


class Player:
    """`folders`: node → its recordings folder."""

    def __init__(self, *, database: Database, folders: Mapping[str, Path], clock: Clock) -> None:
        self._database = database
        self._folders = {node: Folder(path) for node, path in folders.items()}
        self._clock = clock

    async def of_call(self, person: Principal, call: str) -> list[Recording]:
        """The catalogue rows of a call that the person may listen to; says nothing of what was said."""
        check("call", call, "query.call")
        async with self._database.read() as connection:
            found = await catalogue.of_call(connection, call)
        reach = person.reach(PLAY)
        return [recording for recording in found if recording.agent in reach]

    async def open(self, person: Principal, wish: Listening) -> Sound:
        """What was wished for, open and checked against its row; nothing has been written down yet.

        `NotFound`, `NotYours`, `NotPlayable`. The caller closes it.
        """
        check("leg", wish.leg, "leg")
        async with self._database.read() as connection:
            recording = await catalogue.of_leg(connection, wish.leg)
        if recording is None:
            raise NotFound(f"leg {wish.leg} has no recording")
        if not person.may_of(PLAY, recording.agent):
            raise NotYours(f"listening to leg {wish.leg} needs the right {PLAY!r} as far as its agent")
        return await asyncio.to_thread(self._open, recording, wish.part)

    async def note(self, person: Principal, wish: Listening, action: str) -> None:
        """Write the listening down. Without this row not a byte is sent."""
        access = Access(
            at=self._clock(),
            staff=person.staff,
            action=action,
            subject=f"recording:{wish.leg}",
            purpose=wish.purpose,
            reason=wish.reason,
        )
        async with self._database.write() as connection:
            await record_access(connection, access)

    async def heard_by(self, leg: str) -> list[Access]:
        """Who listened to this leg, oldest first."""
        check("leg", leg, "leg")
        async with self._database.read() as connection:
            return await accesses_of(connection, f"recording:{leg}")

    def _open(self, recording: Recording, part: Part | None) -> Sound:
        customer, agent = recording.file(Part.CUSTOMER), recording.file(Part.AGENT)
        alone = recording.file(part or Part.MIXED)
        if alone is None and part in {None, Part.MIXED}:
            if customer and agent:
                return self._open_both(recording, customer, agent)
            alone = (customer or agent) if part is None else None
        if alone is None:
            why = recording.why or (f"there is no {part} file" if recording.files else "it is not filed yet")
            raise NotPlayable(f"the recording of leg {recording.leg} is {recording.status}: {why}")
        return OneFile(alone, self._open_file(recording, alone))

    def _open_both(self, recording: Recording, customer: Measured, agent: Measured) -> Sound:
        with ExitStack() as opened:
            left = opened.enter_context(self._open_file(recording, customer))
            right = opened.enter_context(self._open_file(recording, agent))
            sound = BothSides(recording.base, ((customer, left), (agent, right)))
            opened.pop_all()
        return sound

    def _open_file(self, recording: Recording, file: Measured) -> BinaryIO:
        folder = self._folders.get(recording.node)
        try:
            handle = folder.open(file.name) if folder else None
        except UnsafeFile as error:
            raise NotPlayable(str(error)) from error
        if handle is None:
            raise NotPlayable(f"{file.name} is no longer in the folder of node {recording.node!r}")
        size = os.fstat(handle.fileno()).st_size
        if size != file.size:
            handle.close()
            raise NotPlayable(f"{file.name} had {file.size} bytes when it was filed and has {size} now")
        return handle
