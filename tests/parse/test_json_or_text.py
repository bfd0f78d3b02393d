"""Application logs: level, message, errors, traces, out of JSON and text alike."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import EventError
from service.parse.steps.json_or_text import FOUND, json_or_text, level_of


def found(text: str | dict[str, Any]) -> dict[str, Any]:
    return json_or_text(text if isinstance(text, str) else json.dumps(text))[FOUND]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("2026-01-14T09:00:00.123Z\tid\tERROR\tboom", "error"),
        ("[WARNING]\t2026-01-14T09:00:01.000Z\tid\tretrying", "warning"),
        ("level=warn msg=x", "warn"),
        ('level="info" msg=x', "info"),
        ("[error] 12#12: refused", "error"),
        ("error: cannot open", "error"),
        ("\x1b[31mFATAL\x1b[0m giving up", "fatal"),
        ("the ERROR_RATE is fine", None),
        ("no errors today", None),
        ("INFORMATION", None),
        ("x" * 500 + " ERROR", None),
    ],
)
def test_a_level_is_found_where_a_line_says_it(line: str, level: str | None) -> None:
    assert found(line).get("level") == level


@pytest.mark.parametrize(
    ("value", "level"),
    [
        ("WARN", "warn"),
        (50, "error"),
        (30, "info"),
        (35, "info"),
        (7, None),
        (True, None),
        (None, None),
        ("", None),
        ({"a": 1}, None),
        ("a b", None),
    ],
)
def test_levels_come_as_words_and_numbers(value: Any, level: str | None) -> None:
    assert level_of(value) == level


def test_a_time_with_a_zone_counts_and_one_without_does_not() -> None:
    assert found("2026-01-14 10:00:02,500 +0100 INFO x")["stamp"] == "2026-01-14 10:00:02.500+0100"
    assert "stamp" not in found("2026-01-14 10:00:02 INFO x")
    assert "stamp" not in found({"time": "14.01.2026"})
    assert found({"ts": 1768381803.5})["stamp"] == 1768381803.5


def test_a_request_id_of_lambda_is_the_execution() -> None:
    assert (
        found("START RequestId: 2f4ad2a9-1111-4222-8333-0123456789ab Version: 3")["execution"]
        == "2f4ad2a9-1111-4222-8333-0123456789ab"
    )


def test_a_python_traceback_is_an_error() -> None:
    text = 'Traceback (most recent call last):\n  File "a.py", line 1\nshop.PayError: refused'
    assert (found(text)["error_type"], found(text)["error_message"], found(text)["stack"]) == ("shop.PayError", "refused", text)


def test_a_java_stack_trace_is_an_error() -> None:
    text = "ERROR java.io.IOException: broken pipe\n\tat com.example.A.b(A.java:1)"
    assert (found(text)["error_type"], found(text)["error_message"]) == ("java.io.IOException", "broken pipe")


def test_nested_ecs_and_dotted_ecs_read_the_same() -> None:
    nested = json_or_text(json.dumps({"log": {"level": "INFO", "x": 1}, "process": {"thread": {"name": "main"}}, "message": "m"}))
    dotted = json_or_text(json.dumps({"log.level": "INFO", "process.thread.name": "main", "message": "m"}))
    assert nested[FOUND] == dotted[FOUND] == {"level": "info", "thread": "main", "message": "m"}
    assert nested["log"] == {"x": 1}


def test_what_is_not_recognised_stays_as_it_was() -> None:
    assert json_or_text('{"message":"m","custom":{"a":[1]},"_log":"mine","level":{"odd":1}}') == {
        "custom": {"a": [1]}, "_log_": "mine", "level": {"odd": 1}, FOUND: {"message": "m"},
    }  # fmt: skip


def test_an_error_object_gives_its_parts_and_keeps_the_rest() -> None:
    raw = json_or_text('{"err":{"type":"E","message":"m","stack":"s","extra":1}}')
    assert raw[FOUND] == {"error_type": "E", "error_message": "m", "stack": "s", "message": "m"}
    assert raw["err"] == {"extra": 1}


def test_an_object_without_a_message_is_its_own_message() -> None:
    assert found('{"a":1}')["message"] == '{"a":1}'


@pytest.mark.parametrize("text", ['{"level":"info","message":"cut of', "[1,2]", '"x"', "{not json}", "{" * 200 + "}" * 200])
def test_broken_json_is_text(text: str) -> None:
    assert json_or_text(text) == {FOUND: {"message": text}}


@pytest.mark.parametrize("text", ["", "  ", "\n\t"])
def test_nothing_is_refused(text: str) -> None:
    with pytest.raises(EventError) as refusal:
        json_or_text(text)
    assert refusal.value.code == "empty"


@given(st.text(min_size=1).filter(lambda text: text.strip() != ""))
def test_any_text_has_a_message(text: str) -> None:
    assert found(text)["message"]


KEYS = ["level", "error", "log", "time", "pid", "user", "stack", "message", "name", "id"]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
)


@given(st.dictionaries(st.sampled_from(KEYS), VALUES))
def test_any_object_gives_facts_that_are_scalars(value: dict[str, Any]) -> None:
    assert all(isinstance(fact, str | int | float) for fact in found(value).values())


@pytest.mark.parametrize(
    "evil",
    [
        "a\n" + "A.b" * 30000,
        "Traceback (most recent call last)\n" + "x." * 50000,
        " " + "level=" * 50000,
        "\x1b[" * 50000,
        "a" * 200000,
    ],
)
def test_hostile_text_takes_no_time(evil: str) -> None:
    began = time.perf_counter()
    json_or_text(evil)
    assert time.perf_counter() - began < 2
