"""The catalogue of fields: every ECS or vendor field a document may carry, with its OpenSearch type and one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FieldType = Literal[
    "keyword", "wildcard", "text", "match_only_text", "long", "integer", "float", "double", "boolean", "date", "ip",
    "geo_point", "object", "flat_object", "nested",
]


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field: ``name`` dotted, ``type`` as OpenSearch spells it, ``array`` when ECS asks for an array always.

    ``indexed`` False: in ``_source`` only. ``allowed``: the values ECS allows (event.kind …), else empty.
    ``expected_types``: for event.category values, which event.type each allows.
    """

    name: str
    type: FieldType
    meaning: str
    array: bool = False
    indexed: bool = True
    allowed: tuple[str, ...] = ()
    ignore_above: int | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Fields by name; ``mappings/ecs.yml`` plus the ``fields.yml`` of one dataset."""

    fields: dict[str, FieldSpec]

    def get(self, name: str) -> FieldSpec | None:
        """The field, or None when nobody declared it."""
        return self.fields.get(name)
