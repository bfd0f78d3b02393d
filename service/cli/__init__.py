"""The verbs of ``siem``. Each is a module of this package with one click command called ``command``.

Add a verb: write ``service/cli/<verb>.py``, put its name and one sentence here. Modules are imported when their verb is
called, so that ``siem parse`` does not pay for Faust.
"""

from __future__ import annotations

VERBS: dict[str, str] = {
    "demo": "Everything local: three projects, a scripted attack, a live table; ends with the ledger.",
    "run": "The service: collect and process.",
    "forward": "Objects in S3 onto the projects' streams, as their buckets announce them.",
    "check": "Lint pipelines, tuning, dashboards and deployment files: file:line:col code: message (hint).",
    "test": "Samples against their expected documents, in process.",
    "parse": "Raw logs in, ECS documents out, one JSON object a line; dead letters on stderr.",
    "detect": "Log files through the pipelines and the rules: which events match; --fail: exit 1 when one does.",
    "hunt": "A rule over the events that lie in OpenSearch: which match, who, where; exactly as the stream would have said.",
    "coverage": "Which techniques of ATT&CK the detections look for, in which datasets; a layer for the ATT&CK Navigator.",
    "rules": "How every rule fares: matches, suppressed, cost, alerts; promote --check: what keeps it from being stable.",
    "explain": "One event, stage by stage, with the YAML line that did it.",
    "new": "Scaffold a source folder from real lines.",
    "build": "Generate schema, templates, saved objects, READMEs; --check: only say what is stale.",
    "apply": "Diff against the cluster, then put templates, policies and dashboards; --plan: only the diff.",
    "replay": "Dead letters, a stream's time range or files back through today's pipelines.",
    "ledger": "Is it all there? What was read and what became of it; exit 0 balanced, 1 something unaccounted, 2 cannot tell.",
    "lag": "How far behind the processors are, by topic.",
    "alerts": "The queue of alerts in a terminal; test: a made-up alert through every channel.",
    "sources": "Which sources fell silent: when each was last heard, and its rhythm.",
    "drift": "Format drift: columns, keys and values that no pipeline knows, and the YAML that would take them in.",
    "leases": "Who reads which shard, and how far.",
    "stack": "A local stack (Kafka, OpenSearch, DynamoDB, Kinesis) that stays up: up, down, status.",
    "double": "The Kinesis double on its own, for trying things out.",
}
"""Verb → one sentence, in the order of the help. ``run-x`` lives in the module ``run_x``."""
