"""The shared servers answer as what they claim to be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiobotocore.session import get_session
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.type_defs import UniversalAttributeValueTypeDef

pytestmark = pytest.mark.stack


async def test_kafka_gives_back_what_was_sent(kafka: str, unique: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True) as producer:
        sent = await producer.send_and_wait(unique, b"value", key=b"key")
    assert sent.offset == 0
    async with AIOKafkaConsumer(unique, bootstrap_servers=kafka, auto_offset_reset="earliest") as consumer:
        message = await consumer.getone()
    assert (message.key, message.value) == (b"key", b"value")


async def test_opensearch_indexes_and_finds_by_address_range(opensearch: str, unique: str) -> None:
    async with aiohttp.ClientSession(opensearch) as session:
        mapping = {"mappings": {"properties": {"ip": {"type": "ip"}, "rest": {"type": "flat_object"}}}}
        async with session.put(f"/{unique}", json=mapping) as response:
            assert response.status == 200
        document = {"ip": "203.0.113.7", "rest": {"a": {"b": "c"}}}
        async with session.post(f"/{unique}/_doc?refresh=true", json=document) as response:
            assert response.status == 201
        query = {"query": {"bool": {"filter": [{"term": {"ip": "203.0.113.0/24"}}, {"term": {"rest.a.b": "c"}}]}}}
        async with session.post(f"/{unique}/_search", json=query) as response:
            assert (await response.json())["hits"]["total"]["value"] == 1
        async with session.delete(f"/{unique}") as response:
            assert response.status == 200


async def test_dynamodb_refuses_a_write_whose_condition_fails(dynamodb: str, unique: str) -> None:
    session = get_session()
    session.set_credentials("key", "secret")
    async with session.create_client("dynamodb", endpoint_url=dynamodb, region_name="eu-central-1") as client:
        await client.create_table(
            TableName=unique,
            AttributeDefinitions=[{"AttributeName": "leaseKey", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "leaseKey", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        condition = "attribute_not_exists(leaseKey)"
        lease: dict[str, UniversalAttributeValueTypeDef] = {"leaseKey": {"S": "shard"}}
        await client.put_item(TableName=unique, Item=lease, ConditionExpression=condition)
        with pytest.raises(client.exceptions.ConditionalCheckFailedException):
            await client.put_item(TableName=unique, Item=lease, ConditionExpression=condition)


def test_dynamodb_listens_on_loopback_only(dynamodb: str) -> None:
    port = dynamodb.rpartition(":")[2]
    sockets = [line.split()[1] for table in ("tcp", "tcp6") for line in Path("/proc/net", table).read_text().splitlines()]
    addresses = {socket.partition(":")[0] for socket in sockets if socket.endswith(f":{int(port):04X}")}
    assert addresses & {"0000000000000000FFFF00000100007F", "0100007F"}
    assert not addresses & {"0" * 32, "0" * 8}
