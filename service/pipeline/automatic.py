"""Fields that no step writes."""

from __future__ import annotations

AUTOMATIC = (
    "ecs.version",
    "event.dataset",
    "event.module",
    "event.ingested",
    "event.original",
    "project.id",
    "project.environment",
    "project.claimed_account",
    "project.name",
    "project.owner",
    "project.organizational_unit",
    "project.tags",
    "siem.stream",
    "siem.shard",
    "siem.sequence_number",
    "siem.subsequence_number",
    "siem.arrived",
    "siem.pipeline.version",
    "aws.cloudwatch.log_group",
    "aws.cloudwatch.log_stream",
    "cloud.account.id",
    "cloud.account.name",
    "cloud.region",
    "cloud.provider",
    "tags",
    "error.message",
)
"""Fields that the service itself may add to a document of any dataset."""
