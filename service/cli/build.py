"""``siem build``: write the generated files, or say which are stale."""

from __future__ import annotations

import click

from service.cli.check import show_faults
from service.errors import ContentErrors


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a generated file is not fresh.")
@click.pass_context
def command(ctx: click.Context, *, check: bool) -> None:
    """Generate schemas, READMEs, index templates and saved objects."""
    from service.build.artefact import artefacts, leftovers
    from service.content import find_content
    from service.pipeline.load import load_pipelines

    try:
        content = find_content()
        made = list(artefacts(content, load_pipelines(content.pipelines)))
    except ContentErrors as errors:
        show_faults(errors.faults, err=True)
        ctx.exit(1)
    stale = [artefact for artefact in made if not artefact.fresh]
    gone = list(leftovers(content, {artefact.path for artefact in made}))
    for path in [*(artefact.path for artefact in stale), *gone]:
        click.echo(f"{'stale' if check else 'wrote' if path not in gone else 'removed'} {path.relative_to(content.root)}")
    if check:
        if stale or gone:
            click.echo("run: siem build", err=True)
        ctx.exit(1 if stale or gone else 0)
    for artefact in stale:
        artefact.write()
    for path in gone:
        path.unlink()
    click.echo(f"{len(made)} generated files are fresh", err=True)
