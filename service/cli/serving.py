"""What the verbs that serve until they are told to stop have in common: how they begin, and what refuses them."""

from __future__ import annotations

import sys
from collections.abc import Awaitable
from typing import NamedTuple, NoReturn

import click
import structlog

from service.clock import Clock, SystemClock
from service.errors import ContentErrors
from service.settings import Settings
from service.telemetry import events
from service.telemetry.log import configure
from service.telemetry.meters import Meters
from service.telemetry.problems import Problems

log = structlog.get_logger()

EXIT_CONFIGURATION = 78


class Instruments(NamedTuple):
    """What a process counts, tells and goes by."""

    clock: Clock
    meters: Meters
    problems: Problems


def instruments(settings: Settings) -> Instruments:
    """The instruments of this process, with its log set up as the settings say."""
    clock, meters = SystemClock(), Meters()
    made = Instruments(clock, meters, Problems(clock))
    said, secrets = settings.logging, settings.secrets()
    configure(level=said.level, form=said.format, secrets=secrets, clock=clock, meters=meters, problems=made.problems)
    return made


def refuse(errors: ContentErrors) -> NoReturn:
    """Say what is wrong with the configuration, and end."""
    click.echo(str(errors), err=True)
    sys.exit(EXIT_CONFIGURATION)


async def served(settings: Settings, service: Awaitable[int]) -> int:
    """The exit code of a service; 1 where its status page cannot be where the settings put it."""
    try:
        return await service
    except OSError as error:
        log.error(events.ADMIN_REFUSED, bind=settings.admin.bind, port=settings.admin.port, reason=error.strerror)  # noqa: TRY400 - a trace says nothing more
        return 1
