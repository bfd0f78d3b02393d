"""Which dataset gets which event, and that every event gets one fate."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import ContentError, Place
from service.event import Record, RecordBatch
from service.match import parse_selection
from service.pipeline.load import LoadedPipeline, load_pipeline
from service.route.router import Router, build_router
from service.route.routes import Route

HERE = Place("pipeline.yml", 3)


def route(dataset: str, selection: Any, **more: Any) -> Route:
    return Route(dataset, parse_selection(selection, HERE), **more)


ROUTES = [
    route(
        "aws.cloudtrail",
        [
            {"detail_type|endswith": "via CloudTrail"},
            {"log_group|contains": "trail"},
            {"eventVersion|exists": True, "eventSource|endswith": ".amazonaws.com"},
        ],
    ),
    route(
        "aws.vpcflow",
        [
            {"log_group|contains": "flow"},
            {"columns|contains": "srcaddr"},
            {"_text|re": "^[0-9]+ [0-9]{12} eni-"},
        ],
        column_sources=("declared", "header", "default"),
        columns=(("special-*", "version srcaddr dstaddr"),),
    ),
    route("aws.guardduty", [{"source": "aws.guardduty"}, {"service.serviceName": "guardduty"}]),
    route("aws.eks_audit", {"log_group|startswith": "/aws/eks", "log_stream|startswith": "kube-apiserver-audit"}),
    route("aws.eks_api", {"log_group|startswith": "/aws/eks"}),
    route("app.mixed", {"log_group": "mixed", "kind": "audit"}),
    route("aws.cloudwatch", {"transport": "cloudwatch_logs"}),
]
ROUTER = Router(ROUTES)
TRAIL = '{"eventVersion":"1.08","eventSource":"s3.amazonaws.com"}'
FLOW = "2 111122223333 eni-1 192.0.2.1 192.0.2.2 1 2 6 1 1 1 1 ACCEPT OK"
FINDING = '{"service":{"serviceName":"guardduty"}}'


def record(data: bytes | str, sequence: str = "1") -> Record:
    return Record(data if isinstance(data, bytes) else data.encode(), "key", sequence, 0, 5)


def batch(*data: bytes | str) -> RecordBatch:
    return RecordBatch("shop", "prod", "logs", "shardId-0", [record(one) for one in data])


def message(group: str, *texts: str, stream: str = "s") -> bytes:
    events = [{"id": str(number), "timestamp": number, "message": text} for number, text in enumerate(texts)]
    return gzip.compress(
        json.dumps(
            {"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": group, "logStream": stream, "logEvents": events}
        ).encode()
    )


def envelope(source: str, detail_type: str) -> str:
    return json.dumps({"detail-type": detail_type, "source": source, "detail": {"a": 1}})


def datasets(*data: bytes | str) -> dict[str, list[str]]:
    routed = ROUTER.route(batch(*data))
    found = {name: [event for piece in pieces for event in piece.events] for name, pieces in routed.by_dataset.items()}
    if routed.dead:
        found["dead"] = [f"{letter.code}: {letter.data.decode()}" for letter in routed.dead]
    return found


@pytest.mark.parametrize(
    ("data", "dataset"),
    [
        (message("org-trail", "x"), "aws.cloudtrail"),
        (message("ORG-TRAIL", "x"), "aws.cloudtrail"),
        (message("vpc-flow", FLOW), "aws.vpcflow"),
        (message("/aws/eks/c/cluster", "{}", stream="kube-apiserver-audit-1"), "aws.eks_audit"),
        (message("/aws/eks/c/cluster", "{}", stream="authenticator-1"), "aws.eks_api"),
        (message("app", "hello"), "aws.cloudwatch"),
        (message("app", TRAIL), "aws.cloudtrail"),
        (envelope("aws.guardduty", "GuardDuty Finding"), "aws.guardduty"),
        (envelope("aws.guardduty", "AWS API Call via CloudTrail"), "aws.cloudtrail"),
        (TRAIL, "aws.cloudtrail"),
        (json.dumps(json.loads(TRAIL), indent=2), "aws.cloudtrail"),
        (FINDING, "aws.guardduty"),
        (FLOW, "aws.vpcflow"),
    ],
)
def test_an_event_goes_where_the_first_fitting_route_says(data: bytes | str, dataset: str) -> None:
    assert list(datasets(data)) == [dataset]


@pytest.mark.parametrize("data", ["hello", '{"a":1}', "[1]", envelope("aws.unknown", "Something")])
def test_what_nothing_claims_is_a_dead_letter(data: str) -> None:
    (letter,) = ROUTER.route(batch(data)).dead
    assert (letter.stage, letter.code, letter.project, letter.index) == ("route", "no_route", "shop", 0)
    assert letter.context is not None
    assert letter.context.events == []
    assert letter.data.decode() in data.replace(" ", "") + data


def test_without_the_fallback_a_log_group_event_is_a_dead_letter_too() -> None:
    routed = Router(ROUTES[:2]).route(batch(message("app", "hello")))
    assert [letter.code for letter in routed.dead] == ["no_route"]
    assert routed.dead[0].context is not None
    assert routed.dead[0].context.log_group == "app"


def test_events_of_one_record_go_apart_and_keep_their_numbers() -> None:
    routed = ROUTER.route(batch("\n".join([TRAIL, TRAIL, FLOW, "?", FINDING, TRAIL])))
    trails = routed.by_dataset["aws.cloudtrail"]
    assert [(piece.first, piece.events) for piece in trails] == [(0, [TRAIL, TRAIL]), (5, [TRAIL])]
    assert [(piece.first, piece.events) for piece in routed.by_dataset["aws.vpcflow"]] == [(2, [FLOW])]
    assert [(piece.first, piece.events) for piece in routed.by_dataset["aws.guardduty"]] == [(4, [FINDING])]
    assert [(letter.index, letter.data) for letter in routed.dead] == [(3, b"?")]
    assert (routed.records, routed.events) == (1, 6)


def test_ids_and_times_go_with_their_events() -> None:
    routed = ROUTER.route(batch(message("app", "one", TRAIL, "two")))
    (trail,) = routed.by_dataset["aws.cloudtrail"]
    assert (trail.first, trail.ids, trail.times) == (1, ["1"], [1])
    assert [(piece.first, piece.ids) for piece in routed.by_dataset["aws.cloudwatch"]] == [(0, ["0"]), (2, ["2"])]


def test_a_fact_may_guard_what_is_asked_of_the_content() -> None:
    assert list(datasets(message("mixed", '{"kind":"audit"}'))) == ["app.mixed"]
    assert list(datasets(message("mixed", '{"kind":"other"}'))) == ["aws.cloudwatch"]
    assert list(datasets('{"kind":"audit"}')) == ["dead"]


LAST = Router(
    [
        route("aws.ec2", {"log_stream|startswith": "i-"}, last=True),
        route("aws.ecs", {"log_stream|startswith": "i-", "kind": "task"}, last=True),
        route("system.auth", {"log_group|endswith": "secure"}),
        route("system.syslog", {"_text|re": "^<[0-9]+>"}),
        route("aws.cloudwatch", {"transport": "cloudwatch_logs"}),
    ]
)


@pytest.mark.parametrize(
    ("group", "stream", "event", "dataset"),
    [
        ("/ec2/secure", "i-0a", "words", "system.auth"),
        ("/ec2/app", "i-0a", "<13>words", "system.syslog"),
        ("/ec2/app", "i-0a", "words", "aws.ec2"),
        ("/ec2/app", "i-0a", '{"kind":"task"}', "aws.ec2"),
        ("/ec2/app", "web", "words", "aws.cloudwatch"),
    ],
)
def test_what_is_asked_last_takes_what_no_other_source_wants(group: str, stream: str, event: str, dataset: str) -> None:
    message = {
        "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": group, "logStream": stream,
        "logEvents": [{"id": "1", "timestamp": 1, "message": event}],
    }  # fmt: skip
    (found,) = LAST.route(RecordBatch("shop", "prod", "s", "shard", [record(json.dumps(message))])).by_dataset
    assert found == dataset


def test_columns_come_from_the_declaration_then_the_header() -> None:
    class Streams:
        def declared(self, project: str, environment: str, stream: str, log_group: str) -> str | None:
            return "declared list" if (project, environment, stream, log_group) == ("shop", "prod", "logs", "flow-1") else None

    router = Router(ROUTES, Streams())
    routed = router.route(
        batch(
            message("flow-1", "a"),
            message("flow-2", "a"),
            message("special-flow", "a"),
            "version srcaddr dstaddr action\n2 a b c",
            FLOW,
        )
    )
    assert [piece.columns for piece in routed.by_dataset["aws.vpcflow"]] == [
        "declared list", None, "version srcaddr dstaddr", "version srcaddr dstaddr action", None,
    ]  # fmt: skip
    assert routed.control == 1


def test_a_named_dataset_takes_everything() -> None:
    text = ROUTER.route_text(b'one\n{"broken\n' + TRAIL.encode(), "aws.guardduty")
    assert [(piece.dataset, piece.slice.events, list(piece.lines)) for piece in text.pieces] == [
        ("aws.guardduty", ["one"], [1]),
        ("aws.guardduty", [TRAIL], [3]),
    ]
    assert [(line, letter.code) for line, letter in text.dead] == [(2, "truncated_json")]


def test_text_is_routed_by_content_with_its_lines() -> None:
    text = ROUTER.route_text("\n".join([TRAIL, "", FLOW, "?", TRAIL]).encode())
    assert [(piece.dataset, list(piece.lines)) for piece in text.pieces] == [
        ("aws.cloudtrail", [1]),
        ("aws.vpcflow", [3]),
        ("aws.cloudtrail", [5]),
    ]
    assert [(line, letter.code) for line, letter in text.dead] == [(4, "no_route")]
    assert ROUTER.route_text(f'{{"Records":[{TRAIL},{TRAIL}]}}'.encode()).pieces[0].lines == [1, 2]


def test_content_of_text_is_routed_without_looking_for_json() -> None:
    router = Router([route("app.ssh", ["sshd", "sudo"])])
    text = router.route_text(b"host SSHD[1]: hello\nhost cron: hello")
    assert [piece.slice.events for piece in text.pieces] == [["host SSHD[1]: hello"]]
    assert [letter.data for _, letter in text.dead] == [b"host cron: hello"]


def test_the_routes_of_loaded_pipelines_are_compiled(tmp_path: Path) -> None:
    router = build_router({"x.y": loaded(tmp_path, "route:\n  - source: x\n  - kind: y")})
    assert [piece.dataset for piece in router.route_text(b'{"kind":"Y"}').pieces] == ["x.y"]


def test_a_wrong_route_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(ContentError) as refused:
        build_router({"x.y": loaded(tmp_path, "route:\n  - source: x\n  - kind|startwith: y")})
    assert (refused.value.code, refused.value.place.line) == ("unknown_modifier", 8)
    assert "startswith" in refused.value.hint


def loaded(tmp_path: Path, route_text: str) -> LoadedPipeline:
    folder = tmp_path / "x.y"
    folder.mkdir()
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "ecs.yml").write_text("message:\n  type: keyword\n  meaning: Text.\n")
    head = "dataset: x.y\ntitle: X\nsummary: X.\ndelivery: [application]\nparse: { json: {} }\n"
    text = f"{head}{route_text}\nnormalise: {{}}\n"
    (folder / "pipeline.yml").write_text(text)
    return load_pipeline(folder)


def test_a_slice_decoded_earlier_is_routed_again_as_it_was() -> None:
    routed = ROUTER.route(batch(message("app", "one", TRAIL, "two"), "?", FLOW))
    letter = next(letter for letter in routed.dead)
    pieces = [piece for found in routed.by_dataset.values() for piece in found]
    for piece in pieces:
        assert [again for _, again in ROUTER.reroute(piece)] == [piece]
    assert letter.context is not None
    again = msgspec.structs.replace(letter.context, events=["?"])
    assert ROUTER.reroute(again) == [(None, again)]


def test_the_key_of_an_object_is_a_fact_that_is_asked_before_content() -> None:
    router = Router([*ROUTES, route("aws.nlb", {"s3_key|contains": "_net.", "s3_bucket|startswith": "elb-"})])

    def forwarded(bucket: str, key: str) -> str:
        head = {"siem": "forwarded/1", "bucket": bucket, "key": key, "version": "1", "written": 5, "first": 0, "form": "lines"}
        return json.dumps(head, separators=(",", ":")) + "\n" + FLOW

    routed = router.route(batch(forwarded("elb-logs", "a_net.b"), forwarded("elb-logs", "a_app.b"), forwarded("x", "a_net.b")))
    assert {name: [piece.s3_key for piece in pieces] for name, pieces in routed.by_dataset.items()} == {
        "aws.nlb": ["a_net.b"], "aws.vpcflow": ["a_app.b", "a_net.b"],
    }  # fmt: skip
    for pieces in routed.by_dataset.values():
        for piece in pieces:
            assert [again for _, again in router.reroute(piece)] == [piece]
    assert not router._answers  # every object has a key of its own


def test_columns_fall_through_to_the_header_and_end_there_too() -> None:
    header = "version srcaddr dstaddr action\n2 a b c"
    for sources, columns in ((("header",), "version srcaddr dstaddr action"), (("default",), None), (("declared",), None)):
        router = Router([route("x.flow", {"columns|exists": True}, column_sources=sources)])
        assert [piece.columns for piece in router.route(batch(header)).by_dataset["x.flow"]] == [columns]


def test_declared_columns_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.route.columns.MEMO_SIZE", 4)
    router = Router(ROUTES)
    for number in range(20):
        (piece,) = router.route(batch(message(f"special-flow-{number}", "x"))).by_dataset["aws.vpcflow"]
        assert piece.columns == "version srcaddr dstaddr"


def test_answers_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.route.router.MEMO_SIZE", 8)
    router = Router(ROUTES)
    for number in range(50):
        routed = router.route(batch(message("trail", "x", stream=f"s{number}")))
        assert list(routed.by_dataset) == ["aws.cloudtrail"]
    assert len(router._answers) <= 8


@pytest.mark.parametrize("data", ['{"eventVersion":', '{"eventVersion":1e999}', '{"eventVersion":"\\ud800"}', "{", "\x00", "{}"])
def test_odd_content_is_routed_without_raising(data: str) -> None:
    routed = ROUTER.route(batch(message("app", data)))
    assert len(routed.by_dataset["aws.cloudwatch"]) == 1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([TRAIL, FLOW, FINDING, "?", '{"a', "", "é", '{"Records":[]}']), max_size=12))
def test_every_event_has_exactly_one_fate(lines: list[str]) -> None:
    data = "\n".join(lines).encode()
    routed = ROUTER.route(batch(data))
    taken = [piece.first + at for pieces in routed.by_dataset.values() for piece in pieces for at in range(len(piece.events))]
    taken += [letter.index for letter in routed.dead]
    assert sorted(taken) == list(range(len(taken)))
    assert taken or routed.control
    text = ROUTER.route_text(data)
    assert sum(len(piece.lines) for piece in text.pieces) + len(text.dead) == len(taken)


def test_lines_that_nobody_claims_belong_to_the_entry_before_them() -> None:
    """Only of the first line of an entry the content says whose it is."""
    routes = [route("db.slow", {"_text|startswith": "# Time"}, joins=True), route("db.other", {"_text|startswith": "other"})]
    lines = ["FROM nowhere", "# Time: 1", "SELECT 1", "FROM x;", "other", "FROM nowhere"]
    routed = Router(routes).route(batch("\n".join(lines)))
    assert {name: [piece.events for piece in pieces] for name, pieces in routed.by_dataset.items()} == {
        "db.slow": [lines[1:4]], "db.other": [["other"]],
    }  # fmt: skip
    assert [letter.data.decode() for letter in routed.dead] == ["FROM nowhere"] * 2
    assert [letter.index for letter in routed.dead] == [0, 5]
    assert "db.slow" not in Router(routes[1:]).route(batch("\n".join(lines))).by_dataset
