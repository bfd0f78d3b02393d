"""Runs every Kinesis contract test against every implementation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.contracts.kinesis_servers import DEVIATIONS, IMPLEMENTATIONS, client_of, serving

if TYPE_CHECKING:
    from types_aiobotocore_kinesis import KinesisClient


@pytest_asyncio.fixture(params=IMPLEMENTATIONS)
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[KinesisClient]:
    """A client of a fresh server."""
    test = getattr(request.node, "originalname", request.node.name)
    if reason := DEVIATIONS[request.param].get(test):
        request.applymarker(pytest.mark.xfail(reason=reason, strict=False))
    async with serving(request.param, tmp_path) as url, client_of(url) as made:
        yield made
