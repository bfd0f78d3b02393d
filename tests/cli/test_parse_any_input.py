"""Whatever the bytes: no crash, no silence, and every event exactly one fate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.content import find_content
from service.enrich.enrichers import Enrichers
from service.offline.play import Dead, Player
from service.pipeline.load import load_pipelines
from service.samples import samples_of

CONTENT = find_content(Path(__file__).parents[2])
PIPELINES = load_pipelines(CONTENT.pipelines)
PLAYER = Player(PIPELINES, Enrichers.empty(), 1_768_435_200_000)
SEEDS = [sample.path.read_bytes() for loaded in PIPELINES.values() for sample in samples_of(loaded.folder)] or [b"{}"]


def account_for(data: bytes, dataset: str | None) -> None:
    for played in PLAYER.play(data, dataset):
        if isinstance(played, Dead):
            assert json.loads(played.text()).keys() == {"line", "stage", "code", "reason"}
            assert played.line >= 1
            continue
        fates = len(played.documents) + len(played.dead) + len(played.dropped)
        assert fates == len(played.slice.events) == len(played.lines)
        for document in played.documents:
            shown = json.loads(document.text())
            assert shown["_index"].startswith(f"siem-{played.dataset}-local-none-")
            assert 0 < len(shown["_id"].encode()) <= 512
        assert "pipeline_error" not in {dead.code for dead in played.dead}


@given(data=st.binary(max_size=2_000), dataset=st.sampled_from([None, *PIPELINES]))
@settings(max_examples=80, deadline=None)
def test_arbitrary_bytes_have_their_fates(data: bytes, dataset: str | None) -> None:
    account_for(data, dataset)


@given(seed=st.sampled_from(SEEDS), at=st.floats(0, 1), cut=st.integers(0, 60), put=st.binary(max_size=12))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.large_base_example, HealthCheck.data_too_large])
def test_damaged_samples_have_their_fates(seed: bytes, at: float, cut: int, put: bytes) -> None:
    place = int(at * len(seed))
    account_for(seed[:place] + put + seed[place + cut :], None)


@pytest.mark.parametrize("dataset", PIPELINES)
def test_any_json_object_has_one_fate_in_every_dataset(dataset: str) -> None:
    for value in ({}, {"a": None}, {"": ""}, {"a": {"b": [1, {"c": []}]}}, {"eventTime": 1e300}, {"id": "x" * 70_000}):
        account_for(json.dumps(value).encode(), dataset)
