"""What no document of ours may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service.fields import Catalogue
from service.lint.document import check_document

CATALOGUE = Catalogue.read(Path(__file__).parents[2] / "mappings" / "ecs.yml")

GOOD: dict[str, Any] = {
    "@timestamp": "2026-01-15T00:00:00.123456789Z",
    "event": {"kind": "event", "category": ["network"], "type": ["connection", "denied"], "outcome": "failure"},
    "source": {"ip": "2001:db8::1", "port": 443, "geo": {"location": {"lat": 1.5, "lon": -2}}},
    "labels": {"anything": {"goes": ["here"]}},
    "tags": ["one"],
    "threat": {"enrichments": [{"indicator": {"type": "ipv4-addr", "ip": "192.0.2.1"}}]},
}

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "an undeclared field": ({"sourc": {"ip": "192.0.2.1"}}, "sourc.ip is not declared"),
    "a near miss gets a suggestion": ({"source": {"prot": 1}}, "did you mean `source.port`?"),
    "text for a number": ({"source": {"port": "443"}}, "source.port is '443', which is no long"),
    "a truth for a number": ({"source": {"port": True}}, "which is no long"),
    "beyond a long": ({"source": {"bytes": 2**63}}, "which is no long"),
    "no address": ({"source": {"ip": "192.0.2.256"}}, "which is no ip"),
    "an address with a zone": ({"source": {"ip": "fe80::1%eth0"}}, "which is no ip"),
    "a date without zone": ({"@timestamp": "2026-01-15T00:00:00"}, "which is no date"),
    "one value for an array": ({"tags": "one"}, "tags must be an array"),
    "an array for one value": ({"user": {"name": ["ann"]}}, "user.name must be one value"),
    "an unknown kind": ({"event": {"kind": "evnt"}}, "ECS allows alert"),
    "an unknown outcome": ({"event": {"outcome": "ok"}}, "ECS allows failure, success, unknown"),
    "a pair that does not go together": (
        {"event": {"category": ["network"], "type": ["admin"]}},
        "event.type admin does not go with event.category network",
    ),
    "an empty value": ({"user": {"name": ""}}, "user.name is empty"),
    "a null": ({"user": {"name": None}}, "user.name is empty"),
    "a wrong field inside a list of objects": ({"threat": {"enrichments": [{"indicator": {"ip": "x"}}]}}, "which is no ip"),
}


def test_a_good_document_has_no_faults() -> None:
    assert check_document(GOOD, CATALOGUE) == []


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_document_is_told_why(kind: str) -> None:
    document, reason = BAD[kind]
    faults = check_document(document, CATALOGUE)
    assert len(faults) == 1
    assert reason in faults[0]


def test_dotted_keys_are_not_our_shape() -> None:
    faults = check_document({"user.name": "ann"}, CATALOGUE)
    assert faults == ["user.name is a dotted key: documents are nested"]
