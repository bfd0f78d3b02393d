"""``siem double``: the Kinesis double on its own."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click

from service.local.kinesis import KinesisDouble, Limits


@click.command()
@click.option("--port", default=4567, show_default=True, help="Loopback port; 0 picks a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--limits/--no-limits", default=False, help="Enforce the quotas of AWS.")
@click.option("--stream", "streams", multiple=True, metavar="NAME[:SHARDS]", help="Create a stream at the start.")
@click.option("--journal", type=click.Path(path_type=Path, dir_okay=False), help="Keep the streams in this file over restarts.")
def command(*, port: int, host: str, limits: bool, streams: tuple[str, ...], journal: Path | None) -> None:
    """Serve a double of Kinesis Data Streams until Ctrl-C."""
    double = KinesisDouble(port=port, host=host, limits=Limits() if limits else None, journal=journal)
    asyncio.run(_serve(double, streams))


async def _serve(double: KinesisDouble, streams: tuple[str, ...]) -> None:
    ended = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, ended.set)
    for stream in streams:
        name, _, shards = stream.partition(":")
        if name not in double.account.streams:
            double.account.create(name, int(shards or 1))
    async with double:
        click.echo(f"kinesis double at {double.url}")
        await ended.wait()
