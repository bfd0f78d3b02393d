"""``siem alerts``: a test of the channels, and the queue in a terminal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.check import show_faults
from service.cli.config import config_option, where_from
from service.cli.when import WHEN
from service.errors import ContentErrors

if TYPE_CHECKING:
    from service.alerts.channels import Channel
    from service.settings import Settings

_MOST = 200


@click.group()
def command() -> None:
    """Alerts: who is told of them, and what is in the queue."""


@command.command("test")
@config_option
@click.option("--channel", "names", multiple=True, metavar="NAME", help="Only this one; may be repeated.")
@click.pass_context
def test(ctx: click.Context, config: Path | None, names: tuple[str, ...]) -> None:
    """Send a made-up alert through every channel of alerts.yml, and say what came of it.

    Exit code 0: all of them took it. 1: one did not. 2: there is none, or a file is wrong.
    """
    channels = _channels(ctx, config)
    unknown = sorted(set(names) - channels.keys())
    if unknown or not channels:
        there = ", ".join(sorted(channels)) or "none; see deploy/alerts.example.yml"
        click.echo(f"no channel {', '.join(unknown) or 'is declared'}; there are: {there}", err=True)
        ctx.exit(2)
    chosen = {name: channel for name, channel in channels.items() if not names or name in names}
    refused = asyncio.run(_tell(chosen))
    for name in chosen:
        click.echo(f"{name}: {refused[name]}" if name in refused else f"{name}: told")
    ctx.exit(1 if refused else 0)


@command.command("list")
@config_option
@click.option("--since", "since_ms", type=WHEN, default="24h", show_default=True, help="Raised since: 24h, 2026-12-01, …")
@click.option("--project", metavar="P", help="Only this project's.")
@click.option("--severity", "least", type=click.Choice(["informational", "low", "medium", "high", "critical"]), default="low")
@click.option("--json", "as_json", is_flag=True, help="JSON lines, the whole documents.")
@click.pass_context
def show(ctx: click.Context, config: Path | None, *, since_ms: int, project: str | None, least: str, as_json: bool) -> None:
    """The queue, newest first. Exit code 2 when OpenSearch does not say."""
    from opensearchpy import exceptions as oe

    settings = _settings(ctx, config)
    try:
        found = asyncio.run(_ask(settings, since_ms, project, least))
    except oe.OpenSearchException as failed:
        hint = where_from(config, "opensearch.urls")
        click.echo(f"{', '.join(settings.opensearch.urls)}: OpenSearch does not say ({type(failed).__name__}) {hint}", err=True)
        ctx.exit(2)
    if as_json:
        for one in found:
            click.echo(json.dumps(one))
    elif found:
        _print(found)
    else:
        click.echo("no alerts", err=True)


def _settings(ctx: click.Context, config: Path | None) -> Settings:
    from service.settings import load_settings

    try:
        return load_settings(config)
    except ContentErrors as errors:
        show_faults(errors.faults, err=True)
        ctx.exit(2)


def _channels(ctx: click.Context, config: Path | None) -> Mapping[str, Channel]:
    from service.alerts.tuning import load_alert_rules

    settings = _settings(ctx, config)
    if settings.detect.alerts is None:
        return {}
    try:
        return load_alert_rules(settings.detect.alerts).value.channels
    except ContentErrors as errors:
        show_faults(errors.faults, err=True)
        ctx.exit(2)


async def _tell(channels: Mapping[str, Channel]) -> dict[str, str]:
    """Channel → why it did not take the alert, for those that did not."""
    from service.notify.text import body_of, title_of
    from service.notify.ways import NotTold, way_of

    alert = made_up(datetime.now(UTC))
    refused: dict[str, str] = {}
    for name, channel in channels.items():
        try:
            await way_of(channel).tell(title_of(channel.title, alert), body_of(channel.body, alert), alert)
        except NotTold as error:
            refused[name] = str(error)
    return refused


def made_up(now: datetime) -> dict[str, Any]:
    """An alert that says of itself that it is a test."""
    at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "@timestamp": at,
        "message": "This is a test of kinesiem's notifications: nothing happened.",
        "event": {"kind": "signal", "id": "alert-test", "severity": 10, "action": "siem alerts test", "url": ""},
        "rule": {"id": "siem-test", "name": "Test of notifications"},
        "project": {"id": "none", "environment": "none"},
        "alert": {
            "severity": "informational",
            "count": 1,
            "first_seen": at,
            "last_seen": at,
            "principal": {"name": "nobody", "field": ""},
            "sample": True,
        },
        "tags": ["sample"],
    }


async def _ask(settings: Settings, since_ms: int, project: str | None, least: str) -> list[dict[str, Any]]:
    from service.alerts.channels import SEVERITIES
    from service.sink.opensearch.client import connect, machine_keys

    wanted = SEVERITIES[SEVERITIES.index(least) :]
    filters: list[dict[str, Any]] = [
        {"range": {"@timestamp": {"gte": since_ms, "format": "epoch_millis"}}},
        {"terms": {"alert.severity": list(wanted)}},
    ]
    if project is not None:
        filters.append({"term": {"project.id": project}})
    client = connect(settings.opensearch, keys=await asyncio.to_thread(machine_keys, settings.opensearch))
    body = {"size": _MOST, "query": {"bool": {"filter": filters}}, "sort": [{"@timestamp": "desc"}]}
    try:
        reply = await client.search(
            index="siem-alerts-*", body=body, params={"ignore_unavailable": "true", "allow_no_indices": "true"}
        )
    finally:
        await client.close()
    return [hit["_source"] for hit in reply["hits"]["hits"]]


def _print(alerts: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("when", "severity", "project", "rule", "who", "events", "status", box=None)
    for one in alerts:
        alert, project = one.get("alert", {}), one.get("project", {})
        cells = (
            one["@timestamp"][:19].replace("T", " "),
            alert.get("severity", ""),
            f"{project.get('id', '')}/{project.get('environment', '')}",
            one.get("rule", {}).get("name", ""),
            alert.get("principal", {}).get("name", ""),
            str(alert.get("count", "")),
            alert.get("status", ""),
        )
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)
