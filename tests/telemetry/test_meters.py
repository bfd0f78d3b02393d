"""Numbers of several workers become one without losing or doubling any."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from service.telemetry import metrics
from service.telemetry.exposition import expose
from service.telemetry.meters import OTHER, Meters, merge
from service.telemetry.metrics import METRICS, document
from service.telemetry.rules import rule_rows

CHECKOUT = Path(__file__).resolve().parents[2]
SHOP = ("shop", "prod", "audit")


@given(st.lists(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 9)), max_size=8), max_size=4))
def test_counters_of_running_and_ended_workers_add_up(workers: list[list[tuple[str, int]]]) -> None:
    snapshots = []
    for counts in workers:
        meters = Meters()
        for name, amount in counts:
            meters.add(metrics.RECORDS, amount, (name, "prod", "s"))
        snapshots.append(meters.snapshot())
    for split in range(len(snapshots) + 1):
        merged = merge(snapshots[:split], snapshots[split:])
        assert merged.total(metrics.RECORDS) == sum(amount for counts in workers for _, amount in counts)


def test_gauges_of_ended_workers_are_gone_and_ages_are_the_oldest() -> None:
    one, two, ended = Meters(), Meters(), Meters()
    for meters, held, age in ((one, 3, 1.0), (two, 4, 9.0), (ended, 100, 500.0)):
        meters.add(metrics.IN_FLIGHT, held, (*SHOP, "aws.vpcflow"))
        meters.set(metrics.KINESIS_BEHIND, age, SHOP)
    merged = merge([one.snapshot(), two.snapshot()], [ended.snapshot()])
    assert merged.value(metrics.IN_FLIGHT, (*SHOP, "aws.vpcflow")) == 7
    assert merged.value(metrics.KINESIS_BEHIND, SHOP) == 9.0


def test_histograms_merge_bucket_by_bucket() -> None:
    one, two = Meters(), Meters()
    one.observe(metrics.DELAY, 0.02, ("aws.alb",), times=3)
    two.observe(metrics.DELAY, 1e9, ("aws.alb",))
    text = expose(merge([one.snapshot(), two.snapshot()])).decode()
    assert 'siem_delay_seconds_bucket{dataset="aws.alb",le="0.05"} 3.0' in text
    assert 'siem_delay_seconds_count{dataset="aws.alb"} 4.0' in text


def test_label_sets_are_bounded() -> None:
    meters = Meters()
    few = metrics.Metric("siem_records_total", "counter", "x", ("stream",), limit=3)
    for number in range(100):
        meters.add(few, 1, (str(number),))
    values = dict(meters.snapshot().values["siem_records_total"])
    assert len(values) == 4
    assert values[OTHER,] == 97


def test_a_rule_has_a_row_with_what_it_did_and_cost() -> None:
    meters = Meters()
    for project in ("shop", "lab"):
        meters.add(metrics.EVENTS, 500, (project, "prod", "logs", "aws.waf"))
        meters.add(metrics.ALERTS_SUPPRESSED, 2, (project, "prod", "r-1"))
    meters.add(metrics.RULE_MATCHES, 7, ("aws.waf", "r-1"))
    meters.add(metrics.RULE_MATCHES, 1, ("aws.alb", "r-1"))
    meters.set(metrics.RULE_COST, 0.002, ("aws.waf", "r-1"))
    meters.set(metrics.RULE_COST, 0.001, ("aws.waf", "r-2"))
    assert rule_rows(meters) == [
        {"rule": "r-1", "matches": 8, "suppressed": 4, "events": 1000, "microseconds": 2.0},
        {"rule": "r-2", "matches": 0, "suppressed": 0, "events": 1000, "microseconds": 1.0},
    ]


def test_wrong_labels_are_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="has the labels"):
        Meters().add(metrics.RECORDS, 1, ("shop",))


def test_the_documentation_is_fresh() -> None:
    page = CHECKOUT / "docs" / "metrics.md"
    assert page.read_text() == document(), "write it anew: python -c 'from service.telemetry.metrics import document; …'"


def of_grafana() -> list[str]:
    panels = json.loads((CHECKOUT / "deploy" / "grafana" / "kinesiem.json").read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def of_prometheus() -> list[str]:
    groups = yaml.safe_load((CHECKOUT / "deploy" / "prometheus" / "kinesiem.rules.yml").read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("expressions", [of_grafana(), of_prometheus()], ids=["grafana", "prometheus"])
def test_what_we_ship_asks_for_metrics_and_labels_that_exist(expressions: list[str]) -> None:
    known = {metric.name: metric for metric in METRICS}
    known |= {f"{metric.name}_bucket": metric for metric in METRICS if metric.kind == "histogram"}
    assert expressions
    for expression in expressions:
        for name, labels in re.findall(r"(siem_[a-z_]+)(?:\{([^}]*)\})?", expression):
            assert name in known, name
            used = {label.split("=")[0].strip("~! ") for label in (labels or "").split(",") if label}
            assert used <= set(known[name].labels), expression
        grouped = re.findall(r"by \(([a-z_, ]+)\) \((?:rate|increase)?\(?(siem_[a-z_]+)", expression)
        for labels, name in grouped:
            assert set(labels.split(", ")) - {"le"} <= set(known[name].labels), expression


def test_every_declared_metric_is_counted_somewhere() -> None:
    code = "".join(path.read_text() for path in (CHECKOUT / "service").rglob("*.py") if path.name != "metrics.py")
    unused = [
        name for name, value in vars(metrics).items() if isinstance(value, metrics.Metric) and f"metrics.{name}" not in code
    ]
    assert unused == []


def test_every_declared_metric_is_exposed_and_documented() -> None:
    text, page = expose(Meters()).decode(), document()
    for metric in METRICS:
        family = metric.name.removesuffix("_total") if metric.kind == "counter" else metric.name
        assert re.search(rf"# TYPE {family}(_total)? {metric.kind}", text), metric.name
        assert f"`{metric.name}`" in page
    assert len({metric.name for metric in METRICS}) == len(METRICS)
