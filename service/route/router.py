"""Record batches in, slices by dataset out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from service.decode import Limits, Run, Table, Tables, Units, split
from service.decode.cloudwatch import TRANSPORT
from service.decode.head import head_of
from service.decode.record import letter_of_broken, slice_of
from service.errors import Place
from service.event import DeadLetter, Packed, Record, RecordBatch, Slice
from service.match import parse_selection, predicate
from service.parse.columns import folded, layout_of
from service.pipeline.compile import raw_names_of
from service.pipeline.load import LoadedPipeline
from service.pipeline.schema import Columns, PipelineFile
from service.route.columns import ColumnChoice, Declared
from service.route.content import Classify, classifier
from service.route.routes import FACTS, Alternative, Route, alternatives

FALLBACK = "aws.cloudwatch"
"""Dataset of events from a log group that nothing else claims; its own selection is not asked."""
MEMO_SIZE = 50_000
_RUN_FACTS = tuple(fact for fact in FACTS if fact != "stream")
_KEPT_FACTS = (
    "transport", "account", "region", "log_group", "log_stream", "source", "detail_type", "envelope_id", "envelope_time",
    "envelope_resources", "columns", "origin",
)  # fmt: skip
"""What a slice and the run it was made of have in common."""


@dataclass(slots=True)
class Routed:
    """Every event of a batch, once: in a slice of its dataset or as a dead letter."""

    by_dataset: dict[str, list[Slice]] = field(default_factory=dict)
    packed: dict[str, list[Packed]] = field(default_factory=dict)
    """Records all of whose events are of one dataset, as they came; ``events`` does not count theirs."""
    dead: list[DeadLetter] = field(default_factory=list)
    control: int = 0
    records: int = 0
    events: int = 0
    """Events decoded; dead letters of decoding are not among them, those of routing are."""


class Piece(NamedTuple):
    """A slice of one dataset; event i began at line ``lines[i]`` of the input."""

    dataset: str
    slice: Slice
    lines: Sequence[int]


class RoutedText(NamedTuple):
    """Every event of a text, once."""

    pieces: list[Piece]
    dead: list[tuple[int, DeadLetter]]
    """With the line of the input."""


class _Answer(NamedTuple):
    """What the facts of a slice say: all of it is ``dataset``, or ask ``classify`` about each event first."""

    dataset: str | None
    classify: Classify | None


class Router:
    """Finds the dataset of every event; pure, and raises for no input."""

    def __init__(self, routes: Iterable[Route], declared: Declared | None = None, limits: Limits | None = None) -> None:
        """Compile the routes; ``declared`` knows the column lists of ``streams.yml``."""
        known = {route.dataset: route for route in routes}
        self._limits = limits or Limits()
        self._tables = Tables(route.table for route in known.values() if route.table is not None)
        self._fallback = FALLBACK if FALLBACK in known else None
        self._joining = {name for name, route in known.items() if route.joins}
        self._columns = {name: ColumnChoice(route, declared) for name, route in known.items() if route.column_sources}
        ways = [way for name, route in known.items() if name != FALLBACK for way in alternatives(route)]
        self._ways = sorted(ways, key=Alternative.rank)
        self._gates = [predicate(way.gate) for way in self._ways]
        self._answers: dict[tuple[object, ...], _Answer] = {}
        self._classifiers: dict[tuple[int, ...], Classify] = {}

    def route(self, batch: RecordBatch, pack_up_to: int = 0) -> Routed:
        """Sort the events of a batch by dataset, decoding its records.

        Records of up to ``pack_up_to`` bytes (unpacked) whose head alone decides stay packed.
        """
        routed = Routed(records=len(batch.records))
        for record in batch.records:
            if pack_up_to and (found := self._packed(batch, record, pack_up_to)) is not None:
                routed.packed.setdefault(found[0], []).append(found[1])
                continue
            units = split(record.data, self._limits, self._tables)
            routed.control += units.control
            for broken in units.broken:
                routed.dead.append(letter_of_broken(batch, record, broken))
            for run in units.runs:
                routed.events += len(run.events)
                for dataset, part in self._claims(batch, run):
                    if dataset is None:
                        routed.dead.extend(unclaimed(slice_of(batch, record, part)))
                    else:
                        routed.by_dataset.setdefault(dataset, []).append(self._slice(batch, record, dataset, part))
        return routed

    def _packed(self, batch: RecordBatch, record: Record, largest: int) -> tuple[str, Packed] | None:
        """Dataset and form of a record that need not be decoded to know where it belongs; ``packed.unpack`` checks it."""
        head = head_of(record.data, largest)
        if head is None:
            return None
        run = Run([], (), 0, TRANSPORT, account=head.owner, log_group=head.log_group, log_stream=head.log_stream)
        dataset, classify = self._answer(batch, run)
        if dataset is None or classify is not None:
            return None
        choice = self._columns.get(dataset)
        columns = choice(batch, run) if choice is not None else None
        origin = (batch.project, batch.environment, batch.stream, batch.shard)
        return dataset, Packed(*origin, record, head.log_group, head.log_stream, head.owner, columns, head.size)

    def route_text(self, data: bytes, dataset: str | None = None) -> RoutedText:
        """Decode a text as if it were one record; ``dataset`` None finds it for each event."""
        batch = RecordBatch("local", "none", "local", "shardId-000000000000", [])
        return self.route_file(batch, Record(data, "", "0", 0, 0), dataset)

    def route_file(self, batch: RecordBatch, record: Record, dataset: str | None = None) -> RoutedText:
        """Decode a file that lies at a position of its own; ``batch`` says whose it is (its records are not looked at)."""
        units: Units = split(record.data, self._limits, self._tables)
        dead = [(broken.line, letter_of_broken(batch, record, broken)) for broken in units.broken]
        pieces: list[Piece] = []
        for run in units.runs:
            for claimed, part in [(dataset, run)] if dataset is not None else self._claims(batch, run):
                if claimed is None:
                    dead.extend(zip(part.lines, unclaimed(slice_of(batch, record, part)), strict=True))
                else:
                    pieces.append(Piece(claimed, self._slice(batch, record, claimed, part), part.lines))
        return RoutedText(pieces, dead)

    def reroute(self, piece: Slice) -> list[tuple[str | None, Slice]]:
        """Today's dataset of a slice that was decoded earlier (a replay); None where nothing claims it."""
        batch = RecordBatch(piece.project, piece.environment, piece.stream, piece.shard, [])
        record = Record(b"", "", piece.sequence, piece.subsequence, piece.arrival_ms)
        facts = {fact: getattr(piece, fact) for fact in _KEPT_FACTS}
        run = Run(piece.events, range(len(piece.events)), piece.first, ids=piece.ids, times=piece.times, **facts)
        return [
            (dataset, slice_of(batch, record, part) if dataset is None else self._slice(batch, record, dataset, part))
            for dataset, part in self._claims(batch, run)
        ]

    def _slice(self, batch: RecordBatch, record: Record, dataset: str, run: Run) -> Slice:
        choice = self._columns.get(dataset)
        if choice is not None:
            run.columns = choice(batch, run)
        return slice_of(batch, record, run)

    def _claims(self, batch: RecordBatch, run: Run) -> list[tuple[str | None, Run]]:
        """The run as a whole with its dataset, or cut where the dataset changes from event to event."""
        answer = self._answer(batch, run)
        classify = answer.classify
        if classify is None:
            return [(answer.dataset, run)]
        claims = [classify(event) or answer.dataset for event in run.events]
        if None in claims:
            claims = list(self._followed(claims))
        if claims.count(claims[0]) == len(claims):
            return [(claims[0], run)]
        return [(claims[start], _cut(run, start, end)) for start, end in _stretches(claims)]

    def _followed(self, claims: list[str | None]) -> Iterator[str | None]:
        """What nobody claims belongs to the event before it where that one's pipeline puts pieces together."""
        before: str | None = None
        for claim in claims:
            if claim is not None or before not in self._joining:
                before = claim
            yield before

    def _answer(self, batch: RecordBatch, run: Run) -> _Answer:
        """What the facts of the run say; looked up once for all runs that share them."""
        if run.origin is not None:  # every object has a key of its own: nothing to be remembered
            return self._ask(batch, run)
        key = (
            run.log_group, run.log_stream, run.source, run.detail_type, run.transport, run.account, run.columns, batch.stream
        )  # fmt: skip
        answer = self._answers.get(key)
        if answer is None:
            if len(self._answers) >= MEMO_SIZE:
                self._answers.clear()
            answer = self._answers[key] = self._ask(batch, run)
        return answer

    def _ask(self, batch: RecordBatch, run: Run) -> _Answer:
        facts: Mapping[str, object] = {"stream": batch.stream, **{fact: getattr(run, fact) for fact in _RUN_FACTS}}
        open_ways: list[int] = []
        fallback = self._fallback if run.log_group is not None else None
        for number, (way, gate) in enumerate(zip(self._ways, self._gates, strict=True)):
            if not gate(facts):
                continue
            if way.content is None:  # ways that need the content come after, unless this one is asked last
                fallback = way.dataset
                break
            open_ways.append(number)
        if not open_ways:
            return _Answer(fallback, None)
        key = tuple(open_ways)
        if key not in self._classifiers:
            self._classifiers[key] = classifier(tuple(self._ways[number] for number in key))
        return _Answer(fallback, self._classifiers[key])


def build_router(loaded: Mapping[str, LoadedPipeline], declared: Declared | None = None, limits: Limits | None = None) -> Router:
    """Build the router of all loaded pipelines; raises ContentError when a route is wrong."""
    return Router([route_of(pipeline) for pipeline in loaded.values()], declared, limits)


def route_of(pipeline: LoadedPipeline) -> Route:
    """Read one pipeline's route; raises ContentError with its place."""

    def locate(*keys: str | int) -> Place:
        return pipeline.source.place("route", *keys)

    columns = pipeline.file.parse.columns
    tuned = pipeline.tuning.value.columns if pipeline.tuning is not None else {}
    return Route(
        pipeline.dataset,
        parse_selection(pipeline.file.route, pipeline.source.place("route"), locate),
        tuple(columns.sources) if columns is not None else (),
        tuple(tuned.items()),
        pipeline.file.last,
        _table_of(pipeline.file, columns) if columns is not None else None,
        pipeline.file.parse.join is not None,
    )


def _table_of(file: PipelineFile, columns: Columns) -> Table | None:
    """What a file of the source is, where its values are not just separated by blanks and it may begin with a header."""
    if columns.separator == " " or "header" not in columns.sources:
        return None
    names = (*raw_names_of(file), *(name for names in (columns.default, *columns.known) for name in layout_of(names, " ")))
    return Table(columns.separator, frozenset(map(folded, names)))


def unclaimed(piece: Slice) -> list[DeadLetter]:
    """Dead letters of events that no dataset claims."""
    return [
        DeadLetter(
            project=piece.project,
            environment=piece.environment,
            stream=piece.stream,
            shard=piece.shard,
            sequence=piece.sequence,
            subsequence=piece.subsequence,
            index=piece.first + number,
            arrival_ms=piece.arrival_ms,
            stage="route",
            code="no_route",
            reason="no pipeline's route selects this event",
            data=event.encode("utf-8", "surrogatepass"),
            context=_context(piece, number),
            origin=piece.origin,
        )
        for number, event in enumerate(piece.events)
    ]


def _context(piece: Slice, number: int) -> Slice:
    """The slice around one event, with that event's own id and time: a replay must give it the same ``_id``."""
    return msgspec.structs.replace(
        piece,
        events=[],
        first=piece.first + number,
        ids=piece.ids[number : number + 1] if piece.ids is not None else None,
        times=piece.times[number : number + 1] if piece.times is not None else None,
    )


def _stretches(claims: list[str | None]) -> Iterable[tuple[int, int]]:
    start = 0
    for end in range(1, len(claims) + 1):
        if end == len(claims) or claims[end] != claims[start]:
            yield start, end
            start = end


def _cut(run: Run, start: int, end: int) -> Run:
    return msgspec.structs.replace(
        run,
        events=run.events[start:end],
        lines=run.lines[start:end],
        first=run.first + start,
        ids=run.ids[start:end] if run.ids is not None else None,
        times=run.times[start:end] if run.times is not None else None,
    )
