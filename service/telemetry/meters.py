"""Where numbers are kept in a worker, and how several workers' numbers become one.

A meter is a dictionary entry, an addition costs as much; Prometheus sees them only when somebody scrapes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

import msgspec

from service.telemetry.metrics import METRICS, Metric

Labels = tuple[str, ...]
OTHER = "other"


class Histogram(msgspec.Struct, array_like=True, gc=False):
    """Observations by bucket (the last one: beyond all bounds), and their sum."""

    counts: list[int]
    total: float = 0.0


class Snapshot(msgspec.Struct, array_like=True):
    """All numbers of a worker at one time, by metric name."""

    values: dict[str, list[tuple[Labels, float]]]
    histograms: dict[str, list[tuple[Labels, Histogram]]]


class Meters:
    """The numbers of one process."""

    def __init__(self) -> None:
        """Start at zero."""
        self._values: dict[str, dict[Labels, float]] = {metric.name: {} for metric in METRICS}
        self._histograms: dict[str, dict[Labels, Histogram]] = {}

    def add(self, metric: Metric, amount: float, labels: Labels = ()) -> None:
        """Count; a gauge may also go down."""
        values = self._values[metric.name]
        if labels in values:
            values[labels] += amount
        else:
            labels = self._bounded(metric, labels, len(values))
            values[labels] = values.get(labels, 0) + amount

    def set(self, metric: Metric, value: float, labels: Labels = ()) -> None:
        """Set a gauge."""
        values = self._values[metric.name]
        values[labels if labels in values else self._bounded(metric, labels, len(values))] = value

    def clear(self, metric: Metric) -> None:
        """Forget a gauge's values: what is not set again is gone."""
        self._values[metric.name].clear()

    def observe(self, metric: Metric, value: float, labels: Labels = (), times: int = 1) -> None:
        """Add an observation to a histogram, as often as ``times`` says."""
        histograms = self._histograms.setdefault(metric.name, {})
        histogram = histograms.get(labels)
        if histogram is None:
            labels = self._bounded(metric, labels, len(histograms))
            histogram = histograms.setdefault(labels, Histogram([0] * (len(metric.buckets) + 1)))
        histogram.counts[bisect_left(metric.buckets, value)] += times
        histogram.total += value * times

    def value(self, metric: Metric, labels: Labels = ()) -> float:
        """Return one number, 0 when nothing was counted."""
        return self._values[metric.name].get(labels, 0)

    def total(self, metric: Metric) -> float:
        """Return the sum over all labels."""
        return sum(self._values[metric.name].values())

    def snapshot(self) -> Snapshot:
        """Return everything as it is now."""
        return Snapshot(
            {name: list(values.items()) for name, values in self._values.items() if values},
            {
                name: [(labels, Histogram(list(h.counts), h.total)) for labels, h in histograms.items()]
                for name, histograms in self._histograms.items()
            },
        )

    @staticmethod
    def _bounded(metric: Metric, labels: Labels, held: int) -> Labels:
        if len(labels) != len(metric.labels):
            raise ValueError(f"{metric.name} has the labels {metric.labels}")
        return labels if held < metric.limit else tuple(OTHER for _ in labels)


def merge(snapshots: Iterable[Snapshot], departed: Iterable[Snapshot] = ()) -> Meters:
    """Add up the workers that run and the counters (not the gauges) of those that ended."""
    merged = Meters()
    for snapshot in departed:
        _merge_into(merged, snapshot, gauges=False)
    for snapshot in snapshots:
        _merge_into(merged, snapshot, gauges=True)
    return merged


def _merge_into(merged: Meters, snapshot: Snapshot, *, gauges: bool) -> None:
    for metric in METRICS:
        if metric.kind == "gauge" and not gauges:
            continue
        for labels, value in snapshot.values.get(metric.name, ()):
            if metric.merge == "max":
                merged.set(metric, max(value, merged.value(metric, labels)), labels)
            else:
                merged.add(metric, value, labels)
        for labels, histogram in snapshot.histograms.get(metric.name, ()):
            held = merged._histograms.setdefault(metric.name, {}).setdefault(  # noqa: SLF001 - its own class
                labels, Histogram([0] * len(histogram.counts))
            )
            held.counts = [a + b for a, b in zip(held.counts, histogram.counts, strict=True)]
            held.total += histogram.total
