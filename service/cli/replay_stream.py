"""``siem replay stream``: a time range of a Kinesis stream once more, beside the collector."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.config import config_option
from service.cli.replaying import How, Replay, options, run
from service.cli.when import WHEN

if TYPE_CHECKING:
    from service.source.kinesis.fault import KinesisFault
    from service.source.streams import Streams, Subscription


@click.command()
@click.option("--project", required=True, metavar="P", help="Project of streams.yml.")
@click.option("--env", "environment", metavar="E", help="Its environment, where it has several.")
@click.option("--stream", metavar="S", help="Name of the stream, where it has several.")
@click.option("--since", required=True, type=WHEN, metavar="WHEN", help="Arrived since: 30m, 12h, 7d, or an ISO time.")
@click.option("--until", type=WHEN, metavar="WHEN", help="Arrived before: the same; default: now.")
@options
@config_option
def command(
    project: str, environment: str | None, stream: str | None, since: int, until: int | None, config: Path | None, **how: Any
) -> None:
    """Read a time range of a stream and send it through the service once more.

    Takes no lease and moves no checkpoint; asks each shard once a second, so that live reading has the rest of its quota.
    While documents of the replay are on their way, no more than 8 MiB follow: live traffic goes first.
    """

    async def work(replay: Replay) -> None:
        subscription = _subscription(replay.content.streams, project, environment, stream)
        await _replay(replay, subscription, since, until)

    run(config, How(**how), work)


def _subscription(streams: Streams | None, project: str, environment: str | None, stream: str | None) -> Subscription:
    """The one that is meant; raises ContentErrors when that is none or several."""
    from service.errors import ContentError, ContentErrors, Place

    known = list(streams.subscriptions()) if streams is not None else []
    found = [
        each
        for each in known
        if each.project.id == project
        and environment in (None, each.project.environment)
        and stream in (None, each.stream.stream_name)
    ]
    if len(found) == 1:
        return found[0]
    reason = "nothing fits" if not found else "several streams fit"
    names = sorted(f"{it.project.id}/{it.project.environment}/{it.stream.stream_name}" for it in found or known)
    fault = ContentError(Place("streams.yml"), "which_stream", reason, f"there are: {', '.join(names) or 'none'}")
    raise ContentErrors("which stream?", [fault])


async def _replay(replay: Replay, subscription: Subscription, since_ms: int, until_ms: int | None) -> None:
    import random

    from service.event import encode
    from service.replay.conveyor import Message
    from service.source.kinesis.connections import Connections
    from service.source.kinesis.span import Span, SpanReader

    clock = replay.clock
    now_ms = clock.now_ms()
    span = Span(since_ms, now_ms if until_ms is None else min(until_ms, now_ms))
    if span.since_ms >= span.until_ms:
        raise click.UsageError("the range is empty: --since must lie before --until, and before now")

    def complain(fault: KinesisFault) -> None:
        replay.progress.console.print(f"Kinesis: {fault}", highlight=False, markup=False)

    async with Connections("replay") as connections:
        client = connections.client(subscription)
        entry = subscription.stream
        stream = await client.stream(entry.arn or entry.stream_name)
        if since_ms < now_ms - stream.retention_ms:
            click.echo(f"{stream.name} keeps {stream.retention_ms // 3_600_000} h: what is older is gone", err=True)
        reader = SpanReader(
            client, subscription, stream, span, clock, random.Random(),  # noqa: S311 - jitter, not a secret
            batch_bytes=replay.settings.collect.batch_bytes, on_fault=complain,
        )  # fmt: skip
        async for portion in reader.portions():
            foreseen = replay.foresight.of_records(portion.batch, now_ms)
            await replay.put(foreseen, [Message(replay.names.records, encode(portion.batch))], portion.done)
    if reader.expired:
        click.echo(f"out of retention before they were read: {', '.join(reader.expired)}", err=True)
