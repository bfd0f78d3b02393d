"""Correlation rules as they were written → correlations that can be run: what they name is found, what is impossible refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionItem,
    CorrelationConditionOR,
    SigmaCorrelationCondition,
    SigmaCorrelationRule,
    SigmaRuleReference,
)

from service.detect.compiled import Resolved
from service.detect.correlation_rule import AllOf, AnyOf, Correlation, Expression, Kind, Operator
from service.detect.joining import Joins, Source
from service.detect.read import Written, WrittenCorrelation
from service.detect.rule import About, Rule
from service.detect.spots import Look, look
from service.errors import ContentError

LONGEST_TIMESPAN_MS = 400 * 86_400_000
_ABSENCE = "what did not happen cannot be seen in a stream"
_OPERATORS: dict[str, Operator] = {"gt": "gt", "gte": "gte", "eq": "eq"}


def join(
    written: Sequence[WrittenCorrelation],
    rules: Sequence[Rule],
    resolved: Mapping[str, Sequence[Resolved]],
    lost: Sequence[About],
    faults: list[ContentError],
) -> Joins:
    """Resolve correlations; those that are wrong, or ``cannot_be_run``, are left out and added to ``faults``.

    ``lost`` are rules that cannot be run.
    """
    names = _Names(rules, [about for _, about, _ in written], lost)
    joins = Joins()
    for document, about, rule in written:
        try:
            correlation = _correlation(document, about, rule, names)
            sources = _sources(document, rule, correlation, names, resolved)
        except ContentError as error:
            faults.append(error)
            continue
        joins.correlations[about.id] = correlation
        for key, source in sources:
            joins.sources.setdefault(key, []).append(source)
    _without_broken(joins, written, faults)
    for correlation in joins.correlations.values():
        for rule_id in correlation.rules:
            if rule_id in joins.correlations:
                joins.chained.setdefault(rule_id, []).append(correlation)
    loud = {rule for each in joins.correlations.values() if each.generate for rule in each.rules}
    joins.silent = frozenset(rule for each in joins.correlations.values() for rule in each.rules) - loud
    return joins


class _Names:
    """Rules and correlations by what references call them: id or name."""

    def __init__(self, rules: Sequence[Rule], correlations: Sequence[About], lost: Sequence[About]) -> None:
        self.lost = {name: about.title for about in lost for name in (about.id, about.name) if name}
        self.ids: dict[str, str] = {}
        for about in [*(rule.about for rule in rules), *correlations]:
            self.ids[about.id] = about.id
            if about.name:
                self.ids[about.name] = about.id
        self.correlations = {about.id for about in correlations}
        self.first_seen = {rule.id for rule in rules if "first_seen" in rule.about.custom}


def _correlation(written: Written, about: About, rule: SigmaCorrelationRule, names: _Names) -> Correlation:
    kind: Kind = rule.type.name.lower()  # type: ignore[assignment]  # pySigma's enumeration is ours
    condition = rule.condition
    at = ("correlation", "condition")
    expression: Expression | None = None
    if isinstance(condition, SigmaCorrelationCondition):
        named = rule.rules or []
        operator = _OPERATORS.get(condition.op.name.lower())
        if operator is None:
            reason = f"{condition.op.name.lower()}: {_ABSENCE}"
            raise written.error(at, "cannot_be_run", reason, "gt, gte or eq")
        count, fields, percentile = condition.count, condition.fieldref, condition.percentile
    else:
        named = rule.rules or [SigmaRuleReference(each) for each in condition.get_referenced_rules()]
        operator, count, fields, percentile = "gte", len(named), None, None
        expression = _expression(written, condition.parsed, names)
    if kind == "temporal_ordered" and (expression is not None or count != len(named)):
        raise written.error(at, "cannot_be_run", "of an ordered correlation all rules must occur", "leave the condition out")
    ids = tuple(_reference(written, each.reference, names) for each in named)
    if not ids or len(set(ids)) != len(ids):
        raise written.error(("correlation", "rules"), "bad_correlation", "names no rule, or one twice")
    if about.custom.get("across_projects") is True and names.first_seen.intersection(ids):
        reason = "what is new is new in one project: across projects it is not counted"
        raise written.error(("correlation", "rules"), "cannot_be_run", reason, "leave across_projects out")
    if count < 1 or (operator == "gt" and count < 0):
        raise written.error(at, "bad_correlation", "is true of nothing at all", "count at least one")
    timespan_ms = rule.timespan.seconds * 1000
    if not 0 < timespan_ms <= LONGEST_TIMESPAN_MS:
        raise written.error(("correlation", "timespan"), "bad_correlation", "a timespan is a second to 400 days")
    if kind == "value_percentile" and not 0 < (percentile or 0) <= 100:
        raise written.error(at, "bad_correlation", "percentile is a number from 1 to 100")
    return Correlation(
        about=about,
        kind=kind,
        rules=ids,
        timespan_ms=timespan_ms,
        group_by=tuple(rule.group_by or ()),
        operator=operator,
        count=count,
        fields=(fields,) if isinstance(fields, str) else tuple(fields or ()),
        percentile=percentile,
        expression=expression,
        generate=rule.generate,
        across_projects=about.custom.get("across_projects") is True,
    )


def _reference(written: Written, reference: str, names: _Names) -> str:
    found = names.ids.get(reference)
    at = ("correlation", "rules")
    if found is None and reference in names.lost:
        raise written.error(at, "cannot_be_run", f"its rule {names.lost[reference]} cannot be run")
    if found is None:
        raise written.error(at, "unknown_rule", f"there is no rule `{reference}`", "a rule's id or its name")
    return found


def _expression(written: Written, parsed: object, names: _Names) -> Expression:
    match parsed:
        case SigmaRuleReference():
            return _reference(written, parsed.reference, names)
        case CorrelationConditionAND() | CorrelationConditionOR():
            parts = tuple(_expression(written, each, names) for each in parsed.args)
            return AllOf(parts) if isinstance(parsed, CorrelationConditionAND) else AnyOf(parts)
        case CorrelationConditionItem():
            raise written.error(("correlation", "condition"), "cannot_be_run", f"not: {_ABSENCE}", "say what happened")
    raise written.error(("correlation", "condition"), "bad_correlation", "is not understood")


def _sources(
    written: Written,
    rule: SigmaCorrelationRule,
    correlation: Correlation,
    names: _Names,
    resolved: Mapping[str, Sequence[Resolved]],
) -> Iterator[tuple[tuple[str, str], Source]]:
    aliases: dict[str, dict[str, str]] = {}
    for alias in rule.aliases:
        for reference, name in alias.mapping.items():
            aliases.setdefault(_reference(written, reference.reference, names), {})[alias.alias] = name
    found: list[tuple[tuple[str, str], Source]] = []
    for base in correlation.rules:
        mine = aliases.get(base, {})
        if base in names.correlations:
            continue
        for dataset, its in resolved.items():
            for each in its:
                if each.rule.id == base:
                    groups = _looks(written, "group-by", [mine.get(name, name) for name in correlation.group_by], each)
                    values = _looks(written, "condition", [mine.get(name, name) for name in correlation.fields], each)
                    named = [mine.get(name, name) for name in (*correlation.group_by, *correlation.fields)]
                    asked = tuple(spot.path for name in named for spot in each.locate(name) if spot.plain)
                    found.append(((base, dataset), Source(correlation, groups, values, asked)))
    return iter(found)


def _looks(written: Written, key: str, names: Sequence[str], base: Resolved) -> tuple[Look, ...]:
    looks: list[Look] = []
    for name in names:
        found = base.locate(name)
        if not found:
            reason = f"{base.dataset} has no field {name}"
            raise written.error(("correlation", key), "unknown_field", reason, "aliases give it another name in each rule")
        looks.append(look(found))
    return tuple(looks)


def _without_broken(joins: Joins, written: Sequence[WrittenCorrelation], faults: list[ContentError]) -> None:
    """Leave out correlations of correlations that are not there, that go round, or group by what is not known of the inner."""
    documents = {about.id: document for document, about, _ in written}
    while True:
        broken: dict[str, str] = {}
        for correlation in joins.correlations.values():
            for inner_id in correlation.rules:
                if inner_id not in documents:
                    continue
                inner = joins.correlations.get(inner_id)
                if inner is None or _reaches(joins, inner, correlation.about.id):
                    broken[correlation.about.id] = "names a correlation that cannot be run, or itself"
                elif not set(correlation.group_by) <= set(inner.group_by):
                    broken[correlation.about.id] = f"groups by what {inner.about.title} is not grouped by"
        if not broken:
            return
        for wrong, reason in broken.items():
            del joins.correlations[wrong]
            faults.append(documents[wrong].error(("correlation",), "cannot_be_run", reason))
            for sources in joins.sources.values():
                sources[:] = [each for each in sources if each.correlation.about.id != wrong]


def _reaches(joins: Joins, correlation: Correlation, wanted: str) -> bool:
    todo, seen = [correlation.about.id], set[str]()
    while todo:
        here = todo.pop()
        if here == wanted:
            return True
        if here not in seen and here in joins.correlations:
            seen.add(here)
            todo += joins.correlations[here].rules
    return False
