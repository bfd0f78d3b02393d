"""``siem drift``: what logs have that their pipelines do not know, and the YAML that would take it in."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.check import show_faults
from service.cli.config import config_option, where_from
from service.cli.when import WHEN
from service.errors import Backpressure, ContentErrors

if TYPE_CHECKING:
    from rich.table import Table

    from service.drift.finding import Finding
    from service.offline.play import Player
    from service.scaffold.take_in import TakeIn


@click.command()
@config_option
@click.option("--project", metavar="P", help="Only this project's.")
@click.option("--dataset", metavar="D", help="Only this dataset; of FILEs: all of it is of this dataset.")
@click.option("--since", "since_ms", type=WHEN, default="7d", help="Only what was met since then: 24h, 7d, 2026-11-01.")
@click.option("--fail", is_flag=True, help="Exit with 1 when something was found.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding.")
@click.argument("files", metavar="[FILE|-…]", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
@click.pass_context
def command(
    ctx: click.Context,
    config: Path | None,
    project: str | None,
    dataset: str | None,
    since_ms: int,
    files: tuple[Path, ...],
    *,
    fail: bool,
    as_json: bool,
) -> None:
    """Columns, keys and values that no pipeline knows, how often they came, and the lines of YAML that would take them in.

    Without FILEs: what the service met, out of OpenSearch. With FILEs, raw logs as their source sends them: what is in
    those, without any server. Exit code 0, with --fail 1 when something was found, 2 when OpenSearch or a file cannot say.
    """
    from service.cli.content import offline_player
    from service.cli.parse import read_input
    from service.drift.finding import together
    from service.offline.drift import drift_of

    try:
        player = offline_player(dataset)
        if files:
            inputs = [read_input(ctx, file) for file in files]
            found, documents, dead = drift_of(player, inputs, dataset)
            click.echo(f"{documents} documents, {dead} dead letters: {len(found)} findings", err=True)
        else:
            found = together(asyncio.run(_ask(config, project, dataset, since_ms)))
        _show(found, player, as_json=as_json)
    except ContentErrors as errors:
        show_faults(errors.faults, err=True)
        ctx.exit(2 if files else 78)
    except Backpressure as busy:
        click.echo(f"{busy.reason} {where_from(config, 'opensearch.urls')}", err=True)
        sys.exit(2)
    if not found and not files:
        click.echo("nothing that the pipelines do not know", err=True)
    ctx.exit(1 if fail and found else 0)


async def _ask(config: Path | None, project: str | None, dataset: str | None, since_ms: int) -> list[Finding]:
    from service.drift.store import DriftStore
    from service.settings import load_settings
    from service.sink.opensearch.client import connect, machine_keys
    from service.sink.opensearch.indices import TemplateKeeper

    settings = load_settings(config)
    keys = await asyncio.to_thread(machine_keys, settings.opensearch)
    client = connect(settings.opensearch, keys=keys)
    try:
        return await DriftStore(client, TemplateKeeper(client)).load(project, dataset, since_ms)
    finally:
        await client.close()


def _show(found: list[Finding], player: Player, *, as_json: bool) -> None:
    """The table, and dataset by dataset the lines to write; a line of YAML is told once, however many projects need it."""
    from service.scaffold.take_in import Advisor, TakeIn

    advisors: dict[str, Advisor] = {}
    advice: dict[str, dict[Any, TakeIn]] = {}
    for each in found:
        dataset = each.owner.dataset
        mine = advice.setdefault(dataset, {})
        if dataset in player.loaded and each.what not in mine:
            if dataset not in advisors:
                advisors[dataset] = Advisor(player.loaded[dataset], player.pipeline(dataset).fields)
            mine[each.what] = advisors[dataset].take_in(each)
    if as_json:
        for each in found:
            click.echo(json.dumps(_row(each, advice[each.owner.dataset].get(each.what, TakeIn())), ensure_ascii=False))
        return
    if found:
        from rich.console import Console

        Console().print(_table(found))
    for dataset, takes in advice.items():
        for line in _yaml(dataset, list(takes.values()), player):
            click.echo(line)


def _row(found: Finding, take_in: TakeIn) -> dict[str, Any]:
    from service.spans import moment

    return {
        **found.owner._asdict(),
        **found.what._asdict(),
        "count": found.count,
        "example": found.example,
        "first_seen": moment(found.first_ms),
        "last_seen": moment(found.last_ms),
        "pipeline_version": found.version,
        "document": {"index": found.index, "id": found.id} if found.id else None,
        "fields_yml": list(take_in.fields),
        "pipeline_yml": [{"section": line.section, "line": line.text, "place": line.place} for line in take_in.lines],
    }


def _table(found: list[Finding]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    from service.spans import moment

    table = Table("project", "dataset", "what", box=None)
    table.add_column("events", justify="right")
    for name in ("example", "last seen", "document"):
        table.add_column(name, overflow="fold")
    for each in found:
        what, owner = each.what, each.owner
        is_value = what.kind == "value" and what.value
        why = f" is not {what.wanted.partition(': ')[2]}" if what.kind == "value" and not is_value else ""
        table.add_row(
            f"{owner.project} · {owner.environment}",
            owner.dataset,
            escape(f"{what.kind} {what.path}" + (f" = {what.value}" if is_value else why)),
            str(each.count),
            escape(each.example),
            moment(each.last_ms)[:16].replace("T", " "),
            escape(each.id),
        )
    return table


def _yaml(dataset: str, takes: list[TakeIn], player: Player) -> list[str]:
    """The lines that take everything in that can be, under the files they belong to."""
    fields = sorted({line for each in takes for line in each.fields})
    lines = list(dict.fromkeys(line for each in takes for line in each.lines))
    if not lines:
        return []
    shown = [""]
    if fields:
        shown += [f"# pipelines/{dataset}/fields.yml", *fields]
    shown.append(f"# pipelines/{dataset}/pipeline.yml")
    names = [line for line in lines if line.section == "columns"]
    if names:
        shown.append(f"# {_short(names[0].place)}: at the end of parse.columns.default")
        shown.append(" ".join(line.text for line in names))
    moves = [line.text for line in lines if line.section == "move"]
    if moves:
        is_list = isinstance(player.loaded[dataset].file.normalise, list)
        indent = "    " if is_list else "  "
        shown += ["# normalise, a block more:" if is_list else "# normalise:", "  - move:" if is_list else "move:"]
        shown += [f"{indent if not is_list else '      '}{text}" for text in moves]
    instead = [line.text for line in lines if line.section == "instead"]
    if instead:
        shown += ["# in place of the line that moves it:", *instead]
    for line in lines:
        if line.section in ("translate", "classify"):
            shown += [f"# {_short(line.place)}: {line.section} {line.table}", line.text]
    return shown


def _short(place: str) -> str:
    """``pipeline.yml:12`` of a place with its whole path and column."""
    return ":".join(Path(place).name.split(":")[:2])
