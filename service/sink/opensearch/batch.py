"""Bulk bodies: documents of parcels gathered by bytes and age, priority datasets first; split when need be."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from service.sink.opensearch.body import Body
from service.sink.parcel import Parcel


@dataclass(frozen=True, slots=True)
class Span:
    """Some pieces of one parcel, by number."""

    parcel: Parcel
    numbers: Sequence[int]


@dataclass(slots=True)
class Load:
    """What one bulk request carries, and how often it was tried."""

    spans: list[Span] = field(default_factory=list)
    size: int = 0
    """Characters."""
    attempts: int = 0
    """Failed tries so far."""
    resets: int = 0
    """Of those, how often the connection broke while the request was under way."""
    failing_since: float = 0.0
    """Monotonic seconds of the first failure; 0 before."""

    def __len__(self) -> int:
        """Documents."""
        return sum(len(span.numbers) for span in self.spans)

    def pieces(self) -> list[str]:
        """The texts, in order."""
        texts: list[str] = []
        for span in self.spans:
            pieces = span.parcel.pieces
            if len(span.numbers) == len(pieces):
                texts += pieces
            else:
                texts += [pieces[k] for k in span.numbers]
        return texts

    def items(self) -> Iterator[tuple[Parcel, int]]:
        """Parcel and piece number of every document, in order."""
        for span in self.spans:
            for k in span.numbers:
                yield span.parcel, k

    def halves(self) -> tuple[Load, Load]:
        """Two loads with half the documents each; tries are counted afresh."""
        everything = list(self.items())
        middle = len(everything) // 2
        return load_of(everything[:middle]), load_of(everything[middle:])


def load_of(items: Sequence[tuple[Parcel, int]]) -> Load:
    """A load of single documents, neighbours of one parcel kept in one span."""
    groups: list[tuple[Parcel, list[int]]] = []
    for parcel, k in items:
        if groups and groups[-1][0] is parcel:
            groups[-1][1].append(k)
        else:
            groups.append((parcel, [k]))
    spans = [Span(parcel, numbers) for parcel, numbers in groups]
    return Load(spans, sum(len(parcel.pieces[k]) for parcel, k in items))


def body_of(pieces: list[str]) -> Body:
    """The bytes of a bulk body.

    Lone surrogates, which UTF-8 cannot carry, become ``?``; the compiler lets none through, this is the last net.
    """
    # Each by itself: most are ASCII and copied at once, where one foreign letter would have the whole body walked.
    try:
        return Body(b"".join([piece.encode() for piece in pieces]))
    except UnicodeEncodeError:
        return Body(b"".join([piece.encode(errors="replace") for piece in pieces]))


def malformed(pieces: list[str]) -> list[int]:
    """Numbers of pieces that are not exactly two lines; empty for a sound body.

    A third line would be an action of its own: whoever smuggles one in writes where he wants.
    """
    wrong: list[int] = []
    for k, piece in enumerate(pieces):
        first = piece.find("\n")  # jumps from end to end of line; counting looks at every character
        if not 0 <= first < piece.find("\n", first + 1) == len(piece) - 1:
            wrong.append(k)
    return wrong


def index_of(piece: str | bytes) -> str:
    """Index that the action line of a piece names."""
    line = piece.partition("\n")[0] if isinstance(piece, str) else piece.partition(b"\n")[0]
    action: dict[str, dict[str, str]] = json.loads(line)
    return action["create"]["_index"]


class Packer:
    """Parcels waiting to become loads; one lane for priority datasets, one for the others."""

    def __init__(self, priority: frozenset[str], longest_wait: float) -> None:
        """Loads wait for more until they are full or ``longest_wait`` seconds old."""
        self._priority = priority
        self._longest_wait = longest_wait
        self._again: deque[Load] = deque()
        self._lanes: tuple[deque[tuple[Span, int, float]], deque[tuple[Span, int, float]]] = (deque(), deque())
        self._sizes = [0, 0]

    def add(self, parcel: Parcel, now: float, size: int) -> None:
        """Queue a parcel; one larger than ``size`` is cut so that no load is much larger."""
        lane = 0 if parcel.dataset in self._priority else 1
        for span, span_size in _cut(parcel, size):
            self._lanes[lane].append((span, span_size, now))
            self._sizes[lane] += span_size

    def again(self, load: Load) -> None:
        """Queue a load that failed, in front of everything new."""
        self._again.append(load)

    def ready(self, now: float, size: int, *, flush: bool) -> Load | None:
        """The next load of up to ``size`` characters that should go now, or None when waiting for more is better."""
        if self._again:
            return self._again.popleft()
        for lane, queue in enumerate(self._lanes):
            if queue and (flush or self._sizes[lane] >= size or now - queue[0][2] >= self._longest_wait):
                return self._fill(lane, size)
        return None

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._again or self._lanes[0] or self._lanes[1])

    def _fill(self, lane: int, size: int) -> Load:
        load = Load()
        # What room a young priority load leaves is given to the others: fewer, fuller requests.
        for number in (lane, 1 - lane):
            queue = self._lanes[number]
            while queue and (not load.spans or load.size + queue[0][1] <= size):
                span, span_size, _ = queue.popleft()
                self._sizes[number] -= span_size
                load.spans.append(span)
                load.size += span_size
        return load


def _cut(parcel: Parcel, size: int) -> Iterator[tuple[Span, int]]:
    if parcel.size <= size:
        yield Span(parcel, range(len(parcel.pieces))), parcel.size
        return
    start = total = 0
    for k, piece in enumerate(parcel.pieces):
        if total and total + len(piece) > size:
            yield Span(parcel, range(start, k)), total
            start, total = k, 0
        total += len(piece)
    yield Span(parcel, range(start, len(parcel.pieces))), total
