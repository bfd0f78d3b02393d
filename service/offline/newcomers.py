"""What first-seen rules came upon in files or in history: whether the same pair was there before."""

from __future__ import annotations

from service.alerts.newcomers import Told
from service.alerts.principal import grouped_by
from service.alerts.rule import FirstSeen
from service.alerts.written import extras_of
from service.detect.rule import About
from service.detect.ruleset import RuleSet
from service.offline.detect import Hit

MOST_PAIRS = 200_000
"""Pairs that are remembered; the one that was seen least lately is forgotten."""


class Newcomers:
    """Looks at matches in the order of their times."""

    def __init__(self, rules: RuleSet) -> None:
        """Nothing was seen. Raises ContentError where a rule says of itself what cannot be understood."""
        self._first = {rule.id: _first_seen(rule.about) for rule in rules.rules}
        self._told = Told(MOST_PAIRS)

    def is_news(self, hit: Hit) -> bool:
        """Whether a first-seen rule did not see this pair before, or the match is that of another rule."""
        first = self._first.get(hit.rule.id)
        if first is None:
            return True
        who, what = grouped_by(hit.document, first.who), grouped_by(hit.document, first.what)
        project = grouped_by(hit.document, ("project.id", "project.environment"))
        return bool(who.strip() and what.strip()) and self._told.is_news(hit.rule.id, project, who, what)


def _first_seen(about: About) -> FirstSeen | None:
    first = extras_of(about).first_seen
    return None if first is None else FirstSeen(tuple(first.who), tuple(first.what), 0)
