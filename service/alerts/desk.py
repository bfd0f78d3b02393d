"""The desk where signals of one partition arrive: who is behind them, how severe they are, which alert they belong to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import msgspec
import orjson

from service.alerts.correlated import Happening
from service.alerts.findings import finding_rule
from service.alerts.occurrence import Occurrence, occurrence_of
from service.alerts.queue import Open, Queue
from service.alerts.rating import Origin, Rating
from service.alerts.rule import FINDING, AlertRule
from service.alerts.signal import Signal
from service.detect.seen import Seen
from service.enrich.identities import Identities
from service.spans import moment


class Correlations(Protocol):
    """Correlation rules with their state; a function of the signals they were given."""

    def feed(self, signal: Signal) -> list[Happening]:
        """Take a signal in; what fires because of it."""
        ...


Documents = Mapping[str, Mapping[str, Any]]
"""``index/_id`` → document."""
NONE: Documents = {}


@dataclass(frozen=True, slots=True)
class Heard:
    """A signal that was taken in, and what happened with it."""

    signal: Signal
    document: Mapping[str, Any] | None
    """The one that came with the signal."""
    happened: Sequence[Happening]

    @property
    def wanted(self) -> list[str]:
        """Events, as ``index/_id``, whose documents say more of what happened."""
        return [] if self.document is not None else list(dict.fromkeys(each.ref for each in self.happened))


@dataclass(frozen=True, slots=True)
class Rules:
    """What a desk works by; replaced as a whole when the configuration changes."""

    by_id: Mapping[str, AlertRule]
    rating: Rating
    window_ms: int
    most_alerts: int


@dataclass(slots=True)
class Result:
    """What one signal led to."""

    alerts: list[Open] = field(default_factory=list)
    suppressed: list[AlertRule] = field(default_factory=list)
    """Correlations that fired and that nobody wants to hear of."""


class Desk:
    """Everything that is known of one partition of the topic ``signals``."""

    def __init__(self, rules: Callable[[], Rules], correlations: Correlations, identities: Identities | None = None) -> None:
        """``rules`` is asked for each signal; ``correlations`` belong to this desk alone; ``identities`` are everybody's."""
        self._rules = rules
        self._correlations = correlations
        self._identities = identities
        self.queue = Queue(rules().most_alerts)

    def hear(self, signal: Signal) -> Heard:
        """Take a signal in: whoever hears the same in the same order knows the same."""
        document: Any = None
        if signal.document:
            try:
                document = orjson.loads(signal.document)
            except orjson.JSONDecodeError:
                return Heard(signal, None, ())
            if not isinstance(document, dict):
                return Heard(signal, None, ())
        if not signal.is_sound:
            return Heard(signal, None, ())
        happened = self._correlations.feed(signal)
        # What is open holds on to its signal: not to all that was counted with it.
        return Heard(msgspec.structs.replace(signal, counted=(), indices=(), joins=()), document, happened)

    def occurrences(self, heard: Heard, documents: Documents = NONE) -> Iterable[Occurrence]:
        """What the signal says by itself and with others; nothing when its rule is not there any more.

        ``documents`` are those that were ``wanted``; of an event that is not there any more, the alert says less.
        """
        rules, signal = self._rules(), heard.signal
        document = None if heard.document is None else self._identified(signal, heard.document)
        if document is not None and signal.own:
            rule = finding_rule(document) if signal.rule == FINDING else rules.by_id.get(signal.rule)
            if rule is not None and not rule.counted_only:
                yield occurrence_of(rule, signal, document, rules.window_ms)
        for each in heard.happened:
            known = document
            if known is None:
                read = documents.get(each.ref)
                known = _outline(signal, each) if read is None else self._identified(signal, read)
            yield each.occurrence(signal, known)

    def renew(self) -> tuple[list[Open], list[tuple[Open, str]]]:
        """More is known of sessions: the alerts that changed, and those that went into another, with its id."""
        return self.queue.renew(self._again)

    def _again(self, found: Occurrence) -> Occurrence:
        document = self._identified(found.signal, found.document)
        if document is found.document:
            return found
        if not found.alone:
            return replace(found, document=document)
        now = occurrence_of(found.rule, found.signal, document, self._rules().window_ms)
        # Its window stays: it may be another's by now, if the configuration changed.
        return now if now.from_ms == found.from_ms else found

    def _identified(self, signal: Signal, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """The document with whoever is known by now to be behind its session; itself where that is no news."""
        said = document.get("identity")
        if self._identities is None or not isinstance(said, dict):
            return document
        own = said.get("chain")
        if not isinstance(own, list) or not own or not all(isinstance(each, str) for each in own):
            return document
        session = said.get("session")
        view = self._identities.of(signal.project, signal.environment)
        chain = view.chain(session if isinstance(session, str) else None, own)
        return document if chain == own else {**document, "identity": {**said, "chain": chain}}

    def take(self, found: Occurrence, now_ms: int, result: Result) -> None:
        """Put an occurrence into its alert, unless nobody wants it."""
        rating, signal = self._rules().rating, found.signal
        seen = Seen(found.document)
        origin = Origin(signal.project, signal.environment, signal.dataset)
        if found.rule.id != signal.rule and rating.suppressed(found.rule, origin, seen, now_ms) is not None:
            # A correlation; what is suppressed of single events never came here.
            result.suppressed.append(found.rule)
            return
        severity = rating.severity(found.rule, origin, seen, now_ms)
        alert = self.queue.take(found, severity, now_ms)
        if alert is not None and alert not in result.alerts:
            result.alerts.append(alert)


def _outline(signal: Signal, happened: Happening) -> dict[str, Any]:
    """What is known of an event without its document."""
    return {
        "@timestamp": moment(happened.events[-1][1]),
        "event": {"dataset": signal.dataset},
        "project": {"id": signal.project, "environment": signal.environment},
    }
