"""What a deployment would tell of log files: their matches as alerts, correlated, merged and rated as in the stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import orjson

from service.alerts.correlated import Correlated
from service.alerts.desk import Desk, Result, Rules
from service.alerts.lookout import Hit, Lookout
from service.alerts.queue import Open
from service.alerts.rating import PRODUCTION, Rating
from service.alerts.rule import FINDINGS
from service.alerts.tuning import AlertRules
from service.alerts.written import alert_rules
from service.detect.detector import Detector
from service.detect.joining import milliseconds
from service.detect.ruleset import RuleSet
from service.errors import ContentError, ContentErrors
from service.offline.play import Dead, Played, Player
from service.pipeline.compiled import Carried
from service.pipeline.watch import NOTHING, Watch
from service.samples import Facts
from service.spans import duration_ms

PROJECT = "local"
_DAY_MS = 86_400_000


@dataclass(slots=True)
class Shift:
    """What somebody at the desk would have seen."""

    events: int = 0
    dead: int = 0
    first_ms: int = 0
    """Time of the earliest event; 0 without any."""
    last_ms: int = 0
    alerts: list[Open] = field(default_factory=list)
    """In the order they would have been raised in. Of first-seen rules: as if everybody had been learnt about by then."""

    dates: set[int] = field(default_factory=set)
    """Days (of the epoch, UTC) on which something happened: one odd clock does not make a day of ten years."""

    @property
    def days(self) -> float:
        """How long it was: the days on which something happened, or a part of one."""
        return min((self.last_ms - self.first_ms) / _DAY_MS, float(len(self.dates)))


class _Matching:
    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def matches(self, dataset: str, watch: Watch, carried: Carried) -> list[Hit]:
        found = self._detector.look(dataset, watch, carried.watched, carried.pieces)
        return [(rule.id, at, seen) for rule, at, seen in found]


class Alarm:
    """Rules and ``alerts.yml``, ready to be tried on files; what one trial saw, the next does not know."""

    def __init__(self, player: Player, rules: RuleSet, tuning: AlertRules, environment: str = PRODUCTION) -> None:
        """Raises ContentErrors for rules that say of their alerts what cannot be understood."""
        self._player = player
        self._rules = rules
        self._tuning = tuning
        self.facts = Facts(project=PROJECT, environment=environment)
        """As whose events files are played."""
        faults: list[ContentError] = []
        self._by_id = {FINDINGS.id: FINDINGS, **alert_rules(rules, faults)}
        if faults:
            raise ContentErrors("the detections are not valid", faults)
        self._detector = Detector(rules)

    def watch(self, inputs: Iterable[tuple[bytes, str | None]]) -> Shift:
        """The alerts of these inputs, looked at together; each with its dataset, or None to let content decide."""
        shift, rating, window_ms = Shift(), Rating(self._tuning), duration_ms(self._tuning.window)
        lookout = Lookout(_Matching(self._detector), self._by_id, self._rules.joins, rating, self._tuning.findings, window_ms)
        desk = self._desk(rating, window_ms)
        alerts: dict[str, Open] = {}
        for data, dataset in inputs:
            for played in self._player.play(data, dataset, self.facts):
                if isinstance(played, Dead):
                    shift.dead += 1
                    continue
                shift.dead += len(played.dead)
                shift.events += len(played.documents)
                for alert in _alerts(played, lookout, desk, shift):
                    alerts[alert.id] = alert
        shift.alerts = sorted(alerts.values(), key=lambda alert: (alert.first.from_ms, alert.first.title, alert.id))
        return shift

    def _desk(self, rating: Rating, window_ms: int) -> Desk:
        most = self._tuning.storm.alerts
        return Desk(
            lambda: Rules(self._by_id, rating, window_ms, most),
            Correlated(self._rules.joins, self._by_id),
            self._player.enrichers.identities,
        )


def _alerts(played: Played, lookout: Lookout, desk: Desk, shift: Shift) -> list[Open]:
    if not played.documents:
        return []
    carried, times, written = Carried(), list[int](), dict[str, str]()
    for at, each in enumerate(played.documents):
        action = orjson.dumps({"create": {"_index": each.index, "_id": each.id}}).decode()
        carried.pieces.append(f"{action}\n{each.source}\n")
        carried.at.append(at)
        written[f"{each.index}/{each.id}"] = each.source
        times += [ms for ms in [milliseconds(orjson.loads(each.source).get("@timestamp"))] if ms is not None]
    first_ms, last_ms = min(times, default=0), max(times, default=0)
    shift.first_ms = min(first_ms, shift.first_ms or first_ms)
    shift.last_ms = max(last_ms, shift.last_ms)
    shift.dates.update(ms // _DAY_MS for ms in times)
    result = Result()
    # As if it had been read when it happened: nothing is late, and no time is beyond belief.
    slice_ = msgspec.structs.replace(played.slice, arrival_ms=last_ms)
    for signal in lookout.look(played.dataset, NOTHING, [(slice_, carried)], last_ms).signals:
        # Nothing was seen before these files: every pair that they have is new.
        new = {each.ref: orjson.loads(written[each.ref]) for each in signal.news}
        heard = desk.hear_news(signal, signal.news, new) if signal.news else desk.hear(signal)
        documents = {ref: orjson.loads(written[ref]) for ref in heard.wanted}
        for found in desk.occurrences(heard, documents):
            desk.take(found, last_ms, result)
    return result.alerts


def files_below(paths: Iterable[Path], datasets: Iterable[str]) -> Iterator[tuple[Path, str | None]]:
    """The files of these folders and files; a folder that is called like a dataset says what is in it."""
    names = frozenset(datasets)
    for path in paths:
        found = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        for file in found:
            yield file, next((part for part in reversed(file.parts[:-1]) if part in names), None)
