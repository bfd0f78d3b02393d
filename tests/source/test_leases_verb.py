"""``siem leases`` tells who reads what, from the lease table alone."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli.leases import command
from service.local.kinesis import KinesisDouble
from tests.source.conftest import MemoryOutlet
from tests.source.running import collecting, put, streams, until


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".siem").mkdir()
    path = tmp_path / "siem.yml"
    path.write_text("leases: {kind: sqlite, file: leases.sqlite}\n")
    return path


def test_no_table_is_said_so(settings: Path) -> None:
    result = CliRunner().invoke(command, ["--config", str(settings)])
    assert result.exit_code == 1
    assert "no lease table" in result.output


def test_rows_come_as_json_with_the_tables_own_names(settings: Path) -> None:
    async def collect() -> None:
        outlet = MemoryOutlet()
        async with KinesisDouble() as double:
            stream = double.account.create("logs", 2)
            put(stream, 20)
            path = settings.parent / ".siem" / "leases.sqlite"
            async with collecting(streams(double, mode="polling"), path, outlet, crash=True) as collector:
                await until(lambda: len(outlet.data) >= 20)
                stream.rescale(1)
                await until(lambda: sum(it.state == "ended" for it in collector.status().shards) == 2)
                await until(lambda: any(it.state == "reading" for it in collector.status().shards))
                await asyncio.sleep(0.8)

    asyncio.run(collect())
    result = CliRunner().invoke(command, ["--config", str(settings), "--json"])
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.output.splitlines() if line.startswith("{")]
    assert sorted(row["state"] for row in rows) == ["ended", "ended", "read"]
    (child,) = [row for row in rows if row["state"] == "read"]
    assert child["readerMode"] == "polling"
    assert len(child["parentShardId"]) == 2
    shown = CliRunner().invoke(command, ["--config", str(settings), "--seconds", "0.05"])
    assert "silent" in shown.output  # the worker crashed
    assert "logs" in shown.output
