"""The contract that every registered step keeps, whatever it is given."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.normalise.steps import STEPS, StepSpec, aws, dns, network, number, objects, text, url

scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())
values = st.recursive(
    st.one_of(
        scalars,
        st.sampled_from(["-", "", "arn:", "arn:aws:iam::1:role/x", "TLSv1.", "GET / HTTP/", "http://[::1", "a:b@c:99999/x?y#z"]),
        st.text(alphabet=":/?#[]@.-% aH\"\\\0é1", max_size=40),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(max_size=8), inner, max_size=4),
        st.fixed_dictionaries({"Rdata": inner, "Type": inner, "key": inner, "value": inner}),
    ),
    max_leaves=8,
)  # fmt: skip

OPTIONS: dict[str, dict[str, Any]] = {
    "flatten_keywords": {"keys": ["key", "Rdata", "value.Type"]},
    "severity_label": {"bounds": {"small": 0, "big": 5.5}},
    "duration_ns": {"unit": "ms"},
    "join": {"separator": "@"},
    "split_list": {"separator": ", "},
    "kv_flatten": {"key": "Rdata", "value": "Type"},
    "zip_object": {"first": ["key", "_1"], "fourth": ["_2"]},
}
UNESCAPED = re.compile(r'[^"\\\x00-\x1f]*')


def check(spec: StepSpec, inputs: list[object], made: tuple[object, ...]) -> None:
    assert isinstance(made, tuple)
    assert len(made) == len(spec.outputs)
    plain = spec.cuts and all(isinstance(each, str) and UNESCAPED.fullmatch(each) for each in inputs if each is not None)
    for (name, kind), value in zip(spec.outputs.items(), made, strict=True):
        if value is None:
            continue
        if kind == "json":
            assert isinstance(value, str), name
            json.loads(value, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
        elif kind == "list":
            assert isinstance(value, list), name
            assert value, name
            assert all(isinstance(item, str) for item in value), name
        elif kind == "int":
            assert type(value) is int, name
            assert -(2**63) <= value < 2**63
        else:
            assert type(value) is {"str": str, "float": float, "bool": bool}[kind], name
            if plain and isinstance(value, str):
                assert UNESCAPED.fullmatch(value), name


@pytest.mark.parametrize("name", sorted(STEPS))
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_a_step_answers_anything_with_its_outputs_and_never_raises(name: str, data: st.DataObject) -> None:
    spec = STEPS[name]
    inputs = [data.draw(values) for _ in spec.inputs]
    check(spec, inputs, spec.function(*inputs))
    function = spec.bind(OPTIONS.get(name, {}))
    check(spec, inputs, function(*inputs))


@pytest.mark.parametrize("name", sorted(STEPS))
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_a_step_that_promises_cuts_needs_no_escapes(name: str, data: st.DataObject) -> None:
    spec = STEPS[name]
    inputs: list[object] = [data.draw(st.text(alphabet=":/?#[]@.-% aHTPGE1234567890é,", max_size=30)) for _ in spec.inputs]
    check(spec, inputs, spec.function(*inputs))


GENERAL = sorted({**aws.STEPS, **dns.STEPS, **network.STEPS, **number.STEPS, **objects.STEPS, **text.STEPS, **url.STEPS})


@pytest.mark.parametrize("name", GENERAL)
def test_nothing_gives_nothing(name: str) -> None:
    spec = STEPS[name]
    assert all(value is None for value in spec.function(*[None] * len(spec.inputs)))


@pytest.mark.parametrize("name", GENERAL)
def test_what_no_decoder_lets_through_does_no_harm_either(name: str) -> None:
    spec = STEPS[name]
    deep: Any = "\ud800"
    for _ in range(1000):
        deep = [{"key": deep, "Rdata": deep}]
    for value in ("\ud800", deep, deep[0], {"key": "\udfff"}):
        check(spec, [value] * len(spec.inputs), spec.function(*[value] * len(spec.inputs)))


@pytest.mark.parametrize("name", sorted(STEPS))
@pytest.mark.parametrize("part", [":", "/", ".", " ", "http://", "[:", "a.b", "arn:aws:", "/assumed-role/"])
def test_a_hundred_kilobytes_take_milliseconds(name: str, part: str) -> None:
    spec = STEPS[name]
    text_ = part * (100_000 // len(part))
    began = time.monotonic()
    spec.function(*[text_] * len(spec.inputs))
    assert time.monotonic() - began < 0.5


@pytest.mark.parametrize("name", sorted(STEPS))
def test_unknown_options_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no option 'colour'"):
        STEPS[name].bind({"colour": "red"})


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("flatten_keywords", {"keys": "bucketName"}),
        ("flatten_keywords", {"keys": []}),
        ("flatten_keywords", {"keys": {"a": "b.c"}}),
        ("severity_label", {"bounds": {}}),
        ("severity_label", {"bounds": {"high": "much"}}),
        ("duration_ns", {"unit": "fortnight"}),
        ("split_list", {"separator": ""}),
        ("split_list", {"lower": "yes"}),
        ("join", {"separator": 7}),
        ("kv_flatten", {"key": ""}),
        ("capture", {"regex": "("}),
        ("capture", {"regex": "no group"}),
        ("capture", {"regex": "()()()()()"}),
        ("capture", {"regex": 7}),
        ("hex_number", {"plain": "octal"}),
        ("percent_decoded", {"plus": "minus"}),
    ],
)
def test_wrong_options_are_refused_when_the_pipeline_is_compiled(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        STEPS[name].bind(options)


@pytest.mark.parametrize("name", GENERAL)
@pytest.mark.parametrize("value", ["", "-", " ", [], {}, [""], [None]])
def test_emptiness_is_never_an_output(name: str, value: object) -> None:
    spec = STEPS[name]
    assert not any(made in ("", [], "{}", "[]", '""') for made in spec.function(*[value] * len(spec.inputs)))


@pytest.mark.parametrize("name", GENERAL)
def test_the_readme_lists_inputs_outputs_and_options(name: str) -> None:
    readme = (Path(__file__).parents[2] / "service/normalise/steps/README.md").read_text()
    (row,) = [line for line in readme.splitlines() if line.startswith("| `") and f"`{name}`" in line.split("|")[1]]
    spec = STEPS[name]
    outputs = () if name == "request_line" else tuple(spec.outputs)
    for word in (*spec.inputs, *outputs, *spec.options):
        assert re.search(rf"\b{word}\b", row), word
