"""``siem replay dead-letters``, or ``siem replay`` alone: what could not be used, once more."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.check import show_faults
from service.cli.config import config_option, where_from
from service.errors import Backpressure, ContentErrors

if TYPE_CHECKING:
    from service.settings import Settings
    from service.sink.opensearch.bulk import BulkSink
    from service.sink.replay import Attempt, Choice, Retrial, Stored, Tally

_SPAN = re.compile(r"[1-9][0-9]{0,4}[smhdw]")


@click.command()
@click.option("--dataset", metavar="D", help="Only those routed to this dataset.")
@click.option("--code", metavar="C", help="Only those with this code (too_few_columns, mapper_parsing_exception …).")
@click.option("--stage", metavar="S", help="Only those this stage gave up on: decode, route, parse, normalise, sink.")
@click.option("--project", metavar="P", help="Only those of this project.")
@click.option("--environment", metavar="E", help="Only those of this environment.")
@click.option("--pipeline-version", "version", metavar="V", help="Only those this pipeline version gave up on.")
@click.option("--since", metavar="WHEN", help="Arrived since: 30m, 12h, 7d, or an ISO time.")
@click.option("--until", metavar="WHEN", help="Arrived before: the same.")
@click.option("--again", is_flag=True, help="Also those that a replay has dealt with already.")
@click.option("--dry-run", is_flag=True, help="Carry them through the pipelines, write nothing.")
@click.option("--json", "as_json", is_flag=True, help="The counts as JSON.")
@config_option
def command(*, dry_run: bool, as_json: bool, config: Path | None, **chosen: Any) -> None:
    """Try dead letters again: what works now is indexed under the id it would have had, and marked as replayed.

    Alerts that no channel took (stage notify) are left alone: they are no events.
    Exits 1 when something is still dead. Running it twice changes nothing.
    """
    from opensearchpy import exceptions as oe

    from service.settings import load_settings
    from service.sink.replay import NO_EVENT, Choice

    ctx = click.get_current_context()
    if chosen["stage"] == NO_EVENT:
        raise click.BadParameter(
            "they hold alerts that no channel took, not events; `siem alerts list` shows the alerts", param_hint="--stage"
        )
    choice = Choice(**{**chosen, "since": _when(chosen["since"]), "until": _when(chosen["until"])})
    try:
        settings = load_settings(config)
        tally = asyncio.run(_replay(settings, choice, dry_run=dry_run, quiet=as_json))
    except ContentErrors as errors:
        show_faults(errors.faults, err=True)
        ctx.exit(2)
    except oe.TransportError as failed:
        said = "does not answer" if failed.status_code == "N/A" else f"answered {failed.status_code} {failed.error}"
        hint = where_from(config, "opensearch.urls")
        click.echo(f"{', '.join(settings.opensearch.urls)}: OpenSearch {said} {hint}", err=True)
        ctx.exit(2)
    except Backpressure as busy:
        click.echo(busy.reason, err=True)
        ctx.exit(2)
    _show(tally, dry_run=dry_run, as_json=as_json)
    ctx.exit(1 if tally.letters["dead"] or tally.letters["unreadable"] else 0)


def _when(text: str | None) -> str | None:
    """A span before now becomes a date expression; anything else is a time as it stands."""
    return f"now-{text}" if text is not None and _SPAN.fullmatch(text) else text


async def _replay(settings: Settings, choice: Choice, *, dry_run: bool, quiet: bool) -> Tally:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from service.clock import SystemClock
    from service.ledger.book import Book
    from service.ledger.replayed import page_of
    from service.sink.dead_letter import IndexDeadLetters
    from service.sink.opensearch.bulk import BulkSink
    from service.sink.opensearch.client import connect, machine_keys
    from service.sink.opensearch.endpoint import Endpoint
    from service.sink.opensearch.indices import TemplateKeeper
    from service.sink.opensearch.limits import BulkLimits
    from service.sink.replay import LetterIndex, Tally

    retrial, clock, tally = _retrial(settings), SystemClock(), Tally()
    client = connect(settings.opensearch, keys=machine_keys(settings.opensearch))
    try:
        index, endpoint, keeper = LetterIndex(client), Endpoint(client), TemplateKeeper(client)
        letters, book = IndexDeadLetters(endpoint, keeper, clock.now_ms), Book(endpoint, keeper, clock.now_ms)
        await index.refresh()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), disable=quiet) as progress:
            bar = progress.add_task("dry run" if dry_run else "replaying", total=await index.count(choice))
            async with BulkSink(endpoint, letters, keeper, limits=BulkLimits(longest_wait=0.05)) as sink:
                async for page in index.pages(choice):
                    attempts = _attempts(page, retrial, clock.now_ms(), tally)
                    if dry_run:
                        _foresee(attempts, tally)
                    else:
                        await _carry_out(attempts, sink, tally)
                        await letters.send([again for _, attempt in attempts for again in attempt.dead])
                        await book.write([page_of(one.letter, attempt) for one, attempt in attempts if one.letter is not None])
                        marks = [(one, attempt.fate(), ",".join(sorted(attempt.versions))) for one, attempt in attempts]
                        await index.mark(marks, clock.now_ms())
                    progress.advance(bar, len(page))
        if not dry_run:
            await index.refresh()
    finally:
        await client.close()
    return tally


def _retrial(settings: Settings) -> Retrial:
    from service.loading import load_content
    from service.sink.replay import Retrial
    from service.telemetry.log import configure_aside

    configure_aside(settings.secrets())
    content = load_content(settings)
    return Retrial(content.router, content.pipelines)


def _attempts(page: list[Stored], retrial: Retrial, now_ms: int, tally: Tally) -> list[tuple[Stored, Attempt]]:
    tally.letters["unreadable"] += sum(stored.letter is None for stored in page)
    return [(stored, retrial.attempt(stored.letter, now_ms)) for stored in page if stored.letter is not None]


def _foresee(attempts: list[tuple[Stored, Attempt]], tally: Tally) -> None:
    for _, attempt in attempts:
        tally.add(attempt, "dead" if attempt.dead else "would be indexed" if attempt.parcels else "dropped")


async def _carry_out(attempts: list[tuple[Stored, Attempt]], sink: BulkSink, tally: Tally) -> None:
    parcels = [parcel for _, attempt in attempts for parcel in attempt.parcels]
    for parcel in parcels:
        await sink.put(parcel)
    await asyncio.gather(*(parcel.done for parcel in parcels))
    for _, attempt in attempts:
        tally.add(attempt, attempt.fate())


def _show(tally: Tally, *, dry_run: bool, as_json: bool) -> None:
    fates = {fate: count for fate, count in sorted(tally.letters.items()) if count}
    if as_json:
        click.echo(json.dumps({"letters": fates, "dead_again": dict(tally.codes), "dry_run": dry_run}))
        return
    if not fates:
        click.echo("no dead letters to replay")
    for fate, count in fates.items():
        click.echo(f"{count:>8}  {fate.replace('_', ' ')}")
    for code, count in tally.codes.most_common(20):
        click.echo(f"{count:>8}    {code}")
