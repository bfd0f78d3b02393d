"""Files of Sigma rules → rules, each fault with its place; pySigma checks what a rule says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from sigma.collection import deep_dict_update
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule
from sigma.rule.base import SigmaRuleBase

from service.detect.rule import About, Level, Logsource, Rule, Status
from service.errors import ContentError, ContentErrors, Place
from service.match import Node, Or, fields, parse_condition, parse_selection
from service.match.parse import Lists
from service.yaml_file import Key, load_documents

Places = Mapping[tuple[Key, ...], Place]

_NAMESPACE = UUID("6d1f6b5e-2f0b-5c0e-9f6a-5b1d3a6e7c41")
_KNOWN = {
    *("title", "id", "name", "related", "taxonomy", "status", "description", "license", "references", "author", "date"),
    *("modified", "tags", "scope", "logsource", "detection", "fields", "falsepositives", "level", "correlation", "filter"),
}
_AT: dict[str, str] = {
    "SigmaIdentifierError": "id",
    "SigmaNameError": "name",
    "SigmaTaxonomyError": "taxonomy",
    "SigmaRelatedError": "related",
    "SigmaLevelError": "level",
    "SigmaStatusError": "status",
    "SigmaTagError": "tags",
    "SigmaValueError": "tags",
    "SigmaDateError": "date",
    "SigmaModifiedError": "modified",
    "SigmaFieldsError": "fields",
    "SigmaFalsePositivesError": "falsepositives",
    "SigmaAuthorError": "author",
    "SigmaDescriptionError": "description",
    "SigmaReferencesError": "references",
    "SigmaTitleError": "title",
    "SigmaScopeError": "scope",
    "SigmaLicenseError": "license",
}


@dataclass(frozen=True, slots=True)
class Written:
    """One document of a rule file: plain values and where they stand."""

    data: dict[str, Any]
    places: Places
    path: str

    def place(self, *keys: Key) -> Place:
        """Where the value under these keys stands; else its nearest parent."""
        for length in range(len(keys), -1, -1):
            if (found := self.places.get(keys[:length])) is not None:
                return found
        return Place(self.path)

    def error(self, keys: tuple[Key, ...], code: str, reason: str, hint: str = "") -> ContentError:
        """A ContentError that points at the value under ``keys``."""
        return ContentError(self.place(*keys), code, reason, hint)


WrittenCorrelation = tuple[Written, About, SigmaCorrelationRule]
"""A correlation as it was written; what it names is not resolved."""


@dataclass(slots=True)
class Found:
    """What a file held."""

    rules: list[Rule] = field(default_factory=list)
    correlations: list[WrittenCorrelation] = field(default_factory=list)
    filters: list[Written] = field(default_factory=list)
    faults: list[ContentError] = field(default_factory=list)


def read_rules(path: Path, shown: str, lists: Lists) -> Found:
    """Everything in a file of rules; ``shown`` is what errors call it, ``lists`` what placeholders stand for."""
    found = Found()
    try:
        documents = load_documents(path.read_bytes(), shown)
    except OSError as error:
        found.faults.append(ContentError(Place(shown), "no_file", f"cannot be read: {error.strerror}"))
        return found
    except ContentErrors as errors:
        found.faults.extend(errors.faults)
        return found
    for written in _merged(documents, shown, found.faults):
        try:
            _take(written, lists, found)
        except ContentError as error:
            found.faults.append(error)
        except ContentErrors as errors:
            found.faults.extend(errors.faults)
    return found


def _merged(documents: Sequence[tuple[Any, Places]], shown: str, faults: list[ContentError]) -> list[Written]:
    """Rules with what ``action: global`` and ``action: repeat`` give them."""
    shared: dict[str, Any] = {}
    before: dict[str, Any] = {}
    rules: list[Written] = []
    for data, places in documents:
        written = Written(data, places, shown)
        if not isinstance(data, dict):
            faults.append(written.error((), "bad_rule", "a rule is a mapping"))
            continue
        action = data.pop("action", None)
        match action:
            case None:
                merged = deep_dict_update(data, deepcopy(shared)) if shared and "correlation" not in data else data
                rules.append(Written(merged, places, shown))
                before = merged
            case "global":
                shared = before = data
            case "reset":
                shared = {}
            case "repeat":
                before = deep_dict_update(deepcopy(before), data)
                rules.append(Written(before, places, shown))
            case _:
                faults.append(written.error(("action",), "bad_rule", f"{action} is no action", "global, reset or repeat"))
    return rules


def _take(written: Written, lists: Lists, found: Found) -> None:
    if "correlation" in written.data:
        found.correlations.append((written, *_correlation(written)))
    elif "filter" in written.data:
        found.filters.append(written)
    elif "detection" in written.data or "logsource" in written.data:
        found.rules.append(_rule(written, lists))
    else:
        raise written.error(
            (), "bad_rule", "is neither a rule, nor a correlation, nor a filter", "a rule has logsource and detection"
        )


def _rule(written: Written, lists: Lists) -> Rule:
    about, faults = about_of(written, SigmaRule)
    try:
        logsource = logsource_of(written)
    except ContentError as error:
        faults.append(error)
    places: dict[str, Place] = {}
    try:
        node = detection_of(written, lists, places)
    except ContentErrors as errors:
        faults.extend(errors.faults)
    if faults:
        raise ContentErrors(f"{written.path} is not valid", faults)
    return Rule(about, logsource, node, places)


def about_of(written: Written, kind: type[SigmaRuleBase]) -> tuple[About, list[ContentError]]:
    """What a rule says of itself, with pySigma's objections."""
    data = written.data
    common: dict[str, Any] = {}
    try:
        common, errors = kind.from_dict_common_params(data, collect_errors=True)
    except Exception as error:  # noqa: BLE001 - a library over data of strangers
        errors = [SigmaError(str(error))]
    faults = [_fault(written, error) for error in errors]
    if faults:
        return About(id="", title="", place=written.place()), faults
    title = str(common["title"])
    return About(
        id=str(common["id"] or uuid5(_NAMESPACE, f"{Path(written.path).name}\n{title}")),
        title=title,
        place=written.place(),
        name=common["name"],
        status=_status(common["status"]),
        level=_level(common["level"]),
        description=(common["description"] or "").strip(),
        references=tuple(map(str, common["references"] or ())),
        tags=tuple(map(str, common["tags"] or ())),
        author=common["author"] or "",
        falsepositives=tuple(map(str, common["falsepositives"] or ())),
        fields=tuple(map(str, common["fields"] or ())),
        custom={key: value for key, value in data.items() if key not in _KNOWN},
    ), []


def _status(value: object) -> Status:
    return "experimental" if value is None else str(value)  # type: ignore[return-value]  # pySigma's enumeration is ours


def _level(value: object) -> Level:
    return "medium" if value is None else str(value)  # type: ignore[return-value]  # pySigma's enumeration is ours


def _fault(written: Written, error: SigmaError) -> ContentError:
    key = _AT.get(type(error).__name__)
    reason = str(error.args[0]) if error.args else type(error).__name__
    return written.error((key,) if key else (), f"bad_{key}" if key else "bad_rule", reason)


def logsource_of(written: Written) -> Logsource:
    """What a rule looks at; raises ContentError."""
    data = written.data.get("logsource")
    if not isinstance(data, dict):
        raise written.error(("logsource",), "bad_logsource", "a rule needs a logsource", "product, category or service")
    named: dict[str, str | None] = {}
    for key in ("product", "category", "service"):
        value = data.get(key)
        if value is not None and not isinstance(value, str):
            raise written.error(("logsource", key), "bad_logsource", f"{key} is text")
        named[key] = value.lower() if value else None
    if not any(named.values()):
        raise written.error(("logsource",), "bad_logsource", "names nothing", "product, category or service")
    return Logsource(**named)


def detection_of(written: Written, lists: Lists, places: dict[str, Place]) -> Node:
    """What a rule asks for; where its fields stand is added to ``places``. Raises ContentErrors."""
    detection = written.data.get("detection")
    at: tuple[Key, ...] = ("detection",)
    if not isinstance(detection, dict):
        raise _single(written.error(at, "bad_detection", "a rule needs a detection", "selections and a condition"))
    selections: dict[str, Node] = {}
    faults: list[ContentError] = []
    for name, selection in detection.items():
        if name in ("condition", "timeframe"):
            continue
        try:
            node = parse_selection(selection, written.place(*at, name), _locate(written, *at, name), lists)
        except ContentError as error:
            faults.append(error)
            continue
        selections[name] = node
        for each in fields(node):
            places.setdefault(each, _place_of(written, each, name))
    if not faults:
        try:
            return _condition(written, detection.get("condition"), selections)
        except ContentError as error:
            faults.append(error)
    raise ContentErrors(f"{written.path} is not valid", faults)


def _condition(written: Written, condition: Any, selections: dict[str, Node]) -> Node:
    texts = condition if isinstance(condition, list) else [condition]
    if not texts or not all(isinstance(text, (str, int)) for text in texts):
        raise written.error(("detection", "condition"), "bad_condition", "a detection needs a condition", "condition: selection")
    place = written.place("detection", "condition")
    nodes = [parse_condition(str(text), selections, place) for text in texts]
    return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))


def _locate(written: Written, *at: Key) -> Callable[..., Place]:
    return lambda *keys: written.place(*at, *keys)


def _place_of(written: Written, name: str, selection: str) -> Place:
    """Where a field first stands in a selection."""
    for keys, place in written.places.items():
        if keys[:2] == ("detection", selection) and isinstance(keys[-1], str) and keys[-1].partition("|")[0] == name:
            return place
    return written.place("detection", selection)


def _correlation(written: Written) -> tuple[About, SigmaCorrelationRule]:
    about, faults = about_of(written, SigmaCorrelationRule)
    data = written.data["correlation"]
    if not isinstance(data, dict):
        faults.append(written.error(("correlation",), "bad_correlation", "a correlation is a mapping"))
    if faults:
        raise ContentErrors(f"{written.path} is not valid", faults)
    try:
        return about, SigmaCorrelationRule.from_dict(written.data)
    except SigmaError as error:
        reason = str(error.args[0]) if error.args else type(error).__name__
        raise written.error(("correlation",), "bad_correlation", reason) from error
    except Exception as error:
        raise written.error(("correlation",), "bad_correlation", f"{type(error).__name__}: {error}") from error


def _single(error: ContentError) -> ContentErrors:
    return ContentErrors(f"{error.place.file} is not valid", [error])
