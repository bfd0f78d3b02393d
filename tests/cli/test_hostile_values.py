"""Whatever stands in the fields a pipeline knows: the document still is what its mapping promises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.content import find_content
from service.enrich.enrichers import Enrichers
from service.lint.document import check_document
from service.offline.coverage import raw_paths
from service.offline.play import Dead, Player
from service.pipeline.load import load_pipelines
from service.pipeline.paths import EACH, split_path

CONTENT = find_content(Path(__file__).parents[2])
PIPELINES = load_pipelines(CONTENT.pipelines)
PLAYER = Player(PIPELINES, Enrichers.empty(), 1_768_435_200_000)
JSON = [name for name, loaded in PIPELINES.items() if loaded.file.parse.columns is None]
COLUMNS = [name for name, loaded in PIPELINES.items() if loaded.file.parse.columns is not None]

TEXT = st.one_of(
    st.sampled_from(["", "-", "0", "-1", "443", "1.5", "192.0.2.1", "2001:db8::1", "fe80::1%1", "true", "AWS Internal",
                     "2026-01-14T10:00:00Z", "9999999999999999999", "1e400", "\ud800", "\x00", "HIDDEN_DUE_TO_SECURITY_REASONS",
                     "arn:aws:iam::123456789012:role/x", "LONGTEXT", '"', "\\", "a\nb", "日本"]),
    st.text(max_size=20),
)  # fmt: skip
SCALAR = st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), TEXT)
VALUE = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT.filter(lambda t: len(t) < 99), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def put(event: dict[str, Any], path: str, value: Any) -> None:
    at: Any = event
    keys = split_path(path)
    for key, following in zip(keys, [*keys[1:], None], strict=True):
        if key == EACH:
            continue
        if following is None:
            at[key] = value
        elif following == EACH:
            below: dict[str, Any] = {}
            at[key] = [below, value]
            at = below
        elif not isinstance(at.get(key), dict):
            at[key] = at = {}
        else:
            at = at[key]


def faults(dataset: str, data: bytes) -> list[str]:
    found: list[str] = []
    data = data.replace(b"LONGTEXT", b"x" * 40_000)
    for played in PLAYER.play(data, dataset):
        if isinstance(played, Dead):
            continue
        found += [f"{dead.code} {dead.reason}" for dead in played.dead if dead.code == "pipeline_error"]
        for document in played.documents:
            told = check_document(json.loads(document.source), PIPELINES[played.dataset].catalogue)
            found += [fault for fault in told if " is empty" not in fault]
    return found


@pytest.mark.parametrize("dataset", JSON)
def test_no_value_of_a_known_field_breaks_a_document(dataset: str) -> None:
    paths = sorted({path for _, path in raw_paths(PIPELINES[dataset])}) or ["message"]

    @given(st.dictionaries(st.sampled_from(paths), VALUE, max_size=8))
    @settings(max_examples=60, deadline=None)
    def check(values: dict[str, Any]) -> None:
        event: dict[str, Any] = {}
        for path, value in values.items():
            put(event, path, value)
        assert faults(dataset, json.dumps(event).encode()) == []

    check()


@pytest.mark.parametrize("dataset", COLUMNS)
def test_no_value_of_a_column_breaks_a_document(dataset: str) -> None:
    columns = PIPELINES[dataset].file.parse.columns
    assert columns is not None
    words = TEXT.map(lambda text: "".join(text.split()) or "-")

    @given(st.lists(words, min_size=len(columns.default.split()), max_size=len(columns.default.split()) + 2))
    @settings(max_examples=60, deadline=None)
    def check(values: list[str]) -> None:
        line = columns.separator.join(values) if not columns.quoted else " ".join(json.dumps(value) for value in values)
        assert faults(dataset, line.encode("utf-8", "surrogatepass")) == []

    check()
