"""The lookout beside a pipeline: documents in, signals out; what matches again and again in one message is one signal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from service.alerts.channels import SEVERITIES
from service.alerts.findings import finding_key, finding_rule, is_over
from service.alerts.gathering import Gathering, place_of
from service.alerts.newcomers import Newcomers, Told
from service.alerts.occurrence import believed_ms
from service.alerts.principal import grouped_by, same_principal
from service.alerts.rating import Origin, Rating
from service.alerts.rule import FINDING, AlertRule
from service.alerts.signal import MOST_EVIDENCE, Evidence, Signal
from service.alerts.tally import mark_of, packed
from service.detect.joining import Joins, time_of
from service.detect.seen import Seen
from service.event import Slice
from service.normalise.cast import quote
from service.pipeline.compiled import Carried
from service.pipeline.watch import Watch

_LARGEST = 64 * 1024
"""Characters of a document that travels with its signal; of a larger one, only what an alert shows."""
_HEAD = 24
"""Characters by which a raw event is found in its document."""

Hit = tuple[str, int, Seen]
"""A rule's id, the number of the document in the batch that it matched, and the document, which is read when somebody asks for
more than is known of it."""

Part = tuple[Slice, Carried]
"""A slice of a message, as a pipeline carried it."""


@dataclass(slots=True)
class Looked:
    """What was found in one message."""

    signals: list[Signal] = field(default_factory=list)
    matches: Counter[str] = field(default_factory=Counter)
    """Rule → how often it matched."""
    suppressed: Counter[str] = field(default_factory=Counter)
    """Rule → how many of its matches nobody wants."""


@dataclass(slots=True)
class _Fold:
    """Matches that travel as one signal; only the last one's document is read for it."""

    hit: Hit
    part: Part
    arrived_ms: int
    key: str = ""
    evidence: list[Evidence] = field(default_factory=list)
    unnamed: list[int] = field(default_factory=list)
    count: int = 0

    def add(self, hit: Hit, part: Part, evidence: Evidence) -> None:
        """One more."""
        self.hit, self.part = hit, part
        self.count += 1
        if len(self.evidence) < MOST_EVIDENCE:
            self.evidence.append(evidence)
        else:
            self.unnamed.append(mark_of(self.evidence[-1].id))
            self.evidence[-1] = evidence  # the last one says how long it went on

    def signal(self, dataset: str) -> Signal:
        """The signal."""
        slice_, carried = self.part
        return Signal(
            rule=self.hit[0],
            project=slice_.project,
            environment=slice_.environment,
            stream=slice_.stream,
            dataset=dataset,
            arrived_ms=self.arrived_ms,
            evidence=self.evidence,
            count=self.count,
            document=_told(self.hit, slice_, carried),
            key=self.key,
            marks=packed(self.unnamed),
        )


class Matcher(Protocol):
    """Rules over the documents of a dataset."""

    def matches(self, dataset: str, watch: Watch, carried: Carried) -> Iterable[Hit]:
        """The matches in a batch as a pipeline carried it; ``watch`` is what the pipeline handed out beside documents."""
        ...


class Lookout:
    """Looks at one message after the other; raises for no document."""

    def __init__(
        self,
        matcher: Matcher,
        rules: Mapping[str, AlertRule],
        joins: Joins,
        rating: Rating,
        findings: Mapping[str, str],
        window_ms: int,
    ) -> None:
        """``findings``: dataset → least severity that becomes an alert, or ``off``; ``window_ms``: of rules that name none."""
        self._matcher = matcher
        self._rating = rating
        self._rules = rules
        self._window_ms = window_ms
        self._joins = joins
        self._quiet = joins.silent | {rule.id for rule in rules.values() if rule.counted_only}
        """Rules whose matches raise no alert by themselves."""
        self._unasked = {name for name in self._quiet if not joins.feeds(name)}
        """Those of them that no correlation counts either."""
        self._findings = {dataset: SEVERITIES.index(least) for dataset, least in findings.items() if least in SEVERITIES}
        self._told = Told()

    def look(self, dataset: str, watch: Watch, parts: Sequence[Part], now_ms: int) -> Looked:
        """What is found in the documents of a message's slices, which are all of one project, environment and stream."""
        looked, folds, gathering = Looked(), dict[tuple[object, ...], _Fold](), Gathering(self._joins, dataset)
        newcomers = Newcomers(self._told, dataset)
        for part in parts:
            self._look(looked, folds, gathering, newcomers, dataset, watch, part, now_ms)
        looked.signals = [fold.signal(dataset) for fold in folds.values()]
        if parts:
            slice_ = parts[0][0]
            looked.signals += gathering.signals(slice_)
            looked.signals += newcomers.signals(slice_, self._quiet)
        return looked

    def _look(
        self, looked: Looked, folds: dict[tuple[object, ...], _Fold], gathering: Gathering, newcomers: Newcomers, dataset: str,
        watch: Watch, part: Part, now_ms: int,
    ) -> None:  # fmt: skip
        slice_, carried = part
        origin = Origin(slice_.project, slice_.environment, dataset)
        matches, rules, quiet, pieces = looked.matches, self._rules, self._quiet, carried.pieces
        suppresses, gathered = self._rating.suppresses, gathering.matches
        for hit in self._matcher.matches(dataset, watch, carried):
            name, at, seen = hit
            matches[name] += 1
            rule = rules.get(name)
            if rule is None:
                continue
            if suppresses and self._rating.suppressed(rule, origin, seen, now_ms) is not None:
                looked.suppressed[name] += 1
                continue
            if rule.first_seen is not None:
                if name not in self._unasked:
                    newcomers.take(rule, rule.first_seen, slice_, seen, pieces[at])
                continue
            if name not in quiet:
                self._alone(folds, hit, rule, origin, part, now_ms)
            gathered[name].append((seen, pieces[at]))
        for hit in self._found(dataset, pieces):
            matches[FINDING] += 1
            rule = finding_rule(hit[2].document)
            if self._rating.suppressed(rule, origin, hit[2], now_ms) is not None:
                looked.suppressed[FINDING] += 1
            else:
                self._alone(folds, hit, rule, origin, part, now_ms)

    def _alone(
        self, folds: dict[tuple[object, ...], _Fold], hit: Hit, rule: AlertRule, origin: Origin, part: Part, now_ms: int
    ) -> None:
        """A match that raises an alert by itself: those of one principal, window and severity are one signal."""
        (slice_, carried), (name, at, seen) = part, hit
        document = seen.document
        if name == FINDING:
            key = finding_key(document)
        else:
            key = grouped_by(document, rule.group_by) if rule.group_by else same_principal(document)
        evidence = Evidence(*place_of(carried.pieces[at]), time_of(seen, slice_.arrival_ms))
        severity = self._rating.severity(rule, origin, seen, now_ms)
        # Across windows nothing is folded: which alert an event belongs to must not depend on its neighbours.
        window = believed_ms(evidence.time_ms, slice_.arrival_ms) // (rule.window_ms or self._window_ms)
        # Who is behind a session may become known later: whoever makes the alert decides it anew.
        said = key if name == FINDING or rule.group_by else ""
        place = (name, severity, key, window)
        fold = folds.get(place)
        if fold is None:
            fold = folds[place] = _Fold(hit, part, slice_.arrival_ms, key=said)
        fold.add(hit, part, evidence)

    def _found(self, dataset: str, pieces: Sequence[str]) -> Iterator[Hit]:
        least = self._findings.get(dataset)
        if least is None:
            return
        for at, piece in enumerate(pieces):
            document = orjson.loads(piece[piece.index("\n") + 1 :])
            if not is_over(document) and SEVERITIES.index(finding_rule(document).level) >= least:
                yield FINDING, at, Seen(document)


def _told(hit: Hit, slice_: Slice, carried: Carried) -> str:
    """The document without ``event.original``: cut out of its text, where that is the raw event and stands there once."""
    _, at, seen = hit
    if text := seen.text:
        original = f',"original":{quote(slice_.events[carried.at[at]])}'
        start = text.find(original[:_HEAD])  # finding all of it takes ten times as long
        end = start + len(original)
        sure = start >= 0 and text.startswith(original, start) and text.find(original[:_HEAD], end) < 0
        if sure and len(text) - len(original) <= _LARGEST:
            return text[:start] + text[end:]
    return _shortened(seen.document)


def _shortened(document: Mapping[str, Any]) -> str:
    event = document.get("event")
    kept = dict(document)
    if isinstance(event, dict):
        kept["event"] = {key: value for key, value in event.items() if key != "original"}
    text = orjson.dumps(kept).decode()
    if len(text) > _LARGEST:
        # What is large is a vendor's object; what an alert shows stands in ECS fields.
        text = orjson.dumps({key: value for key, value in kept.items() if len(orjson.dumps(value)) < _LARGEST // 8}).decode()
    return text
