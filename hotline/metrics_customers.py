"""How look-ups of callers go, in Prometheus' terms."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric

from core.clock import SECOND
from customers.lookup import Lookup, Outcome
from hotline.metrics_family import Family

ENDED = Family("hotline_customer_lookups_total", "Look-ups of callers, by how they ended", ("outcome",))
SPENT = Family("hotline_customer_lookup_seconds_total", "Time in which answers to them were waited for")
LEFT_ALONE = Family("hotline_customer_source_left_alone", "1: the source fails and is not asked at present")


def lookup_figures(lookup: Lookup | None) -> Iterator[Metric]:
    """None: nobody is looked up, and there is no figure."""
    if lookup is None:
        return
    yield ENDED.of(((outcome.value,), lookup.counts[outcome]) for outcome in Outcome)
    yield SPENT.single(lookup.spent / SECOND)
    yield LEFT_ALONE.single(lookup.left_alone)
