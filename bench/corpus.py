"""What is measured with: the demo's everyday traffic, the same for the same seed, packed as AWS would send it."""

from __future__ import annotations

import re
from random import Random

from service.demo.logs import EVENTS
from service.demo.projects import PROJECTS
from service.demo.wire import record_of
from service.event import Record, RecordBatch

NOW_MS = 1_767_323_045_000
"""When the corpus happens: a whole day around it is one index."""
SEED = 20_260_102
PER_RECORD = 100
"""Events of one CloudWatch Logs record."""
SINGLE = frozenset({"aws.guardduty"})
"""Datasets of which a record holds one event."""
DATASETS = tuple(EVENTS)
PROJECT = PROJECTS[0]
_SESSION = re.compile("i-0[0-9a-f]{16}")


def events(dataset: str, count: int, *, seed: int = SEED) -> list[str]:
    """Raw events of one project, a few a millisecond."""
    rng, (make, _) = Random(seed), EVENTS[dataset]
    return [make(rng, PROJECT, NOW_MS + number // 8) for number in range(count)]


def of_many_sessions(raw: list[str], sessions: int, *, seed: int = SEED) -> list[str]:
    """The same CloudTrail records, but by as many different sessions: what repeats in the demo's traffic hardly does here."""
    rng = Random(seed)
    return [_SESSION.sub(f"i-0{rng.randrange(sessions):016x}", event) for event in raw]


def records(dataset: str, raw: list[str], *, seed: int = SEED) -> list[Record]:
    """Kinesis records that carry the events."""
    rng, width = Random(seed), 1 if dataset in SINGLE else PER_RECORD
    return [
        Record(
            data=record_of(rng, PROJECT, dataset, raw[start : start + width], NOW_MS),
            partition_key="k",
            sequence=f"4959033827149025660855969253836157109592157598913658{start:08d}",
            subsequence=0,
            arrival_ms=NOW_MS + 60_000,
        )
        for start in range(0, len(raw), width)
    ]


def batches(dataset: str, raw: list[str], *, records_each: int = 10, seed: int = SEED) -> list[RecordBatch]:
    """Record batches as a collector would send them: what a shard had for one GetRecords."""
    made = records(dataset, raw, seed=seed)
    return [
        RecordBatch(PROJECT.id, PROJECT.environment, PROJECT.stream, "shardId-000000000000", made[start : start + records_each])
        for start in range(0, len(made), records_each)
    ]
