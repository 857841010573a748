"""A figure with its labels, in Prometheus' terms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

Samples = Iterable[tuple[Sequence[str], float | None]]
"""Values of the labels, and the figure; None: there is none just now."""


@dataclass(frozen=True, slots=True)
class Family:
    """A figure with its labels; a counter's name ends in `_total`."""

    name: str
    told: str
    labels: tuple[str, ...] = ()

    def of(self, samples: Samples) -> Metric:
        """The figure as it stands."""
        kind = CounterMetricFamily if self.name.endswith("_total") else GaugeMetricFamily
        metric = kind(self.name, self.told, labels=self.labels)
        for values, figure in samples:
            if figure is not None:
                metric.add_metric(values, figure)
        return metric

    def single(self, figure: float | None) -> Metric:
        """The figure of a family without labels."""
        return self.of([((), figure)])
