"""``siem replay files``: files of logs into the indices of a project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.config import config_option
from service.cli.replaying import How, Replay, options, run
from service.cli.when import WHEN

if TYPE_CHECKING:
    from service.replay.files import Whose


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…", type=click.Path(path_type=Path, exists=True))
@click.option("--project", required=True, metavar="P", help="Whose events they are: a project of streams.yml.")
@click.option("--env", "environment", required=True, metavar="E", help="Its environment.")
@click.option("--dataset", metavar="D", help="All of it is of this dataset; without it, content decides.")
@click.option("--columns", metavar="LIST", help="Column names of text that has no header line, in order.")
@click.option("--arrived", type=WHEN, metavar="WHEN", help="When the events count as arrived; default: the file's time.")
@options
@config_option
def command(
    paths: tuple[Path, ...],
    project: str,
    environment: str,
    dataset: str | None,
    columns: str | None,
    arrived: int | None,
    config: Path | None,
    **how: Any,
) -> None:
    """Send files (and folders of them) through the service: what ``siem parse`` reads, plain, gzip or zstd.

    Events with an id of their own (CloudTrail, CloudWatch Logs) that were read from a stream before are there already.
    Others get ids from the file's content: the same file twice doubles nothing, whatever it is called. The time of arrival
    decides the index of events without a usable time.
    """

    async def work(replay: Replay) -> None:
        from service.replay.files import Whose

        _check(replay, project, environment, dataset)
        await _replay(replay, paths, Whose(project, environment, arrived, dataset, columns))

    run(config, How(**how), work)


def _check(replay: Replay, project: str, environment: str, dataset: str | None) -> None:
    """Raise ContentErrors for what nobody declared: a slip of the hand must not make indices."""
    from pydantic import TypeAdapter, ValidationError

    from service.errors import ContentError, ContentErrors, Place
    from service.source.streams import Environment, ProjectId
    from service.yaml_errors import closest

    faults = []
    streams = replay.content.streams
    name = f"{project}/{environment}"
    if streams is not None:
        known = sorted({f"{each.id}/{each.environment}" for each in streams.projects})
        if name not in known:
            hint = closest(name, known) or f"there are: {', '.join(known)}"
            faults.append(ContentError(Place("streams.yml"), "unknown_project", f"no project is called {name}", hint))
    try:
        TypeAdapter(ProjectId).validate_python(project)
        TypeAdapter(Environment).validate_python(environment)
    except ValidationError:
        faults.append(ContentError(Place("--project"), "bad_value", f"{name} cannot be part of an index name"))
    datasets = sorted(replay.content.pipelines)
    if dataset is not None and dataset not in datasets:
        hint = closest(dataset, datasets) or f"there are: {', '.join(datasets)}"
        faults.append(ContentError(Place("--dataset"), "unknown_dataset", f"no dataset is called {dataset}", hint))
    if faults:
        raise ContentErrors("cannot replay files", faults)


async def _replay(replay: Replay, paths: tuple[Path, ...], whose: Whose) -> None:
    from service.event import encode
    from service.replay.conveyor import Message
    from service.replay.files import files_in, loads
    from service.sink.letter import letter_id

    files = files_in(paths)
    total = sum(path.stat().st_size for path in files) or 1
    before, now_ms = 0, replay.clock.now_ms()
    for path in files:
        size = path.stat().st_size
        for load in loads(path, whose, replay.foresight, now_ms, replay.settings.process.message_bytes):
            messages = [Message(replay.names.dead_letters, encode(letter), letter_id(letter).encode()) for letter in load.letters]
            if load.raw is not None:
                messages.append(Message(replay.names.raw(load.raw.dataset), encode(load.raw)))
            if load.page is not None:
                stream = (load.page.project, load.page.environment, load.page.stream)
                messages.append(Message(replay.names.ledger, encode(load.page), "\0".join(stream).encode()))
            await replay.put(load.foreseen, messages, before / total)
        before += size
