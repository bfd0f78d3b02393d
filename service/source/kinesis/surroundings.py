"""What a shard's consumer is told about itself and works with, made by whoever starts it."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from service.clock import Clock
from service.source.kinesis.client import StartAt, Stream
from service.source.kinesis.coordinator import LeaseCoordinator
from service.source.kinesis.lease import Lease
from service.source.kinesis.outlet import Outlet
from service.source.kinesis.reader import Chunk
from service.source.kinesis.wire import ChildShard


@dataclass(frozen=True, slots=True)
class ShardOptions:
    """Bounds and rhythms."""

    batch_bytes: int = 512 * 1024
    checkpoint_seconds: float = 5.0
    parents_seconds: float = 1.0
    finish_seconds: float = 25.0
    """Shorter than the coordinator's handoff limit: what is not safe by then is read again by the next owner."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose shard it is and what its stream's configuration says."""

    project: str
    environment: str
    stream: Stream
    start_ms: int | None = None
    """What AT_TIMESTAMP means."""
    keep_foreign: bool = False
    """Hand on aggregates even when their keys belong to other shards."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a consumer uses and does not own."""

    coordinator: LeaseCoordinator
    outlet: Outlet
    clock: Clock
    rng: random.Random
    read: Callable[[StartAt], AsyncGenerator[Chunk, None]]
    """Reads this shard in whatever mode its stream is in."""
    make_children: Callable[[Lease, list[ChildShard]], Awaitable[list[str]]]
    """Creates leases for the children of a shard that ended, waiting out faults; returns their shard ids."""
    is_listed: Callable[[str], Awaitable[bool]]
    """Whether the stream still lists a shard; raises KinesisFault when that cannot be told."""
    share: Callable[[], int]
    """Bytes this shard may have in flight now."""
    quota: Callable[[], float] = lambda: 0.0
    """Bytes a second this shard may give now; 0: as many as there are."""
