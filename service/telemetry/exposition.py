"""Meters as Prometheus text."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from service.telemetry.meters import Meters, Snapshot
from service.telemetry.metrics import METRICS, Metric


class _Collected(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Family]:
        for metric in METRICS:
            yield _family(metric, self._snapshot)


def expose(meters: Meters) -> bytes:
    """Return the text of ``/metrics``; every declared metric appears, with or without samples."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(meters.snapshot()))
    return generate_latest(registry)


def _family(metric: Metric, snapshot: Snapshot) -> Family:
    if metric.kind == "histogram":
        histogram_family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        for labels, histogram in snapshot.histograms.get(metric.name, ()):
            running, buckets = 0, []
            for bound, count in zip((*map(str, metric.buckets), "+Inf"), histogram.counts, strict=True):
                running += count
                buckets.append((bound, float(running)))
            histogram_family.add_metric(labels, buckets, histogram.total)
        return histogram_family
    family: CounterMetricFamily | GaugeMetricFamily = (
        CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
        if metric.kind == "counter"
        else GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    )
    for labels, value in snapshot.values.get(metric.name, ()):
        family.add_metric(labels, value)
    return family
