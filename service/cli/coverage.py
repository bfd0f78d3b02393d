"""``siem coverage``: which techniques of ATT&CK the detections look for."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli.check import show_faults
from service.errors import ContentErrors


@click.command()
@click.option("--rules", "roots", multiple=True, type=click.Path(path_type=Path), help="Further folder of rules; repeatable.")
@click.option("--all", "counted", is_flag=True, help="Also rules that are counted only (experimental).")
@click.option("--layer", type=click.Path(path_type=Path, dir_okay=False), help="Write a layer for the ATT&CK Navigator here.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: technique, dataset, titles of rules.")
@click.pass_context
def command(ctx: click.Context, roots: tuple[Path, ...], layer: Path | None, *, counted: bool, as_json: bool) -> None:
    """Show technique × dataset, and which rules look for it."""
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
    if layer is not None:
        layer.write_bytes(orjson.dumps(navigator_layer(found), option=orjson.OPT_INDENT_2) + b"\n")
    if as_json:
        click.echo(orjson.dumps(found).decode())
        return
    for technique, datasets in found.items():
        for dataset, titles in datasets.items():
            click.echo(f"{technique:<10} {dataset:<24} {len(titles):>3}  {'; '.join(titles)}")
    click.echo(f"{len(found)} techniques in {len({name for its in found.values() for name in its})} datasets", err=True)
