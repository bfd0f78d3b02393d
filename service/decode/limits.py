"""What one Kinesis record may cost before it counts as hostile."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of decoding; a record beyond one of them becomes a dead letter."""

    output: int = 64 * MIB
    """Bytes one record may inflate to, in each layer."""
    ratio: int = 200
    """How many times larger than its input an inflated record may be …"""
    ratio_above: int = MIB
    """… once it is larger than this many bytes."""
    layers: int = 2
    """Compressions around each other (gzip of gzip)."""
    events: int = 500_000
    """Events in one record; what comes after is one dead letter."""
    broken: int = 1_000
    """Broken units in one record; what comes after is one dead letter."""
    values: int = 50_000_000
    """Values in all columns of a Parquet file, nulls included."""
    depth: int = 64
    """Brackets open at once in a JSON event."""

    def inflated(self, size: int) -> int:
        """Bytes that ``size`` compressed bytes may become."""
        return min(self.output, max(self.ratio_above, self.ratio * size))


DEFAULT = Limits()
