"""``siem detect``: log files through the pipelines and the rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.check import show_faults
from service.errors import ContentError, ContentErrors

if TYPE_CHECKING:
    from service.detect.detector import Detector
    from service.detect.rule import About
    from service.offline.correlate import CorrelationHit
    from service.offline.detect import Hit


@click.command()
@click.option("--dataset", metavar="D", help="All of it is of this dataset; without it, content decides.")
@click.option("--rules", "roots", multiple=True, type=click.Path(path_type=Path), help="Folder or file of rules; repeatable.")
@click.option("--only", is_flag=True, help="Only the rules of --rules, not those that are shipped.")
@click.option("--geoip", multiple=True, type=click.Path(path_type=Path), help="MMDB file; may be repeated.")
@click.option("--lists", type=click.Path(path_type=Path), help="lists.yml of threat lists.")
@click.option("--projects", type=click.Path(path_type=Path), help="projects.yml of accounts and their owners.")
@click.option("--alerts", "as_alerts", is_flag=True, help="The alerts that the rules would raise: correlated, merged, rated.")
@click.option(
    "--tuning", type=click.Path(path_type=Path, dir_okay=False), help="alerts.yml for --alerts: suppressions, severities."
)
@click.option("--fail", is_flag=True, help="Exit with 1 when a rule matched, with 2 when one could not be read.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a match.")
@click.option("--stats", is_flag=True, help="Then, on stderr, what each rule was asked, matched and cost; the costliest first.")
@click.argument("files", metavar="FILE|FOLDER|-…", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True))
@click.pass_context
def command(
    ctx: click.Context,
    dataset: str | None,
    roots: tuple[Path, ...],
    geoip: tuple[Path, ...],
    lists: Path | None,
    projects: Path | None,
    tuning: Path | None,
    files: tuple[Path, ...],
    *,
    only: bool,
    as_alerts: bool,
    fail: bool,
    as_json: bool,
    stats: bool,
) -> None:
    """Show which rules match which events of FILEs, raw logs as their source sends them.

    Of a FOLDER, every file in it; a folder that is called like a dataset holds events of that dataset.
    Exit code 0, with --fail 1 when anything matched, else 2 when one of the rules cannot be read; 2 when files cannot be read.
    """
    from service.cli.content import offline_player
    from service.cli.detect_alerts import alarm, lines
    from service.cli.parse import read_input
    from service.content import find_content
    from service.detect.detector import Detector
    from service.offline.alerts import files_below
    from service.offline.correlate import correlate
    from service.offline.detect import look, rules_for

    hits: list[tuple[Path, Hit]] = []
    matched = events = dead = 0
    try:
        player = offline_player(dataset, geoip, lists, projects)
        rules = rules_for([*([] if only else [find_content().detections]), *roots], player.loaded, partial=dataset is not None)
        inputs = list(files_below(files, player.loaded))
        watching = alarm(player, rules, tuning) if as_alerts else None
    except ContentErrors as errors:
        show_faults(errors.faults, err=True)
        ctx.exit(2)
    missing = [root for root in roots if not root.exists()]
    if missing:
        click.echo(f"{missing[0]}: no such file or folder", err=True)
        ctx.exit(2)
    if rules.faults:
        show_faults(rules.faults, err=True)
    detector = Detector(rules, every=1)
    stdin = read_input(ctx, Path("-")) if any(str(file) == "-" for file, _ in inputs) else b""  # it can be read only once

    def content(file: Path) -> bytes:
        return stdin if str(file) == "-" else read_input(ctx, file)

    for file, its in inputs if len(inputs) > 1 else ():
        player.learn(content(file), dataset or its, None if watching is None else watching.facts)
    if watching is not None:
        shift = watching.watch((content(file), dataset or its) for file, its in inputs)
        for line in lines(shift, as_json=as_json):
            click.echo(line)
        ctx.exit(_code(len(shift.alerts), rules.faults) if fail else 0)
    for file, its in inputs:
        looked = look(player, detector, content(file), dataset or its)
        events += looked.events
        dead += len(looked.dead)
        hits.extend((file, hit) for hit in looked.hits)
    for file, hit in hits:
        if hit.rule.id not in rules.joins.silent:
            matched += 1
            click.echo(_as_json(file, hit) if as_json else _as_text(file, hit))
    for fired in correlate(rules, [hit for _, hit in hits]):
        matched += 1
        click.echo(_fired_json(fired) if as_json else _fired_text(fired))
    click.echo(
        f"{events} events, {len(rules.rules)} rules, {len(rules.joins.correlations)} correlations: "
        f"{matched} matches; {dead} dead letters",
        err=True,
    )
    _show_stats(detector if stats else None)
    ctx.exit(_code(matched, rules.faults) if fail else 0)


def _code(found: int, faults: list[ContentError]) -> int:
    """Of ``--fail``: that nothing was found says little where rules could not be read."""
    return 1 if found else 2 if faults else 0


def _show_stats(detector: Detector | None) -> None:
    asked = detector.costs() if detector is not None else ()
    rows = [(costs.microseconds(rule) or 0.0, costs, rule) for costs in asked for rule in costs.rules if rule.looked]
    for spent, costs, rule in sorted(rows, key=lambda row: -row[0]):
        counts = f"{rule.looked:>8,} asked {rule.matched:>8,} matched of {costs.events:,}"
        click.echo(f"{spent:>9.3f} µs/event {counts}  [{costs.dataset}] {rule.rule.title}", err=True)


def _as_text(file: Path, hit: Hit) -> str:
    event = hit.document.get("event", {})
    what = [hit.document.get("@timestamp"), event.get("provider"), event.get("action")]
    return f"{file}:{hit.line}: {_named(hit.rule.about)}  [{hit.dataset}] {' '.join(str(each) for each in what if each)}".rstrip()


def _fired_text(hit: CorrelationHit) -> str:
    group = ", ".join(f"{name}={value}" for name, value in hit.grouped.items()) or "all together"
    times = f"{_moment(hit.fired.first_ms)} … {_moment(hit.fired.last_ms)}"
    return f"correlation: {_named(hit.correlation.about)}  [{group}] {times}, {hit.fired.events} events"


def _named(about: About) -> str:
    return f"{about.level} {about.title}" + (f" ({about.status})" if about.counted_only else "")


def _moment(milliseconds: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _as_json(file: Path, hit: Hit) -> str:
    import orjson

    shown: dict[str, Any] = {
        "file": str(file),
        "line": hit.line,
        "dataset": hit.dataset,
        "@timestamp": hit.document.get("@timestamp"),
        "rule": _rule(hit.rule.about),
        "_index": hit.index,
        "_id": hit.id,
        "_source": hit.document,
    }
    return orjson.dumps(shown).decode()


def _fired_json(hit: CorrelationHit) -> str:
    import orjson

    shown: dict[str, Any] = {
        "rule": _rule(hit.correlation.about),
        "correlation": hit.correlation.kind,
        "group": hit.grouped,
        "first": _moment(hit.fired.first_ms),
        "last": _moment(hit.fired.last_ms),
        "events": hit.fired.events,
        "evidence": [{"line": each.line, "dataset": each.dataset, "_index": each.index, "_id": each.id} for each in hit.hits],
    }
    return orjson.dumps(shown).decode()


def _rule(about: About) -> dict[str, Any]:
    return {"id": about.id, "title": about.title, "level": about.level, "status": about.status, "tags": about.tags}
