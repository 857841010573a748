"""A queue's service level on its way from the directory over the fact to the board, in the whole program."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from core import facts as f
from core.clock import SECOND
from core.names import QueueName
from directory.lookup import Directory
from directory.seed import DEMO, load
from tests.integration.web.program import running_program
from tests.unit.telephony.story import START, Story

QUEUE = QueueName("personal-cmn")


def with_level(directory: Directory, seconds: int) -> Directory:
    """All queues of the business have it: figures are kept by business."""
    business = directory.queues[QUEUE].business
    changed = {
        name: replace(queue, service_level_s=seconds)
        for name, queue in directory.queues.items()
        if queue.business == business
    }
    return replace(directory, queues={**directory.queues, **changed})


async def test_the_level_of_the_directory_is_what_the_callers_of_the_queue_are_measured_by(
    tmp_path: Path,
) -> None:
    async with running_program(with_level(load(DEMO), 25), tmp_path, clock=lambda: START) as program:
        hotline = program.hotline
        await hotline.board.start()
        switchboard = hotline.telephony.switchboard
        story = Story().arrives().joins()
        facts = [fact for signal in story.signals for fact in switchboard.hear(signal).facts]
        joined = next(fact for fact in facts if isinstance(fact, f.CallerQueued))
        assert joined.answer_within == 25 * SECOND

        left: dict[str, Any] = {
            "call": joined.call,
            "node": joined.node,
            "queue": QUEUE,
            "waited": 20 * SECOND,
        }
        answered = f.CallerLeftQueue(at=joined.at + 20 * SECOND, reason=f.LeaveReason.ANSWERED, **left)
        hotline.ledger.append([*facts, answered])
        shown = next(each for each in hotline.board.figures().queues if each.queue == QUEUE)
        assert (shown.answered, shown.answered_10, shown.answered_in_sl) == (1, 0, 1)
        assert (shown.sl10, shown.sl) == (0.0, 1.0)
