"""Looking only at the rules that may match gives the matches of looking at all of them."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import orjson
import pytest

from service.content import find_content
from service.detect.compiled import TRUE, Resolved, resolve
from service.detect.detector import Detector
from service.detect.index import Index
from service.detect.logsource import load_logsources
from service.detect.rule import About, Logsource, Rule
from service.detect.ruleset import RuleSet
from service.detect.weaken import Literal, as_any_json, as_our_json, as_value, exact, literals, rarity, weaken
from service.enrich.enrichers import Enrichers
from service.errors import ContentError, Place
from service.event import Slice
from service.match import And, Item, Node, Not, Or, parse_selection, predicate
from service.match.nodes import Test
from service.offline.play import Dead, Player
from service.pipeline.compile import compile_pipeline
from service.pipeline.load import LoadedPipeline, load_pipelines
from service.pipeline.watch import NOTHING, TEXT, Watch
from service.samples import samples_of

NOW = 1_768_435_200_000
CONTENT = find_content()
LOADED = load_pipelines(CONTENT.pipelines)
HERE = Place("rule.yml", 1)
SOURCES = {
    "aws.cloudtrail": (Logsource("aws", None, "cloudtrail"), ["eventName", "eventSource", "errorCode", "userIdentity.type",
        "userAgent", "sourceIPAddress", "requestParameters.name", "requestParameters", "readOnly", "user.name", "tls.version",
        "source.geo.city_name", "userIdentity.arn"]),
    "aws.eks_audit": (Logsource("kubernetes", None, "audit"), ["verb", "objectRef.resource", "user.username", "user.groups",
        "responseStatus.code", "requestObject.kind", "userAgent", "requestURI", "annotations"]),
    "nginx.access": (Logsource(None, "webserver", None), ["cs-method", "sc-status", "cs-uri-query", "cs-user-agent", "c-ip",
        "cs-host", "cs-referer", "http.response.body.bytes"]),
}  # fmt: skip


def slices(dataset: str) -> Iterator[Slice]:
    loaded = LOADED[dataset]
    player = Player({dataset: loaded}, Enrichers.empty(), NOW)
    for sample in samples_of(loaded.folder):
        for played in player.play(sample.path.read_bytes(), dataset, sample.facts()):
            if not isinstance(played, Dead):
                yield played.slice


def words(slices_: list[Slice], seed: random.Random) -> list[str]:
    """Pieces of what the events say."""
    text = " ".join(event for each in slices_ for event in each.events)
    cut = [word for word in text.replace('"', " ").replace(",", " ").replace(":", " ").split() if len(word) < 60]
    return seed.sample(sorted(set(cut)), min(150, len(set(cut))))


def selection(seed: random.Random, names: list[str], values: list[str]) -> dict[str, Any] | list[str]:
    if seed.random() < 0.1:
        return [seed.choice(values)[:12]]
    chosen: dict[str, Any] = {}
    for name in seed.sample(names, seed.randint(1, 3)):
        kind = seed.choice(["", "", "|contains", "|startswith", "|endswith", "|exists", "|re", "|gte", "null", "wild", "|cased"])
        some = [seed.choice(values) for _ in range(seed.randint(1, 3))]
        match kind:
            case "|exists":
                chosen[f"{name}|exists"] = seed.random() < 0.5
            case "|gte":
                chosen[f"{name}|gte"] = seed.choice([200, 400])
            case "null":
                chosen[name] = None
            case "|re":
                chosen[f"{name}|re"] = seed.choice(["^[A-Z]", "e+", "0|1"])
            case "wild":
                chosen[name] = [f"{each[:3]}*{each[-2:]}" for each in some]
            case "|contains" | "|startswith" | "|endswith":
                chosen[name + kind] = [each[:4] if kind == "|startswith" else each[-5:] for each in some]
            case _:
                chosen[name + kind] = some
    return chosen


def rule(seed: random.Random, number: int, logsource: Logsource, names: list[str], values: list[str]) -> Rule:
    parts: list[Node] = []
    while len(parts) < seed.randint(1, 3):
        try:
            part = parse_selection(selection(seed, names, values), HERE)
        except ContentError:  # a piece of an event that is no value
            continue
        parts.append(Not(part) if seed.random() < 0.25 else part)
    node = parts[0] if len(parts) == 1 else (And if seed.random() < 0.6 else Or)(tuple(parts))
    return Rule(About(f"{number}", f"rule {number}", HERE), logsource, node)


def made(dataset: str, seed: random.Random, count: int, values: list[str]) -> RuleSet:
    logsource, names = SOURCES[dataset]
    sources = load_logsources([CONTENT.detections / "logsources"], sorted(LOADED))
    views = sources.views(logsource)[dataset]
    rules = [rule(seed, number, logsource, names, values) for number in range(count)]
    resolved = [resolve(each, dataset, views, LOADED[dataset].catalogue) for each in rules]
    return RuleSet(rules=rules, resolved={dataset: [each for each in resolved if isinstance(each, Resolved)]}, logsources=sources)


@pytest.mark.parametrize("dataset", SOURCES)
def test_no_match_is_missed(dataset: str) -> None:
    loaded: LoadedPipeline = LOADED[dataset]
    events = list(slices(dataset))
    matched = read = 0
    for number in range(6):
        seed = random.Random(number)
        rules = made(dataset, seed, 60, words(events, seed))
        detector, plain = Detector(rules), Detector(rules)
        watch = detector.watch(dataset)
        # A pipeline may be able to hand out less than was asked for, or another set of rules may have asked.
        less = Watch(watch.facets[: number % 3], watch.texts[number % 2 :])
        wanted = NOTHING if number == 5 else less if number % 3 else watch
        pipeline = compile_pipeline(loaded, Enrichers.empty(), wanted)
        for each in events:
            carried = pipeline.carry(each, NOW)
            documents = [orjson.loads(piece.split("\n")[1]) for piece in carried.pieces]
            found = detector.look(dataset, pipeline.watch, carried.watched, carried.pieces)
            everything = plain.run(dataset, documents)
            assert [(m.at, m.rule.id) for m in found] == [(m.at, m.rule.id) for m in everything]
            assert [m.document for m in found] == [m.document for m in everything]
            matched += len(everything)
        read += sum(cost.read for cost in detector.costs())
    assert matched
    assert read


def test_an_event_that_no_rule_asks_for_is_not_read(load: Any) -> None:
    text = """
title: A rule
id: 0a1b2c3d-0000-4000-8000-000000000001
logsource: { product: acme, service: app }
detection:
  one: { eventName: Delete, user.name|contains: adm }
  condition: one
"""
    detector = Detector(load(text))
    watch = Watch(("event.action",), ("user.name",))
    assert detector.watch("acme.app") == watch
    piece = '{"create":{}}\n' + json.dumps({"event": {"action": "delete"}, "user": {"name": "admin"}}) + "\n"
    unreadable = "{}\nnever read\n"
    watched = [
        (("Put",), ("admin",)),
        (("delete",), ("ann",)),
        (("delete",), ("admin",)),
        ((None,), (None,)),
        (("delete",), (["a", "adm"],)),
    ]
    found = detector.look("acme.app", watch, watched, [unreadable, unreadable, piece, unreadable, piece])
    assert [match.at for match in found] == [2, 4]
    (cost,) = detector.costs()
    assert (cost.events, cost.read, cost.rules[0].looked, cost.rules[0].matched) == (5, 0, 2, 2)
    assert [match.document["user"]["name"] for match in found] == ["admin", "admin"]
    assert cost.nanoseconds >= cost.rules[0].nanoseconds


def test_one_batch_in_several_tells_what_a_rule_costs(load: Any) -> None:
    text = """
title: A rule
id: 0a1b2c3d-0000-4000-8000-000000000001
logsource: { product: acme, service: app }
detection: { one: { user.name|contains: adm }, condition: one }
"""
    ticks = iter(range(0, 1_000_000, 500))
    detector = Detector(load(text), lambda: next(ticks), every=4)
    for _ in range(9):
        assert len(detector.run("acme.app", [{"user": {"name": "admin"}}, {"user": {"name": "ann"}}])) == 1
    (cost,) = detector.costs()
    assert (cost.events, cost.timed, cost.rules[0].looked, cost.rules[0].matched) == (18, 6, 18, 9)
    assert cost.microseconds(cost.rules[0]) == 0.5


def test_rules_for_which_every_document_is_read_are_known(load: Any) -> None:
    text = """
title: A rule
logsource: { product: acme, service: app }
detection: { s: { ASKED }, condition: s }
"""
    rules = [
        text.replace("ASKED", each) for each in ("eventName: a", "deep.field|re: x", "deep.field: searched", "deep.number: 7")
    ]
    detector = Detector(load(*rules))
    watch = detector.watch("acme.app")
    assert watch == Watch(("event.action",), (TEXT,))
    index = Index(detector.rules.resolved["acme.app"], watch)
    assert [detector.rules.resolved["acme.app"][n].where.keys() for n in index.always] == [
        {"json:deep.field"},
        {"json:deep.number"},
    ]
    # What is looked for in a raw event may be written with escapes.
    texts = ['{"deep":{"field":"SEARCHED"}}', '{"deep":{"field":"\\u0073earched"}}', '{"deep":{"field":"other"}}']
    third = detector.rules.resolved["acme.app"][2]
    pieces = ["{}\n" + json.dumps({"event": {"original": text}}) + "\n" for text in texts]
    found = Index([third], watch).candidates([((None,), (text,)) for text in texts], pieces)
    assert [at for at, _ in found] == [0, 1]


def test_a_flood_of_different_values_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch, load: Any) -> None:
    monkeypatch.setattr("service.detect.tables.MEMO_SIZE", 50)
    text = """
title: A rule
logsource: { product: acme, service: app }
detection: { s: { eventName|startswith: x, user.name|contains: name }, condition: s }
"""
    detector = Detector(load(text))
    index = Index(detector.rules.resolved["acme.app"], detector.watch("acme.app"))
    found = index.candidates([((f"x{n}",), (f"a name {n}",)) for n in range(500)], ["\n"] * 500)
    assert len(found) == 500
    assert len(index._table) <= 50
    assert all(len(search) <= 50 for _, search in index._searches)


NODE = parse_selection({"a": ["X", "y"], "b|contains": "Text"}, HERE)


def test_a_weakened_node_holds_whenever_the_node_does() -> None:
    known = {"a": "a"}.get
    node = And((NODE, Not(parse_selection({"a": "z", "c": "q"}, HERE))))
    weak = predicate(weaken(node, known))
    assert weak({"a": "x"})
    assert not weak({"a": "q"})
    assert weaken(Not(NODE), {"c": "c"}.get) == TRUE
    assert weaken(Not(NODE), known, frozenset("a")) == TRUE
    assert not predicate(weaken(Not(parse_selection({"a": "x"}, HERE)), known))({"a": "x"})


def test_what_a_node_cannot_do_without() -> None:
    column = {"a": "a", "b": "b"}.get
    assert exact(NODE, column) == ("a", frozenset({"x", "y"}))
    assert exact(Or((NODE, parse_selection({"a": "z"}, HERE))), column) == ("a", frozenset({"x", "y", "z"}))
    assert exact(Or((NODE, parse_selection({"b": "z"}, HERE))), column) is None
    assert exact(Not(NODE), column) is None


def test_texts_that_must_be_somewhere() -> None:
    def find(name: str, test: Test) -> Literal | None:
        text = as_value(test)
        return Literal(name, text) if name != "c" and text is not None else None

    def looked_for(selection: Any, counts: Mapping[Literal, int] = MappingProxyType({})) -> set[str] | None:
        found = literals(parse_selection(selection, HERE), find, rarity(Counter(counts)))
        return None if found is None else {each.text for each in found}

    assert looked_for({"a": "short", "b|contains": "much longer"}) == {"much longer"}
    assert looked_for({"a": "short", "b|contains": "much longer"}, {Literal("b", "much longer"): 9}) == {"short"}
    assert looked_for({"a": ["one", "ab*long*c"]}) == {"one", "long"}
    assert looked_for([{"a": "one"}, {"b": "two"}]) == {"one", "two"}
    assert looked_for([{"a": "one"}, {"c": "two"}]) is None
    assert looked_for({"a|re": "long"}) is None
    assert looked_for({"a": "ab"}) is None
    assert looked_for({"a|neq": "long"}) is None


@pytest.mark.parametrize(
    ("selection", "ours", "anyones"),
    [
        ({"a": "/etc/Shadow"}, '"/etc/shadow"', "shadow"),
        ({"a|contains": "/etc/shadow"}, "/etc/shadow", "shadow"),
        ({"a|startswith": "C:\\Users\\"}, "users", "users"),
        ({"a|endswith": "/curl"}, '/curl"', "curl"),
        ({"a": 443}, "443", ""),
        ({"a": True}, "true", "true"),
        ({"a|contains": 'say "hello"'}, "hello", "hello"),
        ({"a|contains": "größe"}, "gr", "gr"),
    ],
)
def test_texts_as_they_stand_in_json(selection: Any, ours: str, anyones: str) -> None:
    node = parse_selection(selection, HERE)
    assert isinstance(node, Item)
    assert (as_our_json(node.tests[0]), as_any_json(node.tests[0])) == (ours, anyones)


def test_documents_of_a_pipeline_that_hands_nothing_out_are_all_read(load: Any) -> None:
    text = """
title: A rule
logsource: { product: acme, service: app }
detection: { s: { event.action: login }, condition: s }
"""
    detector = Detector(load(text))
    pieces = [f'{{"create":{{}}}}\n{{"event":{{"action":"{action}"}}}}\n' for action in ("login", "logout")]
    assert [match.at for match in detector.look("acme.app", Watch(), [], pieces)] == [0]


def test_a_rule_about_one_call_and_a_parameter_reads_no_event_without_the_parameter(load: Any) -> None:
    text = """
title: A rule
logsource: { product: acme, service: app }
detection: { s: { eventName: Put, ASKED }, condition: s }
"""
    asked = ("deep.key|contains: [ransom, restore_files]", "deep.cipher|exists: true")
    detector = Detector(load(*(text.replace("ASKED", each) for each in asked)))
    watch = detector.watch("acme.app")
    assert watch == Watch(("event.action",), (TEXT,))
    raws = ['{"deep":{"key":"a/RANSOM.txt"}}', '{"deep":{"key":"a"}}', '{"deep":{"cipher":"x"}}', '{"deep":{"ciph\\u0065r":1}}']
    pieces = ["{}\n" + json.dumps({"event": {"original": raw, "action": "Put"}}) + "\n" for raw in raws]
    pieces[1] = "{}\nnever read\n"
    found = detector.look("acme.app", watch, [(("Put",), (raw,)) for raw in raws], pieces)
    assert [(match.at, match.rule is detector.rules.rules[0]) for match in found] == [(0, True), (2, False), (3, False)]
    (cost,) = detector.costs()
    assert [each.looked for each in cost.rules] == [2, 2], "what escapes hide is looked at"


@pytest.mark.parametrize("original", ['{"deep":{"key":"here"}}', '{"deep":{"key":"***"}}'])
def test_a_raw_event_counts_as_its_document_has_it(load: Any, original: str) -> None:
    """What a pipeline hands out may say more: secrets are taken out of what is stored."""
    text = """
title: A rule
logsource: { product: acme, service: app }
detection: { s: { eventName: Put, deep.key: here }, condition: s }
"""
    detector = Detector(load(text))
    piece = f'{{}}\n{{"event":{{"action":"Put","original":{json.dumps(original)}}}}}\n'
    found = detector.look("acme.app", detector.watch("acme.app"), [(("Put",), ('{"deep":{"key":"here"}}',))], [piece])
    assert bool(found) is ("here" in original)
    (cost,) = detector.costs()
    assert cost.read == ("here" not in original)
