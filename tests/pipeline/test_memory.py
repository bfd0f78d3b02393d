"""What a compiled pipeline remembers stays bounded, whatever comes."""

from __future__ import annotations

import gc
import json
import linecache
from pathlib import Path
from random import Random

from service.demo.api_calls import api_call
from service.demo.projects import PROJECTS
from service.enrich.enrichers import Enrichers
from service.event import Slice
from service.normalise.time import Times
from service.pipeline.compile import compile_pipeline, source_of, version_of
from service.pipeline.load import load_pipeline
from service.pipeline.memo import PartMemo, StepMemo
from service.pipeline.shapes import WANTED

PIPELINES = Path(__file__).parents[2] / "pipelines"


def test_shapes_share_their_memo_tables() -> None:
    before = _tables()
    pipeline = compile_pipeline(load_pipeline(PIPELINES / "aws.cloudtrail"), Enrichers.empty())
    tables = _tables() - before
    rng = Random(1)
    for number in range(8):
        events = []
        for _ in range(3 * WANTED):
            event = json.loads(api_call(rng, PROJECTS[0], 1_767_323_045_000))
            event["userIdentity"] = {"type": "IAMUser", "userName": "alice", **({"extra": 1} if number % 2 else {})}
            events.append(json.dumps(event | {f"key{number // 4}": number}))
        slice_ = Slice("shop", "prod", "s", "shardId-000000000000", "1", 0, 1_767_323_145_000, events)
        assert len(pipeline.carry(slice_, 1_767_323_145_000).pieces) == 3 * WANTED
    assert pipeline.compiled_shapes >= 2
    # A shape may meet a kind of time or a scalar step that the careful form has no table for; never a table each.
    assert _tables() - before <= tables + 12


def test_a_memo_forgets_everything_when_it_is_full() -> None:
    memo = StepMemo(lambda word: (word,))
    for number in range(10_000):
        assert memo[(number,)] == (number,)
    assert len(memo) <= 4096


def test_a_memo_does_not_keep_what_is_long() -> None:
    memo = StepMemo(lambda first, second: (second,))
    assert memo["x" * 5000, 7] == (7,)
    assert not memo


def test_generated_code_is_kept_compressed_and_shown_in_tracebacks() -> None:
    loaded = load_pipeline(PIPELINES / "aws.cloudtrail")
    compile_pipeline(loaded, Enrichers.empty())
    name = f"aws.cloudtrail {version_of(loaded)} carry"
    entry = linecache.cache[name]
    assert len(entry) == 1, "the text was made though nobody asked"
    assert "".join(linecache.getlines(name)) == source_of(loaded)


def _tables() -> int:
    gc.collect()
    return sum(isinstance(each, StepMemo | PartMemo | Times) for each in gc.get_objects())
