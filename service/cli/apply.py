"""``siem apply``: what the cluster should hold, compared and put."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.check import show_faults
from service.cli.config import config_option, where_from
from service.errors import ContentErrors

if TYPE_CHECKING:
    from service.cluster import Wanted
    from service.settings import OpenSearch
    from service.sink.opensearch.plan import Plan


@dataclass(frozen=True, slots=True)
class _Applied:
    plan: Plan
    done: int


@click.command()
@click.option("--plan", "only_plan", is_flag=True, help="Show the difference, change nothing; exit 2 when there is one.")
@click.option("--json", "as_json", is_flag=True, help="The difference as JSON.")
@config_option
@click.pass_context
def command(ctx: click.Context, *, only_plan: bool, as_json: bool, config: Path | None) -> None:
    """Put templates, policies, roles and dashboards into the cluster; a second run finds nothing to do."""
    from opensearchpy import exceptions as oe

    from service.errors import Backpressure
    from service.settings import load_settings

    try:
        settings = load_settings(config)
        wanted, saved = _wanted(settings)
        applied = asyncio.run(_apply(settings.opensearch, wanted, saved, only_plan=only_plan))
    except ContentErrors as errors:
        show_faults(errors.faults, err=True)
        ctx.exit(1)
    except oe.TransportError as failed:
        click.echo(f"{', '.join(settings.opensearch.urls)}: {_reason(failed)} {where_from(config, 'opensearch.urls')}", err=True)
        ctx.exit(1)
    except Backpressure as busy:
        click.echo(busy.reason, err=True)
        ctx.exit(1)
    if as_json:
        click.echo(json.dumps(_rows(applied.plan), indent=2))
    else:
        _show(applied, only_plan=only_plan)
    ctx.exit(2 if only_plan and applied.plan.pending else 0)


def _wanted(settings: Any) -> tuple[list[Wanted], list[Wanted]]:
    from service.build.wanted import wanted
    from service.content import Content, find_content
    from service.pipeline.load import load_pipelines
    from service.sink.dashboards import saved_objects
    from service.source.streams import load_streams

    paths = settings.paths
    content = Content(paths.pipelines.parent) if paths.pipelines.is_dir() else find_content()
    pipelines = load_pipelines(content.pipelines, paths.tuning)
    streams = settings.collect.streams
    projects = [(entry.id, entry.environment) for entry in load_streams(streams).value.projects] if streams.is_file() else []
    return wanted(content, pipelines, projects, codec=settings.opensearch.codec), saved_objects(
        content.dashboards / "saved_objects"
    )


async def _apply(settings: OpenSearch, wanted: list[Wanted], saved: list[Wanted], *, only_plan: bool) -> _Applied:
    from service.errors import Backpressure
    from service.sink.dashboards import Dashboards
    from service.sink.opensearch.client import connect, machine_keys
    from service.sink.opensearch.plan import Cluster

    client = connect(settings, keys=machine_keys(settings))
    try:
        cluster = Cluster(client)
        plan = await cluster.plan(wanted)
        done = 0 if only_plan else await cluster.carry(plan)
    finally:
        await client.close()
    if settings.dashboards_url is None:
        plan.notices.append("opensearch.dashboards_url is not set: dashboards are not imported")
        return _Applied(plan, done)
    try:
        async with Dashboards(settings.dashboards_url, settings) as dashboards:
            changes = await dashboards.plan(saved)
            plan.changes += changes
            pending = [change for change in changes if change in plan.pending]
            if not only_plan:
                await dashboards.carry_out(pending)
                done += len(pending)
    except Backpressure as away:
        plan.notices.append(f"{away.reason}: dashboards are not imported")
    return _Applied(plan, done)


def _reason(failed: Any) -> str:
    """What went wrong, without the client's own class names."""
    if failed.status_code == "N/A":
        return "OpenSearch does not answer"
    return f"OpenSearch answered {failed.status_code} {failed.error}"


def _rows(plan: Plan) -> dict[str, Any]:
    changes = [
        {"step": str(change.step), "kind": str(change.wanted.kind), "name": change.wanted.name, "note": change.note}
        for change in plan.changes
    ]
    return {"changes": changes, "notices": plan.notices}


def _show(applied: _Applied, *, only_plan: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    colours = {"create": "green", "update": "yellow", "conflict": "red", "unchanged": "dim"}
    console = Console()
    table = Table("", "Kind", "Name", "Why", box=None, pad_edge=False)
    for change in applied.plan.changes:
        table.add_row(str(change.step), str(change.wanted.kind), change.wanted.name, change.note, style=colours[change.step])
    console.print(table)
    for notice in applied.plan.notices:
        console.print(f"note: {notice}", style="yellow")
    pending = len(applied.plan.pending)
    if only_plan:
        console.print(f"{pending} to change" if pending else "nothing to do")
    else:
        console.print(f"{applied.done} changed" if applied.done else "nothing to do")
