"""What one object may cost before it counts as hostile."""

from __future__ import annotations

from dataclasses import dataclass

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
KEPT_BYTES = 64 * KIB
"""Bytes of something unusable that its dead letter keeps."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of one object; what lies beyond becomes one dead letter, what came before flows on."""

    unit: int = 8 * MIB
    """Bytes of one line or JSON value."""
    output: int = 64 * GIB
    """Bytes an object may inflate to."""
    ratio: int = 250
    """How many times larger than its input an inflated object may be …"""
    ratio_above: int = 256 * MIB
    """… once it is larger than this many bytes."""
    layers: int = 3
    """Compressions around each other: a Firehose compresses what CloudWatch Logs compressed before."""
    members: int = 10_000
    """Files in an archive."""
    chunk: int = 256 * KIB
    """Bytes handed from step to step."""
    frame: int = 256 * KIB
    """Bytes of units in one forwarded record, before compression; one larger unit travels alone."""
    record: int = MIB
    """Bytes of one Kinesis record with its partition key: 1 MiB, unless the stream allows more."""
