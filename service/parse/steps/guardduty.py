"""GuardDuty findings: EventBridge and S3 write ``accountId``, the API writes ``AccountId``; one spelling from here on."""

from __future__ import annotations

from typing import Any

from service.parse.json_event import read_json


def guardduty(text: str) -> dict[str, Any]:
    """The finding with keys in camel case, out of an EventBridge envelope if it is in one; raises EventError for no JSON."""
    finding, _ = read_json(text)
    inner = finding.get("detail")
    if isinstance(inner, dict) and ("detail-type" in finding or "source" in finding):
        finding = inner
    if "Id" in finding and "id" not in finding:
        finding = _lowered(finding)
    return finding


def _lowered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _lowered(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_lowered(item) for item in value]
    return value
