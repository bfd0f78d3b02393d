"""An alert as an ECS document of ``siem-alerts-<project>-<environment>-<YYYY.MM>``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from service.alerts.attack import threat
from service.alerts.channels import Severity
from service.alerts.link import evidence_link
from service.alerts.occurrence import Occurrence
from service.alerts.principal import value_of
from service.alerts.rating import score
from service.alerts.signal import Evidence
from service.spans import moment

_COPIED: tuple[str, ...] = (
    "cloud.account.id",
    "cloud.account.name",
    "cloud.instance.id",
    "cloud.provider",
    "cloud.region",
    "cloud.service.name",
    "container.id",
    "container.image.name",
    "destination.address",
    "destination.ip",
    "destination.port",
    "dns.question.name",
    "error.code",
    "event.action",
    "event.category",
    "event.code",
    "event.dataset",
    "event.module",
    "event.outcome",
    "event.provider",
    "event.type",
    "file.path",
    "group.name",
    "host.hostname",
    "host.id",
    "host.name",
    "http.request.method",
    "http.response.status_code",
    "identity.chain",
    "orchestrator.cluster.name",
    "orchestrator.namespace",
    "orchestrator.resource.name",
    "orchestrator.resource.type",
    "process.command_line",
    "process.executable",
    "process.name",
    "related.hash",
    "related.hosts",
    "related.ip",
    "related.user",
    "source.address",
    "source.as.number",
    "source.as.organization.name",
    "source.geo.city_name",
    "source.geo.country_iso_code",
    "source.geo.location",
    "source.ip",
    "tls.client.ja3",
    "url.domain",
    "url.path",
    "user.domain",
    "user.effective.id",
    "user.effective.name",
    "user.id",
    "user.name",
    "user.target.id",
    "user.target.name",
    "user_agent.original",
)
"""What an alert takes over from its event."""
RELATED = ("hash", "hosts", "ip", "user")
MOST_RELATED = 100
MOST_EVIDENCE = 200
"""Events that an alert names; it counts all of them."""


def put(document: dict[str, Any], path: str, value: Any) -> None:
    """Set a value under a dotted path."""
    *parents, last = path.split(".")
    for key in parents:
        document = document.setdefault(key, {})
    document[last] = value


def opening(found: Occurrence, severity: Severity, created_ms: int, *, dashboards_url: str | None) -> dict[str, Any]:
    """The document when the alert is raised: what only an analyst changes later (``alert.status``) is in here alone."""
    rule, signal = found.rule, found.signal
    document: dict[str, Any] = {}
    for path in _COPIED:
        value = value_of(found.document, path.split("."))
        if value not in (None, "", [], {}):
            put(document, path, value)
    event = document.setdefault("event", {})
    event |= {"kind": "signal", "id": found.id, "severity": score(severity), "risk_score": score(severity)}
    document["rule"] = _rule_object(found)
    if about := threat(rule.tags) or value_of(found.document, ("threat",)):
        document["threat"] = about
    document["project"] = {
        "id": signal.project,
        "environment": signal.environment,
        **{key: value for key in ("name", "owner") if (value := value_of(found.document, ("project", key)))},
    }
    document["siem"] = {"stream": signal.stream}
    tags = [*(["late"] if found.late else []), *(["sample"] if is_sample(found.document) else [])]
    if tags:
        document["tags"] = tags
    alert: dict[str, Any] = {
        "status": "new",
        "severity": severity,
        "late": found.late,
        "sample": is_sample(found.document),
    }
    if rule.triage:
        alert["triage"] = list(rule.triage)
    if rule.falsepositives:
        alert["false_positives"] = list(rule.falsepositives)
    document["alert"] = alert
    event["created"] = moment(created_ms)
    return merge(document, growing(found.evidence, len(found.marks), related_of(found.document), found, dashboards_url))


def growing(
    evidence: Iterable[Evidence], count: int, related: Mapping[str, Iterable[str]], found: Occurrence, dashboards_url: str | None
) -> dict[str, Any]:
    """What changes in the document as more is found."""
    named = list(evidence)[:MOST_EVIDENCE]
    first_ms, last_ms = min(one.time_ms for one in named), max(one.time_ms for one in named)
    chain = value_of(found.document, ("identity", "chain"))
    return {
        **({"identity": {"chain": chain}} if chain else {}),
        "@timestamp": moment(first_ms),
        "message": message(found, count),
        "event": {
            "start": moment(first_ms),
            "end": moment(last_ms),
            "reason": message(found, count),
            "url": evidence_link(dashboards_url, found.signal.dataset, [one.id for one in named], first_ms, last_ms),
        },
        "related": {kind: list(values)[:MOST_RELATED] for kind, values in related.items() if values},
        "alert": {
            "principal": {"name": found.principal.name, "field": found.principal.kind},
            "group": group(found),
            "count": count,
            "first_seen": moment(first_ms),
            "last_seen": moment(last_ms),
            "evidence": {"id": [one.id for one in named], "index": list(dict.fromkeys(one.index for one in named))},
        },
    }


def message(found: Occurrence, count: int) -> str:
    """One sentence for a queue, a chat or a phone."""
    document = found.document
    who = found.principal.name or "somebody"
    action = value_of(document, ("event", "action"))
    source = value_of(document, ("source", "ip")) or value_of(document, ("source", "address"))
    account = value_of(document, ("cloud", "account", "id"))
    words = [f"{found.title}: {who}"]
    if action:
        words.append(f"– {action}")
    if source and source != who:
        words.append(f"from {source}")
    if account and account != who:
        words.append(f"in account {account}")
    if count > 1:
        words.append(f"({count} events)")
    return " ".join(words)


def group(found: Occurrence) -> str:
    """What alerts about one principal have in common, whatever their rules."""
    return f"{found.signal.project}/{found.signal.environment}/{found.principal.name or '-'}"


def is_sample(document: Mapping[str, Any]) -> bool:
    """Whether a product made the finding up for a test."""
    tags = value_of(document, ("tags",))
    return isinstance(tags, list) and "sample" in tags


def related_of(document: Mapping[str, Any]) -> dict[str, list[str]]:
    """``related.*`` of an event."""
    found: dict[str, list[str]] = {}
    for kind in RELATED:
        values = value_of(document, ("related", kind))
        found[kind] = values if isinstance(values, list) else [values] if isinstance(values, str) else []
    return found


def merge(document: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``document`` with ``changes`` put into it, objects member by member."""
    for key, value in changes.items():
        inner = document.get(key)
        if isinstance(value, Mapping) and isinstance(inner, dict):
            merge(inner, value)
        else:
            document[key] = dict(value) if isinstance(value, Mapping) else value
    return document


def _rule_object(found: Occurrence) -> dict[str, Any]:
    rule = found.rule
    about: dict[str, Any] = {"id": rule.id, "name": found.title, "ruleset": rule.ruleset}
    if rule.category:
        about["category"] = rule.category
    if rule.description:
        about["description"] = rule.description
    if rule.references:
        about["reference"] = rule.references[0]
    return about
