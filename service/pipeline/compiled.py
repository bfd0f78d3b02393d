"""A compiled pipeline: slices of raw events in, lines of a bulk request out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from service.event import Slice
from service.fields import Catalogue
from service.normalise.time import epoch_milli, moment_of
from service.parse.columns import folded, layout_of, split_carefully
from service.parse.joins import JOINED, JOINS
from service.parse.masks import MASKS
from service.pipeline.flaw import Flaw
from service.pipeline.runtime import SliceFacts, facts_of
from service.pipeline.schema import PipelineFile
from service.pipeline.shapes import Item, Shapes
from service.pipeline.watch import NOTHING, Watched

LAYOUTS = 64
"""Layouts of columns one pipeline compiles; a stream that invents more gets dead letters (``too_many_layouts``)."""
MISCAST = "cast_error"
"""Flag of events with a value that is not what its field asks for."""
_WIDEST = 1000


class Unusable(NamedTuple):
    """An event without a document: number ``at`` of its slice, and why."""

    at: int
    stage: str
    code: str
    reason: str
    field: str | None


@dataclass(slots=True)
class Carried:
    """The fate of every event of one slice; ``len(pieces) + len(dead) + sum(dropped.values())`` is their number."""

    pieces: list[str] = field(default_factory=list)
    """Bulk action and document, a line each: ``{"create":…}\\n{…}\\n``."""
    at: list[int] = field(default_factory=list)
    """Piece k is event number ``at[k]`` of the slice."""
    watched: list[Watched] = field(default_factory=list)
    """What was asked to be handed out beside piece k; empty where nothing was."""
    dead: list[Unusable] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    """Rule name → events."""
    flags: dict[str, int] = field(default_factory=dict)
    """Flag → events that are indexed all the same."""
    odd: list[tuple[int, Flaw]] = field(default_factory=list)
    """Number and flaw of the events with leftovers or strange values, among those that have a document or were refused."""
    leftovers: Literal["column", "key"] | None = "key"
    """What leftovers are; None where any may come and none is news."""
    open: frozenset[str] = frozenset()
    """Keys of the raw event below which none is."""

    def take(self, other: Carried) -> None:
        """Add the fates of other events."""
        self.pieces += other.pieces
        self.at += other.at
        self.watched += other.watched
        self.dead += other.dead
        self.odd += other.odd
        for mine, its in ((self.dropped, other.dropped), (self.flags, other.flags)):
            for name, events in its.items():
                mine[name] = mine.get(name, 0) + events


Carry = Callable[
    [
        Slice, SliceFacts, Iterable[Item], str, list[str], list[int], list[Unusable], dict[str, int], dict[str, int],
        list[Item] | None, list[Watched], list[tuple[int, Flaw]],
    ],
    None,
]  # fmt: skip
"""The last but two, where it is given, gets the lines that have as many values as another known layout."""


class Build(Protocol):
    """Compiles the function for a layout of columns."""

    def __call__(self, layout: tuple[str, ...] | None, *, objects: bool = False) -> Carry:
        """Of lines, or of ``objects``; then the layout ends with the groups of columns."""
        ...


class CompiledPipeline:
    """One dataset. ``carry`` is pure, synchronous, and raises for no input."""

    def __init__(
        self,
        file: PipelineFile,
        catalogue: Catalogue,
        version: str,
        fields: AbstractSet[str],
        raw_names: Iterable[str],
        build: Build,
        shapes: Callable[[], Shapes | None],
    ) -> None:
        """``build`` gives the function for a layout of columns; the default's is made at once.

        ``shapes`` is asked after that; it gives the sorter of JSON events by shape, where that pays. ``raw_names``: raw
        fields that some step reads; a column is one of them whatever its case and separators (``account_id``,
        ``account-id``).
        """
        self.dataset = file.dataset
        self.file = file
        self.catalogue = catalogue
        self.version = version
        self.fields = fields
        """Names of all fields that its documents may carry."""
        self.watch = NOTHING
        """What it hands out beside the documents."""
        self._build = build
        columns = file.parse.columns
        self._leftovers: Literal["column", "key"] | None = "column" if columns is not None else "key"
        if file.drift.keys == "any":
            self._leftovers = None
        self._open = frozenset(file.drift.open)
        self._separator = columns.separator if columns is not None else " "
        self._quoted = columns is not None and columns.quoted
        self._brackets = columns is not None and columns.brackets
        self._default = None if columns is None else layout_of(columns.default, " ")
        self._groups = columns.groups if columns is not None else {}
        self._names = {folded(name): name for name in (*(self._default or ()), *raw_names) if name not in self._groups}
        self._functions: dict[str | None, Carry] = {None: build(self._default)}
        self._objects = None
        if columns is not None and columns.objects:
            self._objects = build((*self._names.values(), *self._groups), objects=True)
        self._keys = tuple(f'"{name}"' for name in self._names.values())
        self._masks = [MASKS[name] for name in file.parse.mask]
        self._join = JOINS[file.parse.join] if file.parse.join is not None else None
        self._known: dict[int, list[str]] = {}
        for names in columns.known if columns is not None else ():
            self._known.setdefault(len(layout_of(names, " ")), []).append(names)
        self._shapes = shapes()
        self._ingested = (0, '""')

    @property
    def compiled_shapes(self) -> int:
        """Shapes of JSON events that have a function of their own."""
        return 0 if self._shapes is None else self._shapes.compiled

    def carry(self, slice_: Slice, now_ms: int) -> Carried:
        """Take a slice of raw events through the stages; one fate for every event in it.

        What a mask hides is hidden in the slice itself, so that dead letters made of it say no more than documents; what
        is joined is joined there, so that they say no less.
        """
        carried = Carried(leftovers=self._leftovers, open=self._open)
        together = self._join is not None and self._join(slice_.events)
        for mask in self._masks:  # after joining: a password may stand in a line of its own
            slice_.events[:] = map(mask, slice_.events)
        function = self._functions.get(slice_.columns)
        if function is None:
            function = self._for_layout(slice_.columns)
        if function is None:
            reason = f"more than {LAYOUTS} layouts of columns, or one that is none"
            carried.dead = [Unusable(i, "parse", "too_many_layouts", reason, None) for i in range(len(slice_.events))]
            return carried
        if self._ingested[0] != now_ms:
            found = epoch_milli(now_ms)
            self._ingested = (now_ms, f'"{moment_of(*found, lambda _: "").text}"' if found else '""')
        facts = facts_of(slice_)
        items: Iterable[Item] = enumerate(slice_.events)
        if together:
            items = [item for item in items if item[1] != JOINED]
            carried.dropped["joined"] = len(slice_.events) - len(items)
        if self._shapes is not None:
            groups, rest = self._shapes.sort(slice_.events)
            for shaped, parsed in groups:
                shaped(
                    slice_,
                    facts,
                    parsed,
                    rest,
                    self._ingested[1],
                    carried.pieces,
                    carried.at,
                    carried.dropped,
                    carried.flags,
                    carried.watched,
                    carried.odd,
                )
            items = rest
        if self._objects is not None:
            items = self._carry_objects(self._objects, carried, slice_, facts)
        if items:
            misfits: list[Item] | None = [] if self._known and slice_.columns is None else None
            self._into(carried, function, slice_, facts, items, misfits)
            if misfits:
                self._carry_known(carried, slice_, facts, misfits)
        return carried

    def _into(
        self, carried: Carried, function: Carry, slice_: Slice, facts: SliceFacts, items: Iterable[Item],
        misfits: list[Item] | None = None,
    ) -> None:  # fmt: skip
        function(
            slice_, facts, items, self._ingested[1], carried.pieces, carried.at, carried.dead, carried.dropped, carried.flags,
            misfits, carried.watched, carried.odd,
        )  # fmt: skip

    def _carry_objects(self, function: Carry, carried: Carried, slice_: Slice, facts: SliceFacts) -> list[Item]:
        """Take the lines that are JSON objects with a known column among their keys; give the others."""
        lines: list[Item] = []
        objects: list[Item] = []
        for item in enumerate(slice_.events):
            (objects if item[1][:1] == "{" and self._holds_columns(item[1]) else lines).append(item)
        if objects:
            self._into(carried, function, slice_, facts, objects)
        return lines

    def _holds_columns(self, text: str) -> bool:
        """Whether the object's first key, or else any, is a column's name, and not one under which a line is wrapped."""
        first = text[2 : text.find('"', 2)]
        return folded(first) in self._names or any(key in text for key in self._keys)

    def _carry_known(self, carried: Carried, slice_: Slice, facts: SliceFacts, items: list[Item]) -> None:
        """Lines that have as many values as a known layout."""
        alike: dict[int, list[Item]] = {}
        for item in items:
            width = len(split_carefully(item[1], self._separator, quoted=self._quoted, brackets=self._brackets))
            alike.setdefault(width, []).append(item)
        for width, lines in alike.items():
            self._carry_alike(carried, slice_, facts, self._known.get(width, []), lines)

    def _carry_alike(
        self, carried: Carried, slice_: Slice, facts: SliceFacts, layouts: list[str], items: list[Item]
    ) -> None:  # fmt: skip
        """Lines of one width: by the first layout that fits them all, else each by the first that fits it or the default."""
        for names in layouts:
            function = self._functions.get(names) or self._for_layout(names)
            # A layout that does not fit the first line is not tried on thousands of its kind.
            if function is None or (len(items) > 1 and self._fitting(function, slice_, facts, items[:1]) is None):
                continue
            trial = self._fitting(function, slice_, facts, items)
            if trial is not None:
                carried.take(trial)
                return
        if len(items) == 1:
            self._into(carried, self._functions[None], slice_, facts, items)
            return
        for item in items:
            self._carry_alike(carried, slice_, facts, layouts, [item])

    def _fitting(self, function: Carry, slice_: Slice, facts: SliceFacts, items: list[Item]) -> Carried | None:
        trial = Carried()
        self._into(trial, function, slice_, facts, items)
        return None if trial.dead or MISCAST in trial.flags else trial

    def _for_layout(self, columns: str | None) -> Carry | None:
        if self._default is None or columns is None:
            return self._functions[None]
        layout = self._named(layout_of(columns, self._separator))
        if not layout or len(layout) > _WIDEST or len(self._functions) > LAYOUTS:
            return None
        made = self._functions[None] if layout == self._default else self._build(layout)
        self._functions[columns] = made
        return made

    def _named(self, header: tuple[str, ...]) -> tuple[str, ...]:
        """The columns as the pipeline calls them; of two that would be called the same, or are not called at all, by number."""
        found: list[str] = []
        for number, said in enumerate(header, 1):
            name = self._names.get(folded(said), said)
            if name in found and name != "_":
                name = said if said not in found else f"{said}_{number}"
            found.append(name or f"column_{number}")
        return tuple(found)
