"""``siem explain``: one event, stage by stage, with the YAML line that did it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.check import show_faults
from service.errors import ContentErrors

if TYPE_CHECKING:
    from service.offline.explain import Explanation


_WIDE = 180
"""Columns when nobody looks at a terminal."""


@click.command()
@click.argument("dataset_and_file", metavar="[DATASET] FILE|-", nargs=-1, required=True)
@click.option("--line", type=int, default=None, help="Explain the event that begins at this line; default: the first.")
@click.option("--geoip", multiple=True, type=click.Path(path_type=Path), help="MMDB file; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def command(
    ctx: click.Context, dataset_and_file: tuple[str, ...], line: int | None, geoip: tuple[Path, ...], *, as_json: bool
) -> None:
    """Show which line of pipeline.yml made each field of one event, what was consumed and what is left."""
    from service.cli.parse import read_input

    if len(dataset_and_file) > 2:
        raise click.UsageError("give [DATASET] FILE")
    dataset = dataset_and_file[0] if len(dataset_and_file) == 2 else None
    data = read_input(ctx, Path(dataset_and_file[-1]))
    try:
        told = _explanation(data, dataset, line, geoip)
    except ContentErrors as errors:
        show_faults(errors.faults, err=True)
        ctx.exit(2)
    if told is None:
        click.echo("no such event: nothing begins there, or nothing claims it", err=True)
        ctx.exit(1)
    if as_json:
        click.echo(json.dumps(asdict(told), ensure_ascii=False))
    else:
        _show(told)


def _explanation(data: bytes, dataset: str | None, line: int | None, geoip: tuple[Path, ...]) -> Explanation | None:
    from service.cli.content import offline_player
    from service.offline.explain import explain, single
    from service.offline.play import Dead

    player = offline_player(dataset, geoip)
    for played in player.play(data, dataset):
        if isinstance(played, Dead):
            continue
        for at, begins in enumerate(played.lines):
            if line is None or begins == line:
                loaded = player.loaded[played.dataset]
                return explain(loaded, player.enrichers, single(played.slice, at), begins, player.now_ms)
    return None


def _show(told: Explanation) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    here = f"{Path.cwd()}{os.sep}"
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    event = " ".join(told.event.split())
    console.print(f"[bold]{told.dataset}[/]  line {told.line}  routed by {escape(told.route.removeprefix(here))}")
    console.print(escape(event if len(event) <= 400 else event[:400] + " …"), style="dim")
    if told.dead is not None:
        console.print(f"[bold red]no document[/]: {escape(told.dead)}")
        return
    console.print(f"[bold]→[/] {escape(str(told.index))} {escape(str(told.id))}", soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("field", "value", "by", "where"):
        table.add_column(name, no_wrap=True, overflow="ellipsis")
    stage = ""
    for made in told.made:
        if made.stage != stage:
            stage = made.stage
            table.add_row(f"[bold cyan]{stage}[/]")
        value = json.dumps(made.value, ensure_ascii=False)
        shown = value if len(value) <= 48 else value[:47] + "…"
        before = "" if made.replaced is None else f"  (was {json.dumps(made.replaced, ensure_ascii=False)[:30]})"
        where = made.place.rpartition(os.sep)[2]
        table.add_row(f"  {escape(made.field)}", escape(shown + before), escape(made.by[:50]), escape(where))
    console.print(table)
    console.print(f"[bold]consumed[/] {len(told.consumed)} raw fields")
    console.print(f"[bold]left in unmapped[/] {escape(', '.join(told.unmapped)) or 'nothing'}")
    console.print(f"[bold]cost[/] {told.microseconds:.1f} µs")
