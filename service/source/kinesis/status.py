"""What the status page and ``siem leases`` show of the source."""

from __future__ import annotations

import msgspec


class ShardStatus(msgspec.Struct, kw_only=True):
    """One shard as this worker sees it; counts since the worker began."""

    project: str
    environment: str
    stream: str
    shard: str
    lease_key: str
    state: str = "starting"
    """waiting_for_parents, reading, draining, ended, lost, released, starting."""
    mode: str = ""
    """polling, fan_out/http2, fan_out/http1."""
    owner: str | None = None
    behind_ms: int | None = None
    checkpoint: str = ""
    in_flight_bytes: int = 0
    records: int = 0
    bytes: int = 0
    user_records: int = 0
    discarded: int = 0
    """User records of aggregates that belong to another shard."""
    damaged: int = 0
    """Records that only look like aggregates."""
    faults: int = 0
    """Passing faults: throttling, resets, expired iterators."""
    resent: int = 0
    """Batches sent again because the outlet could not say they are durable."""
    gaps: int = 0
    """Times that records were gone before they could be read: retention is too short for how far behind we were."""
    quota_seconds: float = 0.0
    """Seconds that reading waited because the stream has a quota."""
    last_error: str = ""
    last_error_ms: int | None = None


class StreamStatus(msgspec.Struct, kw_only=True):
    """One subscribed stream."""

    project: str
    environment: str
    stream: str
    arn: str = ""
    state: str = "starting"
    """starting, active, unreachable."""
    mode: str = ""
    """How its shards are read: the one found to work."""
    shards: int = 0
    open_shards: int = 0
    holes: int = 0
    """Ranges of hash keys without a lease, at the last audit."""
    last_error: str = ""
    last_error_ms: int | None = None


class CollectorStatus(msgspec.Struct, kw_only=True):
    """All of it."""

    worker: str
    streams: list[StreamStatus]
    shards: list[ShardStatus]
    """Shards this worker reads or has read."""
    others: dict[str, int]
    """Leases held by other workers, by worker."""
