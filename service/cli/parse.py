"""``siem parse``: raw logs in, ECS documents out."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from service.cli.check import show_faults
from service.cli.content import offline_player
from service.errors import ContentErrors

_MOST = 2 << 30
"""Bytes one input may have."""


@click.command()
@click.option("--dataset", metavar="D", help="All of it is of this dataset; without it, content decides.")
@click.option("--columns", metavar="LIST", help="Column names of text that has no header line, in order.")
@click.option("--geoip", "geoip", multiple=True, type=click.Path(path_type=Path), help="MMDB file; may be repeated.")
@click.option("--lists", type=click.Path(path_type=Path), help="lists.yml of threat lists.")
@click.option("--projects", type=click.Path(path_type=Path), help="projects.yml of accounts and their owners.")
@click.argument("file", metavar="FILE|-", type=click.Path(path_type=Path, allow_dash=True))
@click.pass_context
def command(
    ctx: click.Context,
    dataset: str | None,
    columns: str | None,
    geoip: tuple[Path, ...],
    lists: Path | None,
    projects: Path | None,
    file: Path,
) -> None:
    """Print one JSON object a document; dead letters as JSON lines on stderr.

    Reads JSON (one value, lines, concatenated, an array, an envelope), text lines or Parquet, plain, gzip or zstd. ``line``
    is the 1-based line an event begins at, or its number where the input is one array, envelope or Parquet file.
    """
    data = read_input(ctx, file)
    from service.offline.play import Dead

    try:
        player = offline_player(dataset, geoip, lists, projects)
        # UTF-8 whatever the locale; a lone surrogate leaves as the JSON escape it came as.
        out = click.get_text_stream("stdout", "utf-8", "backslashreplace")
        err = click.get_text_stream("stderr", "utf-8", "backslashreplace")
        for played in player.play(data, dataset, columns=columns):
            if isinstance(played, Dead):
                err.write(played.text() + "\n")
                continue
            out.writelines(document.text() + "\n" for document in played.documents)
            err.writelines(dead.text() + "\n" for dead in (*played.dead, *played.dropped))
        out.flush()
    except ContentErrors as errors:
        show_faults(errors.faults, err=True)
        ctx.exit(2)
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python would complain once more while it shuts down.
        sys.stdout = None
        ctx.exit(0)


def read_input(ctx: click.Context, file: Path) -> bytes:
    """All bytes of a file or, for ``-``, of stdin; ends with exit code 2 when they cannot be read."""
    try:
        if str(file) == "-":
            data = sys.stdin.buffer.read(_MOST + 1)
        else:
            with file.open("rb") as stream:
                data = stream.read(_MOST + 1)
    except OSError as error:
        click.echo(f"{file}: {error.strerror}", err=True)
        ctx.exit(2)
    if len(data) > _MOST:
        click.echo(f"{file}: larger than {_MOST} bytes", err=True)
        ctx.exit(2)
    return data
