"""The judge of silence: from everybody's beats, what is heard of each source, and the alert when one stops.

It is moved by beats alone. A gap in their offsets means that another worker judged in between: everything is read afresh.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterable

import structlog

from service.agents.alarms import Alarms
from service.agents.lag import KafkaAwayError, PartitionLag
from service.alerts.notice import Notice
from service.clock import Clock
from service.errors import Backpressure
from service.silence.arrivals import Heard
from service.silence.causes import Causes
from service.silence.judgement import Through, Verdict, judge
from service.silence.passage import Passage, Position, Reading
from service.silence.rhythm import HOUR_MS, Habit, Rhythm, habit
from service.silence.rules import SilenceRules
from service.silence.source import ALL, Source, Watched
from service.sink.cadence import CadenceStore
from service.telemetry import events, metrics
from service.telemetry.meters import Meters
from service.telemetry.report import WatchLine

log = structlog.get_logger()

JUDGE_MS = 30_000
SAVE_MS = 60_000
RETIRED_MS = 120_000
"""Without a beat for so long, somebody else judges."""
HABIT_MS = 6 * HOUR_MS
"""How old what was read off a rhythm may be while its source speaks."""
STREAM = 2
"""So many datasets on a stream, and it is judged as a whole as well."""


class Judge:
    """Judges all sources of the deployment, in whichever worker the beats arrive."""

    def __init__(
        self,
        store: CadenceStore,
        look: Callable[[], Awaitable[list[PartitionLag]]],
        passage: Callable[[], Passage],
        rules: Callable[[], SilenceRules],
        causes: Causes,
        notify: Callable[[Notice], Awaitable[None]] | None,
        meters: Meters,
        clock: Clock,
    ) -> None:
        """Keep rhythms in ``store``; ``look`` asks the brokers how far the group is, ``passage`` begins to follow that.

        ``notify`` brings an alert to those who want to be told; without it, it is only stored.
        """
        self._store = store
        self._look = look
        self._new_passage = passage
        self._rules = rules
        self._alarms = Alarms(store, causes, self._save, notify)
        self._meters = meters
        self._clock = clock
        self._next: tuple[int, int] | None = None
        self._forget()
        self._heard_ms = -RETIRED_MS
        self._judged_ms = -JUDGE_MS
        self._complained = False

    def _forget(self) -> None:
        self._sources: dict[Source, Watched] | None = None
        self._pending: dict[Source, Rhythm] = {}
        self._habits: dict[Source, tuple[int, int, int, Habit]] = {}
        self._passage = self._new_passage()
        self._saved_ms = 0

    def follow(self, partition: int, offset: int) -> None:
        """Note where beats are; where they skip, another worker had them."""
        now_ms = self._clock.now_ms()
        if self._next != (partition, offset) or now_ms - self._heard_ms > RETIRED_MS:
            self._forget()
        self._next = (partition, offset + 1)
        self._heard_ms = now_ms

    def read(self, worker: str, at_ms: int, stream: tuple[str, str, str], reading: tuple[int, int, int, str]) -> None:
        """Take a collector's word for how far a stream is read."""
        self._passage.read(worker, at_ms, stream, Reading(*reading))

    def hear(self, heard: Heard) -> None:
        """Take a worker's word for what arrived."""
        for source in (Source(*heard.source), Source(*heard.source)._replace(dataset=ALL)):
            rhythm = self._pending.get(source)
            if rhythm is None:
                rhythm = self._pending[source] = Rhythm.began(heard.last_ms)
            rhythm.hear(heard.buckets, heard.last_ms)

    def due(self) -> bool:
        """Whether it is time to judge again."""
        return self._clock.now_ms() - self._judged_ms >= JUDGE_MS

    def lines(self) -> list[WatchLine]:
        """Every source, for the status page; empty in a worker that does not judge."""
        if self._sources is None or self._clock.now_ms() - self._heard_ms > RETIRED_MS:
            return []
        return [
            WatchLine(
                *one.source,
                one.state,
                one.rhythm.last_ms,
                None if one.patience_ms is None else one.patience_ms / 1000,
                one.reason,
            )
            for _, one in sorted(self._sources.items())
            if one.judged_ms
        ]

    def measure(self) -> None:
        """Set the gauges; a worker that no longer judges says nothing."""
        for metric in (metrics.SOURCE_QUIET, metrics.SOURCE_PATIENCE, metrics.SOURCE_SILENT, metrics.SOURCE_UNKNOWN):
            self._meters.clear(metric)
        now_ms = self._clock.now_ms()
        for line in self.lines():
            labels = (line.project, line.environment, line.stream, line.dataset)
            self._meters.set(metrics.SOURCE_QUIET, max(0, now_ms - line.last_ms) / 1000, labels)
            self._meters.set(metrics.SOURCE_SILENT, float(line.state == "silent"), labels)
            self._meters.set(metrics.SOURCE_UNKNOWN, float(line.state == "unknown"), labels)
            if line.patience_seconds is not None:
                self._meters.set(metrics.SOURCE_PATIENCE, line.patience_seconds, labels)

    async def judge(self) -> None:
        """Judge every source once; whatever fails, events flow on and it is tried again."""
        self._judged_ms = self._clock.now_ms()
        try:
            await self._judge_all()
        except Backpressure as busy:
            if not self._complained:
                log.warning(events.SILENCE_UNJUDGED, reason=busy.reason)
            self._complained = True
        except Exception:
            log.exception(events.SILENCE_FAILED)
        else:
            self._complained = False

    async def _judge_all(self) -> None:
        now_ms, rules = self._clock.now_ms(), self._rules()
        sources = await self._known(now_ms)
        away = await self._follow_topics(now_ms)
        changed: list[Watched] = []
        for _, found in itertools.groupby(sorted(sources), key=lambda source: source[:3]):
            changed += await self._judge_stream([sources[source] for source in found], rules, away, now_ms)
        if now_ms - self._saved_ms >= SAVE_MS:
            self._saved_ms = now_ms
            changed = list(sources.values())
        await self._save(changed)

    async def _known(self, now_ms: int) -> dict[Source, Watched]:
        """Every source, with what was heard of it lately; a new one with what the index knows of it."""
        if self._sources is None:
            self._sources = {watched.source: watched for watched in await self._store.load()}
        while self._pending:
            source, rhythm = next(iter(self._pending.items()))
            watched = self._sources.get(source)
            if watched is None:
                watched = self._sources[source] = Watched(source, rhythm)
                if not source.is_stream:
                    earlier = await self._store.history(source, [source.dataset], now_ms)
                    rhythm.hear(earlier, rhythm.last_ms)
                    stream = whole(source)
                    self._sources.setdefault(stream, Watched(stream, Rhythm.began(rhythm.last_ms))).rhythm.merge(rhythm)
            watched.rhythm.merge(rhythm)
            # Only now: what was heard must survive an OpenSearch that does not answer.
            if self._pending.get(source) is rhythm:
                del self._pending[source]
        return self._sources

    async def _follow_topics(self, now_ms: int) -> str:
        try:
            positions = await self._look()
        except KafkaAwayError:
            return "Kafka does not answer"
        self._passage.look(now_ms, [Position(p.topic, p.partition, max(p.committed or 0, p.beginning), p.end) for p in positions])
        return ""

    async def _judge_stream(self, found: list[Watched], rules: SilenceRules, away: str, now_ms: int) -> list[Watched]:
        """Judge the datasets of one stream, the stream itself first; return what changed."""
        datasets = [one.source.dataset for one in found if not one.source.is_stream]
        changed, covered = [], False
        for watched in found:  # sorted: "*" comes first
            if watched.source.is_stream and len(datasets) < STREAM:
                continue
            before = (watched.state, watched.alert)
            mine = datasets if watched.source.is_stream else [watched.source.dataset]
            verdict = await self._verdict(watched, mine, rules, away, now_ms)
            severity = rules.of(watched.source).severity
            await self._alarms.heed(watched, verdict, mine, severity, now_ms, covered=covered)
            covered = covered or (watched.source.is_stream and watched.state == "silent")
            if before != (watched.state, watched.alert):
                changed.append(watched)
        return changed

    async def _verdict(self, watched: Watched, datasets: list[str], rules: SilenceRules, away: str, now_ms: int) -> Verdict:
        source = watched.source
        limits, mute = rules.of(source), rules.mute(source, now_ms)
        through = self._through(source, datasets, away, now_ms)
        verdict = judge(watched, await self._habit(watched, limits.after_ms, now_ms), limits, mute, through, now_ms)
        if verdict.state in ("silent", "muted") and watched.alert is None:
            # Counted are beats; the documents have the last word.
            newest = await self._store.newest(source, datasets, watched.rhythm.last_ms)
            if newest is not None and watched.rhythm.last_ms < newest <= now_ms:
                watched.rhythm.hear([], newest)
                verdict = judge(watched, await self._habit(watched, limits.after_ms, now_ms), limits, mute, through, now_ms)
        return verdict

    def _through(self, source: Source, datasets: list[str], away: str, now_ms: int) -> Through:
        collected = self._passage.collected(source[:3], now_ms)
        if isinstance(collected, str):
            return Through(None, collected)
        processed = self._passage.processed(datasets)
        if processed is None:
            return Through(None, away or "the topics are not read to their end yet")
        return Through(min(collected, processed), away or ("reading lags" if collected < processed else "processing lags"))

    async def _habit(self, watched: Watched, after_ms: int, now_ms: int) -> Habit:
        """What the rhythm says: read off it anew only when that may matter, for it takes a while."""
        rhythm, held = watched.rhythm, self._habits.get(watched.source)
        if held is not None:
            head, after, at_ms, learnt = held
            speaks = now_ms - rhythm.last_ms <= after_ms and now_ms - at_ms < HABIT_MS
            if after == after_ms and (head == rhythm.head or speaks):
                return learnt
        await self._clock.sleep(0)
        learnt = habit(rhythm, after_ms)
        self._habits[watched.source] = (rhythm.head, after_ms, now_ms, learnt)
        return learnt

    async def _save(self, sources: Iterable[Watched]) -> None:
        for theirs in await self._store.save(list(sources)):
            # Another worker judged in between: what it decided holds, what we heard is added.
            mine = (self._sources or {}).get(theirs.source)
            if mine is not None:
                mine.rhythm.merge(theirs.rhythm)
                mine.alert, mine.version = theirs.alert, theirs.version


def whole(source: Source) -> Source:
    """The stream that the source is on."""
    return source._replace(dataset=ALL)
