"""Files of log sources: which datasets, which events, where names are; and what is wrong with a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service.detect.detector import Detector
from service.detect.logsource import load_logsources
from service.detect.rule import Logsource
from tests.detect.conftest import HEAD, Load


def written(root: Path, text: str) -> None:
    (root / "logsources" / "acme.yml").write_text(text)


def rule(detection: str, logsource: str = "product: acme, service: app") -> str:
    return HEAD.replace("product: acme, service: app", logsource) + f"detection: {{ s: {{ {detection} }}, condition: s }}\n"


def matched(load: Load, text: str, *documents: dict[str, Any], dataset: str = "acme.app") -> list[int]:
    rules = load(text)
    assert rules.faults == []
    assert rules.unusable == []
    return [match.at for match in Detector(rules).run(dataset, documents)]


def test_a_rule_is_looked_for_in_every_dataset_and_every_view_of_its_log_source(load: Load, root: Path) -> None:
    written(
        root,
        """
logsources: [{ category: thing }]
views:
  - datasets: ["acme.*"]
    when: { event.action: one }
    fields: { Name: user.name }
  - datasets: [acme.app]
    when: { event.action: two }
    fields: { Name: event.provider }
""",
    )
    documents: list[dict[str, Any]] = [
        {"event": {"action": "one"}, "user": {"name": "x"}},
        {"event": {"action": "two"}, "user": {"name": "x"}},
        {"event": {"action": "two", "provider": "x"}},
    ]
    text = rule("Name: x", "category: thing, product: acme")
    assert matched(load, text, *documents) == [0, 2]
    assert matched(load, text, *documents, dataset="acme.web") == [0]


def test_the_entry_that_names_most_of_a_rules_log_source_counts(root: Path) -> None:
    written(
        root,
        """
logsources: [{ category: web }]
views: [{ datasets: [acme.app] }]
""",
    )
    (root / "logsources" / "own.yml").write_text(
        "logsources: [{ category: web, product: acme }]\nviews: [{ datasets: [acme.web] }]\n"
    )
    sources = load_logsources([root / "logsources"], ["acme.app", "acme.web"])
    assert sources.faults == ()
    assert list(sources.views(Logsource("acme", "web"))) == ["acme.web"]
    assert list(sources.views(Logsource("other", "web"))) == ["acme.app"]
    assert list(sources.views(Logsource("acme", "web", "app"))) == []
    assert list(sources.views(Logsource("acme", None, "web"))) == ["acme.web"]  # the dataset's own name
    assert list(sources.views(Logsource("acme", "process", "web"))) == []


def test_a_log_source_may_mean_some_of_the_events(load: Load, root: Path) -> None:
    written(
        root,
        """
logsources: [{ product: acme, service: sshd, when: { program|startswith: ssh } }]
views: [{ datasets: [acme.app], fields: { program: event.provider }, when: { user.name|exists: true } }]
""",
    )
    documents = [{"event": {"provider": each, "action": "a"}, "user": {"name": "u"}} for each in ("sshd", "cron")]
    text = rule("event.action: a", "product: acme, service: sshd")
    assert matched(load, text, *documents, {"event": {"provider": "sshd", "action": "a"}}) == [0]


def test_what_is_the_same_in_every_event_need_not_be_said_by_the_log(load: Load, root: Path) -> None:
    written(
        root,
        """
logsources: [{ product: acme, service: app }]
views: [{ datasets: [acme.app], constants: { Initiated: true, Level: 4 } }]
""",
    )
    assert matched(load, rule("Initiated: 'true', Level|gte: 3, user.name: u"), {"user": {"name": "u"}}, {}) == [0]
    assert [each.code for each in load(rule("Initiated: false, user.name: u")).unusable] == ["never_matches"]


def test_a_file_without_its_folder_is_one_in_some_folder(load: Load, root: Path) -> None:
    written(
        root,
        """
logsources: [{ product: acme, service: app }]
views: [{ datasets: [acme.app], fields: { Image: [event.provider, user.name] }, bare_paths: [Image] }]
""",
    )
    documents = [{"event": {"provider": each}} for each in ("curl", "/usr/bin/curl", "xcurl", ["a", "curl"])]
    assert matched(load, rule("Image|endswith: /curl"), *documents, {"user": {"name": "curl"}}) == [0, 1, 3, 4]


@pytest.mark.parametrize(("flag", "expected"), [("", []), ("empty_is_nothing: true", ["without the field"])])
def test_an_empty_text_is_nothing_where_documents_keep_none(load: Load, root: Path, flag: str, expected: list[str]) -> None:
    written(root, f"logsources: [{{ product: acme, service: app }}]\nviews:\n  - datasets: [acme.app]\n    {flag}\n")
    rules = load(rule("user.name: ['', '-']"))
    documents = {"without the field": {"event": {"action": "a"}}, "with another": {"user": {"name": "bob"}}}
    assert [name for name, each in documents.items() if Detector(rules).run("acme.app", [each])] == expected


@pytest.mark.parametrize(
    ("detection", "expected"),
    [
        ("asked|contains: one", [0, 2]),
        ("asked|contains|all: [one, two]", [2]),
        ("asked: null", [3]),
        ("asked: [null, one]", [0, 2, 3]),
    ],
)
def test_what_holds_for_one_of_two_names_holds(load: Load, root: Path, detection: str, expected: list[int]) -> None:
    text = """
logsources: [{ product: acme, service: app }]
views:
  - datasets: [acme.app]
    fields: { what: [event.action, event.provider] }
    either: { asked: [what, user.name] }
"""
    written(root, text)
    documents: list[dict[str, Any]] = [
        {"event": {"provider": "one"}},
        {"user": {"name": "two"}},
        {"event": {"action": "one"}, "user": {"name": "two"}},
        {"message": "one"},
    ]
    assert matched(load, rule(detection), *documents) == expected


def test_a_rule_may_ask_by_number_for_what_the_document_has_as_a_word(load: Load, root: Path) -> None:
    view = "fields: { Level: event.action }, words: { Level: { 2: error, 3: warning } }"
    written(root, f"logsources: [{{ product: acme, service: app }}]\nviews: [{{ datasets: [acme.app], {view} }}]\n")
    documents = [{"event": {"action": each}} for each in ("error", "2", "warning", "other")]
    assert matched(load, rule("Level: 2"), *documents) == [0, 1]
    assert matched(load, rule("Level: [3, Error]"), *documents) == [0, 2]


def test_words_are_looked_for_in_values_as_they_are(load: Load, root: Path) -> None:
    view = "fields: { whole: [event.original, message], Data: acme.open.* }, either: { _text: [whole, Data] }"
    written(root, f"logsources: [{{ product: acme, service: app }}]\nviews: [{{ datasets: [acme.app], {view} }}]\n")
    text = HEAD + "detection: { s: ['a&b'], condition: s }\n"
    escaped = {"event": {"original": "<d>x a&amp;b</d>"}, "acme": {"open": {"d": "x a&b"}}}
    assert matched(load, text, escaped, {"event": {"original": "a&b"}}, {"event": {"original": "a&amp;b"}}) == [0, 1]


def test_a_name_may_mean_every_value_of_an_object(load: Load, root: Path) -> None:
    (root / "logsources" / "data.yml").write_text("""
logsources: [{ product: acme, service: data }]
views: [{ datasets: [acme.app], fields: { Data: "acme.open.param*" } }]
""")
    detection = "detection:\n  s: { Data|contains|all: [one, two] }\n  condition: s\n"
    rules = load(HEAD.replace("service: app", "service: data") + detection)
    assert not rules.faults
    ways: dict[str, dict[str, Any]] = {
        "in several values": {"acme": {"open": {"param1": "one", "param12": ["and two"]}}},
        "in one of another name": {"acme": {"open": {"param1": "one", "other": "two"}}},
        "in none": {"acme": {"open": {}}},
        "there is no object": {"acme": {"open": "one two"}},
    }
    assert [name for name, document in ways.items() if Detector(rules).run("acme.app", [document])] == ["in several values"]


def test_names_may_stand_below_an_object(load: Load, root: Path) -> None:
    written(root, "logsources: [{ product: acme, service: app }]\nviews: [{ datasets: [acme.app], below: [acme.open] }]\n")
    assert matched(load, rule("LogonType: 3"), {"acme": {"open": {"LogonType": "3"}}}, {"LogonType": 3}) == [0]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("logsources: [{ produkt: acme }]\nviews: [{ datasets: [acme.app] }]\n", "unknown_key", 1),
        ("logsources: [{ product: acme }]\n", "missing_key", 1),
        ("logsources: [{ product: acme }]\nviews:\n  - datasets: [acme.ap]\n", "unknown_dataset", 3),
        ("logsources: [{ product: acme }]\nviews:\n  - datasets: [acme.app]\n    when: { a|b: c }\n", "unknown_modifier", 4),
        ("logsources:\n  - product: acme\n    when: {}\nviews: [{ datasets: [acme.app] }]\n", "empty_selection", 3),
        ("logsources: [{ product: acme }]\nviews: [{ datasets: [acme.app], raw: xml }]\n", "not_allowed", 2),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, code: str, line: int, root: Path) -> None:
    written(root, text)
    sources = load_logsources([root / "logsources"], ["acme.app"])
    assert [(fault.code, fault.place.line) for fault in sources.faults] == [(code, line)]


def test_patterns_of_datasets_that_are_not_there_yet_are_none_of_anybodys_business(root: Path) -> None:
    written(root, 'logsources: [{ product: acme }]\nviews: [{ datasets: ["acme.new_*"] }]\n')
    sources = load_logsources([root / "logsources"], ["acme.app"])
    assert sources.faults == ()
    assert sources.views(Logsource("acme")) == {}
