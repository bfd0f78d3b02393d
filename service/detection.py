"""Puts detection together: a lookout beside every dataset's pipeline, alerts out of its signals, notices out of the alerts."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import structlog
from opensearchpy import AsyncOpenSearch

from service.agents.app import Agent, SiemApp, attach
from service.agents.gate import Gate
from service.agents.notice_agent import NoticeAgent
from service.agents.publisher import Publisher
from service.agents.rereading import Rereading
from service.agents.sessions import Sessions
from service.agents.signal_agent import SignalAgent
from service.agents.signalling import Signalling
from service.agents.tasks import Tasks
from service.agents.topics import TopicNames
from service.alerts.correlated import Correlated
from service.alerts.desk import Desk, Rules
from service.alerts.lookout import Hit, Lookout
from service.alerts.notice import Notice, encode_notice
from service.alerts.occurrence import LATE_MS
from service.alerts.rating import Rating
from service.alerts.rule import FINDINGS, AlertRule
from service.alerts.tuning import AlertRules, load_alert_rules
from service.alerts.written import alert_rules
from service.clock import Clock
from service.content import find_content
from service.detect.correlation import Correlator
from service.detect.detector import Detector
from service.detect.ruleset import RuleSet, load_rules
from service.errors import ContentError, ContentErrors
from service.notify.quota import Quota
from service.pipeline.compiled import Carried
from service.pipeline.load import LoadedPipeline
from service.pipeline.watch import Watch
from service.settings import Settings
from service.sink.alert_store import AlertStore
from service.sink.baselines import Baselines, baseline_index
from service.sink.dead_letter import DeadLetters
from service.sink.opensearch.indices import IndexKeeper
from service.sink.opensearch.retry import Backoff
from service.spans import duration_ms
from service.telemetry import events
from service.telemetry.meters import Meters

log = structlog.get_logger()

SIGNAL_BYTES = 8 * 1024 * 1024
NOTICE_BYTES = 4 * 1024 * 1024


@dataclass(slots=True)
class Detections:
    """Everything of detection that comes from files; replaced as a whole when one of them changes."""

    rules: RuleSet = field(default_factory=RuleSet)
    alerts: AlertRules = field(default_factory=AlertRules)
    by_id: Mapping[str, AlertRule] = field(default_factory=dict)
    detector: Detector = field(default_factory=lambda: Detector(RuleSet()))
    lookout: Lookout | None = None
    """None: nothing is looked for."""
    desk: Rules = field(default_factory=lambda: Rules({}, Rating(AlertRules()), 3_600_000, 1))
    horizon_ms: int = 0
    """How far back signals matter to what is open."""


class Matching:
    """The detector over documents that are JSON."""

    def __init__(self, detector: Detector) -> None:
        """Ask ``detector``."""
        self._detector = detector

    def matches(self, dataset: str, watch: Watch, carried: Carried) -> list[Hit]:
        """The matches of a batch."""
        found = self._detector.look(dataset, watch, carried.watched, carried.pieces)
        return [(rule.about.id, at, seen) for rule, at, seen in found]


def load_detections(settings: Settings, loaded: Mapping[str, LoadedPipeline]) -> Detections:
    """Rules and ``alerts.yml``; raises ContentErrors for what is wrong in either, with every place.

    Rules that are well written and cannot be run here are no fault: they are logged, each with its reason; and so are
    faults in the operator's further folders.
    """
    if not settings.detect.enabled:
        return Detections()
    ours = settings.paths.detections if settings.paths.detections.is_dir() else find_content().detections
    rules = load_rules([ours, *settings.detect.rules], {name: each.catalogue for name, each in loaded.items()}, partial=True)
    faults = list(rules.faults)
    by_id = {FINDINGS.id: FINDINGS, **alert_rules(rules, faults)}
    alerts = AlertRules()
    if settings.detect.alerts is not None:
        names = [name for rule in by_id.values() for name in (rule.id, rule.title)]
        try:
            alerts = load_alert_rules(settings.detect.alerts, names).value
        except ContentErrors as errors:
            faults += errors.faults
    _heed(faults, settings)
    for unusable in rules.unusable:
        log.info(events.RULE_UNUSABLE, rule=unusable.about.title, code=unusable.code, reason=unusable.reason)
    window_ms, rating = duration_ms(alerts.window), Rating(alerts)
    spans = [window_ms, *(rule.window_ms or 0 for rule in by_id.values())]
    spans += [Correlator(one).horizon_ms for one in rules.joins.correlations.values()]
    detector = Detector(rules)
    return Detections(
        rules=rules,
        detector=detector,
        alerts=alerts,
        by_id=by_id,
        lookout=Lookout(Matching(detector), by_id, rules.joins, rating, alerts.findings, window_ms),
        desk=Rules(by_id, rating, window_ms, alerts.storm.alerts),
        horizon_ms=max(spans) + LATE_MS,
    )


def _heed(faults: list[ContentError], settings: Settings) -> None:
    """Refuse what is wrong in our own files; one bad rule among thousands of others' is said, and the others are run."""
    others = tuple(str(root) for root in settings.detect.rules)
    ours = [fault for fault in faults if not others or not fault.place.file.startswith(others)]
    if ours:
        raise ContentErrors("the detections are not valid", ours)
    for fault in faults:
        log.error(events.CONFIGURATION_REFUSED, fault=str(fault))


def signalling(
    stack: AsyncExitStack,
    app: SiemApp,
    names: TopicNames,
    current: Callable[[], Detections],
    meters: Meters,
    clock: Clock,
    rng: random.Random,
) -> Signalling:
    """The way of signals out of every dataset's agent; ends with ``stack``."""
    publisher = Publisher(app, SIGNAL_BYTES, clock, rng)
    stack.push_async_callback(publisher.close)
    return Signalling(lambda: current().lookout, publisher, names.signals, meters, clock)


def notices(
    stack: AsyncExitStack, app: SiemApp, names: TopicNames, clock: Clock, rng: random.Random
) -> Callable[[Notice], Awaitable[None]]:
    """The way of new alerts to those who want to be told, whoever raises them; ends with ``stack``."""
    publisher = Publisher(app, NOTICE_BYTES, clock, rng)
    stack.push_async_callback(publisher.close)

    async def notify(notice: Notice) -> None:
        await publisher.produce(names.notices, notice.id.encode(), encode_notice(notice))

    return notify


def attach_alerts(
    stack: AsyncExitStack,
    app: SiemApp,
    settings: Settings,
    names: TopicNames,
    client: AsyncOpenSearch,
    indices: IndexKeeper,
    letters: DeadLetters,
    current: Callable[[], Detections],
    sessions: Sessions,
    notify: Callable[[Notice], Awaitable[None]],
    meters: Meters,
    clock: Clock,
    tasks: Tasks,
    rng: random.Random,
) -> SignalAgent:
    """Add the agents of signals and notices to an app that is not started."""
    store, backoff = AlertStore(client, indices), Backoff(cap=30.0, rng=rng)

    identities = sessions.identities

    def desk() -> Desk:
        now = current()
        return Desk(lambda: current().desk, Correlated(now.rules.joins, now.by_id), identities)

    agent = SignalAgent(
        desk,
        lambda: current().horizon_ms,
        store,
        Rereading(settings.kafka, clock),
        Baselines(client, indices, baseline_index(settings.kafka)),
        notify,
        meters,
        clock,
        tasks,
        backoff,
        settings.opensearch.dashboards_url,
    )
    sessions.listen(agent.learnt)
    stack.push_async_callback(agent.close)
    attach(app, Agent(names.signals, agent.handle, Gate(SIGNAL_BYTES)))
    quota = Quota(current().alerts.storm.notices)
    teller = NoticeAgent(lambda: current().alerts.channels, quota, store, letters, meters, clock, tasks, backoff)
    attach(app, Agent(names.notices, teller.handle, Gate(NOTICE_BYTES)))
    return agent
