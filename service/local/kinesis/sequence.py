"""Sequence numbers and hash keys, as Kinesis hands them out.

A sequence number is 186 bits, written as 56 decimal digits. From the top: the constant 2, the second at which its shard
was created (36 bits), a counter (72 bits), the second of the put (40 bits), the shard's index (32 bits), a version
(4 bits). So numbers rise within a shard, and everything in a child stands above everything in its parents.
"""

from __future__ import annotations

from hashlib import md5

MAX_HASH_KEY = (1 << 128) - 1
_VERSION = 2
_TOP = 2 << 184


def first_of(created_ms: int, shard_index: int) -> int:
    """The starting sequence number of a shard; every record of the shard stands above it."""
    seconds = created_ms // 1000
    return _TOP | (seconds << 148) | (seconds << 36) | (shard_index << 4) | _VERSION


def following(first: int, count: int, put_ms: int) -> int:
    """Number ``count`` (from 1) of the shard that began at ``first``, put at ``put_ms``."""
    return (first & _PARTS) | (count << 76) | ((put_ms // 1000) << 36)


def shard_index_of(sequence: int) -> int:
    """Index of the shard that gave out ``sequence``."""
    return (sequence >> 4) & 0xFFFFFFFF


def is_genuine(sequence: int) -> bool:
    """Whether ``sequence`` can have come from a stream of this double."""
    return sequence >> 184 == 2 and sequence & 0xF == _VERSION


def hash_key(partition_key: str) -> int:
    """The 128-bit number that decides a record's shard: MD5 of the UTF-8 partition key."""
    return int.from_bytes(md5(partition_key.encode(), usedforsecurity=False).digest(), "big")


# everything of a first sequence number except its counter and its time of put
_PARTS = (((1 << 38) - 1) << 148) | (0xFFFFFFFF << 4) | 0xF
