"""The daily proof of recordings: an answered leg has one in the catalogue, or its absence is stated there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from core.clock import MINUTE, Duration, Instant
from core.facts import AgentAnswered
from ledger.proof_calls import Mismatch
from recordings import catalogue
from recordings.folder import Folder
from recordings.model import Recording, Status
from storage import Database
from storage.retention import What, gone_before

FILED_BY: Duration = 10 * MINUTE
"""So long after its leg's end a file is measured, however many others wait."""


async def prove_recordings(
    database: Database,
    answers: Sequence[AgentAnswered],
    folders: Mapping[str, Folder],
    counts: Counter[Status],
    now: Instant,
) -> list[Mismatch]:
    """What the catalogue does not account for, of legs whose calls are over; `counts` what it has of them.

    `folders`: of each node, to see that filed files are still there. At most some hundred legs at once. What
    retention has removed, or is about to, is accounted for: `counts` has it as REMOVING.
    """
    async with database.read() as connection:
        found = await catalogue.of_legs(connection, [answer.leg for answer in answers])
        gone = await gone_before(connection, What.RECORDINGS)
    removed = [answer for answer in answers if answer.leg not in found and answer.at < gone]
    counts.update(recording.status for recording in found.values())
    if removed:
        counts[Status.REMOVING] += len(removed)
    return [
        mismatch
        for answer in answers
        if answer not in removed
        for mismatch in mismatches_of(answer, found.get(answer.leg), folders.get(answer.node), now)
    ]


def mismatches_of(
    answer: AgentAnswered, recording: Recording | None, folder: Folder | None, now: Instant
) -> Iterator[Mismatch]:
    """What is wrong with one answered leg's recording."""

    def wrong(rule: str, witness: str, explanation: str) -> Mismatch:
        return Mismatch(
            subject=f"call {answer.call}",
            rule=rule,
            ledger=f"{answer.agent} answered on {answer.leg}",
            witness=witness,
            explanation=explanation,
        )

    if recording is None:
        yield wrong(
            "recording",
            "neither a recording nor word of its absence",
            "it never began, or the catalogue has not come so far: is the service running, the disk full?",
        )
    elif recording.status is Status.RECORDING:
        yield wrong(
            "recording",
            "still being recorded, though the call is over",
            "the leg's end was missed: look whether its file still grows",
        )
    elif recording.status is Status.ENDED and now - (recording.ended_at or 0) > FILED_BY:
        yield wrong("recording", "ended, never measured", "the service files it; is it running? Read its log")
    if recording is None or folder is None or recording.status is Status.REMOVING:
        return
    for file in recording.files:
        size = folder.size(file.name)
        if size != file.size:
            there = {None: "no file", -1: "no ordinary file"}.get(size, f"{size} bytes")
            yield wrong(
                "recording_file",
                f"{there} of the {file.size} filed as {file.name}",
                "removed or changed by somebody: look in a backup, and at who may write there",
            )
