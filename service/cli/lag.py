"""``siem lag``: how far behind the processors are."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from service.agents.lag import KafkaAwayError, LagMeter, PartitionLag
from service.cli.config import config_option, say_it_once, where_from
from service.clock import SystemClock
from service.errors import ContentErrors
from service.settings import Settings, load_settings


@click.command()
@config_option
@click.option("--partitions", is_flag=True, help="One line for each partition.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines.")
def command(config: Path | None, *, partitions: bool, as_json: bool) -> None:
    """Messages written to our topics and not committed by the processors; exit 1 when no broker answers."""
    say_it_once()
    try:
        settings = load_settings(config)
        found = asyncio.run(_ask(settings))
    except ContentErrors as errors:
        click.echo(str(errors), err=True)
        sys.exit(78)
    except KafkaAwayError as error:
        hint = where_from(config, "kafka.servers")
        click.echo(f"no broker of {', '.join(settings.kafka.servers)} answers {hint}: {error}", err=True)
        sys.exit(1)
    if as_json:
        for line in found:
            click.echo(msgspec.json.encode({**msgspec.structs.asdict(line), "behind": line.behind}))
        return
    Console().print(_table(found, by_partition=partitions))


async def _ask(settings: Settings) -> list[PartitionLag]:
    async with LagMeter(settings.kafka, SystemClock()) as meter:
        return await meter.partitions()


def _table(found: list[PartitionLag], *, by_partition: bool) -> Table:
    table = Table("topic", *(("partition", "committed", "end") if by_partition else ()), box=None)
    table.add_column("behind", justify="right")
    if by_partition:
        for line in found:
            committed = "–" if line.committed is None else str(line.committed)
            table.add_row(line.topic, str(line.partition), committed, str(line.end), f"{line.behind:,}")
        return table
    for topic in dict.fromkeys(line.topic for line in found):
        table.add_row(topic, f"{sum(line.behind for line in found if line.topic == topic):,}")
    return table
