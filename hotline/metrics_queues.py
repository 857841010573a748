"""How the queues are doing today, in Prometheus' terms: what a reading of the board says of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import Metric

from board.figures import QueueFigures
from core.clock import MILLISECOND, SECOND
from hotline.metrics_family import Family

_OF_QUEUE: tuple[tuple[str, str, Callable[[QueueFigures], float]], ...] = (
    ("waiting", "Callers who wait", lambda q: q.waiting),
    (
        "longest_wait_seconds",
        "Longest wait of those who wait",
        lambda q: q.longest_wait_ms * MILLISECOND / SECOND,
    ),
    ("offered_total", "Waits that began today", lambda q: q.offered),
    ("answered_total", "Of these, answered", lambda q: q.answered),
    ("answered_within_10s_total", "Of these, within ten seconds", lambda q: q.answered_10),
    ("answered_in_sl_total", "Of these, within the queue's own service level", lambda q: q.answered_in_sl),
    ("abandoned_total", "Waits that the customer ended", lambda q: q.abandoned),
    ("agents_on_duty", "Agents on duty for the queue", lambda q: q.on_duty),
    ("agents_ready", "Of these, ready for a call", lambda q: q.ready),
)


def queue_figures(queues: Sequence[QueueFigures]) -> Iterator[Metric]:
    """Each figure, of every queue."""
    for name, told, figure in _OF_QUEUE:
        family = Family(f"hotline_queue_{name}", told, ("queue",))
        yield family.of(((queue.queue,), figure(queue)) for queue in queues)
