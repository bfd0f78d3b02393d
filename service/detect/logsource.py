"""Which datasets a Sigma log source means, and where the fields are that its rules name: ``detections/logsources/*.yml``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from service.detect.rule import Logsource
from service.errors import ContentError, ContentErrors, Place
from service.match import Node, parse_selection
from service.yaml_errors import closest
from service.yaml_file import YamlFile, read

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
RawForm = Literal["json"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class LogsourceName(_Model):
    """A Sigma log source: category and service as rules name them; without a product it is that of any product."""

    product: str | None = None
    """Sigma's product."""
    category: str | None = None
    """Sigma's category."""
    service: str | None = None
    """Sigma's service."""


class ViewEntry(_Model):
    """How the rules of these log sources see the documents of some datasets."""

    datasets: list[Name] = Field(min_length=1)
    """Datasets; ``*`` stands for any letters."""
    when: dict[str, Any] | list[dict[str, Any]] | None = None
    """Selection of the events that are meant, in the names of rules or documents."""
    fields: dict[Name, Name | list[Name]] = {}
    """Name in a rule → field of the document (or of the raw event); of a list the first that has a value."""
    raw: RawForm | None = None
    """How ``event.original`` is read for names that are no fields of the document."""
    below: list[Name] = []
    """Objects of the document in which names are looked for that are no fields themselves."""
    lacks: list[Name] = []
    """Names that the log never has, patterns with ``*``: what asks for them does not match."""
    facets: list[Name] = []
    """Fields with few different values, by which rules are found quickly."""
    texts: list[Name] = []
    """Other fields that rules often ask for."""


class LogsourceFile(_Model):
    """``detections/logsources/<name>.yml``."""

    logsources: list[LogsourceName] = Field(min_length=1)
    """Log sources of Sigma."""
    views: list[ViewEntry] = Field(min_length=1)
    """Each is looked at; a rule matches when it does in one of them."""


@dataclass(frozen=True, slots=True)
class View:
    """One way of looking at a dataset's documents."""

    when: Node | None
    fields: Mapping[str, tuple[str, ...]]
    raw: RawForm | None
    below: tuple[str, ...]
    lacks: tuple[str, ...]
    facets: tuple[str, ...]
    texts: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Logsources:
    """All log sources that were declared; later ones add to, and stand before, earlier ones."""

    entries: Sequence[tuple[LogsourceName, Sequence[tuple[tuple[str, ...], View]]]]
    datasets: Sequence[str]
    faults: Sequence[ContentError] = field(default=())

    def views(self, logsource: Logsource) -> dict[str, list[View]]:
        """Dataset → the views in which rules of this log source look at it; empty when nobody knows it."""
        found: dict[str, list[View]] = {}
        best = max((_fit(name, logsource) for name, _ in self.entries), default=0)
        if best:
            for name, views in self.entries:
                if _fit(name, logsource) == best:
                    for datasets, view in views:
                        for dataset in datasets:
                            found.setdefault(dataset, []).append(view)
            return found
        named = f"{logsource.product}.{logsource.service}"
        if logsource.category is None and named in self.datasets:
            return {named: [View(None, {}, None, (), (), (), (), Place(""))]}
        return {}

    def facets(self, dataset: str) -> tuple[str, ...]:
        """Fields of a dataset with few different values."""
        return self._named(dataset, "facets")

    def texts(self, dataset: str) -> tuple[str, ...]:
        """Fields of a dataset that rules often ask for."""
        return self._named(dataset, "texts")

    def _named(self, dataset: str, kind: Literal["facets", "texts"]) -> tuple[str, ...]:
        names = [
            name
            for _, views in self.entries
            for datasets, view in views
            if dataset in datasets
            for name in (view.facets if kind == "facets" else view.texts)
        ]
        return tuple(dict.fromkeys(names))


def _fit(name: LogsourceName, logsource: Logsource) -> int:
    """How much of a rule's log source an entry names; 0 when it says something else."""
    if (name.category, name.service) != (logsource.category, logsource.service):
        return 0
    if name.product is not None and name.product != logsource.product:
        return 0
    return sum(each is not None for each in (name.product, name.category, name.service))


def load_logsources(folders: Sequence[Path], datasets: Sequence[str]) -> Logsources:
    """The files of these folders; what is wrong with them is in ``faults``."""
    entries: list[tuple[LogsourceName, list[tuple[tuple[str, ...], View]]]] = []
    faults: list[ContentError] = []
    for folder in folders:
        for path in sorted(folder.glob("*.yml")):
            try:
                file = read(path, LogsourceFile)
                views = [_view(file, at, entry, datasets) for at, entry in enumerate(file.value.views)]
            except ContentErrors as errors:
                faults.extend(errors.faults)
                continue
            entries.extend((name, views) for name in file.value.logsources)
    return Logsources(entries, tuple(datasets), tuple(faults))


def _view(file: YamlFile[LogsourceFile], at: int, entry: ViewEntry, datasets: Sequence[str]) -> tuple[tuple[str, ...], View]:
    known: list[str] = []
    for number, pattern in enumerate(entry.datasets):
        found = [name for name in datasets if fnmatchcase(name, pattern)]
        if not found and datasets and "*" not in pattern:
            keys = ("views", at, "datasets", number)
            fault = file.error(keys, "unknown_dataset", f"no dataset is called {pattern}", closest(pattern, datasets))
            raise ContentErrors(f"{file.path} is not valid", [fault])
        known += found
    place = file.place("views", at)
    when: Node | None = None
    if entry.when is not None:
        try:
            when = parse_selection(entry.when, file.place("views", at, "when"))
        except ContentError as error:
            raise ContentErrors(f"{file.path} is not valid", [error]) from error
    view = View(
        when=when,
        fields={name: (to,) if isinstance(to, str) else tuple(to) for name, to in entry.fields.items()},
        raw=entry.raw,
        below=tuple(entry.below),
        lacks=tuple(entry.lacks),
        facets=tuple(entry.facets),
        texts=tuple(entry.texts),
        place=place,
    )
    return tuple(known), view
