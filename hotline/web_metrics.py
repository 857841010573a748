"""The figures of a web process for Prometheus: what it served, who watches, how old what they see is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from core.clock import SECOND, Clock
from hotline.metrics import FEED, SCREENS, served_of
from hotline.metrics_family import Family
from web.counting import RequestCounts
from web.live_mirror import LiveMirror
from web.relay import RelayIn

SILENCE = Family("hotline_live_feed_silence_seconds", "Since the leader was last heard; none while it is not")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What is looked at."""

    requests: RequestCounts
    mirror: LiveMirror
    relay: RelayIn
    clock: Clock


def registry_of_web(served: Served) -> CollectorRegistry:
    """A registry of our own with everything in it, the process included."""
    registry = CollectorRegistry()
    registry.register(WebCollector(served))
    for collector in (ProcessCollector, GCCollector, PlatformCollector):
        collector(registry=registry)
    return registry


class WebCollector(Collector):
    """All figures of the process."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def collect(self) -> Iterator[Metric]:
        """Every family."""
        mirror = self._served.mirror
        yield SCREENS.single(mirror.readers)
        yield FEED.single(not self._served.relay.problem)
        silence = (self._served.clock() - mirror.heard) / SECOND if mirror.heard else None
        yield SILENCE.single(silence)
        yield from served_of(self._served.requests)
