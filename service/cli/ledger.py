"""``siem ledger``: what was read, what became of it, and whether it adds up."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.check import show_faults
from service.cli.config import config_option, say_it_once, where_from
from service.cli.when import WHEN
from service.errors import ContentErrors

if TYPE_CHECKING:
    from rich.table import Table

    from service.ledger.audit import Choice, Line, OpenSheet
    from service.ledger.verdict import Verdict
    from service.settings import Settings

_EXITS = {"balanced": 0, "unaccounted": 1, "cannot tell": 2}
_SHOWN = 20


@click.command()
@click.option("--project", metavar="P", help="Only this project.")
@click.option("--environment", metavar="E", help="Only this environment.")
@click.option("--stream", metavar="S", help="Only this Kinesis stream.")
@click.option("--dataset", metavar="D", help="Only events that went to this dataset.")
@click.option("--since", "since_ms", type=WHEN, help="Arrived in Kinesis since: 30m, 12h, 7d, or an ISO time. Default: ever.")
@click.option("--until", "until_ms", type=WHEN, help="Arrived before: the same.")
@click.option("--wait", "wait_seconds", type=float, default=0.0, metavar="SECONDS", help="Wait so long for what is on its way.")
@click.option("--patience", type=float, default=600.0, show_default=True, metavar="SECONDS", help="In flight for longer: exit 2.")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON.")
@config_option
def command(*, wait_seconds: float, patience: float, as_json: bool, config: Path | None, **chosen: Any) -> None:
    """What was read and what became of it, by stream and dataset, across restarts, crashes and replays.

    Exit code 0: balanced, every event that was read has its fate. 1: something is unaccounted for. 2: cannot tell (nothing
    answers, or too much is still on its way). The last line says what to do next.
    """
    from opensearchpy import exceptions as oe

    from service.ledger.audit import Choice
    from service.settings import load_settings

    ctx = click.get_current_context()
    say_it_once()
    try:
        settings = load_settings(config)
        verdict = asyncio.run(_ask(settings, Choice(**chosen), wait_seconds, patience))
    except ContentErrors as errors:
        show_faults(errors.faults, err=True)
        ctx.exit(2)
    except oe.OpenSearchException as failed:
        hint = where_from(config, "opensearch.urls")
        click.echo(f"{', '.join(settings.opensearch.urls)}: OpenSearch does not say ({type(failed).__name__}) {hint}", err=True)
        ctx.exit(2)
    except OSError as failed:
        hint = where_from(config, "kafka.servers")
        click.echo(f"no broker of {', '.join(settings.kafka.servers)} answers {hint}: {failed}", err=True)
        ctx.exit(2)
    if as_json:
        click.echo(json.dumps(_facts(verdict), indent=2))
    else:
        _show(verdict)
    ctx.exit(_EXITS[verdict.answer])


async def _ask(settings: Settings, choice: Choice, wait_seconds: float, patience: float) -> Verdict:
    from service.agents.lag import LagMeter
    from service.agents.topics import TopicNames
    from service.clock import SystemClock
    from service.ledger.audit import Audit
    from service.ledger.verdict import Judge, Topics
    from service.sink.opensearch.client import connect, machine_keys

    clock, names = SystemClock(), TopicNames(settings.kafka.topic_prefix)
    client = connect(settings.opensearch, keys=machine_keys(settings.opensearch))
    try:
        async with LagMeter(settings.kafka, clock) as queue:
            topics = Topics(names.records, names.raw(""), names.ledger)
            judge = Judge(Audit(client), queue, topics, clock, patience_seconds=patience)
            return await judge.verdict(choice, wait_seconds=wait_seconds)
    finally:
        await client.close()


def _facts(verdict: Verdict) -> dict[str, Any]:
    return {
        "answer": verdict.answer,
        "why": verdict.why,
        "next": verdict.advice,
        "unaccounted": verdict.unaccounted,
        "lines": [asdict(line) for line in verdict.lines],
        "unaccounted_for": [_sheet(sheet) for sheet in verdict.lost],
        "on_their_way": [_sheet(sheet) for sheet in verdict.moving],
    }


def _sheet(sheet: OpenSheet) -> dict[str, Any]:
    return {**asdict(sheet), "minute": _minute(sheet), "pending": sorted(sheet.pending)}


def _minute(sheet: OpenSheet) -> str:
    from service.ledger.sheet import iso

    return iso(sheet.minute_ms)[:16] + "Z"


def _show(verdict: Verdict) -> None:
    from rich.console import Console

    console = Console()
    if verdict.lines:
        console.print(table(verdict.lines))
    for title, sheets in (
        ("unaccounted for", verdict.lost),
        ("on their way", verdict.moving if verdict.answer != "balanced" else []),
    ):
        for sheet in sheets[:_SHOWN]:
            what = f"{sheet.events:,} events of {sheet.dataset}" if sheet.dataset else f"{sheet.records:,} records"
            click.echo(f"{title}: {what}, {sheet.project}/{sheet.environment} {sheet.stream}, arrived {_minute(sheet)}")
        if len(sheets) > _SHOWN:
            click.echo(f"{title}: … and {len(sheets) - _SHOWN} minutes more")
    click.echo(f"{verdict.answer}: {verdict.why}")
    if verdict.advice:
        click.echo(f"next: {verdict.advice}")


def table(lines: list[Line]) -> Table:
    """The sums, a line for each dataset of a stream; rules and codes below their line."""
    from rich.table import Table

    shown = Table("project", "stream", "dataset", box=None)
    columns = {
        "records": "records", "events": "events", "indexed": "indexed", "already_there": "already there",
        "dropped_total": "dropped", "dead_lettered": "dead letters", "in_flight": "in flight",
    }  # fmt: skip
    for title in columns.values():
        shown.add_column(title, justify="right")
    for line in lines:
        sums = dict(line.sums)
        # A record that is not decoded yet is one thing in flight; of a dataset there are no records.
        sums["in_flight"] += sums["records_in_flight"]
        where = f"{line.project}/{line.environment}"
        replayed = "" if line.source == "stream" else f" ({line.source})"
        cells = [f"{sums[name]:,}" if sums[name] or name in {"events", "in_flight"} else "" for name in columns]
        shown.add_row(where, line.stream, (line.dataset or "–") + replayed, *cells)
        for title, counts in (("dropped_total", line.dropped), ("dead_lettered", line.dead)):
            at = list(columns).index(title)
            for name, count in sorted(counts.items(), key=lambda item: -item[1]):
                shown.add_row("", "", f"  {name}", *("" for _ in range(at)), f"[dim]{count:,}[/dim]")
    return shown
