"""``siem hunt``: a rule over what lies in OpenSearch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.check import show_faults
from service.cli.config import config_option, where_from
from service.cli.when import WHEN
from service.errors import Backpressure, ContentError, ContentErrors

if TYPE_CHECKING:
    from service.detect.ruleset import RuleSet
    from service.offline.hunt import Asked, Hunt
    from service.offline.hunted import Row
    from service.settings import Settings


@dataclass(frozen=True, slots=True)
class How:
    """The options."""

    since_ms: int
    until_ms: int
    project: str | None
    limit: int
    slices: int
    repeats: bool
    plan: bool
    fail: bool
    as_json: bool


@dataclass(slots=True)
class Result:
    """What came of a hunt."""

    asked: list[Asked]
    rows: list[Row] = field(default_factory=list)
    shown: int = 0
    candidates: int = 0
    matches: int = 0
    known: int = 0


@click.command()
@config_option
@click.option("--since", "since_ms", type=WHEN, default="30d", show_default=True, help="Events since: 24h, 30d, 2026-12-01, …")
@click.option("--until", "until_ms", type=WHEN, help="Events before; default: now, and a day for clocks that are ahead.")
@click.option("--project", metavar="P", help="Only this project's.")
@click.option("--rules", "roots", multiple=True, type=click.Path(path_type=Path), help="Further folder of rules; repeatable.")
@click.option(
    "--limit", default=200, show_default=True, type=click.IntRange(min=0), help="Matches to show; all are counted. 0: all."
)
@click.option("--all", "repeats", is_flag=True, help="Of first-seen rules also what was seen before in the same time.")
@click.option(
    "--slices", default=2, show_default=True, type=click.IntRange(1, 16), help="Parts in which OpenSearch reads at once."
)
@click.option("--plan", is_flag=True, help="Only what OpenSearch is asked, and how many candidates that gives.")
@click.option("--fail", is_flag=True, help="Exit with 1 when anything matches.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a match, as it is found.")
@click.argument("rule", metavar="RULE")
@click.pass_context
def command(
    ctx: click.Context, config: Path | None, roots: tuple[Path, ...], rule: str, *, until_ms: int | None, since_ms: int,
    project: str | None, limit: int, slices: int, repeats: bool, plan: bool, fail: bool, as_json: bool,
) -> None:  # fmt: skip
    """Look for what RULE describes in the events of the past: its id, name, title or file, or a folder of Sigma rules.

    OpenSearch finds candidates; the rule itself decides, as it does in the stream. Needs no right but to read.

    Exit code 0, with --fail 1 when anything matches, 2 when there is no such rule or OpenSearch does not say all of it.
    """
    from service.clock import SystemClock
    from service.settings import load_settings

    until = SystemClock().now_ms() + 86_400_000 if until_ms is None else until_ms
    how = How(since_ms, until, project, limit, slices, repeats, plan, fail, as_json)
    try:
        settings = load_settings(config)
        rules = _rules(settings, roots, rule)
        result = asyncio.run(_hunt(settings, rules, how))
    except ContentErrors as errors:
        show_faults(errors.faults, err=True)
        ctx.exit(2)
    except ContentError as error:
        show_faults([error], err=True)
        ctx.exit(2)
    except Backpressure as busy:
        click.echo(f"{', '.join(settings.opensearch.urls)}: {busy.reason} {where_from(config, 'opensearch.urls')}", err=True)
        ctx.exit(2)
    _show(result, rules, how)
    ctx.exit(1 if fail and result.matches else 0)


def _rules(settings: Settings, roots: tuple[Path, ...], name: str) -> RuleSet:
    """The rules that are meant; raises ContentErrors where there is none, or none that can be run."""
    from service.cli.content import wanted_pipelines
    from service.content import find_content
    from service.detect.chosen import abouts, below, named, only
    from service.errors import Place
    from service.offline.detect import rules_for
    from service.yaml_errors import closest

    path = Path(name)
    folders = [find_content().detections, *settings.detect.rules, *roots]
    inside = any(path.resolve().is_relative_to(folder.resolve()) for folder in folders)
    if path.exists() and not inside:
        folders.append(path)
    rules = rules_for(folders, wanted_pipelines(None))
    if found := below(rules, path) if path.exists() else named(rules, name):
        return only(rules, found)
    mine = [fault for fault in rules.faults if path.exists() and Path(fault.place.file).resolve().is_relative_to(path.resolve())]
    for each in rules.unusable:
        about = each.about
        if name in (about.id, about.name, about.title) or (
            path.exists() and Path(about.place.file).resolve().is_relative_to(path.resolve())
        ):
            mine.append(each.fault())
    if not mine:
        known = [text for about in abouts(rules) for text in (about.name, about.title, Path(about.place.file).stem) if text]
        hint = closest(name, known) or "a rule's id, name, title or file, or a folder of Sigma rules"
        mine.append(ContentError(Place(str(folders[0])), "unknown_rule", f"no rule is called {name}", hint))
    raise ContentErrors("no such rule", mine)


async def _hunt(settings: Settings, rules: RuleSet, how: How) -> Result:
    from service.offline.hunt import Hunt
    from service.offline.hunted import row_of
    from service.sink.opensearch.client import connect, machine_keys
    from service.sink.opensearch.history import History, Span

    client = connect(settings.opensearch, keys=await asyncio.to_thread(machine_keys, settings.opensearch))
    try:
        hunt = Hunt(rules, History(client), Span(how.since_ms, how.until_ms), how.project, repeats=how.repeats)
        asked = await hunt.plan()
        result = Result(asked)
        if how.plan or not asked:
            return result
        async with _progress(hunt, asked, how) as advance, aclosing(hunt.run(asked, how.slices)) as found:
            async for several in found:
                for one in several:
                    if how.limit and result.shown >= how.limit:
                        break
                    result.shown += 1
                    row = row_of(one, settings.opensearch.dashboards_url)
                    if how.as_json:
                        click.echo(row.as_json())
                    else:
                        result.rows.append(row)
                advance()
        result.candidates, result.matches, result.known = hunt.tally.candidates, hunt.tally.matches, hunt.tally.known
        return result
    finally:
        await client.close()


@asynccontextmanager
async def _progress(hunt: Hunt, asked: list[Asked], how: How) -> AsyncIterator[Callable[[], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("hunting"), BarColumn(), MofNCompleteColumn(), TextColumn("candidates, {task.fields[matches]:,} matches"),
        TimeRemainingColumn(),
    )  # fmt: skip
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=how.as_json or not console.is_terminal) as progress:
        bar = progress.add_task("", total=sum(one.candidates for one in asked), matches=0)
        yield lambda: progress.update(bar, completed=hunt.tally.candidates, matches=hunt.tally.matches)


def _show(result: Result, rules: RuleSet, how: How) -> None:
    from service.offline.hunted import printed

    if how.plan:
        _show_plan(result.asked, how)
    elif result.rows and not how.as_json:
        printed(result.rows)
    events, candidates = sum(one.events for one in result.asked), sum(one.candidates for one in result.asked)
    silent = rules.joins.silent
    wanted = [
        [each for each in ids if each not in silent] for ids in ([rule.id for rule in rules.rules], rules.joins.correlations)
    ]
    numbers = [
        f"{len(wanted[0]):,} rules, {len(wanted[1]):,} correlations",
        f"{sum(one.indices for one in result.asked):,} indices, {events:,} events",
        f"{candidates if how.plan else result.candidates:,} candidates",
    ]
    if not how.plan:
        few = f" ({result.shown:,} shown)" if result.shown < result.matches else ""
        numbers.append(f"{result.matches:,} matches{few}")
        if result.known:
            numbers.append(f"{result.known:,} of first-seen rules that were not new (--all shows them)")
    click.echo("; ".join(numbers), err=True)
    if not how.plan and not how.as_json:
        for one in result.asked:
            if not one.queries:
                why = "; ".join(dict.fromkeys(one.open)) or "the rule asks for nothing that is indexed"
                click.echo(f"{one.dataset}: every event was a candidate: {why}", err=True)


def _show_plan(asked: list[Asked], how: How) -> None:
    import orjson

    for one in asked:
        if how.as_json:
            click.echo(
                orjson.dumps(
                    {
                        "dataset": one.dataset, "indices": one.pattern, "events": one.events, "candidates": one.candidates,
                        "queries": one.queries, "open": one.open,
                    }
                )
            )  # fmt: skip
            continue
        click.echo(
            f"{one.dataset} ({one.pattern}): {one.candidates:,} candidates of {one.events:,} events in {one.indices} indices"
        )
        for query in one.queries or ["*:*"]:
            click.echo(f"  {query}")
        for what in dict.fromkeys(one.open):
            click.echo(f"  not asked: {what}")
