"""``siem forward``: the forward role."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click
import structlog

from service.cli.config import config_option
from service.clock import SystemClock
from service.decode.tables import Tables
from service.errors import ContentErrors
from service.forward.headers import known_tables
from service.forward.role import Role
from service.settings import Settings, load_settings
from service.source.forwarding import ForwardRules, load_forwarding
from service.telemetry import events
from service.telemetry.log import configure
from service.telemetry.meters import Meters
from service.telemetry.problems import Problems

log = structlog.get_logger()

EXIT_CONFIGURATION = 78


@click.command()
@config_option
def command(config: Path | None) -> None:
    """Read what the buckets of forward.yml announce and put it on the projects' streams, until SIGTERM or Ctrl-C."""
    try:
        settings = load_settings(config)
        rules = load_forwarding(settings.forward.rules).value
        tables = known_tables(settings.paths.pipelines)
    except ContentErrors as errors:
        click.echo(str(errors), err=True)
        sys.exit(EXIT_CONFIGURATION)
    sys.exit(asyncio.run(_run(settings, rules, tables)))


async def _run(settings: Settings, rules: ForwardRules, tables: Tables) -> int:
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
    try:
        return await Role(settings, rules, tables, clock, meters, problems).run()
    except OSError as error:
        log.error(events.ADMIN_REFUSED, bind=settings.admin.bind, port=settings.admin.port, reason=error.strerror)  # noqa: TRY400 - a trace says nothing more
        return 1
