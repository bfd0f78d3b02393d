"""What an index is asked of a rule finds every document that the rule matches, whatever characters stand in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import OpenSearch

from service.detect.detector import Detector
from service.detect.question import Column, Question, question
from service.detect.ruleset import load_rules
from service.fields import Catalogue, FieldSpec

pytestmark = pytest.mark.stack

TYPES = {"k": "keyword", "m": "keyword", "n": "long", "i": "ip", "b": "boolean", "t": "match_only_text", "list": "keyword"}
LONGEST = 100
CATALOGUE = Catalogue(
    {name: FieldSpec(name, kind, "a field", array=name == "list") for name, kind in TYPES.items()}  # type: ignore[arg-type]  # kinds of fields as plain texts
)
COLUMNS = {name: Column(kind, LONGEST if kind == "keyword" else None) for name, kind in TYPES.items()}
TEXTS = [
    "plain", "Plain", "PLAIN", "two words", "a:b", "a/b/c", "a\\b", "end\\", 'say "no"', "a*b", "a?b", "(x)", "[x]", "{x}", "x^2",
    "~x", "+1", "-1", "a && b", "!x", "#x", "@x", "a&b", "<x>", "a.b", "$y", "%41", "x|y", "tab\tx", "line\nx", "AND", "OR",
    "arn:aws:iam::111122223333:role/Admin", "STRASSE", "\u212aelvin", "mi\u017fs", "\u0130stanbul", "gr\u00fcn", "GR\u00dcN",
    "\u65e5\u672c", "\U0001f600", "true", "443", "192.0.2.7", "x" * 150 + "needle", "_exists_:k", "..", "NOT *:*",
]  # fmt: skip
DOCUMENTS: list[dict[str, Any]] = [
    *({"k": text} for text in TEXTS),
    *({"list": [text, "other"]} for text in TEXTS),
    *({"k": text, "m": other} for text, other in zip(TEXTS, TEXTS[3:], strict=False)),
    *({"n": number, "k": "plain"} for number in (-5, 0, 1, 443, 70000)),
    *({"i": each} for each in ("192.0.2.7", "198.51.100.9", "2001:db8::7", "2001:DB8:1::7", "::ffff:192.0.2.9")),
    {"b": True}, {"b": False, "k": "plain"}, {"t": "some Words of text"}, {"t": "other", "k": "a*b"}, {},
]  # fmt: skip
NEEDLES = [
    "plain", "a:b", "b/c", "a\\\\b", "end\\\\", 'y "n', "a\\*b", "(x", "[x]", "~x", "&& b", "#x", "<x>", "a.b", "tab\tx", "OR",
    "role/admin", "Strasse", "kelvin", "miss", "istanbul", "gr\u00fcn", "\u672c", "\U0001f600", "needle", "443", "true",
    "192.0.2.7", "_exists_:k",
]  # fmt: skip
SELECTIONS: list[dict[str, Any]] = [
    *({"k": text} for text in NEEDLES),
    *({f"k|{how}": text} for text in NEEDLES for how in ("contains", "startswith", "endswith", "cased", "contains|cased")),
    *({"list|contains": text} for text in NEEDLES),
    *({"k": pattern} for pattern in ("p*n", "?lain", "*", "a?b", "*x*", "?\u00dc?", "*\\\\*")),
    {"k|re": "^pl.in$"}, {"k|contains|all": ["a", "b"]}, {"k": None}, {"k|exists": True}, {"k|exists": False}, {"list": None},
    {"n|gte": 1}, {"n|lt": 0}, {"n": 443}, {"n": "443"}, {"n|contains": "4"}, {"n": [1, 443]}, {"n": 1.5}, {"k|gt": 400},
    {"i": "2001:db8:1::7"}, {"i|cidr": "192.0.2.0/24"}, {"i|cidr": "2001:db8::/32"}, {"i|startswith": "192."}, {"i": "nonsense"},
    {"b": True}, {"b": "false"}, {"b|contains": "r"}, {"t|contains": "words"}, {"t": "other"}, {"k|fieldref": "m"},
    {"k": ["plain", "a:b", None]}, {"k": [f"value-{n}" for n in range(300)] + ["plain"]}, {"k|contains": "x" * 149}, {"k": ""},
    {"k|contains": ["plain", "needle"], "m": None},
]  # fmt: skip
HEAD = {"title": "A rule", "status": "test", "level": "high", "logsource": {"product": "acme", "service": "app"}}
CONDITIONS = ("one", "not one", "one and not two", "not (one and two)", "not one or two")
TWO: dict[str, Any] = {"k|contains": "a", "m|exists": True}


@pytest.fixture(scope="module")
def index(opensearch: str) -> Iterator[tuple[OpenSearch, str]]:
    client = OpenSearch([opensearch], timeout=60)
    name = f"t-question-{id(client)}"
    properties = {
        field: {"type": kind, **({"ignore_above": LONGEST} if kind == "keyword" else {})} for field, kind in TYPES.items()
    }
    settings = {"number_of_shards": 1, "number_of_replicas": 0}
    client.indices.create(index=name, body={"settings": settings, "mappings": {"dynamic": False, "properties": properties}})
    lines = [
        line
        for number, document in enumerate(DOCUMENTS)
        for line in (json.dumps({"create": {"_index": name, "_id": str(number)}}), json.dumps(document))
    ]
    assert not client.bulk(body="\n".join(lines) + "\n", params={"refresh": "true"})["errors"]
    yield client, name
    client.indices.delete(index=name)
    client.close()


def asked(folder: Path, condition: str) -> list[tuple[dict[str, Any], Question, set[int]]]:
    """Selection, question, and the documents that the rule matches."""
    for number, selection in enumerate(SELECTIONS):
        rule = {**HEAD, "title": f"Rule {number}", "detection": {"one": selection, "two": TWO, "condition": condition}}
        (folder / f"{number:03}.yml").write_text(json.dumps(rule, ensure_ascii=False))
    rules = load_rules([folder], {"acme.app": CATALOGUE})
    assert not rules.faults
    found: dict[str, set[int]] = {}
    for match in Detector(rules).run("acme.app", DOCUMENTS):
        found.setdefault(match.rule.title, set()).add(match.at)
    questions = {each.rule.title: question(each, COLUMNS) for each in rules.resolved["acme.app"]}
    titles = [f"Rule {number}" for number in range(len(SELECTIONS))]
    return [
        (selection, questions[title], found.get(title, set()))
        for title, selection in zip(titles, SELECTIONS, strict=True)
        if title in questions
    ]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_index_finds_whatever_the_rule_matches(index: tuple[OpenSearch, str], condition: str, tmp_path: Path) -> None:
    client, name = index
    searches: list[dict[str, Any]] = []
    cases = [case for case in asked(tmp_path, condition) if case[1].query is not None]
    for _, question_, _ in cases:
        query = {"query_string": {"query": question_.query, "analyze_wildcard": False}}
        searches += [{"index": name}, {"query": query, "size": len(DOCUMENTS), "_source": False}]
    replies = client.msearch(body=searches)["responses"]
    missed: list[str] = []
    idle = 0
    for (selection, question_, wanted), reply in zip(cases, replies, strict=True):
        assert "hits" in reply, (question_.query, reply)
        candidates = {int(hit["_id"]) for hit in reply["hits"]["hits"]}
        idle += len(candidates) == len(DOCUMENTS)
        if not wanted <= candidates:
            missed.append(f"{selection}: {question_.query}: {[DOCUMENTS[each] for each in sorted(wanted - candidates)][:3]}")
    assert not missed, "\n".join(missed)
    # A query that finds everything would be right as well, and useless.
    assert condition != "one" or idle < len(cases) // 10
