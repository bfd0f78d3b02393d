"""``siem forward``: the forward role."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from service.cli.config import config_option
from service.cli.serving import instruments, refuse, served
from service.decode.tables import Tables
from service.errors import ContentErrors
from service.forward.headers import known_tables
from service.forward.role import Role
from service.settings import Settings, load_settings
from service.source.forwarding import ForwardRules, load_forwarding


@click.command()
@config_option
def command(config: Path | None) -> None:
    """Read what the buckets of forward.yml announce and put it on the projects' streams, until SIGTERM or Ctrl-C."""
    try:
        settings = load_settings(config)
        rules = load_forwarding(settings.forward.rules).value
        tables = known_tables(settings.paths.pipelines)
    except ContentErrors as errors:
        refuse(errors)
    sys.exit(asyncio.run(_run(settings, rules, tables)))


async def _run(settings: Settings, rules: ForwardRules, tables: Tables) -> int:
    return await served(settings, Role(settings, rules, tables, *instruments(settings)).run())
