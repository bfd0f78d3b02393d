"""``siem detect --alerts``: what rules would have raised of log files, and how much of it a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.alerts.queue import Open
    from service.detect.ruleset import RuleSet
    from service.offline.alerts import Alarm, Shift
    from service.offline.play import Player

_SHORTEST = 1 / 24
"""Days below which nothing can be said of a day."""


def alarm(player: Player, rules: RuleSet, tuning: Path | None) -> Alarm:
    """The rules as a deployment with this ``alerts.yml`` has them; raises ContentErrors."""
    from service.alerts.tuning import AlertRules, load_alert_rules
    from service.offline.alerts import Alarm

    return Alarm(player, rules, AlertRules() if tuning is None else load_alert_rules(tuning).value)


def lines(shift: Shift, *, as_json: bool) -> Iterator[str]:
    """Every alert on a line, then every rule with how often it raised one; with ``as_json`` the alerts' documents alone."""
    import orjson

    if as_json:
        yield from (orjson.dumps(alert.document(None)).decode() for alert in shift.alerts)
        return
    yield from map(_line, shift.alerts)
    by_rule: dict[str, list[Open]] = defaultdict(list)
    for alert in shift.alerts:
        by_rule[alert.first.rule.title].append(alert)
    for title, its in sorted(by_rule.items(), key=lambda item: (-len(item[1]), item[0])):
        often = f"{len(its) / shift.days:>8.1f} a day" if shift.days >= _SHORTEST else ""
        yield f"{len(its):>6} alerts {often}  {title}{' (where new)' if its[0].first.rule.first_seen else ''}"
    yield f"{shift.events} events of {shift.days:.2f} days: {len(shift.alerts)} alerts; {shift.dead} dead letters"


def _line(alert: Open) -> str:
    from service.spans import moment

    times = [one.time_ms for one in alert.evidence]
    title = alert.first.title + (" (where new)" if alert.first.rule.first_seen else "")
    return f"{moment(min(times))} {alert.severity:<13} {title}  [{alert.first.principal.name or '-'}] {alert.count} events"
