"""Told to stop before it has begun, the service ends with 0 all the same."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from tests.agents.conftest import Service


def listens(pid: int) -> bool:
    """Whether the process has a handler of its own for SIGTERM."""
    caught = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) & 1 << (signal.SIGTERM - 1))


@pytest.mark.stack
@pytest.mark.timeout(240)
@pytest.mark.parametrize("moment", ["python is up", "admin_listening", "worker_started"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_in_the_first_second_is_a_clean_end(
    config: Path, tmp_path: Path, moment: str, number: signal.Signals
) -> None:
    service = Service(config, "--role", "process", log=tmp_path / "log")
    await service.launch()
    assert service.process is not None
    async with asyncio.timeout(120):
        while not (
            listens(service.process.pid)
            if moment == "python is up"
            else any(line.get("event") == moment for line in service.lines())
        ):
            await asyncio.sleep(0.01)
    assert await service.stop(number) == 0, service.lines()
