"""``siem test``: samples against their expected documents, in process."""

from __future__ import annotations

import click

from service.cli.check import show_faults
from service.errors import ContentErrors

_SHOWN = 20
"""Differences told of one sample."""


@click.command()
@click.argument("dataset", required=False)
@click.option("--update", is_flag=True, help="Write what came out as what is expected.")
@click.option("--coverage", is_flag=True, help="Also say which lines of pipeline.yml no sample exercised.")
@click.pass_context
def command(ctx: click.Context, dataset: str | None, *, update: bool, coverage: bool) -> None:
    """Play the samples of DATASET (default: all); exits 1 when a document differs or is not valid ECS."""
    from service.cli.content import dataset_folder, wanted_pipelines
    from service.content import find_content
    from service.enrich.enrichers import Enrichers
    from service.offline.coverage import unexercised
    from service.offline.trial import expected_text, try_samples
    from service.route.router import build_router

    failed = tried = 0
    try:
        if dataset is not None:
            dataset_folder(find_content(), dataset)
        pipelines = wanted_pipelines(None)
        router = build_router(pipelines)
        for loaded in [pipelines[dataset]] if dataset is not None else pipelines.values():
            for trial in try_samples(loaded, Enrichers.empty(), router):
                tried += 1
                text = expected_text(trial.result)
                name = trial.sample.path.relative_to(loaded.folder.parent)
                if update and (not trial.sample.expected.is_file() or trial.sample.expected.read_text() != text):
                    trial.sample.expected.write_text(text)
                    click.echo(f"wrote {trial.sample.expected.relative_to(loaded.folder.parent)}")
                faults = trial.invalid if update else trial.invalid + trial.differing
                failed += bool(faults)
                for fault in faults[:_SHOWN]:
                    click.echo(f"{name}: {fault}")
                if len(faults) > _SHOWN:
                    click.echo(f"{name}: … and {len(faults) - _SHOWN} more")
            if coverage:
                show_faults(unexercised(loaded))
    except ContentErrors as errors:
        show_faults(errors.faults)
        ctx.exit(1)
    click.echo(f"{tried} samples, {failed} wrong", err=True)
    ctx.exit(1 if failed else 0)
