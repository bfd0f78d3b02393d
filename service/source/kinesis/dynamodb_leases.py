"""Leases in DynamoDB: the table for many workers on many machines, readable by KCL's tools."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession, get_session
from botocore.exceptions import BotoCoreError, ClientError

from service.errors import Backpressure
from service.source.kinesis.lease import Lease
from service.source.kinesis.lease_row import COUNTER, KEY, Cell, from_row, to_row

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

T = TypeVar("T")
Attribute = dict[str, Any]

_REFUSED = "ConditionalCheckFailedException"


class DynamoDBLeases:
    """The lease table ``name``; billed by request when it is made here.

    ``endpoint_url`` is for DynamoDB Local; ``session`` brings credentials other than the process's own.
    """

    rebuilt = False

    def __init__(
        self,
        name: str,
        *,
        region: str | None = None,
        endpoint_url: str | None = None,
        session: AioSession | None = None,
    ) -> None:
        """Remember where; ``prepare`` connects."""
        self._name = name
        self._region = region
        self._endpoint_url = endpoint_url
        self._session = session or get_session()
        self._exit = contextlib.AsyncExitStack()
        self._connected: DynamoDBClient | None = None

    async def prepare(self) -> None:
        """Connect; create the table and wait until it is active if there is none."""
        # Short time-outs: a renewal that hangs longer than the failover time is worth nothing.
        config = AioConfig(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})
        if self._connected is None:
            self._connected = await self._exit.enter_async_context(
                self._session.create_client("dynamodb", region_name=self._region, endpoint_url=self._endpoint_url, config=config)
            )
        client = self._connected
        try:
            await client.describe_table(TableName=self._name)
        except client.exceptions.ResourceNotFoundException:
            with contextlib.suppress(client.exceptions.ResourceInUseException):  # another worker was quicker
                await client.create_table(
                    TableName=self._name,
                    KeySchema=[{"AttributeName": KEY, "KeyType": "HASH"}],
                    AttributeDefinitions=[{"AttributeName": KEY, "AttributeType": "S"}],
                    BillingMode="PAY_PER_REQUEST",
                )
        except (ClientError, BotoCoreError) as fault:
            raise Backpressure(f"lease table {self._name}: {fault}") from fault
        await _call(client.get_waiter("table_exists").wait(TableName=self._name, WaiterConfig={"Delay": 1, "MaxAttempts": 120}))

    async def list(self) -> list[Lease]:
        """Every lease; rows that are no leases of ours (KCL keeps others in the table) are left alone."""
        client = self._client

        async def scan() -> list[dict[str, Cell]]:
            pages = client.get_paginator("scan").paginate(TableName=self._name, ConsistentRead=True)
            return [_row(item) async for page in pages for item in page["Items"]]

        return [_lease(row) for row in await _call(scan()) if "streamName" in row and "checkpoint" in row]

    async def get(self, key: str) -> Lease | None:
        """One lease, read consistently."""
        reply = await _call(self._client.get_item(TableName=self._name, Key={KEY: {"S": key}}, ConsistentRead=True))
        item = reply.get("Item")
        return _lease(_row(item)) if item else None

    async def create_if_absent(self, lease: Lease) -> bool:
        """Add a lease; False if the key exists."""
        item = {name: _attribute(cell) for name, cell in to_row(lease).items()}
        return await _conditional(
            self._client.put_item(
                TableName=self._name,
                Item=item,
                ConditionExpression="attribute_not_exists(#key)",
                ExpressionAttributeNames={"#key": KEY},
            )
        )

    async def swap(self, before: Lease, after: Lease) -> bool:
        """Replace ``before`` by ``after`` if the counter is unchanged; attributes not ours stay as they are."""
        old, new = to_row(before), to_row(after)
        changed = {name: cell for name, cell in new.items() if name != KEY and old.get(name) != cell}
        gone = [name for name in old if name not in new]
        names = {f"#{name}": name for name in (*changed, *gone, COUNTER)}
        values: Attribute = {f":{name}": _attribute(cell) for name, cell in changed.items()}
        update = "SET " + ", ".join(f"#{name} = :{name}" for name in changed)
        if gone:
            update += " REMOVE " + ", ".join(f"#{name}" for name in gone)
        return await _conditional(
            self._client.update_item(
                TableName=self._name,
                Key={KEY: {"S": before.key}},
                UpdateExpression=update,
                ConditionExpression=f"#{COUNTER} = :before",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={**values, ":before": {"N": str(before.counter)}},
            )
        )

    async def delete(self, lease: Lease) -> bool:
        """Remove the lease if the counter is unchanged."""
        return await _conditional(
            self._client.delete_item(
                TableName=self._name,
                Key={KEY: {"S": lease.key}},
                ConditionExpression=f"#{COUNTER} = :before",
                ExpressionAttributeNames={f"#{COUNTER}": COUNTER},
                ExpressionAttributeValues={":before": {"N": str(lease.counter)}},
            )
        )

    async def close(self) -> None:
        """Close the connections."""
        self._connected = None
        await self._exit.aclose()

    @property
    def _client(self) -> DynamoDBClient:
        if self._connected is None:
            raise RuntimeError("lease table is not prepared")
        return self._connected


async def _call(call: Awaitable[T]) -> T:
    try:
        return await call
    except (ClientError, BotoCoreError, OSError, TimeoutError) as fault:
        raise Backpressure(f"lease table: {fault}") from fault


async def _conditional(call: Awaitable[object]) -> bool:
    try:
        await call
    except ClientError as fault:
        if fault.response.get("Error", {}).get("Code") == _REFUSED:
            return False
        raise Backpressure(f"lease table: {fault}") from fault
    except (BotoCoreError, OSError, TimeoutError) as fault:
        raise Backpressure(f"lease table: {fault}") from fault
    return True


def _lease(row: dict[str, Cell]) -> Lease:
    try:
        return from_row(row)
    except (KeyError, TypeError, ValueError) as fault:
        raise Backpressure(f"lease table holds a row that is no lease: {row.get(KEY)!r}: {fault}") from fault


def _attribute(cell: Cell) -> Attribute:
    if isinstance(cell, str):
        return {"S": cell}
    return {"N": str(cell)} if isinstance(cell, int) else {"SS": list(cell)}


def _row(item: Mapping[str, Any]) -> dict[str, Cell]:
    row: dict[str, Cell] = {}
    for name, attribute in item.items():
        match attribute:
            case {"S": str(text)}:
                row[name] = text
            case {"N": str(number)} if number.lstrip("-").isdigit():
                row[name] = int(number)
            case {"SS": list(texts)}:
                row[name] = tuple(texts)
    return row
