"""Rules of a test's own, over a catalogue and log sources of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.detect.detector import Detector
from service.detect.ruleset import RuleSet, load_rules
from service.fields import Catalogue, FieldSpec

FIELDS = {
    "event.action": "keyword",
    "event.original": "keyword",
    "event.provider": "keyword",
    "message": "text",
    "source.ip": "ip",
    "http.response.status_code": "long",
    "user.name": "keyword",
    "acme.open": "flat_object",
}
CATALOGUE = Catalogue({name: FieldSpec(name, kind, "a field") for name, kind in FIELDS.items()})  # type: ignore[arg-type]
LOGSOURCE = """
logsources: [{ product: acme, service: app }]
views:
  - datasets: [acme.app]
    raw: json
    facets: [event.action]
    fields: { eventName: event.action, who: [user.name, userIdentity.name] }
    lacks: [Hashes]
"""
HEAD = """
title: A rule
id: 0a1b2c3d-0000-4000-8000-000000000001
status: test
level: high
logsource: { product: acme, service: app }
"""

Load = Callable[..., RuleSet]
Matches = Callable[[str, dict[str, Any]], bool]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of detections with a log source ``acme/app``."""
    (tmp_path / "logsources").mkdir()
    (tmp_path / "logsources" / "acme.yml").write_text(LOGSOURCE)
    return tmp_path


@pytest.fixture
def load(root: Path) -> Load:
    """The rules of these texts, a file each."""

    def loaded(*texts: str, roots: tuple[Path, ...] = ()) -> RuleSet:
        for number, text in enumerate(texts):
            (root / f"rule_{number}.yml").write_text(text)
        return load_rules([root, *roots], {"acme.app": CATALOGUE, "acme.web": CATALOGUE})

    return loaded


@pytest.fixture
def matches(load: Load) -> Matches:
    """Whether a rule with this ``detection`` matches a document of acme.app."""

    def matched(detection: str, document: dict[str, Any]) -> bool:
        rules = load(HEAD + "detection:\n" + detection)
        assert not rules.faults
        assert not rules.unusable
        return bool(Detector(rules).run("acme.app", [document]))

    return matched
