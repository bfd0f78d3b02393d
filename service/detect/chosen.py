"""Some rules out of a set: those that somebody named, with what they need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from service.detect.correlation_rule import Correlation
from service.detect.joining import Joins
from service.detect.rule import About
from service.detect.ruleset import RuleSet


def abouts(rules: RuleSet) -> Iterator[About]:
    """What every rule and correlation that can be run says of itself."""
    yield from (rule.about for rule in rules.rules)
    yield from (each.about for each in rules.joins.correlations.values())


def named(rules: RuleSet, name: str) -> list[About]:
    """Those with this id, name, title or file (``root_account_used``); a file's rules all together."""
    for same in (
        lambda about: name in (about.id, about.name),
        lambda about: about.title.casefold() == name.casefold(),
        lambda about: Path(about.place.file).stem == name,
    ):
        if found := [about for about in abouts(rules) if same(about)]:
            return found
    return []


def below(rules: RuleSet, path: Path) -> list[About]:
    """Those in this file, or below this folder."""
    root = path.resolve()
    return [about for about in abouts(rules) if Path(about.place.file).resolve().is_relative_to(root)]


def only(rules: RuleSet, wanted: Iterable[About]) -> RuleSet:
    """The set without all others; rules that only wanted correlations rest on are ``silent``."""
    ids = {about.id for about in wanted}
    correlations: dict[str, Correlation] = {}
    todo = [each for each in ids if each in rules.joins.correlations]
    needed = set(ids)
    while todo:
        correlation = rules.joins.correlations[todo.pop()]
        correlations[correlation.about.id] = correlation
        needed.update(correlation.rules)
        todo += [each for each in correlation.rules if each in rules.joins.correlations and each not in correlations]
    # Somebody who names a file or folder means what it tells of, not the parts; who names a part means that.
    asked_for = ids - rules.joins.silent if correlations else ids
    joins = Joins(
        correlations=correlations,
        silent=frozenset(needed - asked_for),
        sources={
            key: kept
            for key, sources in rules.joins.sources.items()
            if (kept := [each for each in sources if each.correlation.about.id in correlations])
        },
        chained={
            inner: later
            for inner, outer in rules.joins.chained.items()
            if (later := [each for each in outer if each.about.id in correlations])
        },
    )
    return RuleSet(
        rules=[rule for rule in rules.rules if rule.id in needed],
        resolved={
            dataset: mine for dataset, its in rules.resolved.items() if (mine := [each for each in its if each.rule.id in needed])
        },
        joins=joins,
        logsources=rules.logsources,
    )
