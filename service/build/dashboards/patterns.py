"""Index patterns: which fields an index has and what each can be used for, from the very template that is put."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from service.build.artefact import Pipelines
from service.build.templates import dataset_template, own_indices, own_template
from service.content import Content
from service.errors import ContentError, ContentErrors, Place
from service.naming import EVENTS_ALIAS, template_pattern

EVENTS = "events"
"""The index pattern over every dataset."""
TIME = "@timestamp"

_NUMBERS = {"long", "integer", "float", "double"}
_KINDS = {
    **dict.fromkeys(_NUMBERS, "number"), "keyword": "string", "wildcard": "string", "text": "string", "match_only_text": "string",
    "boolean": "boolean", "date": "date", "ip": "ip", "geo_point": "geo_point",
}  # fmt: skip
_NEVER_AGGREGATED = {"text", "match_only_text", "flat_object"}
_META = (
    ("_id", "string", True, True),
    ("_index", "string", True, True),
    ("_score", "number", False, False),
    ("_source", "_source", False, False),
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One field of an index: its OpenSearch type, what Dashboards calls that, and what can be done with it."""

    name: str
    type: str
    searchable: bool
    """It has an inverted index: patterns find it too, and Dashboards offers filters on it."""
    aggregatable: bool
    """It has a column, by which its whole values are found as well."""

    @property
    def kind(self) -> str:
        """string, number, boolean, date, ip, geo_point or unknown."""
        return _KINDS.get(self.type, "unknown")


@dataclass(frozen=True, slots=True)
class IndexPattern:
    """What Dashboards has to know about a group of indices."""

    name: str
    """What dashboards call it: the dataset, ``events``, ``dead-letters``…"""
    title: str
    """The indices: ``siem-aws.cloudtrail-*``."""
    fields: dict[str, Leaf] = field(repr=False)

    @property
    def id(self) -> str:
        """Id of its saved object."""
        return f"siem-{self.name.replace('*', 'all')}"


def index_patterns(content: Content, pipelines: Pipelines, groups: Iterable[str] = ()) -> dict[str, IndexPattern]:
    """Every index pattern by name: each dataset, all events together, the service's own indices, and ``groups``: ``aws.eks_*``.

    A group to which no dataset belongs is left out. Raises ContentErrors when two datasets give one field different types: no
    index pattern could show it.
    """
    datasets = {dataset: _of(dataset_template(loaded)) for dataset, loaded in pipelines.items()}
    found = {name: IndexPattern(name, template_pattern(name), fields) for name, fields in datasets.items()}
    for name, own in own_indices(content).items():
        found[name] = IndexPattern(name, template_pattern(name), _of(own_template(name, own, content)))
    found[EVENTS] = IndexPattern(EVENTS, EVENTS_ALIAS, _together(datasets, pipelines))
    for group in groups:
        members = {name: fields for name, fields in datasets.items() if name.startswith(group.rstrip("*"))}
        if members:
            found[group] = IndexPattern(group, f"siem-{group}", _together(members, pipelines))
    return found


def field_list(pattern: IndexPattern) -> list[dict[str, Any]]:
    """The ``fields`` of the saved object, as Dashboards itself would read them off the cluster."""
    listed = [
        _entry(leaf.name, leaf.kind, leaf.type, searchable=leaf.searchable, aggregatable=leaf.aggregatable)
        for leaf in pattern.fields.values()
    ]
    listed += [
        _entry(name, kind, name, searchable=searchable, aggregatable=aggregatable)
        for name, kind, searchable, aggregatable in _META
    ]
    return sorted(listed, key=lambda entry: str(entry["name"]))


def formats(pattern: IndexPattern) -> dict[str, Any]:
    """How Dashboards writes values: sizes with units, ports and codes without thousands separators."""
    found: dict[str, Any] = {}
    for name, leaf in pattern.fields.items():
        last = name.rpartition(".")[2]
        if leaf.kind != "number":
            continue
        if last == "bytes" or name.endswith("_bytes"):
            found[name] = {"id": "bytes", "params": {"pattern": "0,0.[0]b"}}
        elif last in {"port", "status_code", "pid", "year"} or name.endswith("as.number"):
            found[name] = {"id": "number", "params": {"pattern": "0"}}
        elif last == "sec":
            found[name] = {"id": "number", "params": {"pattern": "0,0.[000]"}}
    return dict(sorted(found.items()))


def leaves(properties: Mapping[str, Any], path: str = "") -> Iterator[Leaf]:
    """The fields of a mapping; objects are no fields, what is below them is. Dashboards cannot divide by nested ones."""
    for name, mapping in properties.items():
        if mapping.get("type") == "nested":
            continue
        if "properties" in mapping:
            yield from leaves(mapping["properties"], f"{path}{name}.")
        elif mapping.get("type") != "object":
            kind = mapping["type"]
            searchable = mapping.get("index", True)
            aggregatable = mapping.get("doc_values", True) and kind not in _NEVER_AGGREGATED
            yield Leaf(f"{path}{name}", kind, searchable, aggregatable)


def _of(template: dict[str, Any]) -> dict[str, Leaf]:
    return {leaf.name: leaf for leaf in leaves(template["template"]["mappings"]["properties"])}


def _together(datasets: dict[str, dict[str, Leaf]], pipelines: Pipelines) -> dict[str, Leaf]:
    together: dict[str, Leaf] = {}
    first: dict[str, str] = {}
    faults = []
    for dataset, fields in datasets.items():
        for name, leaf in fields.items():
            other = together.setdefault(name, leaf)
            first.setdefault(name, dataset)
            if other.type != leaf.type:
                reason = f"`{name}` is {leaf.type} here and {other.type} in {first[name]}"
                place = Place(str(pipelines[dataset].folder / "fields.yml"))
                faults.append(ContentError(place, "type_conflict", reason, "one field has one type in all datasets"))
    if faults:
        raise ContentErrors("conflicting types", faults)
    return together


def _entry(name: str, kind: str, of_type: str, *, searchable: bool, aggregatable: bool) -> dict[str, Any]:
    from_doc_values = aggregatable and of_type != "text" and not name.startswith("_")
    return {
        "count": 0,
        "name": name,
        "type": kind,
        "esTypes": [of_type],
        "scripted": False,
        "searchable": searchable,
        "aggregatable": aggregatable,
        "readFromDocValues": from_doc_values,
    }


def as_json(value: Any) -> str:
    """JSON inside JSON, the same on every machine."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
