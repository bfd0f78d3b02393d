"""``siem rules``: how the rules fare, and which may be promoted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.check import show_faults
from service.cli.config import config_option
from service.cli.when import WHEN
from service.errors import Backpressure, ContentErrors
from service.lint.promotion import EXPENSIVE_US, NOISY_A_DAY

if TYPE_CHECKING:
    from service.offline.standing import Running, Standing
    from service.settings import Settings

_ASKED = 5.0
"""Seconds for the service to answer."""


@click.group(invoke_without_command=True)
@config_option
@click.option("--since", "since_ms", type=WHEN, default="7d", show_default=True, help="Alerts since: 24h, 7d, 2026-12-01, …")
@click.option("--status", type=click.Choice(["stable", "test", "experimental"]), help="Only those of this status.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a rule.")
@click.pass_context
def command(ctx: click.Context, config: Path | None, *, since_ms: int, status: str | None, as_json: bool) -> None:
    """Every rule: status, level, matches, what is suppressed, cost in µs an event, alerts.

    Matches, suppressions and costs are those of the service since it started, as its status page knows them; alerts are those
    in OpenSearch. What does not answer is left out, and said.
    """
    if ctx.invoked_subcommand is not None:
        return
    found = [each for each in _standings(ctx, config, since_ms) if status in (None, each.about.status)]
    found.sort(key=lambda each: (-(each.matches or 0), -(each.alerts or 0), each.about.title))
    if as_json:
        import orjson

        for each in found:
            click.echo(orjson.dumps(each.as_json()).decode())
        return
    row = "{:<56} {:<12} {:<13} {:>9} {:>10} {:>9} {:>7}"
    click.echo(row.format("rule", "status", "level", "matches", "suppressed", "µs/event", "alerts"))
    for each in found:
        cost = None if each.microseconds is None else f"{each.microseconds:.3f}"
        cells = (each.about.title[:56], each.about.status, each.about.level, each.matches, each.suppressed, cost, each.alerts)
        click.echo(row.format(*("–" if cell is None else str(cell) for cell in cells)))


@command.command("promote")
@config_option
@click.option(
    "--check",
    is_flag=True,
    required=True,
    expose_value=False,
    help="Say whether they may be promoted; the file is changed by its author.",
)
@click.option(
    "--noisy", default=NOISY_A_DAY, show_default=True, type=click.FloatRange(min=0), help="Matches a day that are too many."
)
@click.option(
    "--expensive", default=EXPENSIVE_US, show_default=True, type=click.FloatRange(min=0), help="µs an event that are too many."
)
@click.argument("names", metavar="[RULE]…", nargs=-1)
@click.pass_context
def promote(ctx: click.Context, config: Path | None, *, noisy: float, expensive: float, names: tuple[str, ...]) -> None:
    """Say of RULEs (ids, names, titles, files; without them all that are not stable) what keeps them from status: stable.

    Exit code 0: nothing does. 1: something does. 2: there is no such rule.
    """
    from service.lint.promotion import hindrances

    standings = _standings(ctx, config, None)
    wanted = [each for each in standings if each.about.status != "stable"]
    if names:
        known = {name: [each for each in standings if _is(each, name)] for name in names}
        if missing := [name for name, found in known.items() if not found]:
            click.echo(f"no rule is called {', '.join(missing)}", err=True)
            ctx.exit(2)
        wanted = [each for found in known.values() for each in found]
    hindered = 0
    for each in wanted:
        reasons = list(hindrances(each.about, each.record, noisy=noisy, expensive=expensive))
        hindered += bool(reasons)
        seen = "" if each.matches is None else f" ({each.matches} matches, {each.record.matches_a_day:g} a day)"
        click.echo(f"{each.about.title}: {'; '.join(reasons) or 'may be stable'}{seen}")
    click.echo(f"{len(wanted)} rules, {hindered} not ready", err=True)
    ctx.exit(1 if hindered else 0)


def _is(each: Standing, name: str) -> bool:
    about = each.about
    return name in (about.id, about.name, about.title, Path(about.place.file).stem, about.place.file)


def _standings(ctx: click.Context, config: Path | None, since_ms: int | None) -> list[Standing]:
    """Every rule and correlation that alerts or counts by itself; ``since_ms`` None: alerts are not asked for."""
    from service.cli.content import wanted_pipelines
    from service.content import find_content
    from service.detect.chosen import abouts, only
    from service.offline.detect import rules_for
    from service.offline.standing import standing
    from service.settings import load_settings

    try:
        settings = load_settings(config)
        rules = rules_for([find_content().detections, *settings.detect.rules], wanted_pipelines(None))
    except ContentErrors as errors:
        show_faults(errors.faults, err=True)
        ctx.exit(2)
    running, alerts = asyncio.run(_ask(settings, since_ms))
    return [
        standing(about, sorted(only(rules, [about]).resolved), running, alerts)
        for about in abouts(rules)
        if about.id not in rules.joins.silent
    ]


async def _ask(settings: Settings, since_ms: int | None) -> tuple[Running | None, Mapping[str, Mapping[str, int]] | None]:
    running = await _running(settings)
    if since_ms is None:
        return running, None
    try:
        return running, await _alerts(settings, since_ms)
    except Backpressure as busy:
        click.echo(f"{', '.join(settings.opensearch.urls)}: {busy.reason}: no alerts are shown", err=True)
        return running, None


async def _running(settings: Settings) -> Running | None:
    import aiohttp

    from service.offline.standing import Running

    admin = settings.admin
    url = f"http://{admin.bind}:{admin.port}/status.json"
    token = admin.token.get_secret_value()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        timeout = aiohttp.ClientTimeout(total=_ASKED)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url, headers=headers) as reply:
            reply.raise_for_status()
            return Running.of(await reply.json())
    except (aiohttp.ClientError, TimeoutError, KeyError, ValueError) as error:
        click.echo(f"{url}: the service does not say ({type(error).__name__}): no matches, no costs", err=True)
        return None


async def _alerts(settings: Settings, since_ms: int) -> Mapping[str, Mapping[str, int]]:
    """Rule → day → alerts."""
    from service.sink.asking import asking
    from service.sink.opensearch.client import connect, machine_keys

    days = {"date_histogram": {"field": "@timestamp", "calendar_interval": "day", "format": "yyyy-MM-dd", "min_doc_count": 1}}
    body: dict[str, Any] = {
        "size": 0,
        "query": {"range": {"@timestamp": {"gte": since_ms, "format": "epoch_millis"}}},
        "aggs": {"rules": {"terms": {"field": "rule.id", "size": 5000}, "aggs": {"days": days}}},
    }
    client = connect(settings.opensearch, keys=await asyncio.to_thread(machine_keys, settings.opensearch))
    try:
        async with asking():
            params = {"ignore_unavailable": "true", "allow_no_indices": "true"}
            reply = await client.search(index="siem-alerts-*", body=body, params=params)
    finally:
        await client.close()
    buckets = reply.get("aggregations", {}).get("rules", {}).get("buckets", [])
    return {
        str(bucket["key"]): {day["key_as_string"]: int(day["doc_count"]) for day in bucket["days"]["buckets"]}
        for bucket in buckets
    }
