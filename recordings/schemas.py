"""The catalogue on the wire. Lengths in milliseconds, sizes in bytes."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from core.clock import MILLISECOND, moment
from recordings.audit import Fault, Finding
from recordings.model import Part, Recording, Status
from recordings.playback import Purpose
from storage.audit import Access
from web.route import In, Out


class OfCall(In):
    """Which call."""

    call: str


class OfNode(In):
    """Which node."""

    node: str


class ListenIn(In):
    """Why it is heard, and which voice; without `part` both, customer left, agent right."""

    purpose: Purpose
    reason: str = Field(default="", max_length=200)
    part: Part | None = None


class FileOut(Out):
    """One file of a leg."""

    part: Part
    channels: int
    length_ms: int
    size: int
    sha256: str


class RecordingOut(Out):
    """One leg's recording. `why`: what is wrong with it."""

    leg: str
    call: str
    agent: str
    queue: str
    node: str
    status: Status
    why: str
    started_at: datetime | None
    ended_at: datetime | None
    length_ms: int
    size: int
    files: list[FileOut]


class RecordingsOut(Out):
    """In the order in which the legs began."""

    recordings: list[RecordingOut]


class FindingOut(Out):
    """One difference between folder and catalogue."""

    fault: Fault
    name: str
    detail: str


class FindingsOut(Out):
    """Empty: files and catalogue agree."""

    node: str
    findings: list[FindingOut]


class AccessOut(Out):
    """Who listened, why, when."""

    at: datetime
    staff: str
    action: str
    purpose: str
    reason: str


class AccessesOut(Out):
    """Oldest first."""

    leg: str
    accesses: list[AccessOut]


def recording_out(recording: Recording) -> RecordingOut:
    """The row as it is shown."""
    files = [
        FileOut(
            part=file.part,
            channels=file.channels,
            length_ms=file.length // MILLISECOND,
            size=file.size,
            sha256=file.sha256,
        )
        for file in recording.files
    ]
    return RecordingOut(
        leg=recording.leg,
        call=recording.call,
        agent=recording.agent,
        queue=recording.queue,
        node=recording.node,
        status=recording.status,
        why=recording.why,
        started_at=None if recording.started_at is None else moment(recording.started_at),
        ended_at=None if recording.ended_at is None else moment(recording.ended_at),
        length_ms=recording.length // MILLISECOND,
        size=recording.size,
        files=files,
    )


def finding_out(finding: Finding) -> FindingOut:
    """The finding as it is shown."""
    return FindingOut(fault=finding.fault, name=finding.name, detail=finding.detail)


def access_out(access: Access) -> AccessOut:
    """The access as it is shown."""
    return AccessOut(
        at=moment(access.at),
        staff=access.staff,
        action=access.action,
        purpose=access.purpose,
        reason=access.reason,
    )
