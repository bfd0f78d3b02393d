"""The catalogue of fields: every ECS or vendor field a document may carry, with OpenSearch type and one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, StringConstraints

from service.errors import ContentError, ContentErrors
from service.yaml_file import YamlFile, read

FieldType = Literal[
    "keyword",
    "wildcard",
    "text",
    "match_only_text",
    "long",
    "integer",
    "float",
    "double",
    "boolean",
    "date",
    "ip",
    "geo_point",
    "object",
    "flat_object",
    "nested",
]
FieldName = Annotated[str, StringConstraints(pattern=r"^@?[A-Za-z_][A-Za-z0-9_\-]*(\.[A-Za-z0-9_@/\-]+)*$", max_length=200)]


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field: ``name`` dotted, ``type`` as OpenSearch spells it, ``array`` when ECS asks for an array always.

    ``indexed`` False: in ``_source`` only. ``column``: no inverted index, doc values alone. ``allowed``: the values ECS
    allows (event.kind …), else empty.
    ``expected_types``: for event.category values, which event.type each allows. ``open``: an object that passes through
    as it came; only the fields declared below it are searched, and they hold whatever scalars there are. ``snake``: its
    keys are written in snake case, but for those that ``names`` names, and not below the keys in ``verbatim``.
    """

    name: str
    type: FieldType
    meaning: str
    array: bool = False
    indexed: bool = True
    allowed: tuple[str, ...] = ()
    ignore_above: int | None = None
    expected_types: dict[str, tuple[str, ...]] = field(default_factory=dict)
    open: bool = False
    column: bool = False
    snake: bool = False
    names: tuple[tuple[str, str], ...] = ()
    verbatim: tuple[str, ...] = ()
    moments: tuple[str, ...] = ()


class FieldEntry(BaseModel):
    """A field as it stands in ``ecs.yml``, ``siem.yml`` or a ``fields.yml``."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    type: FieldType
    """As OpenSearch spells it."""
    meaning: str
    """One sentence."""
    array: bool = False
    """Always an array, even of one value."""
    indexed: bool = True
    """False: kept in ``_source``, never searched."""
    column: bool = False
    """A column (doc values) without an inverted index: half the cost of the field. Sorted and aggregated as ever and found by its
    whole value, which reads the column of the time searched; patterns do not find it. For what seldom is the question."""
    ignore_above: int | None = Field(default=None, ge=1, le=32766)
    """Longer values of a keyword are kept but not searched."""
    allowed: list[str] | dict[str, list[str]] = []
    """The only values there may be; for event.category with the event.type values each goes with."""
    open: bool = False
    """An object that passes through as it came: only the fields declared below it are searched, the rest is just kept."""
    snake: bool = False
    """The keys of an open object are written in snake case, at every depth."""
    names: dict[str, str] = {}
    """Of an object in snake case: key in the source, at any depth → what it is called here; a dotted name nests."""
    verbatim: list[str] = []
    """Of an object in snake case: keys of the source whose values are data through and through (tags) and stay as they are."""
    moments: list[str] = []
    """Of an object in snake case: keys of the source whose values are times, however they are written."""


class FieldsFile(RootModel[dict[FieldName, FieldEntry]]):
    """Field name → what it is."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Fields by name; ``mappings/ecs.yml`` and ``mappings/siem.yml`` plus the ``fields.yml`` of one dataset."""

    fields: dict[str, FieldSpec]

    def get(self, name: str) -> FieldSpec | None:
        """The field, or None when nobody declared it."""
        return self.fields.get(name)

    @classmethod
    def read(cls, ecs: Path, own: Path | None = None, used: Mapping[str, FieldEntry] | None = None) -> Catalogue:
        """The catalogue of one dataset: ``ecs.yml``, the ``siem.yml`` beside it if there is one, its ``fields.yml``.

        ``used``: fields of the shared blocks it uses. Raises ContentErrors for a file that is wrong or declares a field
        that the shared catalogue or those blocks have already.
        """
        shared = _shared(ecs, _stamp(ecs), _stamp(ecs.parent / "siem.yml"))
        if used:
            shared = {**shared, **specs(used)}
        if own is None:
            return cls(shared)
        file = read(own, FieldsFile)
        faults = _taken(file, shared)
        if faults:
            raise ContentErrors(f"{own} is not valid", faults)
        return cls({**shared, **specs(file.value.root)})


def _taken(file: YamlFile[FieldsFile], shared: dict[str, FieldSpec]) -> list[ContentError]:
    return [
        file.error((name,), "already_declared", f"`{name}` is a field of the shared catalogue", "leave it out here")
        for name in file.value.root
        if name in shared
    ]


def specs(entries: Mapping[str, FieldEntry]) -> dict[str, FieldSpec]:
    """The entries of a file as the catalogue holds them."""
    return {
        name: FieldSpec(
            name=name,
            type=entry.type,
            meaning=entry.meaning,
            array=entry.array,
            indexed=entry.indexed,
            allowed=tuple(entry.allowed),
            ignore_above=entry.ignore_above,
            expected_types={k: tuple(v) for k, v in entry.allowed.items()} if isinstance(entry.allowed, dict) else {},
            open=entry.open,
            column=entry.column,
            snake=entry.snake,
            names=tuple(entry.names.items()),
            verbatim=tuple(entry.verbatim),
            moments=tuple(entry.moments),
        )
        for name, entry in entries.items()
    }


def _stamp(path: Path) -> int:
    """Changes when the file does; 0 when there is none."""
    return path.stat().st_mtime_ns if path.is_file() else 0


@lru_cache(maxsize=8)
def _shared(ecs: Path, _ecs_stamp: int, own_stamp: int) -> dict[str, FieldSpec]:
    # Read once for all pipelines of a folder; the stamps make an edited file count.
    fields = specs(read(ecs, FieldsFile).value.root)
    if own_stamp:
        file = read(ecs.parent / "siem.yml", FieldsFile)
        faults = _taken(file, fields)
        if faults:
            raise ContentErrors(f"{file.path} is not valid", faults)
        fields |= specs(file.value.root)
    return fields
