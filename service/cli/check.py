"""``siem check``: what people wrote, checked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.errors import ContentError, ContentErrors

if TYPE_CHECKING:
    from service.lint.everything import Findings


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--rules", "others", type=click.Path(path_type=Path, exists=True), help="Rules of others: which can be run here?")
@click.pass_context
def command(ctx: click.Context, path: Path | None, others: Path | None) -> None:
    """Lint pipelines, tuning, fields, dashboards, streams, projects, lists, settings.

    PATH is a content folder, a source folder or a file; without it, the nearest content folder.
    Prints ``file:line:col code: message (hint)``; exits 1 when anything was found. With --rules only the rules there
    are looked at, and each that cannot be run here is named with the reason; so is each wildcard that was probably meant
    as a letter. Exits 1 when one is not valid Sigma.
    """
    if others is not None:
        ctx.exit(_check_others(others))
    from service.lint.everything import check_path

    try:
        findings = check_path(path)
        findings.faults.extend(_dashboard_faults(findings))
    except ContentErrors as errors:
        show_faults(errors.faults)
        ctx.exit(1)
    show_faults(findings.faults)
    words = f"{len(findings.faults)} faults" if findings.faults else "nothing to complain about"
    click.echo(f"{findings.pipelines} pipelines, {findings.files} deployment files: {words}", err=True)
    ctx.exit(1 if findings.faults else 0)


def _check_others(folder: Path) -> int:
    """Say which rules of others cannot be run, and why; 1 when one of them is wrong."""
    from service.cli.content import wanted_pipelines
    from service.content import find_content
    from service.detect.ruleset import rule_files
    from service.lint.wildcards import doubtful_wildcards
    from service.offline.detect import rules_for

    here = folder.resolve()
    try:
        rules = rules_for([find_content().detections, here], wanted_pipelines(None))
    except ContentErrors as errors:
        show_faults(errors.faults)
        return 1

    def is_theirs(file: str) -> bool:
        return Path(file).resolve().is_relative_to(here)

    faults = [fault for fault in rules.faults if is_theirs(fault.place.file)]
    unusable = [each for each in rules.unusable if is_theirs(each.about.place.file)]
    abouts = [rule.about for rule in rules.rules] + [each.about for each in rules.joins.correlations.values()]
    runs = [about for about in abouts if is_theirs(about.place.file)]
    doubts = [doubt for path in rule_files(here) for doubt in doubtful_wildcards(path)]
    show_faults([*faults, *(each.fault() for each in unusable), *doubts])
    click.echo(
        f"{len(runs)} rules can be run, {len(unusable)} cannot, {len(faults)} faults, {len(doubts)} doubtful wildcards", err=True
    )
    return 1 if faults else 0


def _dashboard_faults(findings: Findings) -> list[ContentError]:
    """What is wrong with the dashboards of what was checked; they need every pipeline to be right."""
    from service.build.saved_objects import saved_objects
    from service.pipeline.load import load_pipelines

    if findings.content is None:
        return []
    try:
        saved_objects(findings.content, load_pipelines(findings.content.pipelines))
    except ContentErrors as errors:
        faults = [fault for fault in errors.faults if Path(fault.place.file).name != "pipeline.yml"]
        if findings.below is None:
            return faults
        below = findings.below.resolve()
        return [fault for fault in faults if Path(fault.place.file).resolve().is_relative_to(below)]
    return []


def show_faults(faults: list[ContentError], *, err: bool = False) -> None:
    """One line a fault; files as seen from here."""
    here = f"{Path.cwd()}{os.sep}"
    for fault in faults:
        click.echo(str(fault).removeprefix(here), err=err)
