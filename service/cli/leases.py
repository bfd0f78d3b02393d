"""``siem leases``: who reads which shard, how, and how far everything in it is safe."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from service.cli.config import config_option
from service.errors import Backpressure, ContentErrors
from service.settings import Settings, load_settings
from service.source.kinesis.dynamodb_leases import DynamoDBLeases
from service.source.kinesis.lease import Lease
from service.source.kinesis.lease_row import to_row
from service.source.kinesis.lease_table import LeaseTable
from service.source.kinesis.resharding import holes, waits_for
from service.source.kinesis.sqlite_leases import SqliteLeases


@click.command()
@config_option
@click.option("--seconds", type=float, default=0.0, help="Look again after so long, and tell which owners are silent.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines, with the lease table's own column names.")
def command(config: Path | None, *, seconds: float, as_json: bool) -> None:
    """Who reads which shard and how far; exit 1 when the lease table cannot be read or hash keys are uncovered."""
    try:
        settings = load_settings(config)
        before, leases = asyncio.run(_look(settings, seconds))
    except ContentErrors as errors:
        click.echo(str(errors), err=True)
        sys.exit(78)
    except (Backpressure, FileNotFoundError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    by_key = {lease.key: lease for lease in leases}
    silent = {lease.key for lease in before if by_key.get(lease.key) == lease and lease.owner} if seconds else set()
    uncovered = {stream: len(found) for stream in _streams(leases) if (found := holes(_of(leases, stream)))}
    if as_json:
        for lease in leases:
            click.echo(json.dumps({**to_row(lease), "state": _state(lease, by_key, silent)}))
    else:
        Console().print(_table(leases, by_key, silent))
    for stream, count in uncovered.items():
        click.echo(f"{stream}: {count} range(s) of hash keys have no lease", err=True)
    sys.exit(1 if uncovered else 0)


async def _look(settings: Settings, seconds: float) -> tuple[list[Lease], list[Lease]]:
    table = _open(settings)
    try:
        await table.prepare()
        before = await table.list()
        if not seconds:
            return before, sorted(before, key=lambda lease: lease.key)
        await asyncio.sleep(seconds)
        return before, sorted(await table.list(), key=lambda lease: lease.key)
    finally:
        await table.close()


def _open(settings: Settings) -> LeaseTable:
    leases = settings.leases
    if leases.kind == "dynamodb":
        return DynamoDBLeases(leases.table, region=leases.region, endpoint_url=leases.endpoint)
    if not leases.file.exists():
        raise FileNotFoundError(f"there is no lease table at {leases.file} (has `siem run` been here?)")
    return SqliteLeases(leases.file)


def _streams(leases: list[Lease]) -> list[str]:
    return list(dict.fromkeys(lease.stream for lease in leases))


def _of(leases: list[Lease], stream: str) -> list[Lease]:
    return [lease for lease in leases if lease.stream == stream]


def _state(lease: Lease, by_key: Mapping[str, Lease], silent: set[str]) -> str:
    if lease.checkpoint.is_end:
        return "ended"
    if lease.key in silent:
        return "silent"
    if lease.in_handoff:
        return "handing over"
    if lease.owner is None:
        return "free"
    return "waiting for parents" if waits_for(lease, by_key) else "read"


def _table(leases: list[Lease], by_key: Mapping[str, Lease], silent: set[str]) -> Table:
    table = Table("stream", "shard", "state", "owner", "mode", "checkpoint", box=None)
    table.add_column("behind", justify="right")
    now_ms = time.time_ns() // 1_000_000
    for lease in leases:
        name = lease.stream.split(":")[1] if lease.stream.count(":") == 2 else lease.stream
        table.add_row(
            name,
            lease.shard.removeprefix("shardId-").lstrip("0") or "0",
            _state(lease, by_key, silent),
            lease.owner or "–",
            lease.mode or "–",
            _short(lease),
            _behind(lease, now_ms),
        )
    return table


def _short(lease: Lease) -> str:
    text = lease.checkpoint.sequence
    short = text if len(text) <= 20 else f"{text[:6]}…{text[-10:]}"
    return f"{short}/{lease.checkpoint.subsequence}" if lease.checkpoint.subsequence else short


def _behind(lease: Lease, now_ms: int) -> str:
    if lease.checkpoint.is_end:
        return ""
    if lease.accounted_ms is None:
        return "?"
    seconds = max(0, now_ms - lease.accounted_ms) // 1000
    return f"{seconds:,} s" if seconds < 7200 else f"{seconds // 3600:,} h"
