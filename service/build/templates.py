"""Index templates: exactly the fields a dataset's documents can carry, each as cheap as its use allows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from service.build.artefact import Artefact, Pipelines
from service.content import Content
from service.enrich.enrichers import Enrichers
from service.errors import ContentErrors
from service.fields import Catalogue, FieldEntry, FieldName, FieldSpec
from service.naming import Period, aliases, template_pattern
from service.pipeline.compile import compile_pipeline
from service.pipeline.load import LoadedPipeline
from service.pipeline.schema import Duration
from service.yaml_file import read

COMPONENTS = ("siem-settings",)
"""Component templates every index of ours is composed of; ``mappings/components/<name>.json``."""
IGNORE_ABOVE = 1024
"""Longer keywords are kept, not searched; far below the 32,766 bytes at which Lucene refuses the document."""
MEASURES = frozenset({"bytes", "packets", "duration", "size", "count", "sequence", "subsequence_number"})
"""Last parts of numbers that are summed and compared, hardly looked up: doc values serve those searches too."""
DATE_FORMAT = "uuuu-MM-dd'T'HH:mm:ss.SSS'Z'||strict_date_optional_time||epoch_millis"
"""First what every document of ours says, literally: the general form after it costs five times as much to parse."""
COLUMNS = frozenset({"keyword", "long", "integer", "float", "double", "boolean", "ip"})
"""Types that are found by their doc values where they have no inverted index."""
_MANAGED = {"managed_by": "kinesiem"}


class OwnIndex(BaseModel):
    """An index of the service itself: ``mappings/own/<name>.yml``."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    title: str
    """What it holds."""
    period: Period
    """One index per project and period."""
    retention: Duration
    """When the ISM policy deletes an index."""
    ecs: list[FieldName]
    """Fields of the shared catalogue that it uses."""
    fields: dict[FieldName, FieldEntry] = {}
    """Its own."""


def artefacts(content: Content, pipelines: Pipelines) -> Iterator[Artefact]:
    """One template a dataset, and one for each index of the service's own."""
    folder = content.mappings / "templates"
    for dataset, loaded in pipelines.items():
        yield Artefact(folder / f"{dataset}.json", as_text(dataset_template(loaded)))
    for name, own in own_indices(content).items():
        yield Artefact(folder / f"{name}.json", as_text(own_template(name, own, content)))


def dataset_template(loaded: LoadedPipeline) -> dict[str, Any]:
    """The index template of a dataset, as the API takes it; tuning counts (an enricher more is fields more)."""
    compiled = compile_pipeline(loaded, Enrichers.empty())
    specs = [spec for name in sorted(_with_details(compiled.fields, loaded)) if (spec := loaded.catalogue.get(name)) is not None]
    return _template(loaded.dataset, loaded.file.title, specs, is_event=True)


def _with_details(emitted: Iterable[str], loaded: LoadedPipeline) -> set[str]:
    """The fields, and all that are declared below those of them that pass through as objects."""
    names = set(emitted)
    objects = {name for name in names if (spec := loaded.catalogue.get(name)) and spec.type == "object" and spec.indexed}
    for name in loaded.catalogue.fields:
        above = name.rpartition(".")[0]
        while above and above not in objects:
            above = above.rpartition(".")[0]
        if above:
            names.add(name)
    return names


def own_indices(content: Content) -> dict[str, OwnIndex]:
    """The indices of the service itself by name: dead letters, alerts, ledger."""
    return {path.stem: read(path, OwnIndex).value for path in sorted((content.mappings / "own").glob("*.yml"))}


def own_template(name: str, own: OwnIndex, content: Content) -> dict[str, Any]:
    """The index template of one of them; raises ContentErrors when it names a field nobody declared."""
    path = content.mappings / "own" / f"{name}.yml"
    catalogue = Catalogue.read(content.mappings / "ecs.yml")
    specs: list[FieldSpec] = []
    faults = []
    for number, field in enumerate(own.ecs):
        spec = catalogue.get(field)
        if spec is None:
            faults.append(read(path, OwnIndex).error(("ecs", number), "unknown_field", f"nobody declares `{field}`"))
        else:
            specs.append(spec)
    if faults:
        raise ContentErrors(f"{path} is not valid", faults)
    specs += [
        FieldSpec(
            field, entry.type, entry.meaning, entry.array, entry.indexed, ignore_above=entry.ignore_above, column=entry.column
        )
        for field, entry in own.fields.items()
    ]
    return _template(name, own.title, sorted(specs, key=lambda spec: spec.name), is_event=False)


def properties(specs: Iterable[FieldSpec]) -> dict[str, Any]:
    """The ``properties`` of a mapping: dotted names as nested objects."""
    tree: dict[str, Any] = {}
    for spec in sorted(specs, key=lambda spec: spec.name):
        level = tree
        *parents, leaf = spec.name.split(".")
        for parent in parents:
            level = level.setdefault(parent, {}).setdefault("properties", {})
        level.setdefault(leaf, {}).update(mapping_of(spec))
    return _opened(tree)


def mapping_of(spec: FieldSpec) -> dict[str, Any]:
    """How one field is stored."""
    mapping = _plain_mapping(spec)
    return {**mapping, "index": False} if spec.column and spec.type in COLUMNS else mapping


def _plain_mapping(spec: FieldSpec) -> dict[str, Any]:
    match spec.type:
        case "object" | "flat_object" if not spec.indexed:
            return {"type": "object", "enabled": False}
        case "object" | "flat_object" | "nested":
            return {"type": spec.type}
        case _ if not spec.indexed:
            # In _source only: a keyword that is neither indexed nor a doc value has no limit of length.
            stored = "keyword" if spec.type in {"text", "match_only_text", "wildcard"} else spec.type
            return {"type": stored, "index": False, "doc_values": False}
        case "keyword" | "wildcard":
            return {"type": spec.type, "ignore_above": spec.ignore_above or IGNORE_ABOVE}
        case "text":
            return {"type": "text", "norms": False}
        case "date":
            date = {"type": "date", "format": DATE_FORMAT}
            # A search always has a span of @timestamp; the few documents left are checked by their doc values.
            return date if spec.name == "@timestamp" else {**date, "index": False}
        case "long" | "integer" | "float" | "double" if spec.name.rpartition(".")[2] in MEASURES:
            return {"type": spec.type, "index": False}
        case _:
            return {"type": spec.type}


def _opened(tree: dict[str, Any]) -> dict[str, Any]:
    """A field with fields below it can only be an object: its own type, if it said one, must not forbid them."""
    for node in tree.values():
        if "properties" in node:
            if node.get("type") in {"object", "flat_object"}:
                del node["type"]
                node.pop("enabled", None)
            _opened(node["properties"])
    return tree


def _template(dataset: str, title: str, specs: list[FieldSpec], *, is_event: bool) -> dict[str, Any]:
    return {
        "index_patterns": [template_pattern(dataset)],
        "composed_of": list(COMPONENTS),
        "priority": 200,
        "template": {
            "aliases": {alias: {} for alias in aliases(dataset, is_event=is_event)},
            "mappings": {
                "dynamic": False,
                "date_detection": False,
                "numeric_detection": False,
                "properties": properties(specs),
            },
        },
        "_meta": {**_MANAGED, "dataset": dataset, "title": title},
    }


def as_text(body: dict[str, Any]) -> str:
    """JSON as it is committed."""
    return json.dumps(body, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def components(content: Content) -> dict[str, dict[str, Any]]:
    """The component templates, by name."""
    return {name: _json(content.mappings / "components" / f"{name}.json") for name in COMPONENTS}


def _json(path: Path) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(path.read_text())
    return body
