"""``siem sources``: when each source was last heard, its rhythm, and whether it fell silent."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.config import config_option, where_from
from service.errors import Backpressure, ContentErrors
from service.settings import Settings, load_settings

if TYPE_CHECKING:
    from rich.table import Table

    from service.silence.source import Watched

UNJUDGED_MS = 5 * 60_000
"""Nobody has judged for so long: then nobody knows."""


@click.command()
@config_option
@click.option("--project", metavar="P", help="Only this project's.")
@click.option("--silent", "only_silent", is_flag=True, help="Only those that fell silent.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines.")
def command(config: Path | None, *, project: str | None, only_silent: bool, as_json: bool) -> None:
    """Every source, when it was last heard, how long it may be quiet, and its state.

    Exits 1 when one is silent, 2 when OpenSearch cannot say.
    """
    try:
        settings = load_settings(config)
        found, now_ms = asyncio.run(_ask(settings))
    except ContentErrors as errors:
        click.echo(str(errors), err=True)
        sys.exit(78)
    except Backpressure as busy:
        click.echo(f"{', '.join(settings.opensearch.urls)}: {busy.reason} {where_from(config, 'opensearch.urls')}", err=True)
        sys.exit(2)
    chosen = [one for one in found if project in (None, one.source.project)]
    shown = [one for one in chosen if not only_silent or one.state == "silent"]
    if as_json:
        for one in shown:
            click.echo(json.dumps(_row(one, now_ms)))
    elif shown:
        from rich.console import Console

        Console().print(_table(shown, now_ms))
    if not found:
        click.echo("no source was heard yet (has `siem run` been here?)", err=True)
    elif max(one.judged_ms for one in found) < now_ms - UNJUDGED_MS:
        click.echo("nobody has judged for more than 5 min: is `siem run` up?", err=True)
    sys.exit(1 if any(one.state == "silent" for one in chosen) else 0)


async def _ask(settings: Settings) -> tuple[list[Watched], int]:
    from service.clock import SystemClock
    from service.silence.source import Source
    from service.sink.cadence import CadenceStore, cadence_index
    from service.sink.opensearch.client import connect, machine_keys
    from service.sink.opensearch.indices import TemplateKeeper

    keys = await asyncio.to_thread(machine_keys, settings.opensearch)
    client = connect(settings.opensearch, keys=keys)
    try:
        found = await CadenceStore(client, TemplateKeeper(client), cadence_index(settings.kafka)).load()
    finally:
        await client.close()
    # A stream with a single dataset is not judged apart from it.
    streams = [one.source for one in found if not one.source.is_stream]
    several = {Source(*source[:3], "*") for source in streams if sum(source[:3] == other[:3] for other in streams) > 1}
    shown = [one for one in found if not one.source.is_stream or one.source in several]
    return sorted(shown, key=lambda one: one.source), SystemClock().now_ms()


def _row(watched: Watched, now_ms: int) -> dict[str, Any]:
    source, cause = watched.source, watched.alert.cause if watched.alert else None
    return {
        "project": source.project,
        "environment": source.environment,
        "stream": source.stream,
        "dataset": source.dataset,
        "state": watched.state,
        "reason": watched.reason,
        "last_event": _time(watched.rhythm.last_ms),
        "quiet_seconds": max(0, now_ms - watched.rhythm.last_ms) // 1000,
        "patience_seconds": None if watched.patience_ms is None else watched.patience_ms // 1000,
        "heard_since": _time(watched.rhythm.first_ms),
        "judged": _time(watched.judged_ms),
        "alert": None if watched.alert is None else {"index": watched.alert.index, "id": watched.alert.id},
        "cause": None if cause is None else {"action": cause.action, "user": cause.user, "index": cause.index, "id": cause.id},
    }


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _table(found: list[Watched], now_ms: int) -> Table:
    from rich.markup import escape
    from rich.table import Table

    from service.silence.judgement import span

    table = Table("project", "stream", "dataset", "state", "last event", box=None)
    table.add_column("quiet for", justify="right")
    table.add_column("may be", justify="right")
    table.add_column("why")
    for one in found:
        source = one.source
        state = f"[bold red]{one.state}[/]" if one.state == "silent" else one.state
        why = one.reason
        if one.alert is not None and one.alert.cause is not None:
            cause = one.alert.cause
            why = f"{cause.action} by {cause.user or 'somebody'} at {_time(cause.at_ms)}: {cause.meaning}"
        table.add_row(
            f"{source.project} · {source.environment}",
            source.stream,
            "(all of it)" if source.is_stream else source.dataset,
            state,
            _time(one.rhythm.last_ms),
            span(max(0, now_ms - one.rhythm.last_ms)),
            "–" if one.patience_ms is None else span(one.patience_ms),
            escape(why),
        )
    return table
