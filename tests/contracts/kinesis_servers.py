"""The implementations of Kinesis that must pass one suite: our double, and in the slow tier an independent one.

kinesis-local 0.6.2 (npm) is known to deviate where ``DEVIATIONS`` says so; those tests are expected failures for it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from service.local.child import accepts, free_port, start
from service.local.download import cache_folder
from service.local.kinesis import KinesisDouble

if TYPE_CHECKING:
    from types_aiobotocore_kinesis import KinesisClient

REGION = "eu-central-1"
NPM_PACKAGE = "kinesis-local@0.6.2"
_CHANGES = (
    "CREATE_STREAM",
    "DELETE_STREAM",
    "REGISTER_STREAM_CONSUMER",
    "DEREGISTER_STREAM_CONSUMER",
    "MERGE_SHARDS",
    "SPLIT_SHARD",
    "UPDATE_SHARD_COUNT",
)
_NO_INITIAL_RESPONSE = "sends no initial-response, so botocore gives up"
DEVIATIONS: dict[str, dict[str, str]] = {
    "double": {},
    "kinesis-local": {
        "test_records_are_pushed_from_the_oldest_on": _NO_INITIAL_RESPONSE,
        "test_records_that_come_later_are_pushed_too": _NO_INITIAL_RESPONSE,
        "test_a_subscription_starts_at_or_after_a_sequence_number": _NO_INITIAL_RESPONSE,
        "test_the_continuation_resumes_without_gap_or_repeat": _NO_INITIAL_RESPONSE,
        "test_two_consumers_each_get_everything": _NO_INITIAL_RESPONSE,
        "test_the_end_of_a_shard_is_told_with_its_children_and_no_continuation": _NO_INITIAL_RESPONSE,
        "test_a_second_subscription_within_five_seconds_is_refused": _NO_INITIAL_RESPONSE,
        "test_an_unknown_consumer_is_not_found": "answers 200 before it looks",
        "test_more_than_500_records_in_one_call_are_refused": "takes any number",
        "test_a_sequence_number_of_another_shard_is_refused": "takes any number",
        "test_what_is_no_iterator_is_refused": "answers 500",
        "test_a_split_hands_over_to_two_children": "the parent's EndingSequenceNumber is that of a long",
        "test_scaling_ends_with_equal_shares_and_no_hole": "shares are not equal",
        "test_the_filter_at_latest_lists_open_shards_only": "AT_TRIM_HORIZON lists every shard",
    },
}
IMPLEMENTATIONS = ("double", "kinesis-local")


@asynccontextmanager
async def serving(implementation: str, folder: Path) -> AsyncIterator[str]:
    """The endpoint of a fresh server; skips where it cannot run."""
    if implementation == "double":
        async with KinesisDouble() as double:
            yield double.url
        return
    if os.environ.get("SIEM_SLOW") != "1":
        pytest.skip("a second opinion from kinesis-local needs SIEM_SLOW=1 (make test-slow)")
    program = await _installed()
    port = free_port()
    environment = {
        "KINESIS_MOCK_PLAIN_PORT": str(port),
        "KINESIS_MOCK_TLS_PORT": str(free_port()),
        "KINESIS_MOCK_CERT_PATH": str(program.parent / "server.json"),
        "AWS_REGION": REGION,
        **{f"{change}_DURATION": "10ms" for change in _CHANGES},
    }
    command = ["env", *(f"{key}={value}" for key, value in environment.items()), "node", str(program)]
    child = start(implementation, command, folder)
    try:
        await child.until(lambda: accepts(f"127.0.0.1:{port}"), 60)
        yield f"http://127.0.0.1:{port}"
    finally:
        await child.stop()


async def _installed() -> Path:
    folder = cache_folder() / "npm"
    program = folder / "node_modules" / "kinesis-local" / "main.js"
    if not program.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("kinesis-local needs npm, and there is none here")
        command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), NPM_PACKAGE]
        process = await asyncio.create_subprocess_exec(*command)
        if await process.wait():
            pytest.skip("kinesis-local cannot be installed here")
    return program


@asynccontextmanager
async def client_of(url: str) -> AsyncIterator[KinesisClient]:
    """A client that does not retry, so that a refusal is seen as one."""
    session = get_session()
    session.set_credentials("key", "secret")
    config = AioConfig(retries={"total_max_attempts": 1}, read_timeout=15)
    async with session.create_client("kinesis", endpoint_url=url, region_name=REGION, config=config) as client:
        yield client
