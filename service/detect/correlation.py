"""Sigma correlations as a state machine: occurrences of base rules in, firings out. Pure; the only time is the events' own.

What is known of one group (one user, one address …) is its ``State``, plain lists and numbers that JSON carries. Events may come
in any order and more than once: whether a correlation fires does not depend on it, as long as they come within ``horizon_ms``
of each other. A firing covers the time from its first event until one timespan after its last; what else happens there belongs
to it and fires nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

from service.detect.correlation_rule import (
    REF,
    RULE,
    TIME,
    VALUE,
    Correlation,
    Event,
    Kind,
    condition_of,
    least_events,
    time_of,
)

LATENESS_MS = 24 * 3600 * 1000
"""How much later than its neighbours an event may come and still count with them."""
MOST_EVENTS = 1000
"""Events of a group that are remembered beyond four times the threshold; the oldest are forgotten first."""
MOST_SPANS = 200
FEW = 50
"""Events and covered spans that are kept however old they are: a partition that lags by days still finds its own."""

State = dict[str, Any]
"""``newest`` (ms), ``events`` ([time, ref, rule, value], by time), ``covered`` ([start, end, firing]) and ``until`` when."""


class Occurrence(NamedTuple):
    """A base rule matched an event of the group."""

    rule: str
    """Id of the rule."""
    time_ms: int
    ref: str
    """What names the event for good: ``index/_id``."""
    value: str | float | None = None
    """Of the field whose values are counted or added."""


@dataclass(frozen=True, slots=True)
class Fired:
    """The condition came true."""

    id: str
    """The same for the same group and the same first event, however often it is worked out."""
    first_ms: int
    last_ms: int
    events: int
    """In the window."""
    refs: tuple[str, ...]
    """The window's events, oldest first."""
    late: bool
    """The window had been over for longer than its timespan when the event that completed it came."""


@dataclass(frozen=True, slots=True)
class More:
    """Another event of what has fired already."""

    id: str
    """Of the firing."""
    time_ms: int
    ref: str


Told = Fired | More


class Correlator:
    """The state machine of one correlation; it holds no state itself."""

    def __init__(self, correlation: Correlation, lateness_ms: int = LATENESS_MS) -> None:
        """``lateness_ms``: how much later than its neighbours an event may come."""
        self.correlation = correlation
        self.horizon_ms = correlation.timespan_ms + lateness_ms
        self._span = correlation.timespan_ms
        self._most = MOST_EVENTS + 4 * int(correlation.count)
        self._few = FEW + 2 * int(correlation.count)
        # Where it does not matter which rule matched, an event that several match is one event.
        told_apart = correlation.kind in ("temporal", "temporal_ordered")
        self._number = {rule: number if told_apart else 0 for number, rule in enumerate(correlation.rules)}
        self._holds = condition_of(correlation, self._number)
        self._least = least_events(correlation)
        self._alike = _ALIKE.get(correlation.kind)

    def take(self, state: State | None, group: str, occurrence: Occurrence) -> tuple[State, list[Told]]:
        """The state after an occurrence in ``group``, and what it brought about; the given state may be changed.

        An occurrence that came before changes nothing, and tells nothing but that it is one more of what has fired, as it did
        the first time: whoever counts these goes by their ``ref``.
        """
        rule, time_ms, ref, value = occurrence
        if state is None:
            state = {"newest": time_ms, "events": [], "covered": [], "until": -1}
        newest: int = state["newest"]
        late = time_ms < newest
        if not late:
            newest = state["newest"] = time_ms
        if time_ms <= state["until"]:
            for start, end, firing in state["covered"]:
                if start <= time_ms <= end:
                    return state, [More(firing, time_ms, ref)]
        event: Event = [time_ms, ref, self._number[rule], value]
        events: list[Event] = state["events"]
        if not events or events[-1][TIME] < time_ms:
            at = len(events)
            events.append(event)
        else:
            at = bisect_left(events, event[:VALUE], key=_order)
            if at < len(events) and events[at][:VALUE] == event[:VALUE]:
                return state, []
            events.insert(at, event)
        window = self._completed(events, at)
        if window is None:
            self._forget(state, at)
            return state, []
        told = self._fire(state, group, window, newest, late=late)
        self._forget(state, None)
        return state, told

    def expires_ms(self, state: State) -> int:
        """When events are of this time, nothing that still may come can need the state."""
        return int(state["newest"]) + self.horizon_ms

    def _completed(self, events: list[Event], at: int) -> list[Event] | None:
        """The earliest window with the event at ``at`` in it for which the condition holds."""
        if len(events) < self._least:
            return None
        last = at + 1
        if last < len(events):
            last = bisect_right(events, events[at][TIME] + self._span, lo=at, key=time_of)
        for right in range(at, last):
            begin = events[right][TIME] - self._span
            left = 0 if events[0][TIME] >= begin else bisect_left(events, begin, hi=at, key=time_of)
            if right - left + 1 < self._least:
                continue
            window = events[left : right + 1]
            if self._holds(window):
                return window
        return None

    def _fire(self, state: State, group: str, window: list[Event], newest: int, *, late: bool) -> list[Told]:
        first, last = window[0], window[-1]
        named = f"{self.correlation.about.id}\0{group}\0{first[REF]}\0{first[TIME]}"
        fired = Fired(
            id=blake2b(named.encode("utf-8", "replace"), digest_size=16).hexdigest(),
            first_ms=first[TIME],
            last_ms=last[TIME],
            events=len(window),
            refs=tuple(event[REF] for event in window),
            late=late and last[TIME] + self._span < newest,
        )
        end = last[TIME] + self._span
        state["covered"] = [*state["covered"], [first[TIME], end, fired.id]][-MOST_SPANS:]
        state["until"] = max(state["until"], end)
        kept: list[Event] = []
        after: list[Told] = []  # where what completed the window came late, some of what comes after it is here already
        for event in state["events"]:
            if not first[TIME] <= event[TIME] <= end:
                kept.append(event)
            elif event[:VALUE] > last[:VALUE]:
                after.append(More(fired.id, event[TIME], event[REF]))
        state["events"] = kept
        return [fired, *after]

    def _forget(self, state: State, at: int | None) -> None:
        """Forget what can decide nothing any more: too old, or between two that say the same."""
        events: list[Event] = state["events"]
        oldest = state["newest"] - self.horizon_ms
        if at is not None and self._alike is not None and len(events) > 2:
            self._thin(events, at)
        if len(events) > self._few and events[0][TIME] < oldest:
            del events[: bisect_left(events, oldest, key=time_of)]
        if len(events) > self._most:
            del events[: len(events) - self._most]
        if len(state["covered"]) > FEW:
            state["covered"] = [span for span in state["covered"] if span[1] >= oldest]

    def _thin(self, events: list[Event], at: int) -> None:
        """Of three alike within one timespan the middle one is in no window without another of them."""
        assert self._alike is not None  # noqa: S101 - the caller has asked
        alike = self._alike(events, at)
        mine = alike.index(at)
        for middle in (mine + 1, mine, mine - 1):
            if 0 < middle < len(alike) - 1:
                before, after = events[alike[middle - 1]], events[alike[middle + 1]]
                if after[TIME] - before[TIME] <= self._span:
                    del events[alike[middle]]
                    return


def _order(event: Event) -> Event:
    return event[:VALUE]


def _same(events: list[Event], at: int) -> list[int]:
    """Events with the same rule and value, near enough to matter."""
    rule, value = events[at][RULE], events[at][VALUE]
    return [number for number, event in enumerate(events) if event[RULE] == rule and event[VALUE] == value]


def _run(events: list[Event], at: int) -> list[int]:
    """The run of events of the same rule around the one at ``at``: nothing else happened in between."""
    rule, left, right = events[at][RULE], at, at
    while left > 0 and events[left - 1][RULE] == rule:
        left -= 1
    while right + 1 < len(events) and events[right + 1][RULE] == rule:
        right += 1
    return list(range(left, right + 1))


_ALIKE: dict[Kind, Callable[[list[Event], int], list[int]]] = {
    "value_count": _same,
    "temporal": _same,
    "temporal_ordered": _run,
}
