"""Sigma filters: what operators leave out of rules of others without touching them.

A filter's condition must hold beside the rule's own, so it says ``not selection``. It counts for the rules it names, or
``any``, where their log source is its own or a part of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sigma.rule import SigmaRule

from service.detect.read import Written, about_of, detection_of, logsource_of
from service.detect.rule import Logsource, Rule
from service.errors import ContentError, ContentErrors, Place
from service.match import And, Node
from service.match.parse import Lists
from service.yaml_errors import closest


@dataclass(frozen=True, slots=True)
class _Filter:
    written: Written
    logsource: Logsource
    node: Node
    places: Mapping[str, Place]


def apply_filters(
    written: Iterable[Written], rules: dict[str, Rule], correlations: Iterable[str], lists: Lists, faults: list[ContentError]
) -> None:
    """Narrow ``rules`` (by id) in place; filters that are wrong are not applied at all and added to ``faults``.

    ``correlations`` are their ids and names: a filter is for the rules they rest on.
    """
    joined = set(correlations)
    for each in written:
        try:
            one = _read(each, lists)
            meant = _meant(one, rules, joined)
        except ContentErrors as errors:
            faults.extend(errors.faults)
            continue
        for rule in meant:
            rules[rule.id] = replace(rule, node=And((rule.node, one.node)), places={**one.places, **rule.places})


def _read(written: Written, lists: Lists) -> _Filter:
    _, faults = about_of(written, SigmaRule)
    body = written.data["filter"]
    if not isinstance(body, dict):
        raise _all([written.error(("filter",), "bad_filter", "a filter is a mapping", "rules, selections and a condition")])
    # A filter is a detection in all but its name.
    places = {("detection", *keys[1:]) if keys[:1] == ("filter",) else keys: place for keys, place in written.places.items()}
    detection = {name: value for name, value in body.items() if name != "rules"}
    asked: dict[str, Place] = {}
    try:
        logsource = logsource_of(written)
        node = detection_of(Written({**written.data, "detection": detection}, places, written.path), lists, asked)
    except ContentError as error:
        raise _all([*faults, error]) from error
    except ContentErrors as errors:
        raise _all([*faults, *errors.faults]) from errors
    if faults:
        raise _all(faults)
    return _Filter(written, logsource, node, asked)


def _meant(one: _Filter, rules: Mapping[str, Rule], joined: set[str]) -> list[Rule]:
    named = one.written.data["filter"].get("rules")
    if named == "any":
        return [rule for rule in rules.values() if _covers(one.logsource, rule.logsource)]
    references = named if isinstance(named, list) else [named]
    if not references or not all(isinstance(each, str) for each in references):
        raise _all([one.written.error(("filter", "rules"), "bad_filter", "a filter names rules", "ids or names, or: any")])
    known = {name: rule for rule in rules.values() for name in (rule.id, rule.about.name) if name}
    meant: list[Rule] = []
    faults: list[ContentError] = []
    for number, reference in enumerate(references):
        place = ("filter", "rules", number) if isinstance(named, list) else ("filter", "rules")
        rule = known.get(reference)
        if reference in joined:
            reason = f"`{reference}` is a correlation: a filter is for the rules it rests on"
            faults.append(one.written.error(place, "bad_filter", reason, "name those"))
        elif rule is None:
            hint = closest(reference, known) or "a rule's id or its name"
            faults.append(one.written.error(place, "unknown_rule", f"there is no rule `{reference}`", hint))
        elif not _covers(one.logsource, rule.logsource):
            reason = f"{rule.title} looks at {rule.logsource}, the filter at {one.logsource}"
            faults.append(one.written.error(place, "other_logsource", reason, "a filter has the log source of its rules"))
        else:
            meant.append(rule)
    if faults:
        raise _all(faults)
    return meant


def _covers(wide: Logsource, narrow: Logsource) -> bool:
    pairs = ((wide.product, narrow.product), (wide.category, narrow.category), (wide.service, narrow.service))
    return all(mine is None or mine == its for mine, its in pairs)


def _all(faults: Sequence[ContentError]) -> ContentErrors:
    return ContentErrors(f"{faults[0].place.file} is not valid", list(faults))
