"""``siem new``: scaffold a source folder from real lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.check import show_faults
from service.errors import ContentError, ContentErrors, Place

if TYPE_CHECKING:
    from service.offline.trial import Result
    from service.scaffold.folder import Scaffold

_SHOWN = 5
"""Dead letters that are told one by one."""
_WIDEST = 60
"""Characters of an example."""


@click.command()
@click.argument("dataset")
@click.option("--from", "lines", required=True, metavar="FILE|-", type=click.Path(path_type=Path, allow_dash=True))
@click.pass_context
def command(ctx: click.Context, dataset: str, lines: Path) -> None:
    """Write pipelines/DATASET (``module.log``) from a file of real events: format, fields, types, time and kind guessed.

    Twenty lines are enough, one of every kind better. The result passes ``siem check`` and ``siem test``; the guesses are a
    beginning. Replace addresses and names in samples/ before you commit them.
    """
    from service.cli.parse import read_input
    from service.content import find_content
    from service.enrich.enrichers import Enrichers
    from service.fields import Catalogue
    from service.lint.everything import check_path
    from service.offline.trial import expected_text, try_samples
    from service.pipeline.load import load_pipeline, load_pipelines
    from service.route.router import build_router
    from service.scaffold.folder import scaffold, write
    from service.scaffold.routes import Elsewhere

    if re.fullmatch(r"[a-z][a-z0-9_]*\.[a-z0-9_]+", dataset) is None:
        raise click.UsageError(f"{dataset}: a dataset is called module.log, in lower case, such as acme.firewall")
    data = read_input(ctx, lines)
    try:
        content = find_content()
        folder = content.pipelines / dataset
        made = scaffold(dataset, data, Catalogue.read(content.mappings / "ecs.yml"), Elsewhere(content.pipelines, dataset))
        write(folder, made)
        trials = list(try_samples(load_pipeline(folder), Enrichers.empty(), build_router(load_pipelines(content.pipelines))))
        for trial in trials:
            trial.sample.expected.write_text(expected_text(trial.result), encoding="utf-8")
        faults = check_path(folder).faults
        if not any(trial.result["documents"] for trial in trials):
            place = Place(str(folder / "pipeline.yml"))
            faults.append(ContentError(place, "no_documents", "no line became a document", "see samples/"))
        faults += [ContentError(Place(str(trial.sample.path)), "wrong", each) for trial in trials for each in trial.invalid]
    except ContentErrors as errors:
        show_faults(errors.faults, err=True)
        ctx.exit(1)
    show_faults(faults)
    click.echo("\n".join(report(made, str(folder.relative_to(content.root)), [trial.result for trial in trials])))
    ctx.exit(1 if faults else 0)


def report(made: Scaffold, folder: str, results: Sequence[Result]) -> list[str]:
    """What was understood, field by field, what to look at, and what to do next."""
    understood = made.understood
    documents = sum(len(result["documents"]) for result in results)
    letters = [letter for result in results for letter in result["dead_letters"]]
    lines = [f"wrote {folder}: {understood.summary()}", f"{documents} documents, {len(letters)} dead letters"]
    found = understood.found
    left, right = (max((len(getattr(guess, part)) for guess in found), default=0) for part in ("path", "target"))
    lines += ["", *(f"  {guess.path:<{left}}  {guess.target:<{right}}  {_example(guess.values)}".rstrip() for guess in found)]
    told = [*made.advice, *(f"line {letter['line']}: {letter['code']}: {letter['reason']}" for letter in letters[:_SHOWN])]
    if told:
        lines += ["", "look at:", *(f"  {each}" for each in told)]
    dataset = understood.dataset
    sample = next(name for name in made.files if name.startswith("samples/first.") and not name.endswith(".yml"))
    steps = {
        f"siem explain {dataset} {folder}/{sample}": "which line of pipeline.yml made which field",
        f"edit {folder}/pipeline.yml": "title, summary, names, kinds; docs/pipeline-language.md",
        f"siem test {dataset} --update": "after every edit; then look at samples/first.expected.json",
        "siem build && siem check && siem test": "templates, dashboard, README; all must be well",
    }
    wide = max(map(len, steps))
    return [*lines, "", "next:", *(f"  {step:<{wide}}  {why}" for step, why in steps.items())]


def _example(values: Sequence[str]) -> str:
    value = " ".join(values[0].split()) if values else ""
    return value if len(value) <= _WIDEST else value[: _WIDEST - 1] + "…"
