"""The lookout beside a dataset's pipeline: documents in, signals out; what matches again and again in one batch is one signal."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple, Protocol

import msgspec
import orjson

from service.alerts.channels import SEVERITIES
from service.alerts.findings import finding_key, finding_rule, is_over
from service.alerts.principal import grouped_by, principal_of
from service.alerts.rating import Origin, Rating
from service.alerts.rule import FINDING, AlertRule
from service.alerts.signal import MOST_EVIDENCE, Evidence, Join, Signal
from service.detect.joining import Joined, Joins
from service.event import Slice
from service.pipeline.compiled import Carried
from service.pipeline.watch import Watch
from service.spans import moment_ms

_LARGEST = 64 * 1024
"""Characters of a document that travels with its signal; of a larger one, only what an alert shows."""
_HOUR_MS = 3_600_000
_TOLD = 50_000
"""Pairs of first-seen rules that were signalled already."""


class Hit(NamedTuple):
    """A rule matched a document of the batch."""

    rule: str
    at: int
    document: Mapping[str, Any]


@dataclass(slots=True)
class Looked:
    """What was found in one batch."""

    signals: list[Signal] = field(default_factory=list)
    matches: Counter[str] = field(default_factory=Counter)
    """Rule → how often it matched."""
    suppressed: Counter[str] = field(default_factory=Counter)
    """Rule → how many of its matches nobody wants."""


class Matcher(Protocol):
    """Rules over the documents of a dataset."""

    def matches(self, dataset: str, watch: Watch, carried: Carried) -> Iterable[Hit]:
        """The matches in a batch as a pipeline carried it; ``watch`` is what the pipeline handed out beside documents."""
        ...


class Lookout:
    """Looks at one batch after the other; raises for no document."""

    def __init__(
        self, matcher: Matcher, rules: Mapping[str, AlertRule], joins: Joins, rating: Rating, findings: Mapping[str, str]
    ) -> None:
        """``findings``: dataset → least severity that becomes an alert, or ``off``."""
        self._matcher = matcher
        self._rating = rating
        self._rules = rules
        self._joins = joins
        self._findings = {dataset: SEVERITIES.index(least) for dataset, least in findings.items() if least in SEVERITIES}
        self._told: OrderedDict[tuple[str, ...], None] = OrderedDict()

    def look(self, dataset: str, watch: Watch, slice_: Slice, carried: Carried, now_ms: int) -> Looked:
        """What is found in the documents of a slice."""
        pieces, looked = carried.pieces, Looked()
        found: dict[tuple[object, ...], Signal] = {}
        for hit in chain(self._matcher.matches(dataset, watch, carried), self._found(dataset, pieces)):
            looked.matches[hit.rule] += 1
            rule = finding_rule(hit.document) if hit.rule == FINDING else self._rules.get(hit.rule)
            if rule is None:
                continue
            origin = Origin(slice_.project, slice_.environment, dataset)
            if self._rating.suppressed(rule, origin, hit.document, now_ms) is not None:
                looked.suppressed[hit.rule] += 1
                continue
            severity = self._rating.severity(rule, origin, hit.document, now_ms)
            for signal in self._signals(hit, rule, dataset, slice_, pieces[hit.at]):
                key: tuple[object, ...] = (hit.rule, severity, signal.key, signal.evidence[0].time_ms // _HOUR_MS)
                if signal.joins:
                    key = (hit.rule, hit.at, signal.everywhere)
                earlier = found.get(key)
                found[key] = signal if earlier is None else _together(earlier, signal)
        looked.signals = list(found.values())
        return looked

    def _found(self, dataset: str, pieces: Sequence[str]) -> Iterator[Hit]:
        least = self._findings.get(dataset)
        if least is None:
            return
        for at, piece in enumerate(pieces):
            document = orjson.loads(piece[piece.index("\n") + 1 :])
            if not is_over(document) and SEVERITIES.index(finding_rule(document).level) >= least:
                yield Hit(FINDING, at, document)

    def _signals(self, hit: Hit, rule: AlertRule, dataset: str, slice_: Slice, piece: str) -> Iterator[Signal]:
        """Nothing for what is only counted, or was told before; a second one for correlations across projects."""
        document = hit.document
        action = orjson.loads(piece.partition("\n")[0])["create"]
        index, identity = action["_index"], action["_id"]
        own = not rule.counted_only and hit.rule not in self._joins.silent
        contributions = list(self._joins.of(hit.rule, dataset, document, f"{index}/{identity}"))
        near, far = ([each for each in contributions if each.correlation.across_projects is across] for across in (False, True))
        if not own and not contributions:
            return
        key, who, what = "", "", ""
        if hit.rule == FINDING:
            key = finding_key(document)
        elif rule.first_seen is not None:
            who, what = grouped_by(document, rule.first_seen.who), grouped_by(document, rule.first_seen.what)
            if not who.strip() or not what.strip() or not self._is_news(hit.rule, slice_, who, what):
                return
            key = f"{who}\n{what}"
        else:
            key = grouped_by(document, rule.group_by) if rule.group_by else "\n".join(principal_of(document))
        signal = Signal(
            rule=hit.rule,
            project=slice_.project,
            environment=slice_.environment,
            stream=slice_.stream,
            dataset=dataset,
            arrived_ms=slice_.arrival_ms,
            evidence=[Evidence(index, identity, _time_of(document, slice_.arrival_ms))],
            count=1,
            document=_shortened(document),
            key=key,
            joins=_joins(near),
            own=own,
            who=who,
            what=what,
        )
        if own or near:
            yield signal
        if far:
            yield msgspec.structs.replace(signal, joins=_joins(far), own=False, everywhere=True)

    def _is_news(self, rule: str, slice_: Slice, who: str, what: str) -> bool:
        """Whether this worker did not tell of the pair lately; what it told is durable, or the worker ended."""
        pair = (rule, slice_.project, slice_.environment, who, what)
        if pair in self._told:
            self._told.move_to_end(pair)
            return False
        self._told[pair] = None
        if len(self._told) > _TOLD:
            self._told.popitem(last=False)
        return True


def _joins(contributions: Sequence[Joined]) -> tuple[Join, ...]:
    told = [(each.correlation.about.id, each.group, each.occurrence) for each in contributions]
    return tuple(Join(identity, group, one.time_ms, one.ref, one.value) for identity, group, one in told)


def _time_of(document: Mapping[str, Any], otherwise_ms: int) -> int:
    try:
        return moment_ms(str(document["@timestamp"]))
    except (KeyError, ValueError):
        return otherwise_ms


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


def _together(one: Signal, other: Signal) -> Signal:
    evidence = [*one.evidence, *other.evidence]
    if len(evidence) > MOST_EVIDENCE:
        evidence = [*evidence[: MOST_EVIDENCE - 1], evidence[-1]]
    return msgspec.structs.replace(one, evidence=evidence, count=one.count + other.count)
