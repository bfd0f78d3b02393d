"""``siem test``: samples against their expected documents, in process."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli.check import show_faults
from service.errors import ContentErrors

_SHOWN = 20
"""Differences told of one sample."""


@click.command()
@click.argument("dataset", metavar="[DATASET|RULES]", required=False)
@click.option("--update", is_flag=True, help="Write what came out as what is expected.")
@click.option("--coverage", is_flag=True, help="Also say which lines of pipeline.yml no sample exercised.")
@click.pass_context
def command(ctx: click.Context, dataset: str | None, *, update: bool, coverage: bool) -> None:
    """Play the samples of DATASET or of the RULES below a path (default: all there are).

    Exits 1 when a document differs or is not valid ECS, or when a rule does not match what it should, or more.
    """
    from service.cli.content import dataset_folder, wanted_pipelines
    from service.content import find_content
    from service.enrich.enrichers import Enrichers
    from service.offline.coverage import unexercised
    from service.offline.trial import expected_text, try_samples
    from service.route.router import build_router

    failed = tried = 0
    if dataset is not None and Path(dataset).exists():
        ctx.exit(1 if _try_rules([Path(dataset)]) else 0)
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
    if dataset is None:
        failed += _try_rules([find_content().detections])
    ctx.exit(1 if failed else 0)


def _try_rules(paths: list[Path]) -> int:
    """Try rules on their samples; gives how many files of rules do not do what they should."""
    from service.cli.content import offline_player
    from service.content import find_content
    from service.offline.detect import rules_for
    from service.offline.rule_trial import try_rules

    player = offline_player()
    detections = find_content().detections
    rules = rules_for([detections], player.loaded)
    outside = [path for path in paths if not path.resolve().is_relative_to(detections.resolve())]
    if outside:
        rules = rules_for([detections, *outside], player.loaded)
    files = samples = failed = 0
    for trial in try_rules([path.resolve() if path not in outside else path for path in paths], rules, player):
        files += 1
        samples += trial.samples
        failed += bool(trial.faults)
        for fault in trial.faults[:_SHOWN]:
            click.echo(f"{trial.path}: {fault}")
    show_faults(rules.faults)
    click.echo(f"{files} files of rules, {samples} samples: {failed} wrong", err=True)
    return failed + len(rules.faults)
