"""Where leases are kept, as the settings say."""

from __future__ import annotations

from service.settings import Leases
from service.source.kinesis.dynamodb_leases import DynamoDBLeases
from service.source.kinesis.lease_table import LeaseTable
from service.source.kinesis.sqlite_leases import SqliteLeases


def lease_table(leases: Leases) -> LeaseTable:
    """The table; a file's folder is made."""
    if leases.kind == "dynamodb":
        return DynamoDBLeases(leases.table, region=leases.region, endpoint_url=leases.endpoint)
    leases.file.parent.mkdir(parents=True, exist_ok=True)
    return SqliteLeases(leases.file)
