"""The compiler, seen from outside: pipelines in YAML, raw events in, bulk lines out."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.enrich.enrichers import Enrichers
from service.errors import ContentErrors
from service.event import Origin, Slice
from service.pipeline import shapes
from service.pipeline.compile import compile_pipeline, source_of
from service.pipeline.compiled import Carried, CompiledPipeline
from service.pipeline.load import load_pipeline
from service.pipeline.shapes import WANTED

MAPPINGS = Path(__file__).parents[2] / "mappings"
ARRIVAL = 1_767_323_045_000

JSON_PIPELINE = """
dataset: toy.json
title: Toy
summary: A toy.
delivery: [application]
route: { log_group|contains: toy }
parse: { json: {} }
normalise:
  - time: { field: at }
    move:
      who.name: user.name
      who.id: user.id
      ip: [source.address, source.ip?]
      other: destination.ip
      size: http.request.body.bytes
      flags: event.type
      action: event.action
      ok: toy.json.ok
      list[].arn: toy.json.arns
      body: toy.json.body
      id: event.id
    ignore: [noise]
    set: { event.kind: event }
    classify:
      event.action:
        login: { category: [authentication], type: [start] }
        "*": { category: [api], type: [info] }
    translate:
      event.outcome: { from: ok, "true": success, "false": failure }
  - when: { event.action: login }
    move: { mfa: toy.json.mfa, "parts[].name": toy.json.parts, "in.side[].x": toy.json.inside }
    set: { event.reason: somebody came }
  - when: { action: secret }
    forget: [who.password]
  - drop:
      health_check: { event.action|startswith: health }
enrich: [geoip, asn]
sink: { id: event.id, period: month, retention: 30d }
"""
# What must be forgotten is removed before the shape is known: such pipelines do without shapes.
SHAPED_PIPELINE = JSON_PIPELINE.replace("  - when: { action: secret }\n    forget: [who.password]\n", "")
REPEATING_PIPELINE = SHAPED_PIPELINE.replace("json: {}", "json: { repeats: [[who], [action, ok, ip, body], [list]] }")
JSON_FIELDS = """
toy.json.ok: { type: boolean, meaning: "Ok." }
toy.json.arns: { type: keyword, array: true, meaning: "Arns." }
toy.json.body: { type: object, meaning: "Body." }
toy.json.mfa: { type: keyword, meaning: "Mfa." }
toy.json.parts: { type: keyword, array: true, meaning: "Parts." }
toy.json.inside: { type: keyword, array: true, meaning: "Inside." }
"""
ROW_PIPELINE = """
dataset: toy.row
title: Toy
summary: A toy.
delivery: [application]
route: { log_group|contains: toy }
parse: { columns: { default: "at src dst port action", minimum: 3 } }
normalise:
  time: { field: at, format: epoch_second }
  move: { src: source.ip, dst: destination.ip, port: destination.port, action: event.action }
  translate: { event.action: { ACCEPT: accept } }
sink: { period: day }
"""


def pipeline(folder: Path, text: str, fields: str = "", tuning: str = "") -> CompiledPipeline:
    dataset = text.split("dataset: ")[1].split()[0]
    home = folder / dataset
    home.mkdir()
    (home / "pipeline.yml").write_text(text)
    (home / "fields.yml").write_text(fields or "toy.row.none: { type: keyword, meaning: None. }\n")
    tuned = folder / "tuning.yml"
    if tuning:
        tuned.write_text(tuning)
    return compile_pipeline(load_pipeline(home, tuned, MAPPINGS), Enrichers.empty())


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> CompiledPipeline:
    return pipeline(tmp_path_factory.mktemp("toy"), JSON_PIPELINE, JSON_FIELDS)


@pytest.fixture(scope="module")
def unshaped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompiledPipeline]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shapes, "COMPILED", 0)
        yield pipeline(tmp_path_factory.mktemp("unshaped"), SHAPED_PIPELINE, JSON_FIELDS)


@pytest.fixture(scope="module")
def eager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompiledPipeline]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shapes, "WANTED", 1)
        patch.setattr(shapes, "COMPILED", 10_000)
        yield pipeline(tmp_path_factory.mktemp("eager"), SHAPED_PIPELINE, JSON_FIELDS)


@pytest.fixture(scope="module")
def repeating(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompiledPipeline]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shapes, "WANTED", 1)
        patch.setattr(shapes, "COMPILED", 10_000)
        yield pipeline(tmp_path_factory.mktemp("repeating"), REPEATING_PIPELINE, JSON_FIELDS)


@pytest.fixture(scope="module")
def row(tmp_path_factory: pytest.TempPathFactory) -> CompiledPipeline:
    return pipeline(tmp_path_factory.mktemp("row"), ROW_PIPELINE)


def slice_of(*events: str, columns: str | None = None, **facts: Any) -> Slice:
    made = Slice("shop", "prod", "stream", "shardId-000000000000", "4959", 0, ARRIVAL, list(events), columns=columns)
    for name, value in facts.items():
        made = Slice(**{**{f: getattr(made, f) for f in made.__struct_fields__}, name: value})
    return made


def carry(compiled: CompiledPipeline, *events: object, **facts: Any) -> Carried:
    texts = [event if isinstance(event, str) else json.dumps(event) for event in events]
    carried = compiled.carry(slice_of(*texts, **facts), ARRIVAL)
    assert len(carried.pieces) + len(carried.dead) + sum(carried.dropped.values()) == len(texts)
    assert all(piece.count("\n") == 2 and piece.endswith("\n") for piece in carried.pieces)
    return carried


def document(compiled: CompiledPipeline, event: object, **facts: Any) -> dict[str, Any]:
    [piece] = carry(compiled, event, **facts).pieces
    made: dict[str, Any] = json.loads(piece.split("\n")[1])
    return made


EVENT: dict[str, Any] = {
    "at": "2026-01-01T10:00:00Z", "id": "e-1", "who": {"name": "alice", "id": "AID"}, "ip": "192.0.2.7", "other": "2001:db8::1",
    "size": 12, "flags": ["info"], "action": "login", "ok": True, "mfa": "yes", "body": {"a": [1, {"b": None}]},
    "list": [{"arn": "arn:1"}, {"arn": "arn:2"}, {}], "noise": 1,
}  # fmt: skip


def test_an_event_becomes_a_nested_typed_document(toy: CompiledPipeline) -> None:
    [piece] = carry(toy, EVENT).pieces
    action, made = (json.loads(line) for line in piece.split("\n")[:2])
    assert action == {"create": {"_index": "siem-toy.json-shop-prod-2026.01", "_id": "e-1"}}
    assert made["@timestamp"] == "2026-01-01T10:00:00.000Z"
    assert made["user"] == {"name": "alice", "id": "AID"}
    assert made["source"] == {"address": "192.0.2.7", "ip": "192.0.2.7"}
    assert made["destination"] == {"ip": "2001:db8::1"}
    assert made["http"] == {"request": {"body": {"bytes": 12}}}
    assert made["event"]["category"] == ["authentication"]
    assert made["event"]["outcome"] == "success"
    assert made["event"]["reason"] == "somebody came"
    assert made["event"]["original"] == json.dumps(EVENT)
    assert made["toy"] == {"json": {"ok": True, "arns": ["arn:1", "arn:2"], "body": {"a": [1, {"b": None}]}, "mfa": "yes"}}
    assert made["related"] == {"ip": ["192.0.2.7", "2001:db8::1"], "user": ["alice"]}
    assert made["siem"]["shard"] == "shardId-000000000000"
    assert "unmapped" not in made["toy"]
    assert "tags" not in made


def test_unknown_keys_at_every_level_are_kept_and_counted(toy: CompiledPipeline) -> None:
    carried = carry(toy, EVENT | {"new": {"x": 1}, "who": {"name": "a", "age": 7}})
    made = json.loads(carried.pieces[0].split("\n")[1])
    assert made["toy"]["unmapped"] == {"new": {"x": 1}, "who": {"age": 7}}
    assert carried.flags == {"unmapped": 1}


def test_a_field_that_only_a_condition_moves_is_kept_when_the_condition_fails(toy: CompiledPipeline) -> None:
    assert document(toy, EVENT | {"action": "other"})["toy"]["unmapped"] == {"mfa": "yes"}


def test_a_value_of_the_wrong_type_is_kept_named_and_flagged(toy: CompiledPipeline) -> None:
    made = document(toy, EVENT | {"size": "many", "other": "AWS Internal", "at": "soon"})
    assert made["tags"] == ["cast_error"]
    assert made["toy"]["unmapped"] == {"size": "many", "other": "AWS Internal", "at": "soon"}
    assert sorted(message.partition(":")[0] for message in made["error"]["message"]) == [
        "@timestamp", "destination.ip", "http.request.body.bytes",
    ]  # fmt: skip
    assert made["@timestamp"] == "2026-01-02T03:04:05.000Z", "the arrival of the record stands in"


def test_an_optional_target_stays_quietly_empty(toy: CompiledPipeline) -> None:
    made = document(toy, EVENT | {"ip": "cloudformation.amazonaws.com"})
    assert made["source"] == {"address": "cloudformation.amazonaws.com"}
    assert "tags" not in made


def test_an_object_where_a_branch_is_expected_or_text_where_an_object_is_does_not_lose_it(toy: CompiledPipeline) -> None:
    assert document(toy, EVENT | {"who": "HIDDEN_DUE_TO_SECURITY_REASONS"})["toy"]["unmapped"] == {
        "who": "HIDDEN_DUE_TO_SECURITY_REASONS"
    }


def test_forgotten_fields_are_nowhere_in_the_document(toy: CompiledPipeline) -> None:
    [piece] = carry(toy, EVENT | {"action": "secret", "who": {"name": "a", "password": "hunter2"}}).pieces
    assert "hunter2" not in piece


def test_dropped_events_are_counted_under_their_rule(toy: CompiledPipeline) -> None:
    carried = carry(toy, EVENT | {"action": "HealthCheck"}, EVENT)
    assert carried.dropped == {"health_check": 1}
    assert carried.at == [1]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"a":', "not_json"),
        ("[1]", "not_object"),
        ('"x"', "not_object"),
        ("", "not_json"),
        ('{"a":' * 70 + "1" + "}" * 70, "too_deep"),
    ],
)
def test_what_is_no_json_object_is_a_dead_letter_and_its_neighbours_flow_on(toy: CompiledPipeline, text: str, code: str) -> None:
    # Depth only counts where the careful form looks: give it a backslash.
    carried = carry(toy, EVENT, text.replace("1", '"\\\\"') if code == "too_deep" else text, EVENT)
    assert [(dead.at, dead.stage, dead.code) for dead in carried.dead] == [(1, "parse", code)]
    assert carried.at == [0, 2]


@pytest.mark.parametrize(
    "value", ['a"b', "a\\b", "a\nb", "\x00", "\u2028", "é", "\U0001f600", "\ud800", "</script>", "\x7f", 'x","_id":"y']
)
def test_hostile_strings_arrive_as_data(toy: CompiledPipeline, value: str) -> None:
    made = document(toy, EVENT | {"who": {"name": value, "id": value}})
    assert made["user"]["name"] == value.replace("\ud800", "\ufffd")


FACTS_PIPELINE = """
dataset: toy.facts
title: Toy
summary: A toy.
delivery: [cloudwatch_logs]
route: { log_group|contains: toy }
parse:
  pattern: { from: _log_stream, any_of: [{ name: host, regex: "(?P<host>[^/]*)/(?P<rest>.*)" }] }
normalise:
  move: { _log_stream: [container.id, container.name], _envelope_resources: user.roles, host: host.name, rest: process.name }
  first: { message: [_text] }
  step: { name: split_list, from: _log_group, to: { last: service.name }, options: { separator: "/" } }
sink: { period: day }
"""


def test_what_the_transport_says_is_escaped_however_harmless_the_event_is(tmp_path: Path) -> None:
    name = 'a"b/\\","project":{"id":"other'
    facts = {"log_group": f"toy/{name}", "log_stream": name, "envelope_resources": [name]}
    made = document(pipeline(tmp_path, FACTS_PIPELINE), "a line", **facts)
    assert made["container"] == {"id": name, "name": name}
    assert made["user"] == {"roles": [name]}
    assert (made["host"]["name"], made["process"]["name"]) == ('a"b', '\\","project":{"id":"other')
    assert made["service"] == {"name": '\\","project":{"id":"other'}
    assert (made["message"], made["project"]["id"]) == ("a line", "shop")


def test_a_text_too_long_to_take_apart_is_kept_and_flagged(tmp_path: Path) -> None:
    text = FACTS_PIPELINE.replace("from: _log_stream", "from: _text")
    compiled = pipeline(tmp_path, text)
    assert document(compiled, "a/" + "b" * 10_000)["host"]["name"] == "a"
    carried = carry(compiled, "a/" + "b" * 300_000)
    made = json.loads(carried.pieces[0].split("\n")[1])
    assert "host" not in made
    assert made["tags"] == ["too_long"]
    assert made["error"]["message"][0] == "longer than 262144 bytes, not taken apart"
    assert made["message"].startswith("a/bbb")
    assert len(made["event"]["original"]) == 300_002


def test_leftovers_that_hold_nothing_are_left_out(toy: CompiledPipeline) -> None:
    assert "unmapped" not in document(toy, EVENT | {"new": {"x": [None, {}]}})["toy"]


def test_a_value_that_came_too_late_for_one_field_still_reaches_the_other(tmp_path: Path) -> None:
    text = JSON_PIPELINE.replace("      id: event.id\n", "      id: event.id\n      alias: [event.id, toy.json.alias]\n")
    compiled = pipeline(tmp_path, text, JSON_FIELDS + 'toy.json.alias: { type: keyword, meaning: "Alias." }\n')
    made = document(compiled, EVENT | {"alias": "e-2"})
    assert (made["event"]["id"], made["toy"]["json"]["alias"]) == ("e-1", "e-2")
    assert "alias" not in document(compiled, EVENT)["toy"]["json"]


def test_an_event_time_far_from_the_arrival_keeps_its_time_but_not_its_index(toy: CompiledPipeline) -> None:
    [piece] = carry(toy, EVENT | {"at": "1999-01-01T00:00:00Z"}).pieces
    action, made = (json.loads(line) for line in piece.split("\n")[:2])
    assert action["create"]["_index"].endswith("2026.01")
    assert made["@timestamp"].startswith("1999")
    assert made["tags"] == ["time_out_of_range"]


def test_without_an_id_field_the_position_identifies(toy: CompiledPipeline) -> None:
    event = {key: value for key, value in EVENT.items() if key != "id"}
    ids = [json.loads(piece.split("\n")[0])["create"]["_id"] for piece in carry(toy, event, event).pieces]
    assert len(set(ids)) == 2
    assert ids == [json.loads(piece.split("\n")[0])["create"]["_id"] for piece in carry(toy, event, event).pieces]


def test_an_event_out_of_an_object_is_identified_by_that_and_says_so(toy: CompiledPipeline) -> None:
    event = {key: value for key, value in EVENT.items() if key != "id"}
    origin = Origin("logs", 'a"b/c', "v1")
    (piece,) = carry(toy, event, origin=origin).pieces
    (again,) = carry(toy, event, origin=origin, shard="shardId-7", sequence="99", subsequence=4, stream="other").pieces
    ids = [json.loads(each.split("\n")[0])["create"] for each in (piece, again)]
    assert ids[0] == ids[1]
    assert document(toy, event, origin=origin)["aws"]["s3"] == {"bucket": {"name": "logs"}, "object": {"key": 'a"b/c'}}


def test_columns_that_are_absent_leave_no_field(row: CompiledPipeline) -> None:
    made = document(row, "1767323045 192.0.2.1 - 443 ACCEPT")
    assert made["source"] == {"ip": "192.0.2.1"}
    assert made["destination"] == {"port": 443}
    assert made["event"]["action"] == "accept"


def test_too_few_columns_are_a_dead_letter_and_surplus_ones_are_kept(row: CompiledPipeline) -> None:
    carried = carry(row, "1767323045 192.0.2.1", "1767323045 192.0.2.1 192.0.2.2 443 ACCEPT more and more")
    assert [dead.code for dead in carried.dead] == ["too_few_columns"]
    assert json.loads(carried.pieces[0].split("\n")[1])["toy"]["unmapped"] == {"extra": ["more", "and", "more"]}


def test_what_a_step_makes_of_a_known_layout_is_among_the_fields(tmp_path: Path) -> None:
    text = ROW_PIPELINE.replace("minimum: 3", 'known: ["at src dst port action host"], minimum: 3')
    text = text.replace("  translate:", "  step: { name: host_port, from: host, to: { domain: url.domain } }\n  translate:")
    assert "url.domain" in pipeline(tmp_path, text).fields


def test_quoted_values_may_hold_the_separator_and_plain_lines_are_split_all_the_same(tmp_path: Path) -> None:
    text = ROW_PIPELINE.replace("minimum: 3", 'minimum: 3, separator: ",", quoted: true')
    made = pipeline(tmp_path, text)
    assert document(made, "1767323045,192.0.2.1,192.0.2.2,443,ACCEPT")["destination"] == {"ip": "192.0.2.2", "port": 443}
    assert document(made, '1767323045,192.0.2.1,192.0.2.2,443,"a, ""b"""')["event"]["action"] == 'a, "b"'


def test_a_declared_layout_replaces_the_default_and_unknown_columns_are_kept(row: CompiledPipeline) -> None:
    made = document(row, "192.0.2.9 1767323045 x", columns="dst at new-column")
    assert made["destination"] == {"ip": "192.0.2.9"}
    assert made["toy"]["unmapped"] == {"new-column": "x"}


def test_a_stream_that_invents_layouts_without_end_is_stopped(row: CompiledPipeline, tmp_path: Path) -> None:
    fresh = pipeline(tmp_path, ROW_PIPELINE)
    codes = [dead.code for n in range(80) for dead in carry(fresh, "1 2 3", columns=f"at src c{n}").dead]
    assert set(codes) == {"too_many_layouts"}
    assert len(codes) == 80 - 64


def test_tuning_drops_and_samples_the_same_events_every_time(tmp_path: Path) -> None:
    tuned = pipeline(
        tmp_path, ROW_PIPELINE,
        tuning="dataset: toy.row\ndrop: { accepted: { event.action: accept } }\nsample: { half: { keep: 0.5 } }\n",
    )  # fmt: skip
    lines = [f"1767323045 192.0.2.1 192.0.2.2 {port} {'ACCEPT' if port % 10 == 0 else 'REJECT'}" for port in range(1000)]
    first, second = carry(tuned, *lines), carry(tuned, *lines)
    assert first.dropped["accepted"] == 100
    assert 350 < first.dropped["half"] < 550
    assert first.at == second.at


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)


@settings(max_examples=300, deadline=None)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys([*EVENT, "unknown"], VALUES)))
def test_any_json_object_has_exactly_one_fate_and_valid_lines(toy: CompiledPipeline, event: dict[str, Any]) -> None:
    carried = carry(toy, json.dumps(event))
    for piece in carried.pieces:
        for line in piece.split("\n")[:2]:
            json.loads(line)
    assert not carried.dead


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=120))
def test_any_line_has_exactly_one_fate_and_valid_lines(row: CompiledPipeline, line: str) -> None:
    text = line.replace("\n", " ")
    for piece in carry(row, text).pieces:
        action, made = piece.rstrip("\n").split("\n")
        json.loads(action)
        assert json.loads(made)["event"]["original"] == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@settings(max_examples=200, deadline=None)
@given(st.fixed_dictionaries({key: st.just(value) | VALUES for key, value in EVENT.items()}))
def test_the_fast_and_the_careful_form_say_the_same(toy: CompiledPipeline, event: dict[str, Any]) -> None:
    event = {**event, "pad": "x"}
    plain = document(toy, json.dumps(event, ensure_ascii=False))
    careful = document(toy, json.dumps({**event, "pad": "\\"}, ensure_ascii=False))
    for made in (plain, careful):
        del made["event"]["original"], made["toy"]["unmapped"]["pad"]
        made["event"].pop("id", None)
    assert plain == careful


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.fixed_dictionaries({}, optional={key: st.just(value) | VALUES for key, value in EVENT.items()} | {"new": VALUES}))
def test_events_of_a_known_shape_get_the_document_they_would_get_without_it(
    unshaped: CompiledPipeline, eager: CompiledPipeline, event: dict[str, Any]
) -> None:
    text = json.dumps(event, ensure_ascii=False)
    plain, shaped = carry(unshaped, text), carry(eager, text, text)
    assert [piece.partition("\n")[2] for piece in shaped.pieces] == [piece.partition("\n")[2] for piece in plain.pieces] * 2
    assert shaped.flags == {flag: count * 2 for flag, count in plain.flags.items()}
    assert shaped.dropped == {rule: count * 2 for rule, count in plain.dropped.items()}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.fixed_dictionaries({}, optional={key: st.just(value) | VALUES for key, value in EVENT.items()} | {"new": VALUES}))
def test_what_follows_from_a_part_that_repeats_is_what_would_follow_without_it(
    unshaped: CompiledPipeline, repeating: CompiledPipeline, event: dict[str, Any]
) -> None:
    text = json.dumps(event, ensure_ascii=False)
    plain, known = carry(unshaped, text), carry(repeating, text, text, text)
    assert [_contents(piece) for piece in known.pieces] == [_contents(piece) for piece in plain.pieces] * 3
    assert known.flags == {flag: count * 3 for flag, count in plain.flags.items()}
    assert known.dropped == {rule: count * 3 for rule, count in plain.dropped.items()}


def _contents(piece: str) -> dict[str, Any]:
    """The document; members stand in another order where a part gives several of them."""
    made: dict[str, Any] = json.loads(piece.split("\n")[1])
    for key in ("pipeline", "shard"):
        made["siem"].pop(key)
    return made


def test_shapes_are_compiled_when_they_are_seen_often_and_only_so_many(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shapes, "COMPILED", 3)
    fresh = pipeline(tmp_path, SHAPED_PIPELINE, JSON_FIELDS)
    for key in "abcde":
        carry(fresh, *[EVENT | {key: 1}] * shapes.WANTED)
    assert fresh.compiled_shapes == 3


def test_generated_code_holds_no_text_of_the_files_and_only_plain_syntax(tmp_path: Path) -> None:
    home = tmp_path / "toy.json"
    home.mkdir()
    hostile = JSON_PIPELINE.replace("ignore: [noise]", "ignore: [\"x';__import__('os')#\"]")
    (home / "pipeline.yml").write_text(hostile)
    (home / "fields.yml").write_text(JSON_FIELDS)
    source = source_of(load_pipeline(home, None, MAPPINGS))
    names = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    assert "__import__" not in names
    assert not any(isinstance(node, ast.Import | ast.ImportFrom | ast.Global) for node in ast.walk(ast.parse(source)))


@pytest.mark.parametrize(
    ("before", "after", "code", "line"),
    [
        ("user.id", "user.idd", "unknown_field", 12),
        ("event.kind: event", "event.kind: evnt", "not_allowed", 24),
        ("type: [start]", "type: [begin]", "not_allowed", 26),
        ("id: event.id, period", "id: event.code, period", "unknown_field", 38),
    ],
)
def test_what_the_compiler_refuses_it_refuses_with_a_place(tmp_path: Path, before: str, after: str, code: str, line: int) -> None:
    with pytest.raises(ContentErrors) as refusal:
        pipeline(tmp_path, JSON_PIPELINE.replace(before, after), JSON_FIELDS)
    [fault] = refusal.value.faults
    assert fault.code == code
    assert abs(fault.place.line - line) <= 2


LISTED = {"arn": "arn:3", "role": "owner", "none": "", "deep": {"x": [{"y": 1}]}}


@pytest.mark.parametrize("form", ["toy", "unshaped", "eager", "repeating"])
def test_what_else_the_elements_of_a_list_hold_is_kept(form: str, request: pytest.FixtureRequest) -> None:
    compiled: CompiledPipeline = request.getfixturevalue(form)
    event = EVENT | {"list": [{"arn": "arn:1"}, LISTED, "no object", {"arn": ["arn:4"]}]}
    made = document(compiled, event)["toy"]
    assert made["json"]["arns"] == ["arn:1", "arn:3", "arn:4"]
    assert made["unmapped"]["list"] == [{"role": "owner", "deep": {"x": [{"y": 1}]}}, "no object"]
    assert document(compiled, EVENT | {"list": {"arn": "arn:1"}})["toy"]["unmapped"]["list"] == {"arn": "arn:1"}
    assert "unmapped" not in document(compiled, EVENT)["toy"]


@pytest.mark.parametrize("form", ["toy", "unshaped", "eager", "repeating"])
def test_what_steps_under_conditions_take_of_a_list_is_kept_once(form: str, request: pytest.FixtureRequest) -> None:
    compiled: CompiledPipeline = request.getfixturevalue(form)
    lists = {"parts": [{"name": "a", "size": 1}, {"name": "b"}], "in": {"side": [{"x": "c"}, {"z": "d"}]}}
    taken = document(compiled, EVENT | lists | {"action": "login"})["toy"]
    assert taken["json"]["parts"] == ["a", "b"]
    assert taken["json"]["inside"] == ["c"]
    assert taken["unmapped"] == {"parts": [{"size": 1}], "in": {"side": [{"z": "d"}]}}
    left = document(compiled, EVENT | lists | {"action": "logout"})["toy"]
    assert "parts" not in left["json"]
    assert left["unmapped"] == {"mfa": EVENT["mfa"], **lists}


STEPPED = """
dataset: toy.stepped
title: Toy
summary: A toy.
delivery: [application]
route: { log_group|contains: toy }
parse: { json: {} }
normalise:
  - move: { name: user.name, region: cloud.region, roles: user.roles, more: user.roles }
    step:
      - { name: split_list, from: a, to: { list: related.ip } }
      - { name: split_list, from: b, to: { list: [related.ip, user.roles] } }
      - { name: collect, from: { a: user.roles }, to: { list: user.roles } }
      - { name: sql_statement, from: { statement: first }, to: { category: event.category, type: event.type } }
  - when: { second|exists: true }
    step:
      - { name: sql_statement, from: { statement: second }, to: { category: event.category, type: event.type } }
"""
TWICE = "      - { name: sql_statement, from: { statement: third }, to: { category: event.category } }\n"


def test_steps_that_write_the_same_list_add_to_it_and_the_last_one_says_what_an_event_is(tmp_path: Path) -> None:
    compiled = pipeline(tmp_path, STEPPED)
    made = document(compiled, {"a": "192.0.2.1,192.0.2.2", "b": "192.0.2.2,192.0.2.3", "roles": ["r"], "more": ["s"]})
    assert made["related"]["ip"] == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
    assert made["user"]["roles"] == ["r", "192.0.2.2", "192.0.2.3"]
    assert made["toy"]["unmapped"] == {"more": ["s"]}
    made = document(compiled, {"first": "SELECT 1", "second": "CREATE USER a"})
    assert made["event"]["type"] == document(compiled, {"second": "CREATE USER a"})["event"]["type"]


def test_two_steps_that_say_what_the_same_events_are_are_refused_with_the_place(tmp_path: Path) -> None:
    with pytest.raises(ContentErrors) as refused:
        pipeline(tmp_path, STEPPED.replace("  - when:", TWICE + "  - when:"))
    (fault,) = refused.value.faults
    assert (fault.code, fault.place.line, fault.place.column > 0) == ("written_twice", 15, True)
    assert "when of its own" in fault.hint


@pytest.mark.parametrize("times", [1, WANTED + 1])
def test_what_the_transport_knows_stands_in_for_what_an_event_does_not_say(tmp_path: Path, times: int) -> None:
    compiled = pipeline(tmp_path, STEPPED)
    facts = {"region": "eu-central-1", "account": "111122223333"}
    for region in ({"region": "us-east-1"}, {}, {"region": None}, {"region": ""}):
        carried = carry(compiled, *[{"name": "ann", **region}] * times, **facts)
        clouds = [json.loads(piece.split("\n")[1])["cloud"] for piece in carried.pieces]
        assert {cloud["region"] for cloud in clouds} == {region.get("region") or "eu-central-1"}
        assert {cloud["account"]["id"] for cloud in clouds} == {"111122223333"}


def test_an_event_without_a_word_has_no_original(tmp_path: Path) -> None:
    compiled = pipeline(tmp_path, FACTS_PIPELINE)
    assert "original" not in document(compiled, "")["event"]
    assert document(compiled, " ")["event"]["original"] == " "
