"""Which datasets a Sigma log source means, and where the fields are that its rules name: ``detections/logsources/*.yml``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from service.detect.rule import Logsource
from service.detect.seen import RawForm
from service.errors import ContentError, ContentErrors, Place
from service.match import And, Node, parse_selection
from service.yaml_errors import closest
from service.yaml_file import Key, YamlFile, read

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


Selection = dict[str, Any] | list[dict[str, Any]]


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
    when: Selection | None = None
    """Which of the views' events are meant, if not all; in the names of rules or documents."""


class ViewEntry(_Model):
    """How the rules of these log sources see the documents of some datasets."""

    datasets: list[Name] = Field(min_length=1)
    """Datasets; ``*`` stands for any letters."""
    when: Selection | None = None
    """Selection of the events that are meant, in the names of rules or documents."""
    fields: dict[Name, Name | list[Name]] = {}
    """Name in a rule → field of the document (or of the raw event); of a list the first that has a value.

    ``a.b*`` stands for all values of ``a`` whose names begin with ``b``."""
    either: dict[Name, list[Name]] = {}
    """Name in a rule → names of this view: what holds for the value of one of them holds."""
    raw: RawForm | None = None
    """How ``event.original`` is read for names that are no fields of the document."""
    below: list[Name] = []
    """Objects of the document in which names are looked for that are no fields themselves."""
    constants: dict[Name, str | int | bool] = {}
    """Names that have the same value in every event of the view, which the log need not say."""
    words: dict[Name, dict[str | int, str]] = {}
    """Names whose values the document has as words: value in a rule → word."""
    bare_paths: list[Name] = []
    """Names of files that may come without their folder: ``curl`` is then looked at as ``/curl``."""
    empty_is_nothing: bool = False
    """Values that are empty in the log are in no document: whoever asks for an empty text means that there is nothing."""
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
    either: Mapping[str, list[str]]
    raw: RawForm | None
    below: tuple[str, ...]
    constants: Mapping[str, str | int | bool]
    words: Mapping[str, Mapping[str, str]]
    bare_paths: tuple[str, ...]
    empty_is_nothing: bool
    lacks: tuple[str, ...]
    facets: tuple[str, ...]
    texts: tuple[str, ...]
    place: Place


PLAIN = View(None, {}, {}, None, (), {}, {}, (), empty_is_nothing=False, lacks=(), facets=(), texts=(), place=Place(""))
"""The documents as they are: rules name their fields."""


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
            return {named: [PLAIN]}
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


def load_logsources(folders: Sequence[Path], datasets: Sequence[str], *, partial: bool = False) -> Logsources:
    """The files of these folders; what is wrong with them is in ``faults``.

    ``partial``: ``datasets`` are those of a deployment, which need not be all that the files speak of.
    """
    entries: list[tuple[LogsourceName, list[tuple[tuple[str, ...], View]]]] = []
    faults: list[ContentError] = []
    for folder in folders:
        for path in sorted(folder.glob("*.yml")):
            try:
                file = read(path, LogsourceFile)
                views = [_view(file, at, entry, datasets, partial=partial) for at, entry in enumerate(file.value.views)]
                for at, name in enumerate(file.value.logsources):
                    narrow = _when(file, ("logsources", at), name.when)
                    entries.append((name, [(datasets_, _narrowed(view, narrow)) for datasets_, view in views]))
            except ContentErrors as errors:
                faults.extend(errors.faults)
    return Logsources(entries, tuple(datasets), tuple(faults))


def _view(
    file: YamlFile[LogsourceFile], at: int, entry: ViewEntry, datasets: Sequence[str], *, partial: bool
) -> tuple[tuple[str, ...], View]:
    known: list[str] = []
    for number, pattern in enumerate(entry.datasets):
        found = [name for name in datasets if fnmatchcase(name, pattern)]
        if not found and datasets and "*" not in pattern and not partial:
            keys = ("views", at, "datasets", number)
            fault = file.error(keys, "unknown_dataset", f"no dataset is called {pattern}", closest(pattern, datasets))
            raise ContentErrors(f"{file.path} is not valid", [fault])
        known += found
    view = View(
        when=_when(file, ("views", at), entry.when),
        fields={name: (to,) if isinstance(to, str) else tuple(to) for name, to in entry.fields.items()},
        either=entry.either,
        raw=entry.raw,
        below=tuple(entry.below),
        constants=entry.constants,
        words={name: {str(value): word for value, word in each.items()} for name, each in entry.words.items()},
        bare_paths=tuple(entry.bare_paths),
        empty_is_nothing=entry.empty_is_nothing,
        lacks=tuple(entry.lacks),
        facets=tuple(entry.facets),
        texts=tuple(entry.texts),
        place=file.place("views", at),
    )
    return tuple(known), view


def _when(file: YamlFile[LogsourceFile], at: tuple[Key, ...], when: Selection | None) -> Node | None:
    if when is None:
        return None
    try:
        return parse_selection(when, file.place(*at, "when"), lambda *keys: file.place(*at, "when", *keys))
    except ContentError as error:
        raise ContentErrors(f"{file.path} is not valid", [error]) from error


def _narrowed(view: View, when: Node | None) -> View:
    if when is None:
        return view
    return replace(view, when=when if view.when is None else And((when, view.when)))
