"""What a rule's author says of its alerts, in keys that Sigma leaves to others: ``triage``, ``levels``, ``group_by`` and more."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from service.alerts.channels import Severity
from service.alerts.rule import AlertRule, FirstSeen
from service.detect.compiled import Resolved
from service.detect.rule import About
from service.detect.ruleset import RuleSet
from service.errors import ContentError
from service.pipeline.schema import Duration, Model
from service.spans import duration_ms
from service.yaml_errors import explain

FieldName = Annotated[str, StringConstraints(pattern=r"^@?[A-Za-z_][A-Za-z0-9_@.\-]{0,200}$")]
Sentence = Annotated[str, StringConstraints(min_length=3, max_length=500)]


class FirstSeenEntry(Model):
    """Only what is new for somebody is worth an alert."""

    who: list[FieldName] = Field(min_length=1)
    """Fields of the subject, in ECS names or the source's own: ``[user.id]``."""
    what: list[FieldName] = Field(min_length=1)
    """Fields of what must be new for it: ``[source.geo.country_iso_code]``."""
    learn: Duration = "7d"
    """How long a subject is only learnt about, from when it was first seen."""


class Extras(Model):
    """Keys of a rule that are ours."""

    triage: list[Sentence] = Field(default=[])
    """What to look at, in this order."""
    levels: dict[Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,16}$")], Severity] = Field(default={})
    """Environment → level, where it differs from ``level``."""
    group_by: list[FieldName] = Field(default=[])
    """Fields by which matches are one alert, in ECS names or the source's own; without it, the principal."""
    window: Duration | None = None
    """Matches within this time are one alert."""
    first_seen: FirstSeenEntry | None = None
    """Only what is new raises an alert."""


KEYS = frozenset(Extras.model_fields)


def extras_of(about: About) -> Extras:
    """Our keys of a rule; raises ContentError at the rule's place."""
    said = {key: value for key, value in about.custom.items() if key in KEYS}
    try:
        return Extras.model_validate_json(json.dumps(said), strict=True)
    except ValidationError as error:
        fault = explain(error, said, Extras)[0]
        where = ".".join(map(str, fault.keys))
        raise ContentError(about.place, fault.code, f"{about.title}: {where}: {fault.reason}", fault.hint) from error


def alert_rule(about: About, category: str = "", group_by: Iterable[str] = ()) -> AlertRule:
    """What alerts say of a rule; raises ContentError."""
    extras = extras_of(about)
    first = extras.first_seen
    return AlertRule(
        id=about.id,
        title=about.title,
        level=about.level,
        levels=extras.levels,
        description=about.description,
        references=about.references,
        tags=about.tags,
        falsepositives=about.falsepositives,
        triage=tuple(extras.triage),
        group_by=tuple(extras.group_by) or tuple(group_by),
        window_ms=None if extras.window is None else duration_ms(extras.window),
        category=category,
        first_seen=None if first is None else FirstSeen(tuple(first.who), tuple(first.what), duration_ms(first.learn)),
        counted_only=about.counted_only,
    )


def alert_rules(rules: RuleSet, faults: list[ContentError]) -> dict[str, AlertRule]:
    """Rule id → what alerts say of it, correlations among them; ``faults`` gets those of rules that are left out."""
    found: dict[str, AlertRule] = {}
    seen: dict[str, list[Resolved]] = {}
    for each in (each for its in rules.resolved.values() for each in its):
        seen.setdefault(each.rule.id, []).append(each)
    written = [(rule.about, str(rule.logsource), ()) for rule in rules.rules]
    joined = [(each.about, "correlation", tuple(each.group_by)) for each in rules.joins.correlations.values()]
    for about, category, group_by in (*written, *joined):
        try:
            found[about.id] = _in_documents(alert_rule(about, category, group_by), seen.get(about.id, ()))
        except ContentError as fault:
            faults.append(fault)
    return found


def _in_documents(rule: AlertRule, seen: Sequence[Resolved]) -> AlertRule:
    """The rule with what it groups by in the words of documents, whatever names its author used."""
    first = rule.first_seen
    if first is not None:
        first = replace(first, who=_fields(first.who, seen), what=_fields(first.what, seen))
    return replace(rule, group_by=_fields(rule.group_by, seen), first_seen=first) if seen else rule


def _fields(names: Iterable[str], seen: Sequence[Resolved]) -> tuple[str, ...]:
    return tuple(_field(name, seen) for name in names)


def _field(name: str, seen: Sequence[Resolved]) -> str:
    """The field that a name means in all datasets of a rule; the name itself where they differ, or have it in the raw event."""
    meant = {spots[0].path if (spots := each.locate(name)) and spots[0].plain else name for each in seen}
    return meant.pop() if len(meant) == 1 else name
