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
from service.alerts.rule import FINDING, AlertRule, FirstSeen
from service.alerts.signal import News, Signal
from service.detect.seen import Seen
from service.enrich.identities import Identities
from service.spans import moment


class Correlations(Protocol):
    """Correlation rules with their state; a function of the signals they were given."""

    def feed(self, signal: Signal) -> list[Happening]:
        """Take a signal in; what fires because of it."""
        ...

    def feed_news(self, signal: Signal, documents: Documents) -> list[Happening]:
        """Take in what was new in a signal of a first-seen rule."""
        ...

    def counts(self, rule: str) -> bool:
        """Whether one of them is fed by the rule."""
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
    news: Sequence[News] = ()
    """What was new, of a first-seen rule."""

    @property
    def wanted(self) -> list[str]:
        """Events, as ``index/_id``, whose documents say more of what happened."""
        if self.document is not None:
            return []
        return list(dict.fromkeys([*(each.ref for each in self.news), *(each.ref for each in self.happened)]))


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

    def first_seen(self, signal: Signal) -> FirstSeen | None:
        """What the signal's rule wants to be new; None for rules that want nothing of the kind."""
        rule = self._rules().by_id.get(signal.rule)
        return None if rule is None else rule.first_seen

    def matters_later(self, signal: Signal) -> bool:
        """Whether later signals are understood by it: what is new raises its alert, and comes into nothing but correlations."""
        return self.first_seen(signal) is None or self._correlations.counts(signal.rule)

    def hear_news(self, signal: Signal, news: Sequence[News], documents: Documents) -> Heard:
        """As ``hear``, of a first-seen rule's signal: ``news`` is what was new of it, with the documents of that."""
        new = {each.ref: documents[each.ref] for each in news if each.ref in documents}
        happened = self._correlations.feed_news(signal, new)
        return Heard(msgspec.structs.replace(signal, news=()), None, happened, news)

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
        mine = rules.by_id.get(signal.rule)
        if mine is not None and signal.own and not mine.counted_only:
            for news in heard.news:
                read = documents.get(news.ref)
                told = _outline(signal, news.evidence.time_ms) if read is None else self._identified(signal, read)
                one = msgspec.structs.replace(signal, evidence=[news.evidence], count=1, key=f"{news.who}\n{news.what}")
                yield occurrence_of(mine, one, told, rules.window_ms)
        for each in heard.happened:
            known = document
            if known is None:
                read = documents.get(each.ref)
                known = _outline(signal, each.events[-1][1]) if read is None else self._identified(signal, read)
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


def _outline(signal: Signal, time_ms: int) -> dict[str, Any]:
    """What is known of an event without its document."""
    return {
        "@timestamp": moment(time_ms),
        "event": {"dataset": signal.dataset},
        "project": {"id": signal.project, "environment": signal.environment},
    }
