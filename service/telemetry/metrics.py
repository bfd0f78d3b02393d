"""Every metric, declared once: name, kind, meaning, labels. The documentation and ``/metrics`` are made from this list.

Labels are bounded by configuration (projects, streams, datasets, rule names); whatever an event says is never a label.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]

STREAM = ("project", "environment", "stream")
DATASET = (*STREAM, "dataset")


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One metric. ``merge`` says how several workers' gauges become one; ``limit`` bounds a process's label sets."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    merge: Literal["sum", "max"] = "sum"
    limit: int = 5000


SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 21600.0)

# collecting
COLLECTED_RECORDS = Metric("siem_collected_records_total", "counter", "Kinesis records handed to Kafka.", STREAM)
COLLECTED_BYTES = Metric("siem_collected_bytes_total", "counter", "Bytes of those records.", STREAM)
KINESIS_BEHIND = Metric(
    "siem_kinesis_behind_seconds", "gauge", "How far reading is behind the tip of the stream.", STREAM, merge="max"
)
KINESIS_QUOTA = Metric(
    "siem_kinesis_quota_seconds_total", "counter", "Seconds that shards waited because their stream has a quota.", STREAM
)

# routing
RECORDS = Metric("siem_records_total", "counter", "Kinesis records decoded and routed.", STREAM)
CONTROL = Metric("siem_control_records_total", "counter", "Records that only say the subscription works.", STREAM)
UNROUTED = Metric("siem_unrouted_total", "counter", "Dead letters before a dataset was known.", (*STREAM, "stage", "code"))

# processing: events = indexed + already_there + dropped + dead_lettered + abandoned + in flight, always
EVENTS = Metric("siem_events_total", "counter", "Events taken up by a dataset's pipeline.", DATASET)
INDEXED = Metric("siem_indexed_total", "counter", "Documents created in OpenSearch.", DATASET)
ALREADY_THERE = Metric("siem_already_there_total", "counter", "Documents that were there before.", DATASET)
DROPPED = Metric("siem_dropped_total", "counter", "Events dropped on purpose, by rule.", (*DATASET, "rule"))
DEAD_LETTERED = Metric("siem_dead_lettered_total", "counter", "Events kept as dead letters.", (*DATASET, "stage", "code"))
ABANDONED = Metric(
    "siem_abandoned_total", "counter", "Events a worker left without a fate; they are read and counted again.", DATASET
)
IN_FLIGHT = Metric("siem_in_flight_events", "gauge", "Events without a fate yet.", DATASET)
FLAGGED = Metric("siem_flagged_total", "counter", "Events indexed with a flag, by flag.", (*DATASET, "flag"))
DRIFT = Metric(
    "siem_format_drift_total",
    "counter",
    "Unknown columns, keys and values met, by kind; `siem drift` names them.",
    ("project", "environment", "dataset", "kind"),
)
DELAY = Metric("siem_delay_seconds", "histogram", "From arrival in Kinesis to the event's fate.", ("dataset",), buckets=SECONDS)
BEHIND = Metric(
    "siem_arrival_behind_seconds", "gauge", "Age, since arrival, of what was last accounted for.", DATASET, merge="max"
)

# the ledger
UNACCOUNTED = Metric(
    "siem_events_unaccounted",
    "gauge",
    "Events (or records) that the ledger cannot account for: read, no fate, waiting nowhere. Must be 0.",
    DATASET,
    merge="max",
)
LEDGER_IN_FLIGHT = Metric(
    "siem_ledger_in_flight", "gauge", "Events (or records) in the ledger that still wait in Kafka.", DATASET, merge="max"
)
AUDIT_AGE = Metric("siem_ledger_audit_age_seconds", "gauge", "How old those two answers are.", merge="max")
GAPS = Metric("siem_kinesis_gaps_total", "counter", "Times that Kinesis deleted records before they were read.", STREAM)

# OpenSearch and enrichment
BULK_REQUESTS = Metric("siem_bulk_requests_total", "counter", "Bulk requests sent, retries among them.")
BULK_BYTES = Metric("siem_bulk_bytes_total", "counter", "Bytes of their bodies, before compression.")
BULK_SECONDS = Metric("siem_bulk_seconds_total", "counter", "Time their answers took, all requests together.")
BULK_RETRIES = Metric("siem_bulk_retried_documents_total", "counter", "Documents sent again, by reason.", ("code",))
BULK_HELD = Metric(
    "siem_bulk_held_seconds", "gauge", "How long OpenSearch has not taken a dataset.", ("dataset", "code"), merge="max"
)
ENRICHMENT_AGE = Metric("siem_enrichment_age_seconds", "gauge", "Age of the data in a file.", ("kind", "file"), merge="max")
ENRICHMENT_BAD = Metric("siem_enrichment_unusable", "gauge", "1: the file is missing or damaged.", ("kind", "file"), merge="max")

# silent sources: told by the one worker that judges; the dataset * is the stream as a whole
SOURCE_QUIET = Metric("siem_source_quiet_seconds", "gauge", "Since when nothing of a source has arrived.", DATASET, merge="max")
SOURCE_PATIENCE = Metric(
    "siem_source_patience_seconds", "gauge", "How long that may be, by the source's rhythm or its rules.", DATASET, merge="max"
)
SOURCE_SILENT = Metric("siem_source_silent", "gauge", "1: the source fell silent.", DATASET, merge="max")
SOURCE_UNKNOWN = Metric("siem_source_unknown", "gauge", "1: we are too far behind to tell.", DATASET, merge="max")

# detections and alerts
RULE_MATCHES = Metric("siem_rule_matches_total", "counter", "Events that a rule matched, alert or not.", ("dataset", "rule"))
RULE_SECONDS = Metric("siem_rules_seconds_total", "counter", "CPU time of a dataset's rules.", ("dataset",))
RULE_COST = Metric(
    "siem_rule_seconds_total", "counter", "Time of one rule, as one batch in sixteen tells it.", ("dataset", "rule")
)
ALERTS_RAISED = Metric("siem_alerts_raised_total", "counter", "Alerts raised.", ("project", "environment", "rule", "severity"))
ALERTS_SUPPRESSED = Metric(
    "siem_alerts_suppressed_total", "counter", "Matches that alerts.yml suppresses.", ("project", "environment", "rule")
)
NOTICES = Metric("siem_notices_total", "counter", "Notices of alerts that a channel took.", ("channel",))
NOTICES_FAILED = Metric("siem_notice_attempts_failed_total", "counter", "Attempts that a channel did not take.", ("channel",))
NOTICES_HELD = Metric("siem_notices_held_total", "counter", "Notices held back because there were too many.", ("channel",))

# forwarding: what siem forward says
_PROJECT = ("project", "environment")
FORWARD_OBJECTS = Metric(
    "siem_forward_objects_total",
    "counter",
    "Objects announced, by fate: forwarded, ignored, lost (a dead letter says why), later (the announcement comes again).",
    (*_PROJECT, "fate"),
)
FORWARD_BYTES = Metric("siem_forward_read_bytes_total", "counter", "Bytes of forwarded objects, as they lie in S3.", _PROJECT)
FORWARD_UNITS = Metric("siem_forward_units_total", "counter", "Lines and JSON values in them.", _PROJECT)
FORWARD_LETTERS = Metric(
    "siem_forward_dead_letters_total", "counter", "What could not be used and went as a dead letter.", (*_PROJECT, "code")
)
FORWARD_PUT_BYTES = Metric("siem_forward_put_bytes_total", "counter", "Bytes that Kinesis acknowledged.", _PROJECT)
FORWARD_RETRIES = Metric("siem_forward_retried_records_total", "counter", "Kinesis records sent again.", (*_PROJECT, "code"))
FORWARD_WORKING = Metric("siem_forward_messages", "gauge", "Messages of the project's queues that are worked on.", _PROJECT)
FORWARD_HELD = Metric(
    "siem_forward_held", "gauge", "1: a queue, bucket or stream of the project is out of reach; everything waits.", _PROJECT
)

# Kafka and process
KAFKA_LAG = Metric("siem_kafka_lag_messages", "gauge", "Messages not committed yet, by topic.", ("topic",), merge="max")
KAFKA_GONE = Metric(
    "siem_kafka_messages_gone_total", "counter", "Messages that Kafka no longer had when they should have been read.", ("topic",)
)
GATE_BYTES = Metric("siem_gate_bytes", "gauge", "Raw bytes under way in a worker, by gate.", ("gate",))
GATE_WAITING = Metric("siem_gate_waiting", "gauge", "Agents that wait for room: the far side is slow.", ("gate",))
WORKERS = Metric("siem_workers", "gauge", "Worker processes by state.", ("state",))
WORKER_RESTARTS = Metric("siem_worker_restarts_total", "counter", "Workers started again after they ended.")
WORKER_MEMORY = Metric("siem_worker_memory_bytes", "gauge", "Resident memory of a worker.", ("worker",))
LOG_LINES = Metric("siem_log_lines_total", "counter", "Our log lines, by level.", ("level",))
RELOADS = Metric("siem_reloads_total", "counter", "Configuration reloads by outcome.", ("outcome",))

METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))


def document() -> str:
    """Return the page about all metrics, for ``docs/metrics.md``."""
    head = (
        "# Metrics\n\n"
        "What `/metrics` of `siem run` (and `siem forward`) says, all workers together (made from\n"
        "`service/telemetry/metrics.py`; a test holds it fresh). Labels are bounded by configuration; nothing an event says is\n"
        "ever a label. Counters begin at zero with the service. A Grafana dashboard over them is in `deploy/grafana/`, rules\n"
        "for Prometheus that wake somebody in `deploy/prometheus/`.\n\n"
        "At every scrape, for every project, stream and dataset: events = indexed + already there + dropped + dead letters +\n"
        "abandoned + in flight.\n\n"
    )
    lines = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    lines += [f"| `{m.name}` | {m.kind} | {', '.join(m.labels) or '–'} | {m.help} |" for m in METRICS]
    return head + "\n".join(lines) + "\n"
