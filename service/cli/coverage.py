"""``siem coverage``: which techniques of ATT&CK the detections look for."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.check import show_faults
from service.cli.config import config_option, where_from
from service.cli.when import WHEN
from service.errors import Backpressure, ContentErrors

if TYPE_CHECKING:
    from service.detect.coverage import Coverage
    from service.detect.flow import Cell, Flow
    from service.settings import Settings

BEFORE_MS = 30 * 86_400_000
"""How far back a dataset was sent that is silent now."""


@click.command()
@click.option("--rules", "roots", multiple=True, type=click.Path(path_type=Path), help="Further folder of rules; repeatable.")
@click.option("--all", "counted", is_flag=True, help="Also rules that are counted only (experimental).")
@click.option("--layer", type=click.Path(path_type=Path, dir_okay=False), help="Write a layer for the ATT&CK Navigator here.")
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object: technique, dataset, titles of rules; --live: a list of cells."
)
@click.option("--live", is_flag=True, help="By project, too: which of these datasets each really sends, out of OpenSearch.")
@click.option("--since", "since_ms", type=WHEN, default="24h", show_default=True, help="With --live: what has come since flows.")
@click.option("--project", metavar="P", help="With --live: only this project's.")
@config_option
@click.pass_context
def command(
    ctx: click.Context, config: Path | None, roots: tuple[Path, ...], layer: Path | None, *, project: str | None, since_ms: int,
    counted: bool, as_json: bool, live: bool,
) -> None:  # fmt: skip
    """Show technique × dataset, and which rules look for it; with --live × project, by whether its logs arrive.

    States: flowing; silent (sent within 30 days, not now); never sent; not covered (it flows, and no rule looks at it).
    Exit code 2 when OpenSearch does not say.
    """
    import orjson

    from service.cli.content import wanted_pipelines
    from service.content import find_content
    from service.detect.coverage import coverage, navigator_layer
    from service.offline.detect import rules_for

    try:
        rules = rules_for([find_content().detections, *roots], wanted_pipelines(None))
    except ContentErrors as errors:
        show_faults(errors.faults, err=True)
        ctx.exit(2)
    found = coverage(rules, counted=counted)
    if live:
        _show_live(ctx, config, found, since_ms, project, layer, as_json=as_json)
        return
    if project is not None:
        raise click.UsageError("--project needs --live")
    if layer is not None:
        layer.write_bytes(orjson.dumps(navigator_layer(found), option=orjson.OPT_INDENT_2) + b"\n")
    if as_json:
        click.echo(orjson.dumps(found).decode())
        return
    for technique, datasets in found.items():
        for dataset, titles in datasets.items():
            click.echo(f"{technique:<10} {dataset:<24} {len(titles):>3}  {'; '.join(titles)}")
    click.echo(f"{len(found)} techniques in {len({name for its in found.values() for name in its})} datasets", err=True)


def _show_live(
    ctx: click.Context,
    config: Path | None,
    found: Coverage,
    since_ms: int,
    project: str | None,
    layer: Path | None,
    *,
    as_json: bool,
) -> None:
    import orjson

    from service.detect import flow
    from service.settings import load_settings

    try:
        settings = load_settings(config)
        sent = asyncio.run(_ask(settings, since_ms, project))
    except ContentErrors as errors:
        show_faults(errors.faults, err=True)
        ctx.exit(2)
    except Backpressure as busy:
        click.echo(f"{', '.join(settings.opensearch.urls)}: {busy.reason} {where_from(config, 'opensearch.urls')}", err=True)
        ctx.exit(2)
    rows = flow.cells(found, sent)
    if layer is not None:
        layer.write_bytes(orjson.dumps(flow.live_layer(rows, project), option=orjson.OPT_INDENT_2) + b"\n")
    if as_json:
        click.echo(orjson.dumps(flow.as_json(rows)).decode())
        return
    _print(rows)
    for name, counts in flow.summary(rows).items():
        said = ", ".join(f"{count} {state}" for state, count in counts.items())
        click.echo(f"{name}: techniques: {said}", err=True)
    if not sent:
        click.echo("no project has sent anything within 30 days", err=True)


async def _ask(settings: Settings, since_ms: int, project: str | None) -> Flow:
    from service.sink.opensearch.client import connect, machine_keys
    from service.sink.opensearch.flowing import flowing

    client = connect(settings.opensearch, keys=await asyncio.to_thread(machine_keys, settings.opensearch))
    try:
        return await flowing(client, since_ms, since_ms - BEFORE_MS, project)
    finally:
        await client.close()


def _print(rows: list[Cell]) -> None:
    """A line a technique and dataset; its projects by state, since most of them are alike."""
    together: dict[tuple[str, str], dict[str, list[str]]] = {}
    for row in rows:
        together.setdefault((row.technique, row.dataset), {}).setdefault(row.state, []).append(row.project)
    for (technique, dataset), states in together.items():
        said = "; ".join(f"{state}: {', '.join(projects)}" for state, projects in states.items())
        click.echo(f"{technique or '–':<10} {dataset:<24} {said}")
