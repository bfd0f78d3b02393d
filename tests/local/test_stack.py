"""The shared servers answer as what they claim to be."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiobotocore.session import get_session
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from service.local.child import ServerFailed, start
from service.local.stack import LocalStack

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


@pytest.fixture
def private() -> Iterator[Path]:
    """A folder that only its owner may enter, as temporary folders are; pytest's own turn private again at any time."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.timeout(300)
async def test_a_stack_keeps_its_data_in_the_folder_it_was_given(private: Path, unique: str) -> None:
    for attempt in range(2):
        async with LocalStack({"kafka", "opensearch"}, folder=private / "servers", heap="512m") as stack:
            async with (
                aiohttp.ClientSession(stack.opensearch_url) as session,
                session.put(f"/{unique}/_doc/{attempt}?refresh=true", json={"a": 1}) as response,
            ):
                assert response.status == 201
            async with AIOKafkaProducer(bootstrap_servers=stack.kafka_bootstrap) as producer:
                sent = await producer.send_and_wait(unique, b"value", partition=0)
            assert sent.offset == attempt
            pids = stack.pids
        assert not any(is_running(Path(f"/proc/{pid}/status")) for pid in pids.values())


async def test_a_server_that_cannot_start_is_reported_with_its_log_and_leaves_nothing_behind(tmp_path: Path) -> None:
    child = start("failing", ["sh", "-c", "echo reason why; exit 3"], tmp_path)
    with pytest.raises(ServerFailed, match=r"ended with 3:\nreason why"):
        await child.until(never, 30)


async def test_a_server_that_never_answers_is_stopped(tmp_path: Path) -> None:
    child = start("silent", ["sleep", "60"], tmp_path)
    with pytest.raises(ServerFailed, match="did not answer within"):
        await child.until(never, 0.3)
    assert child.process.poll() is not None


async def test_servers_die_with_the_process_that_started_them(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from service.local.child import start; "
        "print(start('orphan', ['sleep', '60'], Path(sys.argv[1])).pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(tmp_path), stdout=asyncio.subprocess.PIPE)
    printed, _ = await process.communicate()
    status = Path(f"/proc/{int(printed)}/status")
    for _ in range(100):
        if not is_running(status):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the orphan lives on")


def is_running(status: Path) -> bool:
    try:
        return "\nState:\tZ" not in status.read_text()
    except OSError:
        return False


async def never() -> bool:
    return False
