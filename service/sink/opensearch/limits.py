"""How much the bulk sink takes and how often it sends."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BulkLimits:
    """Sizes in bytes (counted as characters before encoding), times in seconds."""

    bulk_bytes: int = 5 * 1024 * 1024
    """A request is sent when it is this large, …"""
    longest_wait: float = 1.0
    """… or its oldest document has waited this long."""
    requests: int = 4
    """Requests under way at once."""
    buffer: int = 48 * 1024 * 1024
    """Most documents in the sink; ``put`` waits beyond."""
    priority: frozenset[str] = frozenset(
        {
            "alerts",
            "aws.access_analyzer",
            "aws.cloudtrail",
            "aws.guardduty",
            "aws.inspector",
            "aws.macie",
            "aws.securityhub_findings",
        }
    )
    """Datasets that go first: few and precious, before floods."""
