"""``python -m bench.attacks FOLDER``: which attacks raise which alerts, and what everyday logs raise.

Writes ``docs/detections.md``. The folder has data sets of attacks and of everyday logs, as ``<set>/<dataset>/<file>``; names and
numbers of them go into the document, nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from service.alerts.channels import SEVERITIES
from service.alerts.queue import Open
from service.alerts.tuning import AlertRules
from service.cli.content import offline_player
from service.content import find_content
from service.offline.alerts import Alarm, Shift, files_below
from service.offline.detect import rules_for

TECHNIQUES, CAMPAIGNS, EVERYDAY = "stratus-red-team", ("invictus-aws-dataset", "otrf-security-datasets"), "opensearch-catalog"
_TITLE = """# Detections, measured on attacks of others

Which alerts the shipped rules raise over public data sets of attacks, and over everyday logs: correlated, merged by principal and
hour, rated as production, nothing suppressed. Made with `python -m bench.attacks FOLDER`; `siem detect --alerts FOLDER` shows the
same of any logs.

No GeoIP, ASN or threat list was mounted, so rules that need them are silent here. "(where new)" marks rules that only tell what
is new for somebody: here everybody counts as known for long, and everything as new; in a deployment the first days are learnt.
"""
_HOUR = 1 / 24


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), default=Path("docs/detections.md"), show_default=True)
def main(folder: Path, to: Path) -> None:
    """Look at the data sets in FOLDER, and write the tables."""
    player = offline_player()
    rules = rules_for([find_content().detections], player.loaded)
    alarm = Alarm(player, rules, AlertRules())

    def over(*paths: Path) -> Shift:
        return alarm.watch((file.read_bytes(), dataset) for file, dataset in files_below(paths, player.loaded))

    techniques = [(file.stem, over(file)) for file, _ in files_below([folder / TECHNIQUES], player.loaded)]
    campaigns = [(name, over(folder / name)) for name in CAMPAIGNS]
    sets = sorted(path for path in (folder / EVERYDAY).iterdir() if path.name in player.loaded)
    everyday = [(path.name, over(path)) for path in sets]
    told = [*_techniques(techniques), *_campaigns(campaigns), *_everyday(everyday)]
    to.write_text(_TITLE + "\n" + "\n".join(told) + "\n")
    raised = sum(1 for _, shift in techniques if shift.alerts)
    click.echo(f"{raised} of {len(techniques)} techniques raise an alert; {to} written")


def _techniques(found: list[tuple[str, Shift]]) -> Iterator[str]:
    raised = sum(1 for _, shift in found if shift.alerts)
    yield f"## Techniques of Stratus Red Team: {raised} of {len(found)} raise an alert\n"
    yield "| technique | events | alerts |\n|---|---|---|"
    for name, shift in found:
        yield f"| {name} | {shift.events} | {'; '.join(_alerts(shift.alerts)) or 'none'} |"


def _campaigns(found: list[tuple[str, Shift]]) -> Iterator[str]:
    yield "\n## Campaigns\n"
    yield "| data set | events | hours | alerts | by severity |\n|---|---|---|---|---|"
    for name, shift in found:
        counts = Counter(alert.severity for alert in shift.alerts)
        severities = ", ".join(f"{counts[each]} {each}" for each in reversed(SEVERITIES) if counts[each])
        yield f"| {name} | {shift.events} | {shift.days * 24:.1f} | {len(shift.alerts)} | {severities or 'none'} |"
    for name, shift in found:
        yield f"\n{name}: {'; '.join(_alerts(shift.alerts)) or 'nothing'}."


def _everyday(found: list[tuple[str, Shift]]) -> Iterator[str]:
    yield "\n## Everyday logs\n"
    yield "Days are those on which something happened. Of what spans less than an hour nothing is said of a day.\n"
    yield "| logs | events | time | alerts | a day | of which |\n|---|---|---|---|---|---|"
    for name, shift in found:
        day = f"{len(shift.alerts) / shift.days:.2f}" if shift.days >= _HOUR else "–"
        time = f"{shift.days:.1f} days" if shift.days >= 1 else f"{shift.days * 1440:.0f} min"
        yield f"| {name} | {shift.events} | {time} | {len(shift.alerts)} | {day} | {'; '.join(_alerts(shift.alerts)) or '–'} |"


def _alerts(alerts: Iterable[Open]) -> list[str]:
    """Severity and title, the worst first, each once."""
    worst = sorted(alerts, key=lambda alert: -SEVERITIES.index(alert.severity))
    counts = Counter(
        f"**{each.severity}** {each.first.title}{' (where new)' if each.first.rule.first_seen else ''}" for each in worst
    )
    return [f"{named}{f' ×{count}' if count > 1 else ''}" for named, count in counts.items()]


if __name__ == "__main__":
    main()
