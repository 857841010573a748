"""Who leads, in Prometheus' terms: of the leader, and of a program that stands by."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from hotline.metrics_family import Family
from storage.leadership import Leadership

LEADS = Family("hotline_lease_leads", "1: this program leads, 0: it stands by; none without a lease")
FENCE = Family("hotline_lease_fence", "Number of this program's time as the leader")
UNRENEWED = Family("hotline_lease_unrenewed_seconds", "Since the lease was last renewed")
STOOD_BY = Family("hotline_lease_stood_by", "1: another program stood by when the lease was last renewed")
CUT_OFF = Family("hotline_lease_cut_off", "1: run out unrenewed, another may lead: nodes are told nothing")


def lease_figures(leadership: Leadership | None) -> Iterator[Metric]:
    """Of a program that leads; None: there is no lease, and no figure."""
    leads = None if leadership is None else leadership.lost is None
    yield LEADS.single(leads)
    yield FENCE.single(None if leadership is None else leadership.tenure.fence)
    yield UNRENEWED.single(None if leadership is None else leadership.unrenewed_s)
    yield STOOD_BY.single(None if leadership is None else leadership.stood_by)
    yield CUT_OFF.single(None if leadership is None else leadership.cut_off)


class StandbyCollector(Collector):
    """All figures of a program that stands by."""

    def collect(self) -> Iterator[Metric]:
        """That it does not lead."""
        yield LEADS.single(0)
