"""``siem new``: scaffold a source folder from real lines."""

from __future__ import annotations

import re
from pathlib import Path

import click

from service.cli.check import show_faults
from service.errors import ContentError, ContentErrors, Place


@click.command()
@click.argument("dataset")
@click.option("--from", "lines", required=True, metavar="FILE|-", type=click.Path(path_type=Path, allow_dash=True))
@click.pass_context
def command(ctx: click.Context, dataset: str, lines: Path) -> None:
    """Write pipelines/DATASET (``module.log``) from a file of real events: format, fields, types and time guessed.

    The result passes ``siem check`` and ``siem test``; the guesses are a beginning. Replace addresses and names in
    samples/ before you commit them.
    """
    from service.cli.parse import read_input
    from service.content import find_content
    from service.enrich.enrichers import Enrichers
    from service.fields import Catalogue
    from service.lint.everything import check_path
    from service.offline.trial import expected_text, try_samples
    from service.pipeline.load import load_pipeline
    from service.scaffold.folder import scaffold, write

    if re.fullmatch(r"[a-z][a-z0-9_]*\.[a-z0-9_]+", dataset) is None:
        raise click.UsageError(f"{dataset}: a dataset is called module.log, in lower case")
    data = read_input(ctx, lines)
    try:
        content = find_content()
        folder = content.pipelines / dataset
        made = scaffold(dataset, data, Catalogue.read(content.mappings / "ecs.yml"))
        write(folder, made)
        trials = list(try_samples(load_pipeline(folder), Enrichers.empty()))
        for trial in trials:
            trial.sample.expected.write_text(expected_text(trial.result), encoding="utf-8")
            found = len(trial.result["documents"])
            click.echo(f"{found} documents, {len(trial.result['dead_letters'])} dead letters from {trial.sample.path.name}")
        faults = check_path(folder).faults
        if not any(trial.result["documents"] for trial in trials):
            place = Place(str(folder / "pipeline.yml"))
            faults.append(ContentError(place, "no_documents", "no line became a document", "see samples/"))
    except ContentErrors as errors:
        show_faults(errors.faults, err=True)
        ctx.exit(1)
    show_faults(faults)
    click.echo(f"wrote {folder.relative_to(content.root)}: {made.understood}")
    ctx.exit(1 if faults else 0)
