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

NPM_PACKAGE = "kinesis-local@0.6.2"
DEVIATIONS: dict[str, dict[str, str]] = {"kinesis-local": {}, "double": {}}

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
    environment = {"PORT": str(port), "CREATE_STREAM_DURATION": "0ms", "ENFORCE_LIMITS": "false"}
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
    async with session.create_client("kinesis", endpoint_url=url, region_name="eu-central-1", config=config) as client:
        yield client
