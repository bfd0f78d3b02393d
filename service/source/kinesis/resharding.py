"""Shards come and go: which leases a list of shards asks for, which parents a child waits for, which leases are done.

Pure functions over shards and leases. The order they keep: a child is read from its very first record, and only after
everything in its parents is safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from service.source.kinesis.lease import AT_TIMESTAMP, LATEST, TRIM_HORIZON, Checkpoint, Lease

HASH_KEYS = 2**128


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard as Kinesis lists it."""

    id: str
    parents: tuple[str, ...]
    hash_start: str
    hash_end: str
    open: bool


def plan(stream: str, shards: Iterable[Shard], leases: Mapping[str, Lease], start: str, *, made_ms: int) -> list[Lease]:
    """Leases to create for a stream, parents before children.

    ``leases`` are those the table holds of this stream, by shard id; ``start`` is TRIM_HORIZON, LATEST or AT_TIMESTAMP.
    LATEST means ``made_ms``, the moment the stream was first seen: it is only for shards open at that moment, and stays
    that moment if the worker dies before it read anything. All that appears later is read from its beginning.
    """
    listed = {shard.id: shard for shard in shards}
    first_sight = all(lease.checkpoint.sequence == LATEST for lease in leases.values())
    if start == LATEST and not first_sight:
        start = TRIM_HORIZON
    known: dict[str, Lease] = dict(leases)
    planned: list[Lease] = []

    def visit(shard_id: str) -> None:
        shard = listed.get(shard_id)
        if shard_id in known or shard is None:
            return
        for parent in shard.parents:
            visit(parent)
        parents = [known[parent] for parent in shard.parents if parent in known]
        if not parents and start == LATEST and not shard.open:
            return
        at = _child_start(parents) if parents else start
        lease = new_lease(stream, shard, at, made_ms=made_ms)
        known[shard_id] = lease
        planned.append(lease)

    for shard in listed.values():
        # Closed shards only come in as ancestors of open ones, or for their own data when all is to be read;
        # those with a leased descendant were dealt with long ago.
        if shard.open or (start != LATEST and not leases):
            visit(shard.id)
    return planned


def new_lease(stream: str, shard: Shard, start: str, *, made_ms: int) -> Lease:
    """The first state of a shard's lease."""
    return Lease(
        stream=stream,
        shard=shard.id,
        checkpoint=Checkpoint(start),
        parents=shard.parents,
        hash_start=shard.hash_start,
        hash_end=shard.hash_end,
        accounted_ms=made_ms if start == LATEST else None,
    )


def child_start(parent: Lease) -> str:
    """Where a child of ``parent`` begins: at its first record, unless the parent had nothing after the wanted time."""
    return _child_start([parent])


def _child_start(parents: list[Lease]) -> str:
    untouched = all(parent.checkpoint.sequence == AT_TIMESTAMP for parent in parents)
    return AT_TIMESTAMP if untouched else TRIM_HORIZON


def waits_for(lease: Lease, leases: Mapping[str, Lease]) -> list[str]:
    """Parents (shard ids) that are not wholly safe yet; a parent without a lease is not waited for."""
    parents = (leases.get(f"{lease.stream}:{parent}") for parent in lease.parents)
    return [parent.shard for parent in parents if parent is not None and not parent.checkpoint.is_end]


def holes(leases: Iterable[Lease]) -> list[tuple[int, int]]:
    """Ranges of hash keys (both ends included) of one stream that no unfinished lease covers."""
    ranges = sorted(
        (int(lease.hash_start), int(lease.hash_end))
        for lease in leases
        if not lease.checkpoint.is_end and lease.hash_start is not None and lease.hash_end is not None
    )
    found: list[tuple[int, int]] = []
    reached = 0
    for start, end in ranges:
        if start > reached:
            found.append((reached, start - 1))
        reached = max(reached, end + 1)
    if reached < HASH_KEYS:
        found.append((reached, HASH_KEYS - 1))
    return found


def finished(leases: Mapping[str, Lease], listed: Iterable[str]) -> list[Lease]:
    """Leases of one stream that may be deleted: wholly read, and every child is being read or beyond.

    ``leases`` by shard id. A lease whose shard is no longer listed has outlived its data and goes once it ended.
    """
    alive = set(listed)
    done: list[Lease] = []
    for lease in leases.values():
        if not lease.checkpoint.is_end:
            continue
        children = [leases.get(child) for child in lease.children]
        read = bool(children) and all(child is not None and not child.checkpoint.is_start for child in children)
        if read or lease.shard not in alive:
            done.append(lease)
    return done
