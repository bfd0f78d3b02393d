"""``siem run``: the service."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click
import structlog

from service.agents.lag import LagMeter
from service.cli.config import config_option
from service.clock import SystemClock
from service.errors import ContentErrors
from service.settings import Settings, load_settings
from service.supervisor import Plan, StateInUseError, Supervisor, state_lock
from service.telemetry import events
from service.telemetry.log import configure
from service.telemetry.meters import Meters
from service.telemetry.problems import Problems

log = structlog.get_logger()

EXIT_CONFIGURATION = 78


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
        click.echo(str(errors), err=True)
        sys.exit(EXIT_CONFIGURATION)
    plan = Plan(config, role, workers or settings.process.workers)
    try:
        with state_lock(settings.paths.state, role):
            sys.exit(asyncio.run(_supervise(plan, settings)))
    except StateInUseError as error:
        click.echo(f"another siem run uses the state folder {error}: set paths.state and kafka.instance apart", err=True)
        sys.exit(1)


async def _supervise(plan: Plan, settings: Settings) -> int:
    clock, meters = SystemClock(), Meters()
    problems = Problems(clock)
    configure(
        level=settings.logging.level,
        form=settings.logging.format,
        secrets=settings.secrets(),
        clock=clock,
        meters=meters,
        problems=problems,
    )
    async with LagMeter(settings.kafka, clock) as lag:
        try:
            return await Supervisor(plan, settings, clock, meters, problems, lag.topics).run()
        except OSError as error:
            log.error(events.ADMIN_REFUSED, bind=settings.admin.bind, port=settings.admin.port, reason=error.strerror)  # noqa: TRY400 - a trace says nothing more
            return 1
