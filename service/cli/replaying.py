"""What the replays of streams and files have in common: their options, the progress bar, the final counts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from service.cli.check import show_faults
from service.cli.config import say_it_once, where_from
from service.errors import Backpressure, ContentErrors

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from service.agents.topics import TopicNames
    from service.clock import Clock
    from service.loading import Content
    from service.replay.conveyor import Conveyor
    from service.replay.foresee import Foreseen, Foresight
    from service.replay.tally import Counts
    from service.settings import Settings

_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class How:
    """The options both have."""

    rate: float
    dry_run: bool
    wait: bool
    as_json: bool
    patience: float


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options both have, as ``**how`` for ``How``."""
    decorators = (
        click.option("--rate", default=4.0, type=click.FloatRange(min=0.0), help="Most MB a second; 0: no limit. Default: 4."),
        click.option("--dry-run", is_flag=True, help="Only count: what is there already, what would be added."),
        click.option("--wait/--no-wait", default=True, help="Look for every document in OpenSearch, before and after."),
        click.option("--patience", default=120.0, type=click.FloatRange(min=1.0), help="Seconds without progress to wait for."),
        click.option("--json", "as_json", is_flag=True, help="The counts as JSON."),
    )
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


@dataclass(slots=True)
class Replay:
    """A replay that is under way."""

    settings: Settings
    content: Content
    foresight: Foresight
    names: TopicNames
    clock: Clock
    how: How
    conveyor: Conveyor
    progress: Progress
    bar: TaskID

    async def put(self, foreseen: Foreseen, messages: list[Any], done: float) -> None:
        """Send (or, in a dry run, only count); ``done`` is how much of the whole this completes, from 0 to 1."""
        if self.how.dry_run:
            await self.conveyor.foresee(foreseen)
        else:
            await self.conveyor.put(foreseen, messages)
        self.progress.update(self.bar, completed=done, events=self.conveyor.counts.events)


def run(config: Path | None, how: How, work: Callable[[Replay], Awaitable[None]]) -> NoReturn:
    """Do the work and end the process: 0, 1 when something is dead or unseen, 2 when it could not be done."""
    from opensearchpy import exceptions as oe

    from service.settings import load_settings
    from service.source.kinesis.fault import KinesisFault

    ctx = click.get_current_context()
    say_it_once()
    try:
        settings = load_settings(config)
        counts = asyncio.run(_replay(settings, how, work))
    except ContentErrors as errors:
        show_faults(errors.faults, err=True)
    except KinesisFault as fault:
        click.echo(f"Kinesis: {fault}", err=True)
    except oe.TransportError as failed:
        said = "does not answer" if failed.status_code == "N/A" else f"answered {failed.status_code} {failed.error}"
        hint = where_from(config, "opensearch.urls")
        click.echo(f"{', '.join(settings.opensearch.urls)}: OpenSearch {said} {hint}", err=True)
    except Backpressure as busy:
        click.echo(f"{busy.reason} {where_from(config, 'kafka.servers')}", err=True)
    except OSError as error:
        click.echo(str(error), err=True)
    else:
        _show(counts, how)
        ctx.exit(1 if counts.dead_lettered or (counts.unseen and how.wait and not how.dry_run) else 0)
    ctx.exit(2)


async def _replay(settings: Settings, how: How, work: Callable[[Replay], Awaitable[None]]) -> Counts:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from service.agents.feed import Feed
    from service.agents.topics import TopicNames, create_topics
    from service.clock import SystemClock
    from service.loading import load_content
    from service.replay.conveyor import Conveyor, Limits
    from service.replay.foresee import Foresight
    from service.replay.presence import Presence
    from service.sink.opensearch.client import connect, machine_keys
    from service.source.kinesis.pace import Pace
    from service.telemetry.log import configure_aside

    configure_aside(settings.secrets())
    content, clock = load_content(settings), SystemClock()
    names = TopicNames(settings.kafka.topic_prefix)
    async with AsyncExitStack() as stack:
        presence = None
        if how.wait:
            client = connect(settings.opensearch, keys=machine_keys(settings.opensearch))
            stack.push_async_callback(client.close)
            await client.info()  # say so at once when nobody is there
            presence = Presence(client)
        feed = Feed(settings.kafka, clock)
        if not how.dry_run:
            await stack.enter_async_context(feed)
            await create_topics(settings.kafka, names.all(content.pipelines), clock)
        columns = (
            TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[events]:,} events"),
            TimeRemainingColumn(),
        )  # fmt: skip
        progress = stack.enter_context(Progress(*columns, console=Console(stderr=True), disable=how.as_json))
        bar = progress.add_task("counting" if how.dry_run else "replaying", total=1.0, events=0)
        conveyor = Conveyor(feed.send, presence, clock, Pace(lambda: how.rate * _MEGABYTE, clock), Limits(patience=how.patience))
        foresight = Foresight(content.router, content.pipelines)
        await work(Replay(settings, content, foresight, names, clock, how, conveyor, progress, bar))
        progress.update(bar, completed=1.0, description="counting" if how.dry_run else "waiting for the last of it")
        return await conveyor.finish()


def _show(counts: Counts, how: How) -> None:
    numbers = counts.lines()
    unseen = "would be indexed" if how.dry_run else "not there yet" if how.wait else "sent"
    if how.as_json:
        click.echo(json.dumps({**counts.as_json(), "dry_run": how.dry_run}))
        return
    for name, count in numbers.items():
        if count or name in ("records", "events"):
            click.echo(f"{count:>10,}  {unseen if name == 'unseen' else name.replace('_', ' ')}")
    for code, count in counts.codes.most_common(20):
        click.echo(f"{count:>10,}    {code}")
