"""The alert about a silence as an ECS document of ``siem-alerts-<project>-<environment>-<YYYY.MM>``."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from service.naming import index_name
from service.silence.judgement import span
from service.silence.source import Alert, Evidence, Source, Watched
from service.spans import moment

DATASET = "siem.silence"
RULE = "siem-silent-source"
_SEVERITY = {"low": 21, "medium": 47, "high": 73, "critical": 99}


def declare(watched: Watched, patience_ms: int, now_ms: int, severity: str | None, datasets: Sequence[str]) -> Alert:
    """A new alert; the same silence always gets the same id."""
    source, last_ms = watched.source, watched.rhythm.last_ms
    identity = "\n".join((*source, str(last_ms)))
    return Alert(
        id=f"silence-{sha256(identity.encode()).hexdigest()[:32]}",
        index=index_name("alerts", source.project, source.environment, now_ms, "month"),
        declared_ms=now_ms,
        last_ms=last_ms,
        patience_ms=patience_ms,
        severity=severity or ("high" if source.dataset in {"*", "aws.cloudtrail"} else "medium"),
        datasets=list(datasets),
    )


def alert_document(source: Source, alert: Alert) -> dict[str, Any]:
    """The document: nothing but its arguments decides it, so a second try writes the same."""
    cause = alert.cause
    name = "Stream fell silent" if source.is_stream else "Source fell silent"
    document: dict[str, Any] = {
        "@timestamp": moment(alert.declared_ms),
        "event": {
            "kind": "signal",
            "dataset": DATASET,
            "module": "siem",
            "category": ["configuration"],
            "type": ["info"],
            "reason": _reason(source, alert),
            "severity": _SEVERITY[alert.severity],
            "risk_score": _SEVERITY[alert.severity],
        },
        "message": _message(source, alert),
        "project": {"id": source.project, "environment": source.environment},
        "siem": {"stream": source.stream},
        "rule": {
            "id": RULE,
            "name": name,
            "category": "silence",
            "ruleset": "kinesiem",
            "description": "Nothing arrives although this source's rhythm says it should.",
        },
        "tags": ["silence"],
        "alert": {
            "status": "new",
            "severity": alert.severity,
            "principal": {"name": source.stream if source.is_stream else source.dataset, "field": "silence.dataset"},
            "group": f"{source.project}/{source.environment}/silence",
            "sample": False,
            "late": False,
        },
        "silence": {
            "state": "silent",
            "scope": "stream" if source.is_stream else "dataset",
            "dataset": alert.datasets if source.is_stream else [source.dataset],
            "last_seen": moment(alert.last_ms),
            "expected_by": moment(alert.last_ms + alert.patience_ms),
            "patience_seconds": alert.patience_ms // 1000,
        },
    }
    if cause is not None:
        _explain(document, cause)
    return document


def recovered(at_ms: int, alert: Alert) -> dict[str, Any]:
    """What to change in the document once the source speaks again; the analysts' status stays theirs."""
    length = max(0, at_ms - alert.last_ms)
    return {"silence": {"state": "recovered", "recovered_at": moment(at_ms), "seconds": length // 1000}}


def explained(source: Source, alert: Alert) -> dict[str, Any]:
    """What to change in the document once its cause is found."""
    document = alert_document(source, alert)
    return {key: document[key] for key in ("message", "cloud", "user", "source", "related", "threat") if key in document} | {
        "event": {"reason": document["event"]["reason"]},
        "alert": {"evidence": document["alert"]["evidence"]},
        "silence": {"cause": document["silence"]["cause"]},
    }


def _explain(document: dict[str, Any], cause: Evidence) -> None:
    document["alert"]["evidence"] = {"id": [cause.id], "index": [cause.index]}
    document["silence"]["cause"] = {
        "action": cause.action,
        "provider": cause.provider,
        "at": moment(cause.at_ms),
        "meaning": cause.meaning,
    }
    if cause.account:
        document["cloud"] = {"account": {"id": cause.account}}
    if cause.user:
        document["user"] = {"name": cause.user}
        document["related"] = {"user": [cause.user]}
    if cause.address:
        document["source"] = {"ip": cause.address}
        document.setdefault("related", {})["ip"] = [cause.address]
    document["threat"] = {
        "framework": "MITRE ATT&CK",
        "tactic": {"id": ["TA0005"], "name": ["Defense Evasion"]},
        "technique": {"id": ["T1562.008"], "name": ["Disable or Modify Cloud Logs"]},
    }


def _reason(source: Source, alert: Alert) -> str:
    what = f"all of {', '.join(alert.datasets)}" if source.is_stream else source.dataset
    quiet = f"nothing of {what} since {moment(alert.last_ms)}; after {span(alert.patience_ms)} that is unlike its rhythm"
    if alert.cause is None:
        return quiet
    cause = alert.cause
    by = f" by {cause.user}" if cause.user else ""
    return f"{quiet}. {cause.action}{by} at {moment(cause.at_ms)}: {cause.meaning}"


def _message(source: Source, alert: Alert) -> str:
    return f"{source} fell silent: {_reason(source, alert)}"
