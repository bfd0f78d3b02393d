"""How severe an alert is here, and whether anybody wants it: the rule's word, the environment, then ``alerts.yml``."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from typing import NamedTuple

from service.alerts.channels import SEVERITIES, Severity
from service.alerts.rule import AlertRule
from service.alerts.tuning import AlertRules, Fit, Suppression, selection_of
from service.detect.seen import Seen
from service.errors import Place
from service.match import predicate

_SCORES: dict[Severity, int] = {"informational": 10, "low": 21, "medium": 47, "high": 73, "critical": 99}
PRODUCTION = "prod"


def score(severity: Severity) -> int:
    """The severity as a number from 0 to 100, for ``event.severity`` and ``event.risk_score``."""
    return _SCORES[severity]


class Origin(NamedTuple):
    """Where an event comes from."""

    project: str
    environment: str
    dataset: str


class Rating:
    """``alerts.yml`` ready to be asked for every signal."""

    def __init__(self, rules: AlertRules) -> None:
        """Compile the selections of ``rules``; raises ContentError for what ``load_alert_rules`` would have found."""
        self._rules = rules
        self._suppressions = [(each, _test(each)) for each in rules.suppress]
        self._overrides = [(each, _test(each)) for each in rules.severity]

    @property
    def suppresses(self) -> bool:
        """Whether anything is suppressed at all."""
        return bool(self._suppressions)

    def suppressed(self, rule: AlertRule, origin: Origin, seen: Seen, now_ms: int) -> Suppression | None:
        """Why nobody wants this, if so."""
        for one, test in self._suppressions:
            if now_ms < one.until_ms and _fits(one, rule, origin) and test(seen):
                return one
        return None

    def severity(self, rule: AlertRule, origin: Origin, seen: Seen, now_ms: int) -> Severity:
        """What it counts here."""
        for one, test in self._overrides:
            if (one.until_ms is None or now_ms < one.until_ms) and _fits(one, rule, origin) and test(seen):
                return one.severity
        if (said := rule.levels.get(origin.environment)) is not None:
            return said
        if self._rules.nonprod_lower and origin.environment != PRODUCTION:
            return SEVERITIES[max(0, SEVERITIES.index(rule.level) - 1)]
        return rule.level


def _test(fit: Fit) -> Callable[[Seen], bool]:
    node = selection_of(fit, Place("alerts.yml"))
    if node is None:
        return lambda _: True
    holds = predicate(node)
    return lambda seen: holds(seen.document)


def _fits(fit: Fit, rule: AlertRule, origin: Origin) -> bool:
    named = ((fit.dataset, origin.dataset), (fit.project, origin.project), (fit.environment, origin.environment))
    if fit.rule is not None and not any(fnmatch.fnmatchcase(name, fit.rule) for name in (rule.id, rule.title)):
        return False
    return all(pattern is None or fnmatch.fnmatchcase(name, pattern) for pattern, name in named)
