"""Lines of containers: what is around them, and which of them are one."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import EventError
from service.parse.joins import JOINED, JOINS
from service.parse.steps.container import container
from tests.pace import least_seconds

STAMP = "2026-01-14T09:12:33.123456789Z"
POD = {"pod_name": "web-1", "namespace_name": "shop", "container_name": "web"}


def cri(log: str, stream: str = "stdout", flag: str = "F") -> str:
    return f"{STAMP} {stream} {flag} {log}"


def fluent(log: str, **more: Any) -> str:
    return json.dumps({"log": log, "stream": "stdout", "kubernetes": POD, **more})


def joined(*events: str) -> list[str]:
    texts = list(events)
    said = JOINS["container"](texts)
    assert said == (JOINED in texts)
    return [text for text in texts if text != JOINED]


def test_a_line_of_the_runtime_has_time_and_stream() -> None:
    assert container(cri("hello")) == {
        "_log": {"message": "hello"},
        "around": {"stamp": STAMP, "stream": "stdout", "logtag": "F"},
    }


def test_a_blank_line_of_the_runtime_says_nothing() -> None:
    assert "_log" not in container(cri(""))
    assert "_log" not in container(f"{STAMP} stderr F")


def test_json_inside_the_line_is_read() -> None:
    found = container(fluent('{"level":"warn","msg":"slow","order":7}\n', time="2026-01-14T09:12:33Z"))
    assert found["_log"] == {"level": "warn", "message": "slow"}
    assert (found["order"], found["around"]["stamp"], found["around"]["kubernetes"]) == (7, "2026-01-14T09:12:33Z", POD)


def test_json_that_the_collector_took_apart_is_read() -> None:
    found = container(json.dumps({"level": "error", "msg": "boom", "order": 7, "container_id": "a", "ecs_cluster": "c"}))
    assert (found["_log"]["message"], found["order"], found["around"]) == ("boom", 7, {"container_id": "a", "ecs_cluster": "c"})
    found = container(fluent("x", log_processed={"level": "info", "msg": "y", "order": 8}))
    assert (found["_log"]["message"], found["order"]) == ("y", 8)


def test_the_log_of_a_host_has_a_message() -> None:
    found = container(json.dumps({"systemd_unit": "kubelet.service", "message": "E0114 09:12:33.1 1 a.go:7] no", "az": "a"}))
    assert (found["_log"], found["klog"]["file"]) == ({"level": "error", "message": "no"}, "a.go")


def test_an_object_without_metadata_is_the_applications_own() -> None:
    assert container('{"msg":"x","host":"h","source":"s"}')["source"] == "s"


@pytest.mark.parametrize("event", ['{"clusterArn":"arn","version":3}', '{"instance-id":"i-0","state":"running"}'])
def test_what_the_service_says_itself_is_left_alone(event: str) -> None:
    assert container(event) == {"detail": json.loads(event)}


def test_blanks_are_a_dead_letter() -> None:
    with pytest.raises(EventError, match="blanks"):
        container(" \n")


def test_pieces_of_a_long_line_are_put_together() -> None:
    assert joined(cri("aaa", flag="P"), cri("bbb", flag="P"), cri("ccc"), cri("next")) == [cri("aaabbbccc"), cri("next")]
    (whole,) = joined(fluent("aaa", logtag="P"), fluent("bbb\n", logtag="F"))
    assert json.loads(whole) == json.loads(fluent("aaabbb", logtag="F"))
    one, two = (
        fluent(text, partial_message="true", partial_id="1", partial_last=last) for text, last in (("a", "false"), ("b", "true"))
    )
    assert json.loads(joined(one, two)[0])["log"] == "ab"
    assert json.loads(joined(fluent("x" * 16_384), fluent("y\n"))[0])["log"] == "x" * 16_384 + "y"


def test_pieces_of_another_stream_or_container_stay_away() -> None:
    assert len(joined(cri("aaa", flag="P"), cri("bbb", "stderr"))) == 2
    other = fluent("bbb", kubernetes={**POD, "container_name": "sidecar"})
    assert len(joined(fluent("aaa", logtag="P"), other)) == 2


TRACES = {
    "java": [
        "2026-01-14 09:12:33 ERROR Checkout - payment failed",
        "java.lang.IllegalStateException: no connection",
        "\tat com.example.Pool.get(Pool.java:42)",
        "Caused by: java.net.ConnectException: refused",
        "\t... 12 more",
    ],
    "python": [
        "ERROR:root:failed",
        "Traceback (most recent call last):",
        '  File "app.py", line 7, in handler',
        "    pay(order)",
        "ValueError: amount must be positive",
        "",
        "During handling of the above exception, another exception occurred:",
        "",
        "Traceback (most recent call last):",
        '  File "app.py", line 9, in handler',
        "app.errors.Refused: no",
    ],
    "go": [
        *("panic: runtime error: index out of range", "", "goroutine 1 [running]:", "main.main()", "\t/app/main.go:12 +0x1d"),
        "exit status 2",
    ],
    "node": ["TypeError: x is not a function", "    at pay (/app/pay.js:3:9)", "    at main (/app/main.js:7:1)"],
    "object": ["{", '  "a": 1,', '  "b": [', "    2", "  ]", "}"],
}  # fmt: skip


@pytest.mark.parametrize("name", TRACES)
def test_the_lines_of_a_trace_are_one_event(name: str) -> None:
    lines = TRACES[name]
    before, after = "INFO started", "2026-01-14 INFO next"
    whole = "\n".join(lines)
    assert joined(before, *lines, after) == [before, whole, after]
    assert joined(cri(before), *map(cri, lines), cri(after)) == [cri(before), cri(whole), cri(after)]
    assert [json.loads(text)["log"] for text in joined(*map(fluent, [before, *lines, after]))] == [before, whole, after]


@pytest.mark.parametrize(
    "line", [" INFO next", "  WARN next", "next", "ValueError: x", "java.lang.Error: x", "} else {", '{"a":1}']
)
def test_a_line_that_stands_alone_begins_an_event(line: str) -> None:
    assert joined("INFO started", line) == ["INFO started", line]


def test_what_is_joined_is_bounded() -> None:
    assert len(joined("head", *["  x"] * 2_500)) == 3
    assert len(joined("head", *["  " + "x" * 100_000] * 5)) == 3
    assert len(joined(*[cri("x" * 16_000, flag="P")] * 40)) == 3


def test_joining_again_changes_nothing() -> None:
    texts = ["a", "  b", "Traceback (most recent call last):", "  c", "ValueError: d", "ValueError: e"]
    JOINS["container"](texts)
    again = list(texts)
    assert JOINS["container"](again)
    assert again == texts


LINES = st.sampled_from([line for lines in TRACES.values() for line in lines] + ["", "\0", "{", '{"log":7}', '{"log":"', "[]"])


@settings(max_examples=300)
@given(st.lists(st.one_of(LINES, LINES.map(cri), LINES.map(fluent), st.text(max_size=12)), max_size=25))
def test_nothing_is_lost_by_joining(texts: list[str]) -> None:
    before = "".join(texts)
    JOINS["container"](texts)
    assert sum(text == JOINED for text in texts) < max(len(texts), 1)
    # Of text without anything around it not a character may go.
    if "{" not in before and "std" not in before:
        ends = str.maketrans("", "", "\r\n")
        assert "".join(text for text in texts if text != JOINED).translate(ends) == before.translate(ends)
    for text in texts:
        try:
            found = container(text)
        except EventError:
            continue
        json.dumps(found)


@pytest.mark.parametrize(
    "piece", ["  x", "\t", "}", cri("x", flag="P"), "panic: ", "Traceback (most recent call last):", fluent("  x"), "{"]
)
def test_hostile_neighbours_cost_linear_time(piece: str) -> None:
    count = 200_000 // len(piece)
    texts = [piece] * count
    assert least_seconds(lambda: JOINS["container"](texts), tries=2) / count < 50e-6


@pytest.mark.parametrize(
    "text", ["{" * 100_000, cri("a " * 50_000), fluent("\t" * 50_000), fluent("I0114 " * 20_000), '{"log":"' + "x" * 100_000]
)
def test_hostile_lines_cost_linear_time(text: str) -> None:
    def work() -> None:
        with suppress(EventError):
            container(text)

    assert least_seconds(work) < 0.03
