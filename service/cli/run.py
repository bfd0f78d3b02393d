"""``siem run``: the service."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from service.agents.lag import LagMeter
from service.cli.config import config_option
from service.cli.serving import instruments, refuse, served
from service.errors import ContentErrors
from service.settings import Settings, load_settings
from service.supervisor import Plan, StateInUseError, Supervisor, state_lock


@click.command()
@config_option
@click.option("--workers", type=click.IntRange(1, 256), help="Processes; default: process.workers.")
@click.option(
    "--role",
    type=click.Choice(["collect", "process", "both"]),
    default="both",
    show_default=True,
    help="collect: Kinesis into Kafka. process: Kafka into OpenSearch.",
)
def command(config: Path | None, workers: int | None, role: str) -> None:
    """Collect and process until SIGTERM or Ctrl-C; a second one stops at once. SIGHUP reloads pipelines and tuning."""
    try:
        settings = load_settings(config)
    except ContentErrors as errors:
        refuse(errors)
    plan = Plan(config, role, workers or settings.process.workers)
    try:
        with state_lock(settings.paths.state, role):
            sys.exit(asyncio.run(_supervise(plan, settings)))
    except StateInUseError as error:
        click.echo(f"another siem run uses the state folder {error}: set paths.state and kafka.instance apart", err=True)
        sys.exit(1)


async def _supervise(plan: Plan, settings: Settings) -> int:
    clock, meters, problems = instruments(settings)
    async with LagMeter(settings.kafka, clock) as lag:
        return await served(settings, Supervisor(plan, settings, clock, meters, problems, lag.topics).run())
