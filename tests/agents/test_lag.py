"""``siem lag`` says what waits, and says so when nobody answers."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from service.settings import Settings
from tests.agents.conftest import CHECKOUT, flow_record, publish


async def siem_lag(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "service", "lag", *arguments, stdout=-1, stderr=-1, cwd=CHECKOUT
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.mark.stack
async def test_messages_nobody_committed_wait(config: Path, settings: Settings) -> None:
    await publish(settings, [flow_record(n, 1) for n in range(7)], together=1)
    code, out, err = await siem_lag("--config", str(config), "--json")
    assert code == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    waiting = [line for line in lines if line["topic"].endswith("-records")]
    assert sum(line["behind"] for line in waiting) == 7
    assert all(line["committed"] is None for line in waiting)
    assert any(line["topic"].endswith("raw.aws.vpcflow") for line in lines)
    code, out, _ = await siem_lag("--config", str(config))
    assert f"{settings.kafka.topic_prefix}records" in out


async def test_when_no_broker_answers_it_says_so_and_exits_1(tmp_path: Path) -> None:
    path = tmp_path / "siem.yml"
    path.write_text("kafka: { servers: ['127.0.0.1:1'] }\n")
    code, out, err = await siem_lag("--config", str(path))
    assert (code, out) == (1, "")
    assert "no broker of 127.0.0.1:1 answers" in err
    assert "Traceback" not in err
